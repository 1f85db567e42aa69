//! Why a clinic cannot be shared on its network.

use std::io;
use std::path::PathBuf;

use balcao_keychain::KeychainError;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why sharing did not begin. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another program, or another copy of this one, listens there.
    #[error("port {port} is taken by another program")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The operating system gives this port to nobody of this account.
    #[error("the operating system does not allow port {port}")]
    PortRefused {
        /// The port.
        port: u16,
    },
    /// Listening failed in another way.
    #[error("listening on the network failed")]
    Listen(#[source] io::Error),
    /// The keyring does not give or take the authority's key.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The authority's certificate is there and the key that belongs to it is not: the folder came from another computer, or
    /// the keyring was emptied. A new authority needs a new invitation for every computer.
    #[error("the key of the clinic's certificate authority is not in the keyring")]
    KeyLost,
    /// The folder of the certificate cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Folder {
        /// What was tried: `read`, `write` or `remove`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A certificate could not be made; a mistake in this program.
    #[error("the certificate could not be made")]
    Certificate,
    /// Names of the network cannot be asked for or announced, as without any network.
    #[error("names of the network are not available")]
    Names,
}

impl Error {
    /// A stable name of the kind of error, in snake case, for screens and command lines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "port_taken",
            Self::PortRefused { .. } => "port_refused",
            Self::Listen(_) => "listen",
            Self::Keychain(_) => "keychain",
            Self::KeyLost => "key_lost",
            Self::Folder { .. } => "folder",
            Self::Certificate => "certificate",
            Self::Names => "names",
        }
    }
}

impl From<rcgen::Error> for Error {
    fn from(_: rcgen::Error) -> Self {
        Self::Certificate
    }
}

impl From<rustls::Error> for Error {
    fn from(_: rustls::Error) -> Self {
        Self::Certificate
    }
}
