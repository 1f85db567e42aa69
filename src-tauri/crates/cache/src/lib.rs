//! The encrypted copy of the clinic on this computer: every SQLite statement of the program is in this crate.
//!
//! Screens read from here and nowhere else. A write changes the row a person sees and queues the operation that will
//! change it in the clinic's database, in one transaction; see [`Cache::enqueue`].

mod agenda;
mod arrivals;
mod aside;
mod attached;
mod booking;
mod change;
mod channels;
mod copy;
mod decide;
mod drafts;
mod due;
mod effects;
mod enqueue;
mod error;
mod few;
mod fold;
mod forget;
mod inbox;
mod joining;
mod journal;
mod leads;
mod media;
mod mentions;
mod migrations;
mod notes;
mod older;
mod open;
mod outbox;
mod quick_replies;
mod salvage;
mod search;
mod settle;
mod shadow;
mod taken_back;
mod team;
mod values;
mod views;
mod visible;
mod window;

pub use agenda::{AgendaRows, ClosureRow, HoursRow, LONGEST_VISIT_MICROS, ProfessionalRow, VisitRow};
pub use arrivals::ArrivalRow;
pub use attached::{AllAttached, Attached, AttachedFile, AttachedPiece, MOST_ATTACHED_BYTES};
pub use booking::{AwaitedRow, PatientRow, ServiceRow};
pub use change::CacheChange;
pub use channels::{ConnectionRow, HolderRow};
pub use copy::Taking;
pub use drafts::Draft;
pub use error::Error;
pub use few::FewRows;
pub use inbox::{MessageRow, PersonRow, PersonVisitRow, QuotedRow};
pub use joining::PersonWeight;
pub use journal::LogLine;
pub use leads::{LeadRow, LossReasonRow, StageRow};
pub use media::{OutgoingMedia, StoredMedia};
pub use notes::{Noted, NotesRow, QueuedNote};
pub use older::{Reach, Timeline};
pub use open::{Cache, Key, Opened};
pub use outbox::{Effect, NewOperation, OperationState, QueuedOperation, WriteKind};
pub use quick_replies::{NextVisitRow, QuickReplyRow};
pub use salvage::UNTOLD_EXPORTS;
pub use search::{FoundMessageRow, FoundPersonRow, MessageScope};
pub use settle::Settlement;
pub use taken_back::GivenUp;
pub use team::{ChannelRow, ClinicRow, MemberRow};
pub use views::{ConversationRow, Counts, InboxView, Onlooker, ThreadFilter};
pub use window::{Gap, read_window, written_window};

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
