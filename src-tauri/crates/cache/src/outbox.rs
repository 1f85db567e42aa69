//! The queue of writes: safe on this computer the moment a person lets go of the button.

use balcao_domain::feed::Entity;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::values::{id_list, instant};
use crate::{Cache, Error, Result};

/// The longest time for which an operation is put off, in microseconds.
///
/// Also the bound for clocks that jump: an operation whose time lies further ahead was put off by a clock that has been set
/// back since, and may be sent.
pub(crate) const LONGEST_DELAY_MICROS: i64 = 60_000_000;

/// A row that an operation changes on the screens, and the columns it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Table.
    pub entity: &'static Entity,
    /// Row.
    pub entity_id: Uuid,
    /// Values by column, as JSON. For a column of text, `{"append": text}` adds a line to what stands there, also to what
    /// others have added meanwhile.
    pub fields: Map<String, Value>,
}

/// What a write does with its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// Makes it.
    Insert,
    /// Changes some columns.
    Patch,
    /// Removes it, unless someone has changed it since the person saw it. The effect has no fields.
    Delete,
}

impl WriteKind {
    /// Name in the outbox and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let kinds = [Self::Insert, Self::Patch, Self::Delete];
        kinds.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| Error::Shape("outbox.kind".to_owned()))
    }
}

/// A write to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOperation {
    /// Makes a repetition harmless; version 7, so that ids tell the order.
    pub operation_id: Uuid,
    /// What the person did: send_message, move_appointment, move_lead.
    pub action: &'static str,
    /// Whether the row is made, changed or removed.
    pub kind: WriteKind,
    /// The row it is about: what is sent.
    pub effect: Effect,
    /// Rows that the database will change along with it: what is only shown.
    pub followers: Vec<Effect>,
    /// Columns that are written whatever stands there: nobody contradicts anybody in them.
    pub unchecked: &'static [&'static str],
    /// A queued operation that must be confirmed before this one is sent. When that one is refused, this one waits; when it
    /// is given up, this one is, too. One that is not queued any more is confirmed.
    pub depends_on: Option<Uuid>,
    /// After this instant of the server's time it is not sent any more but parked as expired.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether an operation waits or needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationState {
    /// Will be sent.
    Waiting,
    /// Was refused.
    Parked,
}

impl OperationState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Parked => "parked",
        }
    }
}

/// A queued write.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedOperation {
    /// Its place in the queue.
    pub seq: i64,
    /// Its id.
    pub operation_id: Uuid,
    /// What the person did.
    pub action: String,
    /// Table.
    pub entity: String,
    /// Row.
    pub entity_id: Uuid,
    /// insert, patch or delete.
    pub kind: String,
    /// Wanted values by column.
    pub fields: Map<String, Value>,
    /// Values the person saw.
    pub base: Map<String, Value>,
    /// The operation that must be confirmed first.
    pub depends_on: Option<Uuid>,
    /// Tries so far.
    pub attempts: u32,
    /// After this instant of the server's time it is not to be applied any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// Why it is parked.
    pub reason: Option<String>,
    /// Values of others it met.
    pub theirs: Map<String, Value>,
    /// When it was queued, by this computer's clock.
    pub queued_at: DateTime<Utc>,
}

impl Cache {
    /// The next operations that may be sent, oldest first: those whose turn it is, none before its time. Counts the try before
    /// it is made.
    pub async fn take_due(&self, limit: u32) -> Result<Vec<QueuedOperation>> {
        let now = self.clock.now().timestamp_micros();
        // A power cut may forget the count, so that what another run of the program left counts as tried anyway: see
        // `may_have_been_sent`.
        let mut transaction = self.begin_repeatable().await?;
        let rows = sqlx::query(
            "select * from outbox_in_turn where not (not_before > ?1 and not_before <= ?1 + ?3) order by seq limit ?2",
        )
        .bind(now)
        .bind(limit)
        .bind(LONGEST_DELAY_MICROS)
        .fetch_all(&mut *transaction)
        .await?;
        let due = rows.iter().map(read_operation).collect::<Result<Vec<_>>>()?;
        sqlx::query(
            "update outbox set attempts = attempts + 1 where operation_id in (select unhex(value) from json_each(?))",
        )
        .bind(id_list(due.iter().map(|operation| operation.operation_id)))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(due)
    }

    /// How many operations wait, and how many need a person.
    pub async fn outbox_counts(&self) -> Result<(u32, u32)> {
        let row = sqlx::query(
            "select count(*) filter (where state = 'waiting'), count(*) filter (where state = 'parked') from outbox",
        )
        .fetch_one(self.readers())
        .await?;
        Ok((row.get(0), row.get(1)))
    }

    /// Operations in a state, oldest first, at most 500.
    pub async fn operations(&self, state: OperationState) -> Result<Vec<QueuedOperation>> {
        let rows = sqlx::query("select * from outbox where state = ? order by seq limit 500")
            .bind(state.as_str())
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read_operation).collect()
    }

    /// One operation.
    pub async fn operation(&self, operation_id: Uuid) -> Result<QueuedOperation> {
        let row = sqlx::query("select * from outbox where operation_id = ?")
            .bind(operation_id)
            .fetch_one(self.readers())
            .await?;
        read_operation(&row)
    }

    /// Whether the database may know of an operation. A refused one left nothing there.
    pub(crate) fn may_have_been_sent(&self, operation: &QueuedOperation) -> bool {
        operation.reason.is_none() && (operation.attempts > 0 || operation.seq <= self.left_by_another_run)
    }
}

pub(crate) fn read_operation(row: &SqliteRow) -> Result<QueuedOperation> {
    let object = |column: &str| -> Result<Map<String, Value>> {
        match row.try_get::<Option<String>, _>(column)? {
            Some(text) => serde_json::from_str(&text).map_err(|_| Error::Shape(format!("outbox.{column}"))),
            None => Ok(Map::new()),
        }
    };
    Ok(QueuedOperation {
        seq: row.try_get("seq")?,
        operation_id: row.try_get("operation_id")?,
        action: row.try_get("action")?,
        entity: row.try_get("entity")?,
        entity_id: row.try_get("entity_id")?,
        kind: row.try_get("kind")?,
        fields: object("fields")?,
        base: object("base")?,
        depends_on: row.try_get("depends_on")?,
        attempts: row.try_get("attempts")?,
        expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(instant),
        reason: row.try_get("reason")?,
        theirs: object("theirs")?,
        queued_at: instant(row.try_get("queued_at")?),
    })
}
