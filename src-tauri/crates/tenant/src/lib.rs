//! The clinic's PostgreSQL: every PostgreSQL statement of the program is in this crate, every table in `migrations/tenant`.
//!
//! [`Tenant`] is a connection under a desk's restricted login: what it may see and do is decided by the database.
//! [`provision`] is the one part that needs an administrator's address, once.

pub mod audit;
mod bucket;
mod bulk;
mod channels;
mod connect;
mod error;
mod feed;
mod health;
mod ingest;
mod joining;
mod lease;
mod listen;
mod media;
pub mod members;
mod migrations;
mod operations;
mod people;
pub mod privacy;
pub mod provision;
mod search;
mod sending;
mod upkeep;

pub use bucket::{BucketSetting, BucketState, MediaObject, MediaPlace};
pub use bulk::{BulkLoader, ClinicFrame, CopyField, CopyLine};
pub use channels::{Channel, ChannelKind, ChannelSettings, NewChannel, Removed, is_removed};
pub use connect::{Address, DoctorState, DoctorStep, Finding, Identity, Role, Tenant, TlsMode, diagnose};
pub use error::Error;
pub use feed::{
    FeedBatch, FeedPosition, FeedRow, FeedSender, Older, RowBatch, STAGES, Span, Stage, StageEnd, StageKey,
};
pub use ingest::{IngestOutcome, RawEvent, Told};
pub use joining::Merge;
pub use lease::{Bid, Fence, Tenure};
pub use listen::{Listener, Wake};
pub use media::{MediaContents, MediaDue, MediaOutcome, Offered};
pub use migrations::SCHEMA_VERSION;
pub use operations::{Operation, OperationKind, Outcome, Verdict};
pub use people::PeopleChannel;
pub use search::{FoundMessage, Scope};
pub use sending::{Attempt, Begun, Due, NextDue, Quoted, SendOutcome, UnknownSend};
pub use upkeep::Upkeep;

/// Result of talking to the clinic's database.
pub type Result<T> = std::result::Result<T, Error>;
