//! What a backup says of itself: inside, sealed, all of it; beside it, for everybody, what helps to choose one.

use balcao_tenant::provision::TableDigest;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The first line inside.
pub(crate) const FIRST_LINE: &str = "balcao backup 1\n";

/// Longest description that is read.
pub(crate) const LONGEST: u64 = 1 << 20;

/// What is in a backup. Sealed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Names of the clinics.
    pub clinics: Vec<String>,
    /// The moment it shows, on the clock of the database.
    pub taken_at: DateTime<Utc>,
    /// Version of the schema.
    pub schema_version: i64,
    /// Every table with its rows and their digest.
    pub tables: Vec<TableDigest>,
}

impl Contents {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| u64::try_from(table.rows).unwrap_or(0)).sum()
    }
}

/// The small file beside a backup. There are no digests of rows in it: a small table could be guessed from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Names the words that open it, and tells nothing about them.
    pub series: String,
    /// Names of the clinics.
    pub clinics: Vec<String>,
    /// The moment it shows.
    pub taken_at: DateTime<Utc>,
    /// Version of the schema.
    pub schema_version: i64,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}
