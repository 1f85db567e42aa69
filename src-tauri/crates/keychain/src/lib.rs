//! Secrets of this computer, kept in the keyring of the operating system: Keychain Services on macOS, the Credential
//! Manager on Windows, the Secret Service on Linux.
//!
//! One keyring *service* (`balcao`, see [`Keychain::system`]) holds every entry; an entry's name is composed of the
//! profile it belongs to and what it opens, see [`names`]:
//!
//! | entry                             | opens                                                   |
//! |-----------------------------------|---------------------------------------------------------|
//! | `<profile-id>/cache-key`          | the encrypted SQLite copy                               |
//! | `<profile-id>/database-password`  | the login of this desk in the clinic's PostgreSQL       |
//! | `<profile-id>/superuser-password` | the embedded PostgreSQL, where this computer hosts one  |
//! | `<profile-id>/lock`               | the screens, as a hash of the PIN                       |
//! | `<profile-id>/journal-key`        | events that the database does not have yet              |
//! | `<profile-id>/bucket-key`         | the bucket with files of messages                       |
//! | `<channel-id>/gateway-key`        | the gateway of a connection to WhatsApp                 |
//! | `<profile-id>/lan-authority`      | what desks trust when the clinic is shared on a network |
//!
//! The same account can be asked to prove that its owner sits here, see [`Keychain::ask_account`].
//!
//! There is deliberately no fallback to a file: where no keyring answers, [`KeychainError::Unavailable`] says so and
//! the person decides what to do.

mod account;
mod error;
mod keychain;
mod memory;
pub mod names;
mod secret;
mod system;

pub use error::{KeychainError, Result};
pub use keychain::{Keychain, MAX_SECRET_BYTES, SERVICE_ENV};
pub use secret::Secret;
