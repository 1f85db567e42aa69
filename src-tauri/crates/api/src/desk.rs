//! What a host opens: one profile folder, its clinic, and the stream of changes.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use balcao_cache::CacheChange;
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use tokio::sync::{RwLock, broadcast, watch};
use uuid::Uuid;

use crate::changes::{Change, Topic};
use crate::clinic::OpenClinic;
use crate::error::ApiError;
use crate::local_clinic::EmbeddedServer;
use crate::profile::{Kind, Profile, lock};
use crate::session::{Session, StartLocalClinic};

/// Between two entries of the stream while the first copy pours in.
const POURING: Duration = Duration::from_millis(500);

/// What a desk is opened with.
#[derive(Debug, Clone)]
pub struct DeskOptions {
    /// The folder of the desk: which clinic, the copy, the embedded server's data. Made when it is not there.
    pub profile_dir: PathBuf,
    /// Binaries of the embedded PostgreSQL; absent, they are looked for beside the program.
    pub postgres_dir: Option<PathBuf>,
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
    clinic: RwLock<Option<OpenClinic>>,
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
        let (session, _) = watch::channel(Session::Preparing { step: "open".to_owned(), fraction: None });
        let desk = Arc::new(Self {
            options,
            keychain,
            clock,
            clinic: RwLock::new(None),
            session,
            changes,
            seq: AtomicU32::new(0),
            _lock: lock,
        });
        match Profile::read(&desk.options.profile_dir) {
            Ok(Some(profile)) => desk.open_profile(profile),
            Ok(None) => desk.set_session(Session::FirstRun),
            Err(problem) => desk.set_session(Session::Failed { problem, has_profile: true }),
        }
        Ok(desk)
    }

    /// Hears of every change, in order.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Closes the clinic in bounded time. What is queued is on disk already.
    pub async fn close(&self) {
        if let Some(clinic) = self.clinic.write().await.take() {
            clinic.close().await;
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

    pub(crate) fn announce(&self, topics: BTreeSet<Topic>, conversations: Vec<Uuid>) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        // Nobody listening is fine.
        let _ = self.changes.send(Change { seq, topics: topics.into_iter().collect(), conversations });
    }

    /// Remembers the wish and fulfils it in the background.
    pub(crate) fn begin(self: &Arc<Self>, kind: Kind, wish: StartLocalClinic) -> Result<(), ApiError> {
        let profile = Profile { id: Uuid::new_v4(), kind, address: None, unfinished: Some(wish) };
        profile.write(&self.options.profile_dir)?;
        self.open_profile(profile);
        Ok(())
    }

    /// Opens a profile's clinic in the background; an unfinished one is finished first.
    pub(crate) fn open_profile(self: &Arc<Self>, profile: Profile) {
        self.set_session(Session::Preparing { step: "open".to_owned(), fraction: None });
        let desk = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = desk.prepare(profile).await {
                tracing::error!(code = problem.code, "the clinic could not be opened");
                desk.set_session(Session::Failed { problem, has_profile: true });
            }
        });
    }

    async fn prepare(self: &Arc<Self>, mut profile: Profile) -> Result<(), ApiError> {
        let folder = &self.options.profile_dir;
        let server = (profile.kind != Kind::Remote).then(|| {
            let postgres = self.options.postgres_dir.clone();
            Arc::new(EmbeddedServer::new(folder.clone(), postgres, self.keychain.clone(), &profile))
        });
        if let (Some(wish), Some(server)) = (&profile.unfinished, &server) {
            let progress = |step: &str, fraction: Option<f64>| {
                self.set_session(Session::Preparing { step: step.to_owned(), fraction });
            };
            profile.address = Some(server.make_clinic(profile.kind, wish, &self.clock, &progress).await?);
            profile.unfinished = None;
            profile.write(folder)?;
        }
        let application = format!("balcao {}", self.options.app_version);
        let clinic = OpenClinic::open(folder, &profile, &self.keychain, server, &self.clock, &application).await?;
        self.follow(&clinic);
        let ready = clinic.summary().await?;
        *self.clinic.write().await = Some(clinic);
        match ready {
            Some((clinic, member)) => self.set_session(Session::Ready { clinic, member }),
            None => self.set_session(Session::Preparing { step: "copy".to_owned(), fraction: None }),
        }
        Ok(())
    }

    /// Turns what happens in the copy and on the line into the stream of changes.
    fn follow(self: &Arc<Self>, clinic: &OpenClinic) {
        let (desk, mut changes, mut status) = (Arc::downgrade(self), clinic.cache.changes(), clinic.sync.status());
        tokio::spawn(async move {
            loop {
                let mut topics = BTreeSet::new();
                let mut merged = CacheChange::default();
                tokio::select! {
                    change = changes.recv() => match change {
                        Ok(change) => merged = change,
                        Err(broadcast::error::RecvError::Lagged(_)) => topics.extend(Topic::ALL),
                        Err(broadcast::error::RecvError::Closed) => return,
                    },
                    changed = status.changed() => match changed {
                        Ok(()) => { topics.insert(Topic::Status); }
                        Err(_) => return,
                    },
                }
                let pouring = status.borrow_and_update().first_copy.is_some();
                if pouring {
                    tokio::time::sleep(POURING).await;
                }
                while let Ok(change) = changes.try_recv() {
                    merged.merge(change);
                }
                topics.extend(Topic::of(&merged));
                let conversations =
                    if merged.many_conversations { Vec::new() } else { merged.conversations.into_iter().collect() };
                let Some(desk) = desk.upgrade() else { return };
                desk.announce(topics, conversations);
                desk.notice_arrival(&status).await;
            }
        });
    }

    /// While the copy is new, the session becomes ready when there is enough to work with; a line that is refused before
    /// that is the session's failure.
    async fn notice_arrival(&self, status: &watch::Receiver<balcao_sync::Status>) {
        if !matches!(self.session(), Session::Preparing { ref step, .. } if step == "copy") {
            return;
        }
        let status = status.borrow().clone();
        let usable = status.last_confirmed_at.is_some() || status.first_copy.as_ref().is_some_and(|copy| copy.usable);
        if usable
            && let Ok(clinic) = self.clinic().await
            && let Ok(Some((clinic, member))) = clinic.summary().await
        {
            self.set_session(Session::Ready { clinic, member });
        } else if let Some(copy) = &status.first_copy {
            let fraction = (copy.total > 0).then(|| copy.done as f64 / copy.total as f64);
            self.set_session(Session::Preparing { step: "copy".to_owned(), fraction });
        } else if let Some((code, message)) = status.problem {
            self.set_session(Session::Failed { problem: ApiError::new(code, message), has_profile: true });
        }
    }
}
