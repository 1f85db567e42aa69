//! What is written in a thread.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// Sends a text; it is queued on this computer and goes out when the clinic's database has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SendMessage {
    /// Where to.
    pub conversation_id: Uuid,
    /// 1 to 4,096 characters after trimming, with no place left to be filled in.
    pub text: String,
    /// The message it answers.
    #[serde(default)]
    pub quoted_id: Option<Uuid>,
    /// When it is to go; absent for at once.
    #[serde(default)]
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// Writes a note into a thread, for the team. It is never sent to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct WriteNote {
    /// Which thread.
    pub conversation_id: Uuid,
    /// 1 to 4,096 characters after trimming; "@Ana Prado" names a member.
    pub text: String,
}

/// The member at this desk has seen what names them in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SeeMentions {
    /// Which thread.
    pub conversation_id: Uuid,
}

/// Decides anew about a message that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChangeScheduled {
    /// Which.
    pub message_id: Uuid,
    /// What becomes of it.
    pub change: ScheduledChange,
}

/// What becomes of a message that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ScheduledChange {
    /// It goes at another time.
    Reschedule {
        /// Within a year.
        at: DateTime<Utc>,
    },
    /// It goes now.
    SendNow,
    /// It does not go.
    Cancel,
    /// It goes after all.
    Restore,
}
