//! Copies the clinic's database to this computer and this computer's writes back.
//!
//! One task, [`SyncTask`], does it all in order: send what is queued, read what changed, wait for a reason to do it again. What
//! it decides is in [`plan`], without I/O.

mod driver;
mod ears;
mod engine;
mod first_copy;
mod indexing;
mod older;
mod people;
pub mod plan;
mod pull;
mod push;
mod remote;
mod status;
mod surroundings;
mod tally;

pub use driver::{Dial, SyncTask};
pub use engine::Engine;
pub use older::{FetchOlder, NotFetched};
pub use remote::Remote;
pub use status::{Connection, Progress, Status};

/// What stops a round of copying.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The clinic's database.
    #[error(transparent)]
    Tenant(#[from] balcao_tenant::Error),
    /// The copy on this computer.
    #[error(transparent)]
    Cache(#[from] balcao_cache::Error),
    /// The database was restored or moved since this copy was made: it is copied anew.
    #[error("the database is not the one that was copied from")]
    FeedReplaced,
    /// What is needed before the database can be asked: its server on this computer, the password in the keyring. The code
    /// is stable, the message one English sentence.
    #[error("{message} [{code}]")]
    Preparation {
        /// Stable name.
        code: String,
        /// One sentence.
        message: String,
        /// Whether it may pass without anybody changing anything.
        passing: bool,
    },
}

impl Error {
    /// Stable name of what is wrong.
    pub fn code(&self) -> &str {
        match self {
            Self::Tenant(error) => error.code(),
            Self::Cache(balcao_cache::Error::DiskFull) => "disk_full",
            Self::Cache(balcao_cache::Error::NotWritable(_)) => "profile_not_writable",
            Self::Cache(balcao_cache::Error::Damaged) => "cache_damaged",
            Self::Cache(_) => "internal",
            Self::FeedReplaced => "feed_replaced",
            Self::Preparation { code, .. } => code,
        }
    }

    /// Whether the way to the database is closed for now, and nothing needs to be changed by a person.
    pub fn is_connection(&self) -> bool {
        match self {
            // What another transaction or a busy server holds up passes like a line that is down.
            Self::Tenant(error) => error.is_connection() || !error.is_permanent(),
            Self::Cache(_) => false,
            Self::FeedReplaced => true,
            Self::Preparation { passing, .. } => *passing,
        }
    }
}

/// Result of a round.
pub type Result<T> = std::result::Result<T, Error>;
