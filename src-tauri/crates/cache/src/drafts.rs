//! What somebody has begun to write and not sent: on this computer only, and as encrypted as what was.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::{Cache, Result};

/// What somebody has begun to write in a thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The answer to the person.
    pub text: String,
    /// The note to the team.
    pub note: String,
    /// The message that the answer quotes.
    pub quoted: Option<Uuid>,
}

impl Draft {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.note.is_empty() && self.quoted.is_none()
    }
}

pub(crate) const ALL: &str = "select conversation_id, text, note, quoted_id from drafts";

impl Cache {
    /// What somebody has begun to write in a thread; empty where nobody has.
    pub async fn draft(&self, conversation: Uuid) -> Result<Draft> {
        let row = sqlx::query("select conversation_id, text, note, quoted_id from drafts where conversation_id = ?")
            .bind(conversation)
            .fetch_optional(self.readers())
            .await?;
        Ok(row.as_ref().map(read).transpose()?.map(|(_, draft)| draft).unwrap_or_default())
    }

    /// All of it, by thread.
    pub async fn drafts(&self) -> Result<Vec<(Uuid, Draft)>> {
        let rows = sqlx::query(ALL).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// Keeps it, safe when this returns; an empty one is forgotten.
    pub async fn keep_draft(&self, conversation: Uuid, draft: &Draft) -> Result<()> {
        self.keep_drafts(&[(conversation, draft.clone())]).await
    }

    /// Keeps some, all or none.
    pub async fn keep_drafts(&self, drafts: &[(Uuid, Draft)]) -> Result<()> {
        if drafts.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for (conversation, draft) in drafts {
            write(&mut transaction, *conversation, draft).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

pub(crate) fn read(row: &SqliteRow) -> Result<(Uuid, Draft)> {
    let draft = Draft { text: row.try_get(1)?, note: row.try_get(2)?, quoted: row.try_get(3)? };
    Ok((row.try_get(0)?, draft))
}

async fn write(connection: &mut SqliteConnection, conversation: Uuid, draft: &Draft) -> Result<()> {
    if draft.is_empty() {
        sqlx::query("delete from drafts where conversation_id = ?").bind(conversation).execute(connection).await?;
        return Ok(());
    }
    sqlx::query(
        "insert into drafts (conversation_id, text, note, quoted_id) values (?, ?, ?, ?)
         on conflict (conversation_id) do update
             set text = excluded.text, note = excluded.note, quoted_id = excluded.quoted_id",
    )
    .bind(conversation)
    .bind(draft.text.clone())
    .bind(draft.note.clone())
    .bind(draft.quoted)
    .execute(connection)
    .await?;
    Ok(())
}
