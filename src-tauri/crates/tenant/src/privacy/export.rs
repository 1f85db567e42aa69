//! Everything that is known about a person, read from the database itself: the copy on a desk has only a part of it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::types::Json;
use tokio::time::timeout;
use uuid::Uuid;

use crate::connect::answered;
use crate::{Error, Result, Tenant};

/// How long the server may be silent between two rows.
const SILENCE: Duration = Duration::from_secs(60);

/// Rows between two words about how far it is.
const TOLD_EVERY: u64 = 250;

/// The parts of a record, in the order in which they are read.
pub const PARTS: [&str; 9] =
    ["person", "addresses", "patients", "visits", "waiting_list", "conversations", "messages", "leads", "audit"];

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportProgress {
    /// One of [`PARTS`].
    pub part: &'static str,
    /// Rows read in all.
    pub rows: u64,
}

/// Everything that is known about a person, as it stood at one moment. `Debug` says how much, not what.
#[derive(Clone, PartialEq)]
pub struct PersonRecord {
    /// What the clinic is called.
    pub clinic: String,
    /// Its time zone.
    pub time_zone: chrono_tz::Tz,
    pub(super) parts: BTreeMap<&'static str, Vec<Value>>,
}

impl PersonRecord {
    /// Documents of a part; none for a part that does not exist.
    pub fn part(&self, name: &str) -> &[Value] {
        self.parts.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many documents there are in all.
    pub fn rows(&self) -> u64 {
        self.parts.values().map(|rows| rows.len() as u64).sum()
    }

    /// What the person is called; empty for one without a name.
    pub fn name(&self) -> &str {
        let said = |key: &str| self.part("person").first()?.get(key)?.as_str().filter(|text| !text.is_empty());
        said("name").or_else(|| said("profile_name")).or_else(|| said("phone")).unwrap_or_default()
    }
}

impl Tenant {
    /// Reads everything about a person in one snapshot. The database writes down that it was read out. `None` when there is
    /// no such person.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins.
    pub async fn export_person(&self, person: Uuid, told: impl Fn(ExportProgress)) -> Result<Option<PersonRecord>> {
        let who = self.whoami().await?;
        let mut turn = self.turn().await?;
        answered(sqlx::raw_sql("begin isolation level repeatable read").execute(turn.connection())).await?;
        let mut parts: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        let mut rows = 0;
        for part in PARTS {
            told(ExportProgress { part, rows });
            let question = sqlx::query("select app.export_person($1, $2) as document").bind(person).bind(part);
            let mut stream = question.fetch(turn.connection());
            let documents = parts.entry(part).or_default();
            // Left half-way the connection is dropped, with the transaction.
            while let Some(row) = timeout(SILENCE, stream.try_next()).await.map_err(|_| Error::ConnectionLost)?? {
                documents.push(row.try_get::<Json<Value>, _>("document")?.0);
                rows += 1;
                if rows % TOLD_EVERY == 0 {
                    told(ExportProgress { part, rows });
                }
            }
        }
        let kept = answered(sqlx::raw_sql("commit").execute(turn.connection())).await;
        turn.end(kept)?;
        let time_zone = who.time_zone.parse().unwrap_or(chrono_tz::America::Sao_Paulo);
        let record = PersonRecord { clinic: who.clinic_name, time_zone, parts };
        Ok((!record.part("person").is_empty()).then_some(record))
    }
}

impl std::fmt::Debug for PersonRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonRecord").field("rows", &self.rows()).finish_non_exhaustive()
    }
}
