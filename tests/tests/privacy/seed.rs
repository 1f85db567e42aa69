//! A person whose every text says who they are, in every place where the program keeps one.

use anyhow::Result;
use balcao_agent::replay::{Summary, replay};
use balcao_domain::clock::Clock;
use balcao_tenant::Tenant;
use balcao_testkit::database::TestDatabase;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// In every text about the person, and in no other.
pub const WORD: &str = "zykrapt";
/// Their first name.
pub const NAME: &str = "Zulmirinha";
/// The last digits of their number.
pub const DIGITS: &str = "87650123";
/// As WhatsApp writes the number, without the ninth digit.
const JID: &str = "551187650123@s.whatsapp.net";

/// The person and what is theirs.
pub struct Seeded {
    pub person: Uuid,
    pub talk: Uuid,
    pub patient: Uuid,
}

/// What the gateway says of a message of theirs, a line of a recording.
pub fn said(id: &str, text: &str) -> String {
    let payload = json!({
        "event": "messages.upsert", "instance": "recepcao", "server_url": "http://127.0.0.1:8080",
        "date_time": "2026-11-18T06:00:00.000Z", "sender": "5521990001111@s.whatsapp.net",
        "data": {
            "key": {"remoteJid": JID, "fromMe": false, "id": id}, "pushName": format!("{NAME} Kzqwx"),
            "status": "DELIVERY_ACK", "message": {"conversation": text}, "messageType": "conversation",
            "messageTimestamp": 1_795_000_000,
        },
    });
    format!("{}\n", json!({"event": "messages.upsert", "payload": payload}))
}

/// What the gateway says of an edit of a message of theirs.
pub fn edited(id: &str) -> String {
    let data = json!({
        "key": {"id": id, "remoteJid": JID}, "type": "MESSAGE_EDIT", "timestampMs": 1_795_000_001_000_i64,
        "editedMessage": {"conversation": format!("{WORD} editada")},
    });
    let payload = json!({"event": "messages.edited", "instance": "recepcao", "data": data});
    format!("{}\n", json!({"event": "messages.edited", "payload": payload}))
}

/// Puts lines of a recording into the clinic.
pub async fn hear(owner: &Tenant, lines: &str) -> Result<Summary> {
    Ok(replay(owner, lines.as_bytes(), Some("recepcao"), &Clock::System, |_| ()).await?)
}

pub async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?;
    Ok(())
}

/// The person writes over WhatsApp; then the counter fills in everything there is to fill in.
pub async fn person(database: &TestDatabase, owner: &Tenant) -> Result<Seeded> {
    let lines: String = (0..30).map(|n| said(&format!("MSG{n}"), &format!("{WORD} mensagem {n}"))).collect();
    let heard = hear(owner, &(lines + &edited("NEVER"))).await?;
    assert_eq!((heard.messages, heard.waiting), (30, 1), "{heard:?}");
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let (person, talk): (Uuid, Uuid) = sqlx::query_as(
        "select contact_id, id from app.conversations where clinic_id = $1 and last_message_preview like '%zykrapt%'",
    )
    .bind(database.clinic_id())
    .fetch_one(&mut administrator)
    .await?;
    let (patient, clinic) = (Uuid::new_v4(), database.clinic_id());
    let fill = format!(
        "set session_replication_role = default;
         update app.contacts set name = '{NAME} Kzqwx', email = '{WORD}@exemplo.br', tags = '[\"{WORD}\"]', source = '{WORD}',
            custom_fields = '{{\"{WORD}\": \"{WORD}\"}}', notes = '{WORD} nota' where id = '{person}';
         insert into app.patients (clinic_id, id, contact_id, name, birth_date, medical_notes, species, breed)
            values ('{clinic}', '{patient}', '{person}', '{NAME} filha', '2011-02-03', '{WORD} alergia', '{WORD}', '{WORD}');
         insert into app.professionals (clinic_id, name) select '{clinic}', 'Dra. Seeded'
            where not exists (select from app.professionals where clinic_id = '{clinic}');
         insert into app.appointment_series (clinic_id, rule, time_zone, notes)
            values ('{clinic}', 'FREQ=WEEKLY', 'America/Sao_Paulo', '{WORD} serie');
         insert into app.appointments (clinic_id, patient_id, contact_id, professional_id, series_id, starts_at, ends_at, status, notes,
                squeezed_in, squeeze_reason, cancel_reason, metadata)
            select '{clinic}', '{patient}', '{person}', (select id from app.professionals where clinic_id = '{clinic}' limit 1),
                (select id from app.appointment_series where notes like '{WORD}%'), now() + d * interval '1 day',
                now() + d * interval '1 day' + interval '30 minutes', case when d < 0 then 'completed' else 'scheduled' end,
                '{WORD} visita', true, '{WORD} dor', '{WORD}', '{{\"x\": \"{WORD}\"}}'
            from unnest(array[-20, -3, 5]) as d;
         insert into app.waitlist_entries (clinic_id, contact_id, patient_id, preferences)
            values ('{clinic}', '{person}', '{patient}', '{{\"quando\": \"{WORD}\"}}');
         insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, kind, body, quoted_preview, attachment,
                reactions)
            select '{clinic}', id, channel_id, 'inbound', 'contact', 'document', '{WORD} anexo', '{WORD} citada',
                '{{\"file_name\": \"{WORD}.pdf\"}}', '[{{\"emoji\": \"x\", \"from_me\": false}}]' from app.conversations where id = '{talk}';
         insert into app.media (clinic_id, message_id, mime_type, file_name)
            select '{clinic}', id, 'application/pdf', '{WORD}.pdf' from app.messages where kind = 'document' and body like '{WORD}%';
         update app.messages set body = '{WORD} outra versão' where id = (
            select id from app.messages where conversation_id = '{talk}' and body like '{WORD} mensagem 3');
         update app.conversations set labels = '[\"{WORD}\"]', metadata = '{{\"x\": \"{WORD}\"}}' where id = '{talk}';
         insert into app.pipelines (clinic_id, id, name) values ('{clinic}', gen_random_uuid(), 'Semente');
         insert into app.pipeline_stages (clinic_id, pipeline_id, name, kind)
            select '{clinic}', id, k, k from app.pipelines, unnest(array['open', 'lost']) k where name = 'Semente' and clinic_id = '{clinic}';
         insert into app.loss_reasons (clinic_id, name) values ('{clinic}', 'Semente');
         insert into app.leads (clinic_id, contact_id, pipeline_id, stage_id, title, source, answers, metadata, next_action, loss_reason_id,
                loss_note, value_cents)
            select '{clinic}', '{person}', s.pipeline_id, s.id, '{WORD} lead', '{WORD}', '{{\"a\": \"{WORD}\"}}', '{{\"b\": \"{WORD}\"}}', '{WORD}',
                case when s.kind = 'lost' then (select id from app.loss_reasons where name = 'Semente' and clinic_id = '{clinic}') end,
                case when s.kind = 'lost' then '{WORD} caro' end, 5000
            from app.pipeline_stages s join app.pipelines p on p.id = s.pipeline_id where p.name = 'Semente' and p.clinic_id = '{clinic}';
         insert into app.jobs (clinic_id, kind, payload) values ('{clinic}', 'remind', '{{\"to\": \"+55119{DIGITS}\", \"text\": \"{WORD}\"}}')"
    );
    run(&mut administrator, &fill).await?;
    Ok(Seeded { person, talk, patient })
}

/// Whether a text says who they are.
pub fn tells(text: &str) -> bool {
    let text = text.to_lowercase();
    [WORD, DIGITS].iter().any(|word| text.contains(word)) || text.contains(&NAME.to_lowercase())
}

/// Where they are still found in the clinic's database: every column of every table, and what the planner knows of them.
pub async fn traces(administrator: &mut PgConnection) -> Result<Vec<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('app', 'internal', 'public') and c.relkind in ('r', 'm', 'p') order by 1",
    )
    .fetch_all(&mut *administrator)
    .await?;
    assert!(tables.len() > 40, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let rows: Vec<Value> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select to_jsonb(t) from {table} t where t::text ~* '{WORD}|{DIGITS}|{NAME}'"
        )))
        .fetch_all(&mut *administrator)
        .await?;
        for row in rows {
            let columns = row.as_object().into_iter().flatten().filter(|(_, value)| tells(&value.to_string()));
            found.extend(columns.map(|(column, _)| format!("{table}.{column}")));
        }
    }
    let statistics: Vec<String> = sqlx::query_scalar(
        "select tablename || '.' || attname from pg_stats where schemaname in ('app', 'internal')
           and concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text) ~* $1",
    )
    .bind(format!("{WORD}|{DIGITS}|{NAME}"))
    .fetch_all(administrator)
    .await?;
    found.extend(statistics.into_iter().map(|column| format!("statistics of {column}")));
    found.sort();
    found.dedup();
    Ok(found)
}
