//! What drafts ask and are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::media::VoiceNote;

/// Asks what somebody at this computer has begun to write in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetDraft {
    /// Which thread.
    pub conversation_id: Uuid,
}

/// What somebody has begun to write.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Draft {
    /// The answer; empty where there is none.
    pub text: String,
    /// The note to the team; empty where there is none.
    pub note: String,
    /// The message that the answer quotes.
    pub quoted_id: Option<Uuid>,
    /// Files beside the answer, in the order in which they came.
    pub files: Vec<AttachedFile>,
}

/// A file beside an answer that was not sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AttachedFile {
    /// The file.
    pub id: Uuid,
    /// Its name.
    pub file_name: String,
    /// What the window that it came from takes it for.
    pub mime_type: String,
    /// Its size in bytes.
    pub size_bytes: f64,
    /// What is known of a recording.
    pub voice: Option<VoiceNote>,
    /// What is there of it.
    pub state: AttachedState,
}

/// What is there of a file beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachedState {
    /// All of it.
    Whole,
    /// A recording that was not ended: what was said until the screens locked or the program ended.
    Interrupted,
    /// Only its name: it had to make room for later ones, or did not come to its end.
    Gone,
}

/// Keeps a piece of a file beside the answer of a thread on this computer, encrypted, until it is sent or dropped. There is
/// room for 384 MB over all threads: what came first makes room for what comes later.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KeepAttached {
    /// Which thread.
    pub conversation_id: Uuid,
    /// The file: whoever has it makes the id.
    pub file_id: Uuid,
    /// Its name.
    pub file_name: String,
    /// What it is, as far as its window knows.
    pub mime_type: String,
    /// Which piece: 0 begins the file, and the others follow in their order. One that was kept is not kept twice.
    pub number: u32,
    /// Its bytes in base64; none where only `whole` or `voice` is told.
    pub base64: String,
    /// Nothing of the file is left to come.
    pub whole: bool,
    /// What is known of a recording until here.
    #[serde(default)]
    pub voice: Option<VoiceNote>,
}

/// Without what is in it.
impl std::fmt::Debug for KeepAttached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeepAttached")
            .field("file_id", &self.file_id)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Names a file beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AttachedOfDraft {
    /// The file.
    pub file_id: Uuid,
}

/// Its bytes, for the window to show and send it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AttachedContents {
    /// What the window that it came from takes it for.
    pub mime_type: String,
    /// The bytes in base64.
    pub base64: String,
}

/// Without what is in it.
impl std::fmt::Debug for AttachedContents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachedContents").field("mime_type", &self.mime_type).finish_non_exhaustive()
    }
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
