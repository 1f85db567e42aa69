//! What the keyring keeps about the lock: the hash of the PIN, if one opens it, and how often somebody was wrong.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use balcao_keychain::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::types::LockWay;
use crate::error::ApiError;

/// Wrong tries that cost no time: fingers slip.
const FREE: u32 = 3;

/// The wait after the first try that does, in seconds; it doubles with each further one.
const FIRST_WAIT: i64 = 15;

/// The longest wait, in seconds.
const LONGEST_WAIT: i64 = 15 * 60;

/// One entry of the keyring. It holds what may not be turned back by deleting a file: the count and its time too.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Argon2id in the PHC format; absent where the account of the system opens.
    hash: Option<String>,
    pub(crate) minutes: u32,
    failed: u32,
    last_failed_at: Option<DateTime<Utc>>,
}

impl Entry {
    /// Opens with the account of the system.
    pub(crate) fn of_account(minutes: u32) -> Self {
        Self { hash: None, minutes, failed: 0, last_failed_at: None }
    }

    /// Opens with this PIN. Takes a quarter of a second and 19 MiB: on a thread for that.
    pub(crate) fn of_pin(pin: &str, minutes: u32) -> Result<Self, ApiError> {
        let salt = Secret::random(16)?;
        // Hexadecimal digits are valid Base64, which the format wants.
        let salt = SaltString::from_b64(salt.expose()).map_err(ApiError::internal)?;
        let hash = Argon2::default().hash_password(pin.as_bytes(), &salt).map_err(ApiError::internal)?;
        Ok(Self { hash: Some(hash.to_string()), minutes, failed: 0, last_failed_at: None })
    }

    pub(crate) fn read(secret: &Secret) -> Result<Self, ApiError> {
        serde_json::from_str(secret.expose())
            .map_err(|_| ApiError::new("keychain_entry_damaged", "the lock in the keyring has another shape"))
    }

    pub(crate) fn to_secret(&self) -> Result<Secret, ApiError> {
        Ok(Secret::new(serde_json::to_string(self).map_err(ApiError::internal)?))
    }

    /// The same, that locks after so many minutes.
    pub(crate) fn after(self, minutes: u32) -> Self {
        Self { minutes, ..self }
    }

    pub(crate) fn way(&self) -> LockWay {
        if self.hash.is_some() { LockWay::Pin } else { LockWay::Account }
    }

    /// Whether this is the PIN. As expensive as [`Entry::of_pin`].
    pub(crate) fn fits(&self, pin: &str) -> bool {
        let hash = self.hash.as_deref().and_then(|hash| PasswordHash::new(hash).ok());
        hash.is_some_and(|hash| Argon2::default().verify_password(pin.as_bytes(), &hash).is_ok())
    }

    /// Counts a try before it is made, so that ending the program in the middle of it gains nothing.
    pub(crate) fn count(&mut self, now: DateTime<Utc>) {
        self.failed = self.failed.saturating_add(1);
        self.last_failed_at = Some(now);
    }

    pub(crate) fn forgive(&mut self) {
        self.failed = 0;
        self.last_failed_at = None;
    }

    /// Seconds until the next try is heard.
    pub(crate) fn wait(&self, now: DateTime<Utc>) -> u32 {
        let (Some(last), Some(costly)) = (self.last_failed_at, self.failed.checked_sub(FREE)) else { return 0 };
        let wait = TimeDelta::seconds((FIRST_WAIT << costly.min(10)).min(LONGEST_WAIT));
        // A clock that was turned back does not make the wait longer than it was.
        let left = (last + wait - now).min(wait);
        u32::try_from((left.num_milliseconds() + 999).div_euclid(1000)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn only_the_pin_fits_and_it_is_nowhere_in_what_is_kept() {
        let pin = Entry::of_pin("482 913", 5).unwrap();
        assert!(pin.fits("482 913"));
        assert!(!pin.fits("482913") && !pin.fits(""));
        let kept = pin.to_secret().unwrap();
        assert!(kept.expose().contains("$argon2id$") && !kept.expose().contains("482"), "the hash, never the PIN");
        assert!(kept.expose().len() < balcao_keychain::MAX_SECRET_BYTES / 4);
        assert!(Entry::read(&kept).unwrap().fits("482 913"));
        assert_ne!(Entry::of_pin("482 913", 5).unwrap().hash, pin.hash, "each has a salt of its own");
    }

    #[test]
    fn no_pin_fits_where_the_account_opens() {
        let entry = Entry::read(&Entry::of_account(15).to_secret().unwrap()).unwrap();
        assert_eq!((entry.way(), entry.minutes), (LockWay::Account, 15));
        assert!(!entry.fits("") && !entry.fits("0000"));
    }

    #[test]
    fn slips_cost_nothing_and_guessing_costs_ever_more() {
        let mut pin = Entry { hash: Some(String::new()), minutes: 0, failed: 0, last_failed_at: None };
        let mut waits = Vec::new();
        for _ in 0..10 {
            pin.count(at(0));
            waits.push(pin.wait(at(0)));
        }
        assert_eq!(waits, [0, 0, 15, 30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(pin.wait(at(899)), 1);
        assert_eq!(pin.wait(at(900)), 0);
        assert_eq!(pin.wait(at(-86_400)), 900, "a clock that was turned back");
        pin.forgive();
        assert_eq!(pin.wait(at(0)), 0);
    }
}
