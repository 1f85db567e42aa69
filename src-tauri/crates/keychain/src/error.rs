//! What can go wrong with the keyring. That an entry does not exist is not an error but `Ok(None)`.

/// A result of this crate.
pub type Result<T, E = KeychainError> = std::result::Result<T, E>;

/// Why the keyring did not do what was asked. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// No keyring runs here, it is locked, it refused, or nobody answered its question in time.
    #[error("the keyring of this computer is not available: {reason}")]
    Unavailable {
        /// What the keyring said.
        reason: String,
    },
    /// The keyring answered, but what it holds under this name cannot be used.
    #[error("the keyring entry {name:?} cannot be used: {reason}")]
    Broken {
        /// The entry.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The secret does not fit an entry on every operating system.
    #[error("the secret for {name:?} has {bytes} bytes, but a keyring entry holds at most {limit}")]
    TooLarge {
        /// The entry.
        name: String,
        /// Size of the refused secret.
        bytes: usize,
        /// [`MAX_SECRET_BYTES`](crate::MAX_SECRET_BYTES).
        limit: usize,
    },
    /// An entry needs a name; on macOS an empty one would match any entry.
    #[error("a keyring entry needs a name")]
    NoName,
}

impl KeychainError {
    /// Whether trying again, perhaps after the person has unlocked the keyring, cannot help.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}
