//! Backups of the clinic on this computer, and bringing one back.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ApiError;
use crate::setup::ServerAddress;

/// The backups of the clinic that is on this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BackupState {
    /// Whether the recovery words were drawn and written down.
    pub has_words: bool,
    /// What was chosen.
    pub wish: BackupWish,
    /// Whether the folder is on the disk of the database itself, so that both would be lost together.
    pub same_disk: bool,
    /// When the next one is made; absent while something is still to be chosen.
    pub next_at: Option<DateTime<Utc>>,
    /// When one was last restored to try it, and was good.
    pub verified_at: Option<DateTime<Utc>>,
    /// What is being done right now.
    pub running: Option<BackupProgress>,
    /// Why the last one was not made or is not good; absent when it was and is.
    pub problem: Option<ApiError>,
    /// The backups in the folder, newest first.
    pub backups: Vec<BackupRow>,
    /// Why they cannot be listed.
    pub folder_problem: Option<ApiError>,
}

/// Where, when and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BackupWish {
    /// The folder; absent until one was chosen.
    pub folder: Option<String>,
    /// Minutes since midnight in the clinic's time, every day. When the computer is off at that time, as soon as it is on.
    pub at_minute: u32,
    /// Of so many days the last backup stays, 1 to 60.
    pub daily: u32,
    /// Of so many weeks, 0 to 60.
    pub weekly: u32,
    /// Of so many months, 0 to 120.
    pub monthly: u32,
    /// Days without a good backup after which the owner is warned, 1 to 60.
    pub warn_after_days: u32,
}

/// How far the work on a backup is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BackupProgress {
    /// make or verify.
    pub doing: String,
    /// look, copy, read, scratch, rows or finish.
    pub step: String,
    /// 0 to 1 where it is known.
    pub fraction: Option<f64>,
    /// Bytes that were copied, while that is what is done.
    pub bytes: Option<f64>,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BackupRow {
    /// Name of the file.
    pub file: String,
    /// The moment it shows.
    pub taken_at: DateTime<Utc>,
    /// Size of the file.
    pub bytes: f64,
    /// Rows of all tables.
    pub rows: f64,
    /// made, verified or failed.
    pub state: String,
    /// When it was tried.
    pub tried_at: Option<DateTime<Utc>>,
    /// Why it is not good.
    pub problem: Option<ApiError>,
    /// Whether the words that are in use open it.
    pub opens: bool,
}

/// Whether the owner is to be warned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BackupHealth {
    /// There has been no good backup for longer than was chosen. Always false where the clinic is not on this computer.
    pub overdue: bool,
    /// When one was last tried and good.
    pub verified_at: Option<DateTime<Utc>>,
    /// Of a clinic that was brought back here, until somebody has taken note.
    pub restored: Option<RestoredClinic>,
}

/// A clinic that was brought back from a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RestoredClinic {
    /// When.
    pub at: DateTime<Utc>,
    /// The moment that the backup shows.
    pub taken_at: DateTime<Utc>,
    /// Rows of all tables. Each table was compared with what the backup says it held.
    pub rows: f64,
    /// Tables.
    pub tables: u32,
}

/// Recovery words that were just drawn. They are shown once and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RecoveryWords {
    /// Twelve words in their order.
    pub words: Vec<String>,
    /// Places of words, 1 to 12, that are to be typed to show that they were written down.
    pub ask: Vec<u32>,
}

impl fmt::Debug for RecoveryWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryWords(…)")
    }
}

/// Shows that the words were written down. From then on they are those of the backups to come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ConfirmWords {
    /// The words that were asked for, in the order of their places.
    pub words: Vec<String>,
}

impl fmt::Debug for ConfirmWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfirmWords(…)")
    }
}

/// Names a backup in the chosen folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct VerifyBackup {
    /// Name of the file.
    pub file: String,
}

/// Looks into a folder of this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListFolders {
    /// The folder; absent, where one would begin to look.
    pub path: Option<String>,
}

/// What is in a folder, as far as it matters to somebody who chooses one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Folders {
    /// The folder; absent where it is the places to begin with.
    pub path: Option<String>,
    /// The folder around it; absent where there is none.
    pub parent: Option<String>,
    /// Folders in it.
    pub folders: Vec<FolderEntry>,
    /// Backups in it, the newest name first.
    pub backups: Vec<FolderEntry>,
}

/// A folder or a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FolderEntry {
    /// What to show.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// home, documents, desktop, drive or cloud for places to begin with; folder or backup otherwise.
    pub kind: String,
}

/// A backup and the words that open it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PeekBackup {
    /// The file.
    pub path: String,
    /// Twelve words, however they were typed.
    pub words: String,
}

impl fmt::Debug for PeekBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekBackup").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BackupContents {
    /// Name of the clinic.
    pub clinic_name: String,
    /// The moment it shows.
    pub taken_at: DateTime<Utc>,
    /// Rows of all tables.
    pub rows: f64,
    /// Size of the file.
    pub bytes: f64,
}

/// Brings a clinic back from a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StartRestore {
    /// Which one.
    pub backup: PeekBackup,
    /// Into an empty database of a PostgreSQL that is there already; absent, onto this computer.
    pub server: Option<ServerAddress>,
}
