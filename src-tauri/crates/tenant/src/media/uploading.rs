//! A file that a member sends: announced, brought in pieces, and finished. Every step may be told again.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, answered, within};
use crate::{Result, Tenant};

/// What the database says of a file that was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// It waits for pieces; these are there already.
    Waits(BTreeSet<u32>),
    /// There is no such message of this member, or not any more.
    NoMessage,
}

impl Tenant {
    /// Announces the file of a message that this member has written.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for a role that does not write to people; [`crate::Error::Constraint`] for one that is
    /// empty or too large.
    pub async fn offer_media(&self, message: Uuid, mime_type: &str, file_name: &str, bytes: &[u8]) -> Result<Offered> {
        let question = sqlx::query_scalar("select app.offer_media($1, $2, $3, $4, $5)")
            .bind(message)
            .bind(mime_type)
            .bind(file_name)
            .bind(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
            .bind(Sha256::digest(bytes).to_vec());
        let there: Option<Vec<i32>> =
            self.ask(async |connection| answered(question.fetch_one(connection)).await).await?;
        Ok(match there {
            Some(places) => Offered::Waits(places.into_iter().filter_map(|place| u32::try_from(place).ok()).collect()),
            None => Offered::NoMessage,
        })
    }

    /// Brings one piece.
    ///
    /// # Errors
    /// As [`Tenant::offer_media`].
    pub async fn put_media_chunk(&self, message: Uuid, place: u32, bytes: &[u8]) -> Result<()> {
        let question = sqlx::query("select app.put_media_chunk($1, $2, $3)")
            .bind(message)
            .bind(i32::try_from(place).unwrap_or(i32::MAX))
            .bind(bytes);
        self.ask(async |connection| within(LARGE_ANSWER, question.execute(connection)).await.map(|_| ())).await
    }

    /// All pieces were brought: the message may go. `false` where they are not the file that was announced; it is brought anew.
    ///
    /// # Errors
    /// As [`Tenant::offer_media`].
    pub async fn finish_media(&self, message: Uuid) -> Result<bool> {
        let question = sqlx::query_scalar("select app.finish_media($1)").bind(message);
        self.ask(async |connection| within(LARGE_ANSWER, question.fetch_one(connection)).await).await
    }
}
