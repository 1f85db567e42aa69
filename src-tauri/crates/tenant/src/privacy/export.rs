//! Everything that is known about a person, read from the database itself: the copy on a desk has only a part of it. It is
//! written down as it comes, so that a thread of years and its files need no memory.

use std::path::Path;
use std::time::Duration;

use balcao_domain::file::{FileType, safe_name};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;
use sqlx::{PgConnection, Row as _};
use tokio::time::timeout;
use uuid::Uuid;

use super::archive::{PersonArchive, Piece, Writing};
use super::person::About;
use crate::bucket::Away;
use crate::connect::answered;
use crate::media::Stored;
use crate::{Error, Tenant, bucket};

/// How long the server may be silent between two rows.
const SILENCE: Duration = Duration::from_secs(60);

/// Rows between two words about how far it is.
const TOLD_EVERY: u64 = 250;

/// The parts of a record, in the order in which they are read and stand on the page.
pub const PARTS: [&str; 10] = [
    "person",
    "addresses",
    "patients",
    "visits",
    "waiting_list",
    "leads",
    "conversations",
    "messages",
    "merges",
    "audit",
];

/// The files, which come after them.
const FILES: &str = "files";

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportProgress {
    /// One of [`PARTS`], or `files`.
    pub part: &'static str,
    /// Rows read in all.
    pub rows: u64,
    /// Files read in all.
    pub files_done: usize,
    /// Files there are; known when the messages were read.
    pub files: usize,
}

/// Why an export came to nothing. Nothing of it is left then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database did not tell.
    #[error(transparent)]
    Database(#[from] Error),
    /// The file could not be written.
    #[error("the file cannot be written: {0}")]
    File(#[from] std::io::Error),
    /// A file is in the bucket and does not come back, for the reason of this name.
    #[error("a file is not brought back: {0}")]
    Away(String),
}

impl From<Away> for ExportError {
    fn from(away: Away) -> Self {
        match away {
            Away::Database(error) => Self::Database(error),
            Away::Stuck(code) => Self::Away(code),
        }
    }
}

/// A file to be read after the rows.
struct Named {
    message: Uuid,
    name: String,
}

impl Tenant {
    /// Reads everything about a person, its rows as they stood at one moment, into a new file in a folder that is there. The database
    /// writes down that it was read out. `None` when there is no such person. Whoever stops waiting for it leaves nothing
    /// behind. A file of a message that is not what was stored is left out, and named as missing.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins; [`ExportError::File`] where it cannot be written;
    /// [`ExportError::Away`].
    pub async fn export_person(
        &self,
        person: Uuid,
        folder: &Path,
        now: DateTime<Utc>,
        told: impl Fn(ExportProgress),
    ) -> Result<Option<PersonArchive>, ExportError> {
        let who = self.whoami().await?;
        let time_zone = who.time_zone.parse().unwrap_or(chrono_tz::America::Sao_Paulo);
        let mut turn = self.turn().await?;
        answered(sqlx::raw_sql("begin isolation level repeatable read").execute(turn.connection())).await?;
        let writing = Writing::begin(folder, About { clinic: who.clinic_name, time_zone, now })?;
        // Left half-way the connection is dropped, with the transaction.
        let read = read(turn.connection(), person, writing, &told).await?;
        answered(sqlx::raw_sql("commit").execute(turn.connection())).await?;
        let Some((mut writing, mut so_far, files)) = read else {
            turn.end(Ok(()))?;
            return Ok(None);
        };
        // Not within the transaction: on a slow line they take longer than one may stand.
        so_far.part = FILES;
        for file in &files {
            told(so_far);
            writing.put(Piece::File(file.name.clone())).await?;
            match read_file(turn.connection(), file, &mut writing).await {
                Err(problem) if is_of_the_file(&problem) => writing.put(Piece::Lost).await?,
                read => read?,
            }
            so_far.files_done += 1;
        }
        turn.end(Ok(()))?;
        Ok(Some(writing.finish(so_far.rows).await?))
    }
}

/// `None` where there is nobody.
async fn read(
    connection: &mut PgConnection,
    person: Uuid,
    mut writing: Writing,
    told: &impl Fn(ExportProgress),
) -> Result<Option<(Writing, ExportProgress, Vec<Named>)>, ExportError> {
    let mut so_far = ExportProgress { part: PARTS[0], rows: 0, files_done: 0, files: 0 };
    let mut files: Vec<Named> = Vec::new();
    for part in PARTS {
        so_far.part = part;
        told(so_far);
        let question = sqlx::query("select app.export_person($1, $2) as document").bind(person).bind(part);
        let mut stream = question.fetch(&mut *connection);
        while let Some(row) =
            timeout(SILENCE, stream.try_next()).await.map_err(|_| Error::ConnectionLost)?.map_err(Error::from)?
        {
            let mut document = row.try_get::<Json<Value>, _>("document").map_err(Error::from)?.0;
            files.extend(file_of(&mut document));
            writing.put(Piece::Row(document)).await?;
            so_far.rows += 1;
            so_far.files = files.len();
            if so_far.rows.is_multiple_of(TOLD_EVERY) {
                told(so_far);
            }
        }
        drop(stream);
        if so_far.rows == 0 {
            return Ok(None);
        }
        writing.put(Piece::PartEnds).await?;
    }
    Ok(Some((writing, so_far, files)))
}

/// How often a file is read anew whose pieces go to the bucket while they are read.
const TRIES: usize = 3;

/// What the bucket says of an object that it does not have, or not as it was put there: no waiting brings it back.
const LOST: [&str; 2] = ["bucket_no_object", "bucket_changed"];

/// Whether the file alone cannot be read: it is not what was stored, is there no more, or stands on a page that is damaged.
fn is_of_the_file(problem: &ExportError) -> bool {
    match problem {
        ExportError::Database(problem) => matches!(problem, Error::Protocol | Error::Database { .. }),
        ExportError::Away(code) => LOST.contains(&code.as_str()),
        ExportError::File(_) => false,
    }
}

async fn read_file(connection: &mut PgConnection, file: &Named, writing: &mut Writing) -> Result<(), ExportError> {
    for _ in 0..TRIES {
        bucket::bring(connection, file.message).await?;
        let stored = Stored::of(connection, file.message).await?.ok_or(Error::Protocol)?;
        let (mut digest, mut read) = (Sha256::new(), 0_u64);
        for place in 0_i32.. {
            let Some(bytes) = stored.piece(connection, place).await? else { break };
            read += bytes.len() as u64;
            digest.update(&bytes);
            writing.put(Piece::Bytes(bytes)).await?;
        }
        if !stored.is_away(read) {
            return if stored.is(&digest.finalize()) { Ok(()) } else { Err(Error::Protocol.into()) };
        }
        writing.put(Piece::Again).await?;
    }
    Err(Error::Protocol.into())
}

/// The file of a message, where the clinic has it; the message then says where it lies.
fn file_of(letter: &mut Value) -> Option<Named> {
    let is_stored = |file: &&Value| file.get("state").and_then(Value::as_str) == Some("stored");
    let file = letter.get("media")?.as_array()?.iter().find(is_stored)?;
    let said = |key: &str| file.get(key).and_then(Value::as_str);
    let given = said("file_name").map(safe_name).filter(|name| !name.is_empty());
    let end =
        given.unwrap_or_else(|| format!("arquivo.{}", FileType::extension_of(said("mime_type").unwrap_or_default())));
    let message: Uuid = letter.get("id")?.as_str()?.parse().ok()?;
    let day = letter.get("sent_at").and_then(Value::as_str).and_then(|at| at.get(..10)).unwrap_or("0000-00-00");
    // Two files of one name and one day are two.
    let name = format!("arquivos/{day}-{}-{end}", message.simple());
    letter.as_object_mut()?.insert("saved_as".to_owned(), Value::String(name.clone()));
    Some(Named { message, name })
}
