//! Reading what a desk copies: everything for the first copy, and what changed since a cursor afterwards.
//!
//! The cursor is a transaction id. Rows carry the id of the transaction that wrote them last; a pull asks for the oldest
//! transaction that is running, then reads every row at or after the cursor, and may then move the cursor to what it was
//! told: whatever commits after the question has an id at or after that, and comes with the next pull, also when this one
//! saw some of it already. A transaction that stays open elsewhere delays the cursor and loses nothing.

mod batch;
mod changes;
mod first_copy;
mod older;

use balcao_domain::feed::Entity;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use batch::{FeedRow, RowBatch};
pub use first_copy::{STAGES, Stage, StageEnd, StageKey};
pub(crate) use older::CALENDAR_END;
pub use older::{Older, Span};

use crate::connect::{LARGE_ANSWER, Turn, within};
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

/// What is read of each row.
fn columns(entity: &Entity) -> String {
    ["id", "version"].into_iter().chain(entity.columns.iter().map(|column| column.name)).collect::<Vec<_>>().join(", ")
}

/// Streams one table in PostgreSQL's binary copy format. `filter` is SQL written in this crate, never by a person.
/// Returns the number of rows and the last one's batch.
async fn copy_rows(
    connection: &mut PgConnection,
    entity: &'static Entity,
    filter: &str,
    out: &FeedSender,
) -> Result<(u64, Option<StageKey>)> {
    use futures_util::TryStreamExt as _;

    let (columns, name) = (columns(entity), entity.name);
    let statement = format!("copy (select {columns} from app.{name} {filter}) to stdout (format binary)");
    let mut stream = within(LARGE_ANSWER, connection.copy_out_raw(&statement)).await?;
    let mut reader = batch::CopyReader::new(entity);
    let (mut rows, mut last) = (0, None);
    while let Some(chunk) = within(LARGE_ANSWER, stream.try_next()).await? {
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

/// The same as a whole turn, which takes its connection along when reading fails: a statement that is refused before its
/// first row leaves a word unread in the driver, and the next one would take it for its own answer.
async fn read_rows(
    mut turn: Turn,
    entity: &'static Entity,
    filter: &str,
    out: &FeedSender,
) -> Result<(u64, Option<StageKey>)> {
    let read = copy_rows(turn.connection(), entity, filter, out).await?;
    turn.end(Ok(read))
}

/// The receiver is gone when the copy could not take a batch; its own error says why.
async fn deliver(out: &FeedSender, batch: FeedBatch) -> Result<()> {
    out.send(batch).await.map_err(|_| Error::Interrupted)
}
