//! The encrypted copy of the clinic on this computer: every SQLite statement of the program is in this crate.
//!
//! Screens read from here and nowhere else. A write changes the row a person sees and queues the operation that will
//! change it in the clinic's database, in one transaction; see [`Cache::enqueue`].

mod agenda;
mod change;
mod copy;
mod error;
mod inbox;
mod journal;
mod leads;
mod open;
mod outbox;
mod search;
mod settle;
mod shadow;
mod team;
mod values;

pub use agenda::{AgendaRows, ClosureRow, HoursRow, ProfessionalRow, VisitRow};
pub use change::CacheChange;
pub use error::Error;
pub use inbox::{ConversationRow, Counts, InboxView, MessageRow, PersonRow, PersonVisitRow};
pub use leads::{LeadRow, LossReasonRow, StageRow};
pub use open::{Cache, Key, Opened};
pub use outbox::{Effect, NewOperation, OperationState, QueuedOperation};
pub use search::{FoundMessageRow, FoundPersonRow};
pub use settle::Settlement;
pub use team::{ClinicRow, MemberRow};

/// Result of talking to the copy.
pub type Result<T> = std::result::Result<T, Error>;

/// Whether what a row shows is already in the clinic's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// The database has it.
    Confirmed,
    /// Waits to be sent.
    Pending,
    /// Was refused; a person decides.
    Parked,
}

impl RowState {
    /// Reads the number that the queries make of it: null or 0, 1, 2.
    pub(crate) fn from_rank(rank: Option<i64>) -> Self {
        match rank {
            Some(2) => Self::Parked,
            Some(1) => Self::Pending,
            _ => Self::Confirmed,
        }
    }
}

/// SQL that ranks what is queued for a row: 1 waits, 2 is parked, null is neither.
macro_rules! row_state {
    ($id:literal) => {
        concat!(
            "(select max(case o.state when 'parked' then 2 else 1 end) from effects e \
              join outbox o on o.operation_id = e.operation_id where e.entity_id = ",
            $id,
            ")"
        )
    };
}
pub(crate) use row_state;
