//! What drafts ask and are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// Asks what somebody at this computer has begun to write in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetDraft {
    /// Which thread.
    pub conversation_id: Uuid,
}

/// What somebody has begun to write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Draft {
    /// The answer; empty where there is none.
    pub text: String,
    /// The note to the team; empty where there is none.
    pub note: String,
    /// The message that the answer quotes.
    pub quoted_id: Option<Uuid>,
}

/// Keeps it on this computer, encrypted, until it is sent or emptied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KeepDraft {
    /// Which thread.
    pub conversation_id: Uuid,
    /// The answer, at most 65,536 characters.
    pub text: String,
    /// The note to the team, at most 65,536 characters.
    #[serde(default)]
    pub note: String,
    /// The message that the answer quotes.
    #[serde(default)]
    pub quoted_id: Option<Uuid>,
}
