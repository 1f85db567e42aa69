//! What a host opens: one profile folder, its clinic, and the stream of changes. How a clinic comes to be open is in
//! `session`.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use tokio::sync::{Notify, RwLock, broadcast, watch};
use uuid::Uuid;

use crate::backup::Backups;
use crate::bucket::BucketTrial;
use crate::changes::{Change, Destination, Topic};
use crate::channels::{ChannelPairing, ChannelTrial};
use crate::clinic::OpenClinic;
use crate::copy::Pace;
use crate::errand::Errand;
use crate::error::ApiError;
use crate::lock::Lock;
use crate::notices::Notices;
use crate::operations::CopyProgress;
use crate::profile::{Kind, Profile, lock};
use crate::session::Session;
use crate::setup::Setup;
use crate::sharing::Doctor;

/// What a desk is opened with.
#[derive(Debug, Clone)]
pub struct DeskOptions {
    /// The folder of the desk: which clinic, the copy, the embedded server's data. Made when it is not there.
    pub profile_dir: PathBuf,
    /// Binaries of the embedded PostgreSQL; absent, they are looked for beside the program.
    pub postgres_dir: Option<PathBuf>,
    /// Where files that a person asks for are put: their downloads or documents. Absent, nothing can be exported.
    pub export_dir: Option<PathBuf>,
    /// Version of the program, as the clinic's database is told.
    pub app_version: String,
}

/// An open profile.
#[derive(Debug)]
pub struct Desk {
    pub(crate) options: DeskOptions,
    pub(crate) keychain: Keychain,
    pub(crate) clock: Clock,
    /// Held while clinics are opened and closed; screens share it.
    pub(crate) clinic: RwLock<Option<OpenClinic>>,
    /// How often a clinic was closed. Whoever finds something wrong with an open clinic says at which time that was, so
    /// that it is dealt with once, and never taken for a fault of the next one.
    time: AtomicU64,
    /// How fast the first copy comes.
    pub(crate) pace: Mutex<Pace>,
    /// When the copy was last found to be damaged in use.
    pub(crate) last_mended: Mutex<Option<Instant>>,
    pub(crate) lock: Lock,
    pub(crate) notices: Notices,
    pub(crate) setup: Setup,
    pub(crate) backups: Backups,
    pub(crate) doctor: Doctor,
    pub(crate) trial: Errand<ChannelTrial>,
    pub(crate) bucket_trial: Errand<BucketTrial>,
    pub(crate) pairing: Errand<ChannelPairing>,
    /// Whether this computer may be the one that works for the clinic, once it is known.
    works: Mutex<Option<bool>>,
    /// Rings where something is done for the clinic now and then.
    pub(crate) upkeep: Arc<Notify>,
    pub(crate) person_export: crate::privacy::Underway,
    /// Held by whoever begins a clinic, goes on with one or calls it off: a second press of a button finds what the first did.
    pub(crate) beginning: tokio::sync::Mutex<()>,
    session: watch::Sender<Session>,
    changes: broadcast::Sender<Change>,
    seq: AtomicU32,
    _lock: File,
}

impl Desk {
    /// Takes the profile and opens its clinic in the background; [`crate::call`] works at once.
    ///
    /// # Errors
    /// `profile_in_use`, `profile_not_writable`, `disk_full`.
    pub async fn open(options: DeskOptions) -> Result<Arc<Self>, ApiError> {
        Self::open_with(options, Keychain::system(), Clock::System).await
    }

    /// The same with a keyring and a clock of one's own.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub async fn open_with(options: DeskOptions, keychain: Keychain, clock: Clock) -> Result<Arc<Self>, ApiError> {
        let lock = lock(&options.profile_dir)?;
        let (changes, _) = broadcast::channel(256);
        let (session, _) = watch::channel(Session::preparing("open", None));
        let desk = Arc::new(Self {
            options,
            keychain,
            clock,
            clinic: RwLock::new(None),
            time: AtomicU64::new(0),
            pace: Mutex::default(),
            last_mended: Mutex::default(),
            lock: Lock::default(),
            notices: Notices::default(),
            setup: Setup::default(),
            backups: Backups::default(),
            doctor: Doctor::default(),
            trial: Errand::default(),
            bucket_trial: Errand::default(),
            pairing: Errand::default(),
            works: Mutex::default(),
            upkeep: Arc::default(),
            person_export: crate::privacy::Underway::default(),
            beginning: tokio::sync::Mutex::default(),
            session,
            changes,
            seq: AtomicU32::new(0),
            _lock: lock,
        });
        match Profile::read(&desk.options.profile_dir) {
            Ok(profile) => desk.go_on_with(profile).await,
            Err(problem) => desk.set_session(Session::Failed { problem, has_profile: true }),
        }
        crate::lock::watch(Arc::downgrade(&desk));
        Ok(desk)
    }

    /// Hears of every change, in order.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Closes the clinic in bounded time. What is queued is on disk already.
    pub async fn close(&self) {
        self.closing();
        self.backups.end().await;
        if let Some(clinic) = self.clinic.write().await.take() {
            clinic.close().await;
        }
    }

    /// Whether other computers may depend on this one: the database of the clinic runs here.
    pub fn holds_the_clinic(&self) -> bool {
        let profile = Profile::read(&self.options.profile_dir);
        profile
            .is_ok_and(|profile| profile.is_some_and(|profile| profile.kind == Kind::Local && !profile.is_unfinished()))
    }

    /// Whether the program is to go on without its window, and to start with the system: the clinic's database runs here, or
    /// this computer listens and sends for it. `None` while that is not known yet.
    pub fn is_needed(&self) -> Option<bool> {
        if self.holds_the_clinic() {
            return Some(true);
        }
        let works = *self.works.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = Profile::read(&self.options.profile_dir);
        let has_clinic = profile.is_ok_and(|profile| profile.is_some_and(|profile| profile.revoked.is_none()));
        works.or((!has_clinic).then_some(false))
    }

    /// What is known of that now. Told with the session, which is heard of behind locked screens, too.
    pub(crate) fn note_work(&self, works: Option<bool>) {
        let known = std::mem::replace(&mut *self.works.lock().unwrap_or_else(PoisonError::into_inner), works);
        if known != works {
            self.announce(BTreeSet::from([Topic::Session]), Vec::new());
        }
    }

    pub(crate) fn session(&self) -> Session {
        self.session.borrow().clone()
    }

    /// The open clinic, for as long as the guard lives.
    pub(crate) async fn clinic(&self) -> Result<tokio::sync::RwLockReadGuard<'_, OpenClinic>, ApiError> {
        tokio::sync::RwLockReadGuard::try_map(self.clinic.read().await, Option::as_ref)
            .map_err(|_| ApiError::new("no_session", "no clinic is open"))
    }

    pub(crate) fn set_session(&self, session: Session) {
        if *self.session.borrow() != session {
            self.session.send_replace(session);
            self.announce(BTreeSet::from([Topic::Session]), Vec::new());
        }
    }

    /// Tells the screens what to ask for again; locked ones only whether they still are.
    pub(crate) fn announce(&self, mut topics: BTreeSet<Topic>, mut conversations: Vec<Uuid>) {
        if self.lock.is_on() {
            topics.retain(|topic| matches!(topic, Topic::Session | Topic::Preferences));
            conversations.clear();
            if topics.is_empty() {
                return;
            }
        }
        self.send(topics.into_iter().collect(), conversations, None);
    }

    /// Leads the screens somewhere; locked ones, too, since nothing is shown there before they are open.
    pub(crate) fn lead(&self, opening: Destination) {
        self.send(Vec::new(), Vec::new(), Some(opening));
    }

    fn send(&self, topics: Vec<Topic>, conversations: Vec<Uuid>, opening: Option<Destination>) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        // Nobody listening is fine.
        let _ = self.changes.send(Change { seq, topics, conversations, opening });
    }

    /// The time that is now: it passes with each closing.
    pub(crate) fn time(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    /// The clinic is about to be closed.
    pub(crate) fn closing(&self) {
        self.time.fetch_add(1, Ordering::SeqCst);
        self.notices.fall_silent();
    }

    /// Whether the caller is the one to close the clinic that was open at `time`; someone else may have done it already.
    pub(crate) fn closes(&self, time: u64) -> bool {
        let closes = self.time.compare_exchange(time, time + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if closes {
            self.notices.fall_silent();
        }
        closes
    }

    /// How far the first copy is, in the words of the screens.
    pub(crate) fn copy_progress(&self, copy: &balcao_sync::Progress) -> CopyProgress {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        CopyProgress {
            entity: copy.entity.to_owned(),
            done: copy.done as f64,
            total: copy.total as f64,
            seconds_left: pace.seconds_left(Instant::now()),
        }
    }
}
