//! What the law gives a person: a copy of everything that is known about them, and to be forgotten. Who may ask for either
//! is decided in the database (`0016_privacy.sql`): the clinic's owner, or an admin.

mod archive;
mod erase;
mod export;
mod page;
mod person;
mod rows;
mod words;

pub use archive::PersonArchive;
pub use erase::{Erased, ErasurePreview, Reason};
pub use export::{ExportError, ExportProgress, PARTS};
