//! Files of messages: which are to be fetched from a gateway, their bytes in the database, and the way of those that a desk
//! sends.

mod ageing;
mod expecting;
mod fetching;
mod reading;
mod uploading;

pub(crate) use expecting::{expect, first_state};
pub use fetching::{MediaDue, MediaOutcome};
pub use reading::MediaContents;
pub(crate) use reading::{Stored, piece};
pub use uploading::Offered;
