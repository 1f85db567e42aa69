//! A keyring that lives and dies with its [`Keychain`](crate::Keychain): for tests.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Secret;

#[derive(Default)]
pub(crate) struct MemoryKeyring(Mutex<HashMap<String, Secret>>);

impl MemoryKeyring {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
