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
    /// The file of a message; `None` where it is not in the database.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a role that reads no messages; [`Error::Protocol`] where the bytes are not those that were
    /// stored.
    pub async fn media(&self, message: Uuid) -> Result<Option<MediaContents>> {
        self.ask(async |connection| contents(connection, message).await).await
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

pub(crate) async fn contents(connection: &mut PgConnection, message: Uuid) -> Result<Option<MediaContents>> {
    let question = sqlx::query(
        "select id, mime_type, file_name, size_bytes, sha256 from app.media
         where clinic_id = (select id from app.own_clinic) and message_id = $1 and state = 'stored'",
    );
    let Some(row) = answered(question.bind(message).fetch_optional(&mut *connection)).await? else { return Ok(None) };
    let id: Uuid = row.try_get("id")?;
    let size: Option<i64> = row.try_get("size_bytes")?;
    let mut bytes = Vec::with_capacity(size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default());
    // Piece by piece: none of them keeps the line silent for long.
    for place in 0_i32.. {
        let question = sqlx::query_scalar(
            "select bytes from app.media_chunks
             where clinic_id = (select id from app.own_clinic) and media_id = $1 and place = $2",
        );
        let piece: Option<Vec<u8>> =
            within(LARGE_ANSWER, question.bind(id).bind(place).fetch_optional(&mut *connection)).await?;
        let Some(piece) = piece else { break };
        bytes.extend_from_slice(&piece);
    }
    let stored: Option<Vec<u8>> = row.try_get("sha256")?;
    if stored.is_some_and(|stored| stored != Sha256::digest(&bytes).to_vec()) {
        return Err(Error::Protocol);
    }
    Ok(Some(MediaContents { bytes, mime_type: row.try_get("mime_type")?, file_name: row.try_get("file_name")? }))
}
