//! The one way to a secret, whichever keyring holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use crate::account;
use crate::memory::MemoryKeyring;
use crate::system::SystemKeyring;
use crate::{KeychainError, Result, Secret};

/// Environment setting that replaces the service name `balcao`, so that a demonstration or a test does not touch the
/// secrets of a real clinic on the same computer.
pub const SERVICE_ENV: &str = "BALCAO_KEYCHAIN_SERVICE";

/// Largest secret that every operating system takes: the limit of the Windows Credential Manager.
pub const MAX_SECRET_BYTES: usize = 2560;

const SERVICE: &str = "balcao";

/// Secrets by name. Cheap to clone; clones share one keyring.
#[derive(Clone)]
pub struct Keychain {
    keyring: Arc<Keyring>,
    creating: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Keychain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keychain(…)")
    }
}

enum Keyring {
    System(SystemKeyring),
    Memory(MemoryKeyring),
}

impl Keychain {
    /// The keyring of the operating system, under the service name `balcao` or the one in [`SERVICE_ENV`].
    ///
    /// Nothing is opened yet. On Linux the first use connects to the Secret Service, once for the whole program: if
    /// there is none then, every later use fails too until the program is started again.
    pub fn system() -> Self {
        let service = std::env::var(SERVICE_ENV).ok().filter(|name| !name.is_empty());
        Self::over(Keyring::System(SystemKeyring::new(service.unwrap_or_else(|| SERVICE.to_owned()))))
    }

    /// A keyring that is empty now and gone with its last clone. For tests.
    pub fn in_memory() -> Self {
        Self::over(Keyring::Memory(MemoryKeyring::default()))
    }

    /// The same on a system that can ask its account; the owner of it sits here while `owner` says so. For tests.
    pub fn in_memory_with_account(owner: Arc<AtomicBool>) -> Self {
        Self::over(Keyring::Memory(MemoryKeyring::with_owner(owner)))
    }

    fn over(keyring: Keyring) -> Self {
        Self { keyring: Arc::new(keyring), creating: Arc::default() }
    }

    /// The secret under this name, `None` if there is none.
    ///
    /// # Errors
    /// [`KeychainError`]
    pub async fn get(&self, name: &str) -> Result<Option<Secret>> {
        check_name(name)?;
        match &*self.keyring {
            Keyring::System(system) => system.get(name).await,
            Keyring::Memory(memory) => Ok(memory.get(name)),
        }
    }

    /// Stores the secret, in place of one that was there.
    ///
    /// # Errors
    /// [`KeychainError`], among them [`KeychainError::TooLarge`] above [`MAX_SECRET_BYTES`].
    pub async fn set(&self, name: &str, secret: &Secret) -> Result<()> {
        check_name(name)?;
        let bytes = secret.expose().len();
        if bytes > MAX_SECRET_BYTES {
            return Err(KeychainError::TooLarge { name: name.to_owned(), bytes, limit: MAX_SECRET_BYTES });
        }
        match &*self.keyring {
            Keyring::System(system) => system.set(name, secret).await,
            Keyring::Memory(memory) => {
                memory.set(name, secret);
                Ok(())
            }
        }
    }

    /// Removes the entry. That there was none is not an error.
    ///
    /// # Errors
    /// [`KeychainError`]
    pub async fn delete(&self, name: &str) -> Result<()> {
        check_name(name)?;
        match &*self.keyring {
            Keyring::System(system) => system.delete(name).await,
            Keyring::Memory(memory) => {
                memory.delete(name);
                Ok(())
            }
        }
    }

    /// Whether this system lets a program ask the owner of the account to prove that they sit here.
    pub fn can_ask_account(&self) -> bool {
        match &*self.keyring {
            Keyring::System(_) => account::OFFERED,
            Keyring::Memory(memory) => memory.owner.is_some(),
        }
    }

    /// Asks the owner of the account to prove that they sit here: with a finger, a face, a PIN or the password of the
    /// account, whatever the system takes. `program` is who asks, `why` completes "… is trying to". `false` when they failed
    /// or called it off; there is no answer sooner than theirs, at most after two minutes.
    ///
    /// # Errors
    /// [`KeychainError::Unavailable`] where the system has no such question, or nobody answers it.
    pub async fn ask_account(&self, program: &str, why: &str) -> Result<bool> {
        match &*self.keyring {
            Keyring::System(_) => account::ask(program, why).await,
            Keyring::Memory(memory) => match &memory.owner {
                Some(owner) => Ok(owner.load(Ordering::SeqCst)),
                None => Err(KeychainError::unavailable("no account")),
            },
        }
    }

    /// The secret under this name; if there is none yet, a new [`Secret::random`] of so many bytes, stored first.
    ///
    /// # Errors
    /// [`KeychainError`]
    pub async fn get_or_create_random(&self, name: &str, bytes: usize) -> Result<Secret> {
        let _one_at_a_time = self.creating.lock().await;
        if let Some(secret) = self.get(name).await? {
            return Ok(secret);
        }
        self.set(name, &Secret::random(bytes)?).await?;
        // What was stored counts, not what was drawn: another process may have stored its own just after.
        self.get(name)
            .await?
            .ok_or_else(|| KeychainError::unavailable(format!("it did not keep the new entry {name:?}")))
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() { Err(KeychainError::NoName) } else { Ok(()) }
}
