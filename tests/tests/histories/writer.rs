//! A program beside the desks that writes into the clinic's database: its transactions commit late, out of order, or never.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clinic::{Clinic, run};
use crate::people::{AT_FIRST, Kind, id, slot, text};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// One more is made.
    Insert,
    /// One of its fields, by number, gets another value.
    Change(u8),
    /// It is removed, where nothing points at it.
    Delete,
    /// It is removed and comes again under its id, as after a merge that was undone.
    Replace,
    /// One of the people, whatever kind is meant, is forgotten with everything that is theirs.
    Erase,
}

/// What a transaction ends with after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It stays open.
    Stay,
    /// What it wrote is there from now on.
    Commit,
    /// It wrote nothing.
    RollBack,
}

/// The kinds that are written from outside.
pub const WRITTEN: [Kind; 12] = [
    Kind::Contact,
    Kind::Visit,
    Kind::Talk,
    Kind::Message,
    Kind::Lead,
    Kind::Reply,
    Kind::Hours,
    Kind::Room,
    // What desks write, too, more often.
    Kind::Contact,
    Kind::Contact,
    Kind::Visit,
    Kind::Lead,
];

/// One program with one connection, and the rows that all of them know.
#[derive(Default)]
pub struct Writer {
    connection: Option<PgConnection>,
    is_open: bool,
}

/// Ids by kind, with those that were made meanwhile.
pub struct Known {
    clinic: Uuid,
    noon: DateTime<Utc>,
    made: Vec<(Kind, Uuid)>,
    replaced: Vec<Uuid>,
    serial: u32,
}

impl Known {
    /// A row that a desk has made.
    pub fn add(&mut self, kind: Kind, made: Uuid) {
        self.made.push((kind, made));
    }

    /// Whether a row was removed and made again, without what hung on it.
    pub fn was_replaced(&self, row: Uuid) -> bool {
        self.replaced.contains(&row)
    }

    pub fn of(clinic: &Clinic) -> Self {
        Self { clinic: clinic.id, noon: clinic.noon, made: Vec::new(), replaced: Vec::new(), serial: 1000 }
    }

    /// One of the rows of a kind that there are or were.
    pub fn pick(&self, kind: Kind, which: u8) -> Uuid {
        let made: Vec<Uuid> = self.made.iter().filter(|(made, _)| *made == kind).map(|(_, id)| *id).collect();
        let first = match kind {
            Kind::Reply | Kind::Hours => 0,
            Kind::Room | Kind::Professional => 2,
            _ => AT_FIRST,
        };
        let count = first as usize + made.len();
        match usize::from(which) % count.max(1) {
            index if index < first as usize => id(kind, index as u32),
            index => made.get(index - first as usize).copied().unwrap_or_else(|| id(kind, 0)),
        }
    }

    fn fresh(&mut self, kind: Kind) -> Uuid {
        self.serial += 1;
        let made = id(kind, self.serial);
        self.made.push((kind, made));
        made
    }
}

impl Writer {
    /// Writes one row in the transaction that is open, or in a new one. What the database refuses, or what somebody else
    /// holds a lock on, is not written.
    pub async fn write(
        &mut self,
        clinic: &Clinic,
        known: &mut Known,
        kind: Kind,
        which: u8,
        deed: Deed,
        then: Then,
    ) -> Result<()> {
        let sql = statement(known, kind, which, deed);
        if self.connection.is_none() {
            self.connection = Some(clinic.admin().await?);
        }
        let connection = self.connection.as_mut().context("a connection")?;
        if !self.is_open {
            run(connection, "begin").await?;
            self.is_open = true;
        }
        run(connection, "savepoint before").await?;
        match sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&mut *connection).await {
            Ok(_) => run(connection, "release before").await?,
            Err(sqlx::Error::Database(refusal)) if is_expected(refusal.code().as_deref()) => {
                run(connection, "rollback to before").await?;
            }
            Err(error) => return Err(error).context(sql),
        }
        match then {
            Then::Stay => Ok(()),
            Then::Commit => self.end(true).await,
            Then::RollBack => self.end(false).await,
        }
    }

    /// Ends what is open.
    pub async fn end(&mut self, commit: bool) -> Result<()> {
        if let (true, Some(connection)) = (std::mem::take(&mut self.is_open), &mut self.connection) {
            match sqlx::raw_sql(if commit { "commit" } else { "rollback" }).execute(connection).await {
                // Transactions that notify commit one after another: that is a lock, too, and whoever does not get it in
                // time wrote nothing.
                Err(sqlx::Error::Database(refusal)) if is_expected(refusal.code().as_deref()) => {}
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The server is gone, and what was open with it.
    pub fn lose(&mut self) {
        self.connection = None;
        self.is_open = false;
    }
}

/// A constraint, a lock of somebody else, a row that became another meanwhile, or a person who was erased.
fn is_expected(sqlstate: Option<&str>) -> bool {
    sqlstate.is_some_and(|code| code.starts_with("23") || ["55P03", "40P01", "40001", "BL003"].contains(&code))
}

fn statement(known: &mut Known, kind: Kind, which: u8, deed: Deed) -> String {
    let clinic = known.clinic;
    known.serial += 1;
    let serial = known.serial;
    let table = table(kind);
    match deed {
        Deed::Insert => {
            let made = known.fresh(kind);
            insert(known, kind, made, which)
        }
        Deed::Change(field) => {
            let row = known.pick(kind, which);
            let set = assignment(known, kind, field, which, serial);
            format!("update app.{table} set {set} where clinic_id = '{clinic}' and id = '{row}'")
        }
        Deed::Erase => {
            let person = known.pick(Kind::Contact, which);
            format!("select internal.erase_person('{clinic}', '{person}', 'request', null, now())")
        }
        Deed::Delete | Deed::Replace => {
            let row = known.pick(kind, which);
            let below = match kind {
                Kind::Talk => {
                    format!("delete from app.messages where clinic_id = '{clinic}' and conversation_id = '{row}';")
                }
                _ => String::new(),
            };
            let delete = format!("{below} delete from app.{table} where clinic_id = '{clinic}' and id = '{row}'");
            if deed == Deed::Delete {
                return delete;
            }
            known.replaced.push(row);
            format!("{delete}; {}", insert(known, kind, row, which))
        }
    }
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Contact => "contacts",
        Kind::Patient => "patients",
        Kind::Visit => "appointments",
        Kind::Talk => "conversations",
        Kind::Message => "messages",
        Kind::Lead => "leads",
        Kind::Reply => "quick_replies",
        Kind::Hours => "schedule_exceptions",
        Kind::Room => "rooms",
        Kind::Professional => "professionals",
        Kind::Channel => "channels",
    }
}

fn insert(known: &Known, kind: Kind, row: Uuid, which: u8) -> String {
    let (clinic, serial) = (known.clinic, known.serial);
    let contact = known.pick(Kind::Contact, which);
    let first = id(Kind::Contact, u32::from(which) % AT_FIRST);
    let values = match kind {
        Kind::Contact => format!("(clinic_id, id, name) values ('{clinic}', '{row}', 'Nova pessoa {serial}')"),
        Kind::Visit => {
            let starts_at = slot(known.noon, u32::from(which));
            format!(
                "(clinic_id, id, patient_id, contact_id, professional_id, starts_at, ends_at)
                 values ('{clinic}', '{row}', '{}', '{first}', '{}', '{}', '{}')",
                id(Kind::Patient, u32::from(which) % AT_FIRST),
                id(Kind::Professional, u32::from(which) / 2 % 2),
                text(starts_at),
                text(starts_at + TimeDelta::minutes(30)),
            )
        }
        Kind::Talk => format!(
            "(clinic_id, id, contact_id, channel_id) values ('{clinic}', '{row}', '{contact}', '{}')",
            id(Kind::Channel, 0)
        ),
        Kind::Message => format!(
            "(clinic_id, id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
             values ('{clinic}', '{row}', '{}', '{}', 'inbound', 'contact', 'Mensagem {serial}', 'G{serial}',
                     now() - interval '{} days')",
            known.pick(Kind::Talk, which),
            id(Kind::Channel, 0),
            if which % 7 == 6 { 150 } else { 0 },
        ),
        Kind::Lead => format!(
            "(clinic_id, id, contact_id, pipeline_id, stage_id, title)
             select '{clinic}', '{row}', '{contact}', s.pipeline_id, s.id, 'Novo lead {serial}'
             from app.pipeline_stages s where s.clinic_id = '{clinic}' and s.position = {} limit 1",
            which % 4
        ),
        Kind::Reply => format!(
            "(clinic_id, id, shortcut, title, body) values ('{clinic}', '{row}', 's{serial}', 'Resposta', 'Texto {serial}')"
        ),
        Kind::Hours => format!(
            "(clinic_id, id, kind, starts_at, ends_at, reason)
             values ('{clinic}', '{row}', 'extra_hours', '{}', '{}', 'Mutirão {serial}')",
            text(known.noon),
            text(known.noon + TimeDelta::hours(2)),
        ),
        _ => format!("(clinic_id, id, name) values ('{clinic}', '{row}', 'Sala {serial}')"),
    };
    format!("insert into app.{} {values}", table(kind))
}

fn assignment(known: &Known, kind: Kind, field: u8, which: u8, serial: u32) -> String {
    let choice = |all: &[String]| all[usize::from(field) % all.len()].clone();
    match kind {
        Kind::Contact => choice(&[
            format!("name = 'Nome {serial}'"),
            format!("email = 'p{serial}@exemplo.com.br'"),
            format!("tags = '[\"{serial}\"]'"),
            "status = case status when 'active' then 'archived' else 'active' end".to_owned(),
        ]),
        Kind::Visit => {
            let starts_at = slot(known.noon, u32::from(which / 5));
            choice(&[
                format!("notes = 'Nota {serial}'"),
                format!("starts_at = '{}', ends_at = '{}'", text(starts_at), text(starts_at + TimeDelta::minutes(30))),
                "status = 'confirmed', confirmed_at = now()".to_owned(),
                "status = 'arrived', arrived_at = now()".to_owned(),
                "status = 'cancelled', cancel_reason = 'x'".to_owned(),
                format!("room_id = '{}'", known.pick(Kind::Room, which)),
            ])
        }
        Kind::Talk => choice(&[
            format!("labels = '[\"{serial}\"]'"),
            "unread_count = 0, waiting_since = null".to_owned(),
            "status = case status when 'open' then 'closed' else 'open' end".to_owned(),
            "priority = case priority when 'normal' then 'high' else 'normal' end".to_owned(),
            "handler = case handler when 'bot' then 'person' else 'bot' end".to_owned(),
        ]),
        Kind::Message => choice(&[
            format!("body = 'Texto {serial}', edited_at = now()"),
            "status = 'read', read_at = now()".to_owned(),
            format!("reactions = '[{{\"emoji\": \"👍\", \"n\": {serial}}}]'"),
            format!("attachment = '{{\"name\": \"a{serial}.pdf\"}}'"),
        ]),
        Kind::Lead => choice(&[
            format!("title = 'Título {serial}'"),
            format!("value_cents = {serial}00"),
            format!("next_action = 'Ligar {serial}', next_action_at = now()"),
            format!(
                "stage_id = (select s.id from app.pipeline_stages s where s.clinic_id = leads.clinic_id
                             and s.pipeline_id = leads.pipeline_id and s.position = {} limit 1)",
                which % 4
            ),
            format!("position = {serial}.5"),
        ]),
        Kind::Reply => format!("body = 'Texto {serial}'"),
        Kind::Hours => format!("reason = 'Motivo {serial}'"),
        _ => format!("name = 'Sala {serial}'"),
    }
}
