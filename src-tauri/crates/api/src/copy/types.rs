//! The copy on this computer, its log, and what the person is told about it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is to be said about the copy on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CopyState {
    /// Something happened that the person has not yet put away.
    pub notice: Option<CopyNotice>,
}

/// The file of the copy could not be read. It was set aside, and the copy is made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CopyNotice {
    /// When that was noticed.
    pub at: DateTime<Utc>,
    /// Name of the file that was set aside, in the folder of the profile.
    pub file: String,
    /// Writes that were not yet confirmed, read from the damaged file and kept.
    pub writes_kept: u32,
    /// More of them that were in it and could not be read; absent where not even their number could be.
    pub writes_lost: Option<u32>,
}

/// Makes the copy on this computer anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ResetCopy {
    /// The person was shown the writes that would be lost, and goes on. Without it, a copy with writes that were not
    /// confirmed is refused with `writes_wait`; the reference says how many.
    #[serde(default)]
    pub confirm_loss: bool,
}

/// Asks for a page of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListSyncLog {
    /// Lines before this one; absent, the newest.
    #[serde(default)]
    pub before: Option<u32>,
    /// 1 to 500 lines.
    pub limit: u32,
}

/// A page of the log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SyncLog {
    /// The lines.
    pub lines: Vec<SyncLogLine>,
    /// Whether older lines follow.
    pub has_more: bool,
}

/// Something that happened to the copy or to the line. Never about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SyncLogLine {
    /// Grows with each line.
    pub id: u32,
    /// When, by this computer's clock.
    pub at: DateTime<Utc>,
    /// connected, line_down, first_copy_begun, first_copy_resumed, first_copy_done, sent, received, expired,
    /// operation_refused, epoch_changed, clinic_followed, clock_wrong, clock_right, copy_opened, copy_set_aside,
    /// copy_reset; another name is of a newer program.
    pub event: String,
    /// Numbers and codes that belong to it, by name.
    pub facts: BTreeMap<String, String>,
}

/// Where the log was written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ExportedLog {
    /// The file.
    pub path: String,
    /// Lines in it.
    pub lines: u32,
}
