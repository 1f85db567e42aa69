//! Everything that is known about a person, read from the database itself: the copy on a desk has only a part of it.

use std::collections::BTreeMap;
use std::time::Duration;

use balcao_domain::file::{FileType, safe_name};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, Row as _};
use tokio::time::timeout;
use uuid::Uuid;

use crate::connect::answered;
use crate::{Error, Result, Tenant, media};

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
    pub(super) files: Vec<PersonFile>,
}

/// A file that was sent to or by the person.
#[derive(Clone, PartialEq)]
pub struct PersonFile {
    /// Where it lies in what is handed out; the message says the same under `saved_as`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl PersonRecord {
    /// Documents of a part; none for a part that does not exist.
    pub fn part(&self, name: &str) -> &[Value] {
        self.parts.get(name).map_or(&[], Vec::as_slice)
    }

    /// The files of the messages.
    pub fn files(&self) -> &[PersonFile] {
        &self.files
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
        let mut files = Vec::new();
        for letter in parts.get_mut("messages").into_iter().flatten() {
            if let Some(file) = file_of(turn.connection(), letter).await? {
                files.push(file);
            }
        }
        let kept = answered(sqlx::raw_sql("commit").execute(turn.connection())).await;
        turn.end(kept)?;
        let time_zone = who.time_zone.parse().unwrap_or(chrono_tz::America::Sao_Paulo);
        let record = PersonRecord { clinic: who.clinic_name, time_zone, parts, files };
        Ok((!record.part("person").is_empty()).then_some(record))
    }
}

/// The file of a message, where the clinic has it; the message then says where it lies.
async fn file_of(connection: &mut PgConnection, letter: &mut Value) -> Result<Option<PersonFile>> {
    let is_stored = |file: &Value| file.get("state").and_then(Value::as_str) == Some("stored");
    if !letter.get("media").and_then(Value::as_array).is_some_and(|files| files.iter().any(is_stored)) {
        return Ok(None);
    }
    let said = |key: &str| letter.get(key).and_then(Value::as_str);
    let Some(message) = said("id").and_then(|id| id.parse().ok()) else { return Ok(None) };
    let Some(contents) = media::contents(connection, message).await? else { return Ok(None) };
    let day = said("sent_at").and_then(|at| at.get(..10)).unwrap_or("0000-00-00").to_owned();
    let given = contents.file_name.as_deref().map(safe_name).filter(|name| !name.is_empty());
    let end = given.unwrap_or_else(|| format!("arquivo.{}", FileType::of(&contents.bytes).extension));
    // Two files of one name and one day are two.
    let name = format!("arquivos/{day}-{}-{end}", message.simple());
    if let Value::Object(letter) = letter {
        letter.insert("saved_as".to_owned(), Value::String(name.clone()));
    }
    Ok(Some(PersonFile { name, bytes: contents.bytes }))
}

/// Shows how large it is and not what it is.
impl std::fmt::Debug for PersonFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonFile({} bytes)", self.bytes.len())
    }
}

impl std::fmt::Debug for PersonRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonRecord").field("rows", &self.rows()).finish_non_exhaustive()
    }
}
