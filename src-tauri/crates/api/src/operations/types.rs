//! What waits to be sent, what needs a decision, and the status line.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::error::ApiError;

/// How the desk stands with the clinic's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// First try since start.
    Connecting,
    /// The database answers.
    Online,
    /// The database does not answer; reads go on, writes queue.
    Offline,
    /// The database answers and refuses: something must be changed by a person.
    Refused,
}

/// The status line. It never says more than the desk knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SyncStatus {
    /// How the desk stands with the database.
    pub connection: Connection,
    /// Since when it does not answer.
    pub offline_since: Option<DateTime<Utc>>,
    /// Last time the database confirmed that this copy is complete.
    pub last_confirmed_at: Option<DateTime<Utc>>,
    /// Writes that are kept on this computer and not yet confirmed.
    pub waiting: u32,
    /// Writes that were refused and need a decision.
    pub needs_you: u32,
    /// What stands in the way, when something does.
    pub problem: Option<ApiError>,
    /// The copy is being made for the first time.
    pub first_copy: Option<CopyProgress>,
    /// Seconds by which this computer's clock is ahead of the server's; absent while it is small.
    pub clock_ahead_seconds: Option<f64>,
}

/// How far the first copy is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CopyProgress {
    /// What is being copied now (an entity of the feed).
    pub entity: String,
    /// Rows copied.
    pub done: f64,
    /// Rows in all, as far as known.
    pub total: f64,
    /// Seconds until it is done, about; absent while nothing can be said.
    pub seconds_left: Option<f64>,
}

/// Whether an operation waits or needs a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Kept on this computer, will be sent.
    Waiting,
    /// Refused; a person decides.
    Parked,
}

/// Asks for the operations in a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListOperations {
    /// Which.
    pub state: OperationState,
    /// Only what people did in this way: send_message, move_lead …
    #[serde(default)]
    pub kind: Option<String>,
    /// What concerns this row (a message, a visit, a lead, a person) comes first.
    #[serde(default)]
    pub first: Option<Uuid>,
    /// Operations to return; absent for 100, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// The operations in a state, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OperationList {
    /// As many as were asked for.
    pub rows: Vec<OperationRow>,
    /// How many there are in this state, of every kind.
    pub total: u32,
    /// How many there are of each kind among the first 500, the most frequent first.
    pub kinds: Vec<KindCount>,
    /// How many of those that were asked for can be tried again without a decision.
    pub retriable: u32,
}

/// How many operations there are of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KindCount {
    /// send_message, move_lead …
    pub kind: String,
    /// How many.
    pub count: u32,
}

/// What a person can do with a parked operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Send it again as it is.
    Retry,
    /// Someone else changed the same: what was wanted here goes over it.
    KeepMine,
    /// Someone else changed the same: theirs stays, and this is given up.
    KeepTheirs,
    /// Put the visit at another time.
    OtherTime,
    /// Put the visit in deliberately, with a reason.
    SqueezeIn,
    /// Give it up; the screens show the database's values again.
    Discard,
}

/// One queued write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OperationRow {
    /// The operation.
    pub operation_id: Uuid,
    /// send_message, book_appointment, move_appointment, move_lead, add_note …
    pub kind: String,
    /// What it changes.
    pub entity_id: Uuid,
    /// The thread to look at, for a message.
    pub conversation_id: Option<Uuid>,
    /// Whom it is about.
    pub subject: String,
    /// What it would do, in values: a text, a time, a stage.
    pub wanted: Vec<FieldValue>,
    /// What stood in the same fields when the person decided.
    pub before: Vec<FieldValue>,
    /// When it was made.
    pub queued_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is parked: slot_taken, conflict, gone, not_permitted, duplicate, missing_reference, invalid, expired, already_sent.
    pub reason: Option<String>,
    /// What stands in the database where someone else changed the same.
    pub theirs: Vec<FieldValue>,
    /// What can be done.
    pub choices: Vec<Choice>,
    /// Writes that cannot go without this one: given up, it takes them along.
    pub dependents: u32,
}

/// A field and its value as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FieldValue {
    /// Name of the field.
    pub field: String,
    /// Its value; instants as RFC 3339, ids as the name they stand for.
    pub value: Option<String>,
}

/// Decides about a parked operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DecideOperation {
    /// The operation.
    pub operation_id: Uuid,
    /// What to do.
    pub choice: Choice,
    /// Required with squeeze_in.
    #[serde(default)]
    pub reason: Option<String>,
    /// Required with other_time: the new start. The visit keeps its length.
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
}

/// Asks where a refused visit could stand instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListFreeSlots {
    /// The operation that would move it.
    pub operation_id: Uuid,
}

/// The next free times, as far as this computer knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FreeSlots {
    /// With whom.
    pub professional: Option<String>,
    /// At most three, in order; none when nothing is free in the next four weeks.
    pub slots: Vec<FreeSlot>,
}

/// A free time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FreeSlot {
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
}

/// Sends everything again that needs no decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RetryOperations {
    /// Only of this kind.
    #[serde(default)]
    pub kind: Option<String>,
}

/// How many go again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Retried {
    /// Operations.
    pub count: u32,
}

/// Takes back that an operation was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RestoreOperation {
    /// The operation.
    pub operation_id: Uuid,
}

/// A write was taken: it is safe on this computer and queued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Written {
    /// The operation; absent when nothing had to change.
    pub operation_id: Option<Uuid>,
    /// What it changes.
    pub entity_id: Uuid,
}
