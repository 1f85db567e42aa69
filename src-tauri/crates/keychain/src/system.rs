//! The keyring of the operating system.
//!
//! Every call may wait for a person who is asked to unlock the keyring, and on Linux it speaks D-Bus with blocking
//! calls. Therefore each call runs on a thread for blocking work and has a time limit.

use std::time::Duration;

use keyring::{Entry, Error};
use zeroize::Zeroize;

use crate::{KeychainError, Result, Secret};

/// Time for a person to type the password of the keyring.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone)]
pub(crate) struct SystemKeyring {
    service: String,
}

impl SystemKeyring {
    pub(crate) fn new(service: String) -> Self {
        Self { service }
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Option<Secret>> {
        let found = self.ask(name, |entry| match entry.get_secret() {
            Err(Error::NoEntry) => Ok(None),
            other => other.map(Some),
        });
        let Some(bytes) = found.await? else { return Ok(None) };
        String::from_utf8(bytes).map(|text| Some(Secret::new(text))).map_err(|error| {
            error.into_bytes().zeroize();
            broken(name, "it is not text")
        })
    }

    pub(crate) async fn set(&self, name: &str, secret: &Secret) -> Result<()> {
        let secret = secret.clone();
        self.ask(name, move |entry| entry.set_secret(secret.expose().as_bytes())).await
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        self.ask(name, |entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            other => other,
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        name: &str,
        question: impl FnOnce(Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (service, entry_name) = (self.service.clone(), name.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let answer = Entry::new(&service, &entry_name).and_then(question);
            answer.map_err(|error| explain(&entry_name, error))
        });
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(answer)) => answer,
            // What a panic says may quote what it stumbled over.
            Ok(Err(_panic)) => Err(broken(name, "the way to it broke")),
            Err(_) => Err(KeychainError::unavailable("it did not answer within two minutes; perhaps it is locked")),
        }
    }
}

fn explain(name: &str, error: Error) -> KeychainError {
    match error {
        Error::NoDefaultStore => KeychainError::unavailable(match Entry::store_status() {
            Err(why) => why.to_string(),
            Ok(()) => error.to_string(),
        }),
        Error::NoStorageAccess(why) | Error::PlatformFailure(why) => KeychainError::unavailable(why.to_string()),
        // These carry the bytes they stumbled over; only what happened may leave.
        Error::BadEncoding(mut bytes) => {
            bytes.zeroize();
            broken(name, "it is not text")
        }
        Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            broken(name, "it is not stored in the expected format")
        }
        Error::Ambiguous(entries) => broken(name, &format!("{} entries have this name", entries.len())),
        other => broken(name, &other.to_string()),
    }
}

fn broken(name: &str, reason: &str) -> KeychainError {
    KeychainError::Broken { name: name.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_keyring_is_unavailable_and_a_damaged_entry_is_broken() {
        let locked = explain("a", Error::NoStorageAccess("locked".into()));
        assert!(matches!(&locked, KeychainError::Unavailable { reason } if reason == "locked"));
        assert!(!locked.is_permanent(), "the person can unlock it and try again");

        let damaged = explain("a", Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into()));
        assert!(damaged.is_permanent());
        assert!(!format!("{damaged} {damaged:?}").contains("hunter2"), "an error must not carry the secret");
    }
}
