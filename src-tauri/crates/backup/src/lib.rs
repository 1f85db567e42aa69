//! Backups of a clinic's database: made, verified by a real restore, restored on a new computer, moved to another server.
//!
//! ```text
//! Snapshot ─► pg_dump ─► age (twelve words) ─► <name>.part ─► fsync ─► <name>.balcao-backup + <name>.json
//! <name>.balcao-backup ─► age ─► pg_restore (as text) ─► one transaction in an empty database ─► compared, table by table
//! ```
//!
//! Nothing is ever plain on the disk of a backup: the stream is encrypted before its first byte is written, and decrypted
//! only into a pipe. The file is an ordinary `age` file whose passphrase is the twelve words with one space in between;
//! inside are a line that says what it is, a line of JSON ([`Contents`]) and an archive of `pg_dump` in its custom format,
//! so a person who has the words gets at the data without this program, too:
//! `age -d FILE | tail -n +3 | pg_restore …`.

mod archive;
mod contents;
mod dump;
mod erasures;
mod error;
mod folder;
mod password_file;
mod restore;
mod rotation;
mod seal;
mod verify;
mod watch;
mod words;

pub use archive::Archive;
pub use contents::{Contents, Manifest};
pub use dump::make;
pub use erasures::{add_erasures, keep_erasures};
pub use error::{BackupError, Result};
pub use folder::{ENDING, Found, list, usable};
pub use restore::{Restored, restore, restore_when};
pub use rotation::{Keep, rotate};
pub use verify::{sweep, verify};
pub use watch::{Progress, Step, Watch};
pub use words::Words;
