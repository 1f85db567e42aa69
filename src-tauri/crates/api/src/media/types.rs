//! What is asked and told about files of messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// Names a message with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MediaOfMessage {
    /// The message.
    pub message_id: Uuid,
}

/// The file of a message, for a screen to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MediaContents {
    /// What its bytes are, whatever its sender said.
    pub mime_type: String,
    /// Its bytes in base64; absent for what can only be saved.
    pub base64: Option<String>,
    /// Its size in bytes.
    pub size_bytes: f64,
}

/// Where a file was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SavedMedia {
    /// The file on this computer.
    pub path: String,
}

/// Whether there is anything to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MediaWanted {
    /// The computer that looks after the connection tries again.
    pub wanted: bool,
}

/// Files of this computer on their way to the clinic's database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Uploads {
    /// Each one.
    pub rows: Vec<Upload>,
}

/// One file on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Upload {
    /// Its message.
    pub message_id: Uuid,
    /// Bytes that the database has.
    pub done_bytes: f64,
    /// Bytes in all.
    pub total_bytes: f64,
}

/// Sends a file; it is queued on this computer and goes out when the clinic's database has it. How it goes, as a picture or
/// otherwise, follows from its bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SendFile {
    /// Where to.
    pub conversation_id: Uuid,
    /// Its name.
    pub file_name: String,
    /// Its bytes in base64.
    pub base64: String,
    /// Text under it, at most 4,096 characters; sound has none.
    #[serde(default)]
    pub caption: String,
    /// The message it answers.
    #[serde(default)]
    pub quoted_id: Option<Uuid>,
}

/// Without what is in it.
impl std::fmt::Debug for SendFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendFile").field("conversation_id", &self.conversation_id).finish_non_exhaustive()
    }
}
