//! Forgetting people for good. The feed takes the rows of somebody who was erased away or leaves them without a text; what
//! is left behind the rows goes here: writes that wait for a decision, what was being written to them, files of messages, words
//! in the search indexes, files that were set aside, and the log of the file itself. The engine writes zeros over whatever is deleted.

use std::path::Path;

use sqlx::{AssertSqlSafe, SqliteConnection};
use uuid::Uuid;

use crate::aside;
use crate::{Cache, Error, Result};

/// How far this has come; nothing when there is nobody to forget. A trigger begins it.
const FORGET: &str = "forget";

/// Pages of an index that are written anew in one step: short enough that a person's write does not wait.
const PAGES_PER_STEP: i64 = 200;

/// Writes about somebody who was erased, or to rows that went with them.
const OF_ERASED: &str = "
    with erased as (select id from contacts where source = 'erased')
    select operation_id from outbox o where state = 'parked' and (
        reason = 'erased'
        or (entity = 'contacts' and entity_id in erased)
        or unhex(coalesce(json_extract(fields, '$.contact_id'), ''), '-') in erased
        or (entity = 'patients' and entity_id in (select id from patients where contact_id in erased))
        or (entity = 'appointments' and entity_id in (select id from appointments where contact_id in erased))
        or (entity = 'leads' and kind <> 'insert'
            and not exists (select 1 from leads l where l.id = o.entity_id and l.contact_id not in erased))
        or (entity = 'conversations' and kind <> 'insert'
            and not exists (select 1 from conversations c where c.id = o.entity_id))
        or (entity = 'messages' and kind = 'insert' and not exists (
            select 1 from conversations c where c.id = unhex(json_extract(fields, '$.conversation_id'), '-'))))
    order by seq desc";

impl Cache {
    /// Gives up the writes that the database refused because the person was erased: nobody is to decide about them, and
    /// their texts do not stay here. Returns how many.
    pub async fn give_up_erased(&self) -> Result<u64> {
        let refused: Vec<Uuid> =
            sqlx::query_scalar("select operation_id from outbox where state = 'parked' and reason = 'erased'")
                .fetch_all(self.readers())
                .await?;
        self.discard_all(&refused).await
    }

    async fn discard_all(&self, operations: &[Uuid]) -> Result<u64> {
        let mut given_up = 0;
        for operation in operations {
            match self.discard(*operation).await {
                Ok(dependents) => given_up += 1 + dependents.len() as u64,
                // It went with another one.
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(given_up)
    }

    /// Goes on with forgetting those who were erased, by one step. The search indexes must be up to date. Says whether more
    /// is left.
    pub async fn forget_step(&self) -> Result<bool> {
        match self.state(FORGET).await?.as_deref() {
            None => Ok(false),
            Some("messages") => self.rewrite_index("messages", "contacts").await,
            Some("contacts") => self.rewrite_index("contacts", "files").await,
            Some("files") => self.forget_files().await,
            Some(_) => self.forget_writes().await,
        }
    }

    async fn forget_writes(&self) -> Result<bool> {
        let theirs: Vec<Uuid> = sqlx::query_scalar(OF_ERASED).fetch_all(self.readers()).await?;
        self.discard_all(&theirs).await?;
        let mut transaction = self.begin_repeatable().await?;
        // What was being fetched while its thread went.
        sqlx::query("delete from messages where conversation_id not in (select id from conversations)")
            .execute(&mut *transaction)
            .await?;
        forget_begun(&mut transaction).await?;
        for files in ["media", "outgoing_media"] {
            sqlx::query(AssertSqlSafe(format!(
                "delete from {files} where message_id not in (select id from messages)
                     and message_id not in (select entity_id from outbox)"
            )))
            .execute(&mut *transaction)
            .await?;
        }
        go_on(&mut transaction, "writes", "messages").await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// An index keeps the words of what was deleted until its parts are merged.
    async fn rewrite_index(&self, entity: &'static str, next: &'static str) -> Result<bool> {
        let mut transaction = self.begin_repeatable().await?;
        let before: i64 = sqlx::query_scalar("select total_changes()").fetch_one(&mut *transaction).await?;
        sqlx::query(AssertSqlSafe(format!(
            "insert into {entity}_search ({entity}_search, rank) values ('merge', -{PAGES_PER_STEP})"
        )))
        .execute(&mut *transaction)
        .await?;
        let after: i64 = sqlx::query_scalar("select total_changes()").fetch_one(&mut *transaction).await?;
        // The insert itself counts as one: fewer than two mean that there was nothing to merge.
        if after - before < 2 {
            go_on(&mut transaction, entity, next).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn forget_files(&self) -> Result<bool> {
        let path: String = sqlx::query_scalar("select file from pragma_database_list where name = 'main'")
            .fetch_one(self.readers())
            .await?;
        aside::remove_all(Path::new(&path))?;
        let mut transaction = self.begin_repeatable().await?;
        // What was on its way into the copy while its thread went.
        forget_begun(&mut transaction).await?;
        sqlx::query("delete from sync_state where key = ? and value = 'files'")
            .bind(FORGET)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        // Pages of before are in the log until it is begun anew. Where a reader is in the way, the next one does it.
        self.checkpoint().await?;
        Ok(self.state(FORGET).await?.is_some())
    }
}

/// What was begun in threads that are gone.
async fn forget_begun(connection: &mut SqliteConnection) -> Result<()> {
    for begun in ["drafts", "attached"] {
        sqlx::query(AssertSqlSafe(format!(
            "delete from {begun} where conversation_id not in (select id from conversations)"
        )))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The next thing, unless somebody else is to be forgotten meanwhile: then all of it begins again.
async fn go_on(connection: &mut SqliteConnection, from: &str, to: &str) -> Result<()> {
    sqlx::query("update sync_state set value = ? where key = ? and value = ?")
        .bind(to.to_owned())
        .bind(FORGET)
        .bind(from.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}
