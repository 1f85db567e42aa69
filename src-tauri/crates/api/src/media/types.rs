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
    /// What was spoken into the microphone goes as a voice note, and has neither a name nor a caption.
    #[serde(default)]
    pub voice: Option<VoiceNote>,
    /// The file beside the draft that this is: it is there until it is queued, and not any more then.
    #[serde(default)]
    pub attached_id: Option<Uuid>,
}

/// A recording, as the window that made it knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct VoiceNote {
    /// How long it is; the file has the last word where it says so itself.
    pub seconds: u32,
    /// How loud it is from beginning to end, 0 to 100; at most 64 values.
    pub waveform: Vec<u8>,
}

/// Without what is in it.
impl std::fmt::Debug for SendFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendFile").field("conversation_id", &self.conversation_id).finish_non_exhaustive()
    }
}
