//! The lock of the screens: while it is on, the program answers nothing but whether it is, and tells of no change. It is
//! here and not in the window, because what the window was told could be read out of it.
//!
//! Windows, macOS and the desktops of Linux each unlock in a way of their own, which none of them offers to every program;
//! the PIN is the same everywhere. Whoever has forgotten theirs removes the entry `<profile-id>/lock` in the keyring of the
//! system, which asks for the password of the account.

mod pin;
mod types;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use balcao_keychain::names;
use chrono::{DateTime, Utc};

use self::pin::Pin;
pub use self::types::*;
use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::Profile;
use crate::session::Session;

/// What is answered while the screens are locked: what the lock itself shows, and in which colours.
pub(crate) const ANSWERED: [&str; 3] = ["get_session", "get_preferences", "unlock"];

/// How often it is looked whether somebody is there.
const LOOKING: Duration = Duration::from_secs(2);

/// The lock of a desk.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    is_on: AtomicBool,
    presence: Mutex<Presence>,
    /// Held for a whole try, so that many at once do not count as one.
    trying: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Presence {
    /// What the keyring says, once it was asked.
    settings: Option<LockSettings>,
    /// When somebody was last there. Two clocks: one stands while the computer sleeps, the other can be turned.
    last: Option<(Instant, DateTime<Utc>)>,
    /// Seconds that the next try has to wait, and since when.
    wait: Option<(Instant, u32)>,
}

impl Lock {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::SeqCst)
    }

    fn presence(&self) -> std::sync::MutexGuard<'_, Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> LockSettings {
        self.presence().settings.unwrap_or(LockSettings { has_pin: false, minutes: 0 })
    }

    fn is_over(&self, now: DateTime<Utc>) -> bool {
        let presence = self.presence();
        let (Some(settings), Some((instant, time))) = (presence.settings, presence.last) else { return false };
        let minutes = Duration::from_secs(u64::from(settings.minutes) * 60);
        let away = (now - time).to_std().unwrap_or_default().max(instant.elapsed());
        settings.has_pin && settings.minutes > 0 && away >= minutes
    }

    fn wait_seconds(&self) -> u32 {
        let Some((since, seconds)) = self.presence().wait else { return 0 };
        let left = Duration::from_secs(u64::from(seconds)).saturating_sub(since.elapsed());
        u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(0)
    }
}

impl Desk {
    /// Asks the keyring, once, whether this profile has a lock. If it has, the program begins locked: ending it and
    /// starting it again opens nothing. Called before the clinic is opened.
    pub(crate) async fn load_lock(&self, profile: &Profile) -> Result<(), ApiError> {
        if self.lock.presence().settings.is_some() {
            return Ok(());
        }
        let settings = match self.read_pin(profile).await? {
            Some(pin) => {
                self.lock.presence().wait = Some((Instant::now(), pin.wait(self.clock.now())));
                self.lock.is_on.store(true, Ordering::SeqCst);
                LockSettings { has_pin: true, minutes: pin.minutes }
            }
            None => LockSettings { has_pin: false, minutes: 0 },
        };
        self.lock.presence().settings = Some(settings);
        self.announce(BTreeSet::from([Topic::Session]), Vec::new());
        Ok(())
    }

    /// The profile belongs to no clinic any more, and neither does its lock.
    pub(crate) fn forget_lock(&self) {
        *self.lock.presence() = Presence::default();
        self.lock.is_on.store(false, Ordering::SeqCst);
    }

    async fn read_pin(&self, profile: &Profile) -> Result<Option<Pin>, ApiError> {
        self.keychain.get(&names::lock(&profile.id.to_string())).await?.as_ref().map(Pin::read).transpose()
    }

    async fn write_pin(&self, profile: &Profile, pin: &Pin) -> Result<(), ApiError> {
        Ok(self.keychain.set(&names::lock(&profile.id.to_string()), &pin.to_secret()?).await?)
    }

    /// One try. Says whether it was right; a wrong one is counted.
    async fn try_pin(&self, profile: &Profile, typed: &str) -> Result<Option<Pin>, ApiError> {
        let _one_at_a_time = self.lock.trying.lock().await;
        let Some(mut pin) = self.read_pin(profile).await? else { return Ok(None) };
        let wait = pin.wait(self.clock.now());
        if wait > 0 {
            self.lock.presence().wait = Some((Instant::now(), wait));
            return Err(ApiError::new("pin_wait", "too many wrong tries").about(wait.to_string()));
        }
        pin.count(self.clock.now());
        self.write_pin(profile, &pin).await?;
        let (kept, typed) = (pin.clone(), typed.to_owned());
        let fits = tokio::task::spawn_blocking(move || kept.fits(&typed)).await.map_err(ApiError::internal)?;
        if !fits {
            let wait = pin.wait(self.clock.now());
            self.lock.presence().wait = Some((Instant::now(), wait));
            return Err(ApiError::new("wrong_pin", "the PIN is another one").about(wait.to_string()));
        }
        pin.forgive();
        self.write_pin(profile, &pin).await?;
        self.lock.presence().wait = None;
        Ok(Some(pin))
    }

    /// Locks the screens, if there is a PIN to open them with.
    pub(crate) fn lock_now(&self) {
        if self.lock.settings().has_pin && !self.lock.is_on.swap(true, Ordering::SeqCst) {
            self.announce(BTreeSet::from([Topic::Session]), Vec::new());
        }
    }

    /// Somebody is at the screens.
    fn touch(&self) {
        self.lock.presence().last = Some((Instant::now(), self.clock.now()));
    }

    /// What a locked desk says of itself.
    pub(crate) async fn locked_session(&self) -> Session {
        let clinic_name = match self.clinic().await {
            Ok(clinic) => clinic.cache.clinic().await.ok().flatten().map(|row| row.name).unwrap_or_default(),
            Err(_) => String::new(),
        };
        Session::Locked { clinic_name, wait_seconds: self.lock.wait_seconds() }
    }
}

/// Locks the screens when nobody was there for as long as the setting says, until the desk is gone.
pub(crate) fn watch(desk: Weak<Desk>) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOKING).await;
            let Some(desk) = desk.upgrade() else { return };
            if desk.lock.is_over(desk.clock.now()) {
                desk.lock_now();
            }
        }
    });
}

pub(crate) async fn get_lock(desk: &Arc<Desk>, _: Nothing) -> Result<LockSettings, ApiError> {
    Ok(desk.lock.settings())
}

pub(crate) async fn change_lock(desk: &Arc<Desk>, wish: ChangeLock) -> Result<LockSettings, ApiError> {
    let no_clinic = || ApiError::new("no_session", "no clinic is open");
    let profile = Profile::read(&desk.options.profile_dir)?.ok_or_else(no_clinic)?;
    if ![0, 5, 15, 60].contains(&wish.minutes) {
        return Err(ApiError::new("invalid_request", "the screens lock after 5, 15 or 60 minutes").about("minutes"));
    }
    if wish.new_pin.as_ref().is_some_and(|pin| !(4..=64).contains(&pin.chars().count())) {
        return Err(ApiError::new("pin_too_short", "a PIN has 4 to 64 characters").about("new_pin"));
    }
    let known = match desk.read_pin(&profile).await? {
        Some(_) => desk.try_pin(&profile, &wish.current_pin.unwrap_or_default()).await?,
        None => None,
    };
    let settings = if wish.remove {
        desk.keychain.delete(&names::lock(&profile.id.to_string())).await?;
        LockSettings { has_pin: false, minutes: 0 }
    } else {
        let minutes = wish.minutes;
        let pin = match (wish.new_pin, known) {
            (Some(new), _) => {
                tokio::task::spawn_blocking(move || Pin::new(&new, minutes)).await.map_err(ApiError::internal)??
            }
            (None, Some(mut known)) => {
                known.minutes = minutes;
                known
            }
            (None, None) => return Err(ApiError::new("pin_too_short", "a lock needs a PIN").about("new_pin")),
        };
        desk.write_pin(&profile, &pin).await?;
        LockSettings { has_pin: true, minutes }
    };
    desk.lock.presence().settings = Some(settings);
    desk.touch();
    desk.announce(BTreeSet::from([Topic::Preferences]), Vec::new());
    Ok(settings)
}

pub(crate) async fn lock_now(desk: &Arc<Desk>, _: Nothing) -> Result<Nothing, ApiError> {
    desk.lock_now();
    Ok(Nothing {})
}

pub(crate) async fn note_presence(desk: &Arc<Desk>, _: Nothing) -> Result<Nothing, ApiError> {
    desk.touch();
    Ok(Nothing {})
}

pub(crate) async fn unlock(desk: &Arc<Desk>, wish: Unlock) -> Result<Nothing, ApiError> {
    if desk.lock.is_on() {
        // Without the profile or the entry nothing fits: taking either away opens the screens at the next start only.
        let gone = || ApiError::new("wrong_pin", "there is no PIN to compare with");
        let profile = Profile::read(&desk.options.profile_dir)?.ok_or_else(gone)?;
        desk.try_pin(&profile, &wish.pin).await?.ok_or_else(gone)?;
        desk.touch();
        desk.lock.is_on.store(false, Ordering::SeqCst);
        desk.announce(BTreeSet::from(Topic::ALL), Vec::new());
    }
    Ok(Nothing {})
}

#[cfg(test)]
mod tests;
