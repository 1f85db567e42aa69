//! Reading what a desk copies: everything for the first copy, and what changed since a cursor afterwards.
//!
//! The cursor is a transaction id. Rows carry the id of the transaction that wrote them last; a pull reads, in one
//! snapshot, every row at or after the cursor and may then move it to the snapshot's oldest running transaction: whatever
//! commits later has an id at or after that. A transaction that stays open elsewhere delays the cursor and loses nothing.

mod batch;
mod changes;
mod first_copy;

use balcao_domain::feed::Entity;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use batch::{FeedRow, RowBatch};
pub use first_copy::{STAGES, Stage, StageEnd, StageKey};

use crate::{Error, Result};

/// Rows of a batch at the most: what is in memory at once on the way from one database to the other.
const BATCH_ROWS: usize = 2_000;

/// Where a feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPosition {
    /// Changes after a restore or a move to another server: then the copy must be made anew.
    pub epoch: Uuid,
    /// Every transaction before this one has ended.
    pub cursor: i64,
    /// The server's clock.
    pub server_time: DateTime<Utc>,
}

/// A piece of the feed.
#[derive(Debug)]
pub enum FeedBatch {
    /// Rows that are there.
    Rows(RowBatch),
    /// Rows that are gone: entity and id.
    Deleted(Vec<(&'static Entity, Uuid)>),
}

/// Where batches go. The receiver's pace is the reader's pace.
pub type FeedSender = mpsc::Sender<FeedBatch>;

/// Streams one table in PostgreSQL's binary copy format. `filter` is SQL written in this crate, never by a person.
/// Returns the number of rows and the last one's batch.
async fn copy_rows(
    connection: &mut PgConnection,
    entity: &'static Entity,
    filter: &str,
    out: &FeedSender,
) -> Result<(u64, Option<StageKey>)> {
    use futures_util::TryStreamExt as _;

    let columns = entity.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let name = entity.name;
    let statement = format!("copy (select id, version, {columns} from app.{name} {filter}) to stdout (format binary)");
    let mut stream = connection.copy_out_raw(&statement).await?;
    let mut reader = batch::CopyReader::new(entity);
    let (mut rows, mut last) = (0, None);
    while let Some(chunk) = stream.try_next().await? {
        reader.push(&chunk)?;
        if reader.rows() >= BATCH_ROWS {
            let batch = reader.take();
            rows += batch.len() as u64;
            last = batch.last_key();
            deliver(out, FeedBatch::Rows(batch)).await?;
        }
    }
    let batch = reader.take();
    if !batch.is_empty() {
        rows += batch.len() as u64;
        last = batch.last_key();
        deliver(out, FeedBatch::Rows(batch)).await?;
    }
    Ok((rows, last))
}

/// The receiver is gone when the copy could not take a batch; its own error says why.
async fn deliver(out: &FeedSender, batch: FeedBatch) -> Result<()> {
    out.send(batch).await.map_err(|_| Error::Interrupted)
}
