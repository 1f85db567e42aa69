//! The clinic's PostgreSQL: every PostgreSQL statement of the program is in this crate, every table in `migrations/tenant`.
//!
//! [`Tenant`] is a connection under a desk's restricted login: what it may see and do is decided by the database.
//! [`provision`] is the one part that needs an administrator's address, once.

mod bulk;
mod connect;
mod error;
mod feed;
mod ingest;
mod listen;
mod migrations;
mod operations;
pub mod provision;

pub use bulk::{BulkLoader, ClinicFrame, CopyField, CopyLine};
pub use connect::{Address, Identity, Role, Tenant, TlsMode};
pub use error::Error;
pub use feed::{FeedBatch, FeedPosition, FeedRow, FeedSender, RowBatch, STAGES, Stage, StageEnd, StageKey};
pub use ingest::{IngestOutcome, RawEvent};
pub use listen::{Listener, Wake};
pub use migrations::SCHEMA_VERSION;
pub use operations::{Operation, OperationKind, Outcome, Verdict};

/// Result of talking to the clinic's database.
pub type Result<T> = std::result::Result<T, Error>;
