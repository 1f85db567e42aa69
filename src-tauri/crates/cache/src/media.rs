//! Files of messages on this computer: what somebody has opened, up to a limit, and what waits to be brought to the database.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::{Cache, CacheChange, NewOperation, Result};

/// How much of what can be had again is kept; what was not looked at for the longest goes first.
const MOST_KEPT_BYTES: i64 = 256 * 1024 * 1024;

/// How exactly it is known when a file was last looked at: a thread that is scrolled does not write all the time.
const USE_MICROS: i64 = 5 * 60 * 1_000_000;

/// How long a file outlives a message that was given up: that is taken back within moments.
const ORPHAN_MICROS: i64 = 24 * 3_600 * 1_000_000;

pub(crate) const OUTGOING: &str = "select message_id, mime_type, file_name, bytes, queued_at from outgoing_media";

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMedia {
    /// What it is.
    pub mime_type: String,
    /// Its name, where it has one.
    pub file_name: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file that waits to be brought to the database, and for which message.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMedia {
    /// The message.
    pub message: Uuid,
    /// What it is.
    pub mime_type: String,
    /// Its name.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Shows how large it is and not what it is.
impl std::fmt::Debug for StoredMedia {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredMedia({} bytes)", self.bytes.len())
    }
}

/// As above.
impl std::fmt::Debug for OutgoingMedia {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutgoingMedia({} bytes of {})", self.bytes.len(), self.message)
    }
}

impl Cache {
    /// The file of a message, where it is on this computer.
    pub async fn media(&self, message: Uuid) -> Result<Option<StoredMedia>> {
        let row = sqlx::query(
            "select mime_type, file_name, bytes, used_at from media where message_id = ?1
             union all select mime_type, file_name, bytes, null from outgoing_media where message_id = ?1 limit 1",
        )
        .bind(message)
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let now = self.clock.now().timestamp_micros();
        if row.try_get::<Option<i64>, _>(3)?.is_some_and(|used| used + USE_MICROS < now) {
            let mut transaction = self.begin_repeatable().await?;
            sqlx::query("update media set used_at = ? where message_id = ?")
                .bind(now)
                .bind(message)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        Ok(Some(StoredMedia { mime_type: row.try_get(0)?, file_name: row.try_get(1)?, bytes: row.try_get(2)? }))
    }

    /// Keeps a file that was fetched, unless its message has gone meanwhile, or the clinic keeps the file no longer.
    pub async fn keep_media(&self, message: Uuid, file: &StoredMedia) -> Result<()> {
        self.keep_media_within(message, file, MOST_KEPT_BYTES).await
    }

    /// The same with another limit.
    pub async fn keep_media_within(&self, message: Uuid, file: &StoredMedia, most: i64) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        keep(&mut transaction, message, file, self.clock.now().timestamp_micros()).await?;
        sqlx::query(
            "delete from media where message_id in (
                 select message_id from (
                     select message_id, sum(length(bytes)) over (order by used_at desc, message_id) as together from media)
                 where together > ?)",
        )
        .bind(most)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Queues a message together with its file, as [`Cache::enqueue`]. Where the file was kept beside the draft, it is not any
    /// more: it goes once.
    pub async fn enqueue_with_file(
        &self,
        new: NewOperation,
        file: &OutgoingMedia,
        attached: Option<Uuid>,
    ) -> Result<Option<Uuid>> {
        self.enqueue_both(new, Some((file, attached))).await
    }

    /// Messages whose files can be brought to the database: it has the messages. The oldest first.
    pub async fn media_to_bring(&self) -> Result<Vec<Uuid>> {
        let abandoned = self.clock.now().timestamp_micros() - ORPHAN_MICROS;
        let orphans: bool = sqlx::query_scalar(
            "select exists (select 1 from outgoing_media where queued_at < ?
                 and message_id not in (select entity_id from outbox) and message_id not in (select id from messages))",
        )
        .bind(abandoned)
        .fetch_one(self.readers())
        .await?;
        if orphans {
            let mut transaction = self.begin_repeatable().await?;
            sqlx::query(
                "delete from outgoing_media where queued_at < ?
                     and message_id not in (select entity_id from outbox) and message_id not in (select id from messages)",
            )
            .bind(abandoned)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
        }
        // Asked for after every change of the queue: `in (select id from messages)` would go through all messages.
        let waiting = sqlx::query_scalar(
            "select o.message_id from outgoing_media o where o.message_id not in (select entity_id from outbox)
                 and exists (select 1 from messages m where m.id = o.message_id) order by o.queued_at",
        );
        Ok(waiting.fetch_all(self.readers()).await?)
    }

    /// The file of a message that waits to be brought.
    pub async fn outgoing_media(&self, message: Uuid) -> Result<Option<OutgoingMedia>> {
        let row = sqlx::query(
            "select message_id, mime_type, file_name, bytes, queued_at from outgoing_media where message_id = ?",
        )
        .bind(message)
        .fetch_optional(self.readers())
        .await?;
        Ok(row.as_ref().map(read).transpose()?.map(|(file, _)| file))
    }

    /// The database has it, or does not want it any more: it is one of those that can be had again.
    pub async fn media_brought(&self, message: Uuid) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "insert or ignore into media (message_id, mime_type, file_name, bytes, used_at)
             select o.message_id, o.mime_type, o.file_name, o.bytes, ? from outgoing_media o
             where o.message_id = ? and o.message_id in (select id from messages)",
        )
        .bind(self.clock.now().timestamp_micros())
        .bind(message)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("delete from outgoing_media where message_id = ?").bind(message).execute(&mut *transaction).await?;
        transaction.commit().await?;
        let mut change = CacheChange::default();
        change.touch("messages");
        self.announce(change);
        Ok(())
    }
}

async fn keep(connection: &mut SqliteConnection, message: Uuid, file: &StoredMedia, now: i64) -> Result<()> {
    sqlx::query(
        "insert into media (message_id, mime_type, file_name, bytes, used_at)
         select ?1, ?2, ?3, ?4, ?5 where exists (
             select 1 from messages where id = ?1 and json_extract(attachment, '$.file') is not 'removed')
         on conflict (message_id) do update
             set mime_type = excluded.mime_type, file_name = excluded.file_name, bytes = excluded.bytes,
                 used_at = excluded.used_at",
    )
    .bind(message)
    .bind(file.mime_type.clone())
    .bind(file.file_name.clone())
    .bind(file.bytes.clone())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn put_outgoing(
    connection: &mut SqliteConnection,
    file: &OutgoingMedia,
    queued_at: i64,
) -> Result<()> {
    sqlx::query(
        "insert or replace into outgoing_media (message_id, mime_type, file_name, bytes, queued_at) values (?, ?, ?, ?, ?)",
    )
    .bind(file.message)
    .bind(file.mime_type.clone())
    .bind(file.file_name.clone())
    .bind(file.bytes.clone())
    .bind(queued_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// A file that waits, and since when.
pub(crate) fn read(row: &SqliteRow) -> Result<(OutgoingMedia, i64)> {
    let file = OutgoingMedia {
        message: row.try_get(0)?,
        mime_type: row.try_get(1)?,
        file_name: row.try_get(2)?,
        bytes: row.try_get(3)?,
    };
    Ok((file, row.try_get(4)?))
}
