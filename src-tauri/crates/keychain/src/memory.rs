//! A keyring that lives and dies with its [`Keychain`](crate::Keychain): for tests.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Secret;

#[derive(Default)]
pub(crate) struct MemoryKeyring {
    entries: Mutex<HashMap<String, Secret>>,
    /// Whether the owner of the account sits here; absent where accounts cannot be asked.
    pub(crate) owner: Option<Arc<AtomicBool>>,
}

impl MemoryKeyring {
    pub(crate) fn with_owner(owner: Arc<AtomicBool>) -> Self {
        Self { owner: Some(owner), ..Self::default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Secret> {
        self.entries().get(name).cloned()
    }

    pub(crate) fn set(&self, name: &str, secret: &Secret) {
        self.entries().insert(name.to_owned(), secret.clone());
    }

    pub(crate) fn delete(&self, name: &str) {
        self.entries().remove(name);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Secret>> {
        // A panic elsewhere cannot leave a map of whole secrets half-written.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
