//! The lock of the screens: while it is on, the program answers nothing but whether it is, and tells of no change. It is
//! here and not in the window, because what the window was told could be read out of it.
//!
//! A PIN opens it, or the account of the system where that lets itself be asked: Windows and macOS do, the desktops of Linux
//! do not. Whoever has forgotten their PIN removes the entry `<profile-id>/lock` in the keyring of the system, which asks for
//! the password of the account.

mod entry;
mod types;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use balcao_keychain::names;
use chrono::{DateTime, Utc};

use self::entry::Entry;
pub use self::types::*;
use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::preferences::{Locale, get_preferences};
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
        self.presence().settings.unwrap_or(LockSettings { way: LockWay::None, offers_account: false, minutes: 0 })
    }

    fn is_over(&self, now: DateTime<Utc>) -> bool {
        let presence = self.presence();
        let (Some(settings), Some((instant, time))) = (presence.settings, presence.last) else { return false };
        let minutes = Duration::from_secs(u64::from(settings.minutes) * 60);
        let away = (now - time).to_std().unwrap_or_default().max(instant.elapsed());
        settings.way != LockWay::None && settings.minutes > 0 && away >= minutes
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
        let entry = self.read_entry(profile).await?;
        if let Some(entry) = &entry {
            self.lock.presence().wait = Some((Instant::now(), entry.wait(self.clock.now())));
            self.lock.is_on.store(true, Ordering::SeqCst);
        }
        self.set_settings(entry.as_ref());
        self.announce(BTreeSet::from([Topic::Session]), Vec::new());
        Ok(())
    }

    /// The profile belongs to no clinic any more, and neither does its lock.
    pub(crate) fn forget_lock(&self) {
        *self.lock.presence() = Presence::default();
        self.lock.is_on.store(false, Ordering::SeqCst);
    }

    fn set_settings(&self, entry: Option<&Entry>) -> LockSettings {
        let settings = LockSettings {
            way: entry.map_or(LockWay::None, Entry::way),
            offers_account: self.keychain.can_ask_account(),
            minutes: entry.map_or(0, |entry| entry.minutes),
        };
        self.lock.presence().settings = Some(settings);
        settings
    }

    async fn read_entry(&self, profile: &Profile) -> Result<Option<Entry>, ApiError> {
        self.keychain.get(&names::lock(&profile.id.to_string())).await?.as_ref().map(Entry::read).transpose()
    }

    async fn write_entry(&self, profile: &Profile, entry: &Entry) -> Result<(), ApiError> {
        Ok(self.keychain.set(&names::lock(&profile.id.to_string()), &entry.to_secret()?).await?)
    }

    /// Lets whoever sits here show that they may open, in the way that is set. `None` when nothing is.
    async fn prove(self: &Arc<Self>, profile: &Profile, typed: Option<&str>) -> Result<Option<Entry>, ApiError> {
        let _one_at_a_time = self.lock.trying.lock().await;
        match self.read_entry(profile).await? {
            Some(entry) if entry.way() == LockWay::Account => self.ask_account().await.map(|()| Some(entry)),
            Some(entry) => self.try_pin(profile, entry, typed.unwrap_or_default()).await.map(Some),
            None => Ok(None),
        }
    }

    /// The system counts wrong tries by itself, and lets nobody guess for long.
    async fn ask_account(self: &Arc<Self>) -> Result<(), ApiError> {
        let why = match get_preferences(self, Nothing {}).await?.locale {
            Locale::PtBr => "desbloquear a tela",
            Locale::En => "unlock the screen",
        };
        match self.keychain.ask_account("Balcão", why).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(ApiError::new("account_not_proven", "the owner of the account did not show that they sit here"))
            }
            Err(error) => Err(ApiError::new("account_unavailable", error.to_string())),
        }
    }

    /// One try. Says whether it was right; a wrong one is counted.
    async fn try_pin(&self, profile: &Profile, mut pin: Entry, typed: &str) -> Result<Entry, ApiError> {
        let wait = pin.wait(self.clock.now());
        if wait > 0 {
            self.lock.presence().wait = Some((Instant::now(), wait));
            return Err(ApiError::new("pin_wait", "too many wrong tries").about(wait.to_string()));
        }
        pin.count(self.clock.now());
        self.write_entry(profile, &pin).await?;
        let (kept, typed) = (pin.clone(), typed.to_owned());
        let fits = tokio::task::spawn_blocking(move || kept.fits(&typed)).await.map_err(ApiError::internal)?;
        if !fits {
            let wait = pin.wait(self.clock.now());
            self.lock.presence().wait = Some((Instant::now(), wait));
            return Err(ApiError::new("wrong_pin", "the PIN is another one").about(wait.to_string()));
        }
        pin.forgive();
        self.write_entry(profile, &pin).await?;
        self.lock.presence().wait = None;
        Ok(pin)
    }

    /// Locks the screens, if there is something to open them with.
    pub(crate) fn lock_now(&self) {
        if self.lock.settings().way != LockWay::None && !self.lock.is_on.swap(true, Ordering::SeqCst) {
            self.notices.clear();
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
        let way = self.lock.settings().way;
        Session::Locked { clinic_name, way, wait_seconds: self.lock.wait_seconds() }
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
    let known = desk.prove(&profile, wish.current_pin.as_deref()).await?;
    let known_way = known.as_ref().map(Entry::way);
    let minutes = wish.minutes;
    let entry = match (wish.way, wish.new_pin, known) {
        (LockWay::None, ..) => None,
        (LockWay::Account, ..) => {
            // Whoever cannot open it in this way is not to lock themselves out.
            if known_way != Some(LockWay::Account) {
                desk.ask_account().await?;
            }
            Some(Entry::of_account(minutes))
        }
        (LockWay::Pin, Some(new), _) => {
            let made = tokio::task::spawn_blocking(move || Entry::of_pin(&new, minutes)).await;
            Some(made.map_err(ApiError::internal)??)
        }
        (LockWay::Pin, None, Some(known)) if known_way == Some(LockWay::Pin) => Some(known.after(minutes)),
        (LockWay::Pin, None, _) => return Err(ApiError::new("pin_too_short", "a lock needs a PIN").about("new_pin")),
    };
    match &entry {
        Some(entry) => desk.write_entry(&profile, entry).await?,
        None => desk.keychain.delete(&names::lock(&profile.id.to_string())).await?,
    }
    let settings = desk.set_settings(entry.as_ref());
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
        let gone = || ApiError::new("wrong_pin", "there is nothing to compare with");
        let profile = Profile::read(&desk.options.profile_dir)?.ok_or_else(gone)?;
        desk.prove(&profile, wish.pin.as_deref()).await?.ok_or_else(gone)?;
        desk.touch();
        desk.lock.is_on.store(false, Ordering::SeqCst);
        desk.announce(BTreeSet::from(Topic::ALL), Vec::new());
    }
    Ok(Nothing {})
}

#[cfg(test)]
mod tests;
