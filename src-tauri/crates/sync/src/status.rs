//! What the status line may say.

use chrono::{DateTime, Utc};

/// How the desk stands with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// First try since start.
    Connecting,
    /// It answers.
    Online,
    /// It does not answer.
    Offline,
    /// It answers and refuses, or something on this computer stands in the way: a person must change something.
    Refused,
}

/// How far the first copy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being copied.
    pub entity: &'static str,
    /// Rows copied.
    pub done: u64,
    /// Rows in all, about.
    pub total: u64,
    /// Whether the screens can be used already.
    pub usable: bool,
}

/// What is known about the copy and its source. It never says more than the desk knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// How the desk stands with the database.
    pub connection: Connection,
    /// Since when it does not answer.
    pub offline_since: Option<DateTime<Utc>>,
    /// When the database last confirmed that the copy is complete.
    pub last_confirmed_at: Option<DateTime<Utc>>,
    /// Stable name and sentence of what stands in the way.
    pub problem: Option<(String, String)>,
    /// The first copy, while it is made.
    pub first_copy: Option<Progress>,
    /// What a wider window lacked, while it is fetched.
    pub widening: Option<Progress>,
    /// Seconds by which this computer's clock is ahead of the server's.
    pub clock_ahead_seconds: Option<f64>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            connection: Connection::Connecting,
            offline_since: None,
            last_confirmed_at: None,
            problem: None,
            first_copy: None,
            widening: None,
            clock_ahead_seconds: None,
        }
    }
}
