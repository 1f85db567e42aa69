//! Who is in the clinic: ids that a history can name, and the rows it begins with.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

/// Rows of one kind that a history begins with.
pub const AT_FIRST: u32 = 5;

/// Beginnings at which a visit can stand.
pub const SLOTS: u32 = 5;

/// Kinds of rows that a history writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Contact,
    Patient,
    Visit,
    Talk,
    Message,
    Lead,
    Reply,
    Hours,
    Room,
    Professional,
    Channel,
}

/// The id of the n-th row of a kind.
pub fn id(kind: Kind, n: u32) -> Uuid {
    Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 | (kind as u128 + 1) << 32 | u128::from(n))
}

/// When the visits of a slot begin: half an hour each.
pub fn slot(noon: DateTime<Utc>, slot: u32) -> DateTime<Utc> {
    noon + TimeDelta::minutes(30 * i64::from(slot % SLOTS))
}

/// An instant as both engines read it.
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// SQL that makes the clinic's first rows, and the book in which the order of all applied operations is kept.
pub fn population(clinic: Uuid, noon: DateTime<Utc>) -> String {
    let mut sql = format!(
        "create schema harness;
         create table harness.applied (serial bigint generated always as identity, operation_id uuid not null);
         create table harness.inserted (entity text not null, id uuid not null);
         create table harness.edited (field text not null, was text, became text);
         create function harness.note_edit() returns trigger language plpgsql security definer as $$
         begin
             insert into harness.edited
             select field, was, became from (values ('name', old.name, new.name), ('email', old.email, new.email))
                 as edit (field, was, became) where was is distinct from became;
             return null;
         end $$;
         create trigger harness_note after update on app.contacts for each row execute function harness.note_edit();
         create function harness.note_operation() returns trigger language plpgsql security definer as $$
         begin insert into harness.applied (operation_id) values (new.operation_id); return null; end $$;
         create function harness.note_message() returns trigger language plpgsql security definer as $$
         begin insert into harness.inserted values (tg_table_name, new.id); return null; end $$;
         create trigger harness_note after insert on app.applied_operations
             for each row execute function harness.note_operation();
         create trigger harness_note after insert on app.messages for each row execute function harness.note_message();
         insert into app.channels (clinic_id, id, name) values ('{clinic}', '{channel}', 'Recepção');
         insert into app.services (clinic_id, name, duration_minutes) values ('{clinic}', 'Consulta', 30);",
        channel = id(Kind::Channel, 0),
    );
    for n in 0..2 {
        let (professional, room) = (id(Kind::Professional, n), id(Kind::Room, n));
        sql += &format!(
            "insert into app.rooms (clinic_id, id, name) values ('{clinic}', '{room}', 'Sala {n}');
             insert into app.professionals (clinic_id, id, name, position)
             values ('{clinic}', '{professional}', 'Dra. {n}', {n});
             insert into app.working_hours (clinic_id, professional_id, weekday, starts_minute, ends_minute)
             select '{clinic}', '{professional}', day, 0, 1440 from generate_series(1, 7) as day;"
        );
    }
    for n in 0..AT_FIRST {
        let (contact, talk) = (id(Kind::Contact, n), id(Kind::Talk, n));
        sql += &format!(
            "insert into app.contacts (clinic_id, id, name, phone)
             values ('{clinic}', '{contact}', 'Pessoa {n}', '+55119000000{n}0');
             insert into app.patients (clinic_id, id, contact_id, name)
             values ('{clinic}', '{patient}', '{contact}', 'Pessoa {n}');
             insert into app.conversations (clinic_id, id, contact_id, channel_id)
             values ('{clinic}', '{talk}', '{contact}', '{channel}');
             insert into app.messages (clinic_id, id, conversation_id, channel_id, direction, sender_kind, body, sent_at)
             values ('{clinic}', '{message}', '{talk}', '{channel}', 'inbound', 'contact', 'Bom dia', now() - interval '1 hour'),
                    ('{clinic}', '{old}', '{talk}', '{channel}', 'inbound', 'contact', 'Há tempos', now() - interval '200 days');
             insert into app.leads (clinic_id, id, contact_id, pipeline_id, stage_id, title, position)
             select '{clinic}', '{lead}', '{contact}', s.pipeline_id, s.id, 'Lead {n}', {n}
             from app.pipeline_stages s where s.clinic_id = '{clinic}' and s.position = {n} % 3;",
            patient = id(Kind::Patient, n),
            channel = id(Kind::Channel, 0),
            message = id(Kind::Message, n),
            old = id(Kind::Message, 100 + n),
            lead = id(Kind::Lead, n),
        );
        let starts_at = if n + 1 == AT_FIRST { noon - TimeDelta::days(202) } else { slot(noon, n) };
        sql += &format!(
            "insert into app.appointments (clinic_id, id, patient_id, contact_id, professional_id, room_id, starts_at, ends_at)
             values ('{clinic}', '{visit}', '{patient}', '{contact}', '{professional}', '{room}', '{from}', '{until}');",
            visit = id(Kind::Visit, n),
            patient = id(Kind::Patient, n),
            professional = id(Kind::Professional, n % 2),
            room = id(Kind::Room, n % 2),
            from = text(starts_at),
            until = text(starts_at + TimeDelta::minutes(30)),
        );
    }
    sql
}
