//! The bytes of a file, as a desk asks for them.

use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, answered, within};
use crate::{Error, Result, Tenant};

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaContents {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is, as the database has it.
    pub mime_type: String,
    /// Its name, where it has one.
    pub file_name: Option<String>,
}

/// Shows how large it is and not what it is.
impl std::fmt::Debug for MediaContents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MediaContents({} bytes of {})", self.bytes.len(), self.mime_type)
    }
}

impl Tenant {
    /// The file of a message; `None` where it is not in the database, or only in the bucket: see [`Tenant::want_media`].
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a role that reads no messages; [`Error::Protocol`] where the bytes are not those that were
    /// stored.
    pub async fn media(&self, message: Uuid) -> Result<Option<MediaContents>> {
        self.ask(async |connection| contents(connection, message).await).await
    }

    /// Writes into the audit that a file of a person's conversation was saved outside the clinic. With the same `id` in its
    /// details it is written down once, however often it is told.
    ///
    /// # Errors
    /// As any statement.
    pub async fn record_file_export(&self, person: Uuid, details: &serde_json::Value) -> Result<()> {
        let word = sqlx::query("select app.record_export('file', $1, $2)").bind(person).bind(details);
        self.ask(async |connection| answered(word.execute(connection)).await).await.map(drop)
    }

    /// Has the file of a message fetched from its gateway, once more or for the first time. `false` where there is nothing to
    /// fetch.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a role that does not write to people.
    pub async fn fetch_media(&self, message: Uuid) -> Result<bool> {
        self.ask(async |connection| {
            answered(sqlx::query_scalar("select app.fetch_media($1)").bind(message).fetch_one(connection)).await
        })
        .await
    }
}

/// What the database says of a file that it has.
pub(crate) struct Stored {
    id: Uuid,
    size_bytes: Option<i64>,
    mime_type: String,
    file_name: Option<String>,
    sha256: Option<Vec<u8>>,
}

impl Stored {
    /// The file of a message.
    pub(crate) async fn of(connection: &mut PgConnection, message: Uuid) -> Result<Option<Self>> {
        let question = sqlx::query(
            "select id, mime_type, file_name, size_bytes, sha256 from app.media
             where clinic_id = (select id from app.own_clinic) and message_id = $1 and state = 'stored'",
        );
        let Some(row) = answered(question.bind(message).fetch_optional(connection)).await? else { return Ok(None) };
        Ok(Some(Self {
            id: row.try_get("id")?,
            size_bytes: row.try_get("size_bytes")?,
            mime_type: row.try_get("mime_type")?,
            file_name: row.try_get("file_name")?,
            sha256: row.try_get("sha256")?,
        }))
    }

    /// A piece of its bytes; `None` after the last.
    pub(crate) async fn piece(&self, connection: &mut PgConnection, place: i32) -> Result<Option<Vec<u8>>> {
        piece(connection, self.id, place).await
    }

    /// Whether so many bytes are not all of it: its pieces have gone to the bucket, perhaps while they were read.
    pub(crate) fn is_away(&self, bytes: u64) -> bool {
        self.size_bytes.is_some_and(|size| u64::try_from(size).is_ok_and(|size| bytes < size))
    }

    /// Whether bytes of this digest are those that were stored.
    pub(crate) fn is(&self, digest: &[u8]) -> bool {
        self.sha256.as_deref().is_none_or(|stored| stored == digest)
    }
}

/// A piece of a file; `None` after the last. Piece by piece none keeps the line silent for long.
pub(crate) async fn piece(connection: &mut PgConnection, media: Uuid, place: i32) -> Result<Option<Vec<u8>>> {
    let question = sqlx::query_scalar(
        "select bytes from app.media_chunks
         where clinic_id = (select id from app.own_clinic) and media_id = $1 and place = $2",
    );
    within(LARGE_ANSWER, question.bind(media).bind(place).fetch_optional(connection)).await
}

async fn contents(connection: &mut PgConnection, message: Uuid) -> Result<Option<MediaContents>> {
    let Some(stored) = Stored::of(connection, message).await? else { return Ok(None) };
    let size = stored.size_bytes.and_then(|size| usize::try_from(size).ok());
    let mut bytes = Vec::with_capacity(size.unwrap_or_default());
    for place in 0_i32.. {
        let Some(piece) = stored.piece(connection, place).await? else { break };
        bytes.extend_from_slice(&piece);
    }
    if stored.is_away(bytes.len() as u64) {
        return Ok(None);
    }
    if !stored.is(&Sha256::digest(&bytes)) {
        return Err(Error::Protocol);
    }
    Ok(Some(MediaContents { bytes, mime_type: stored.mime_type, file_name: stored.file_name }))
}
