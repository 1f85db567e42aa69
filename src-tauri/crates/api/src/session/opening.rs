//! How a clinic comes to be open: finished if it was begun, opened, and watched.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use balcao_cache::CacheChange;
use balcao_sync::Status;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::types::{Session, StartLocalClinic};
use crate::changes::Topic;
use crate::clinic::OpenClinic;
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::EmbeddedServer;
use crate::members::settle_arrival;
use crate::profile::{Kind, Profile};
use crate::setup::{CALLED_OFF, forget_secrets};

/// Between two entries of the stream while the first copy pours in.
const POURING: Duration = Duration::from_millis(500);

/// How late the screens may hear that the copy was confirmed once more. Each change brings a confirmation, and what has
/// changed is what somebody waits to see.
const CONFIRMED: Duration = Duration::from_secs(1);

impl Desk {
    /// Remembers the wish and fulfils it in the background.
    pub(crate) async fn begin(self: &Arc<Self>, kind: Kind, wish: StartLocalClinic) -> Result<(), ApiError> {
        self.forget_unfinished().await?;
        let profile = Profile { unfinished: Some(wish), ..Profile::new(Uuid::new_v4(), kind) };
        profile.write(&self.options.profile_dir)?;
        self.open_profile(profile, Opening::default());
        Ok(())
    }

    /// A set-up or a restore on a server that was interrupted is not gone on with; what the keyring has opens nothing that
    /// anybody uses.
    pub(crate) async fn forget_unfinished(&self) -> Result<(), ApiError> {
        match Profile::read(&self.options.profile_dir)? {
            Some(profile) if profile.waits_for_administrator() => forget_secrets(&self.keychain, &profile).await,
            _ => Ok(()),
        }
    }

    /// Goes on with what the folder has: a clinic, or what is left of one, or of making one.
    pub(crate) async fn go_on_with(self: &Arc<Self>, profile: Option<Profile>) {
        match profile {
            Some(profile) if profile.revoked.is_some() => self.finish_revocation(profile).await,
            Some(profile) if profile.leaving.is_some() => self.go_on_leaving(profile),
            Some(profile) if profile.restore_that_ended().is_some() => {
                if let Err(problem) = self.end_restore_on_server(profile).await {
                    self.set_session(Session::Failed { problem, has_profile: true });
                }
            }
            // What is missing is the administrator's address, which nobody keeps.
            Some(profile) if profile.waits_for_administrator() => self.set_session(Session::FirstRun),
            Some(profile) => self.open_profile(profile, Opening::default()),
            None => self.set_session(Session::FirstRun),
        }
    }

    /// The embedded server of a profile; it is not started yet.
    pub(crate) fn embedded_server(&self, profile: &Profile) -> Arc<EmbeddedServer> {
        let (folder, postgres) = (self.options.profile_dir.clone(), self.options.postgres_dir.clone());
        Arc::new(EmbeddedServer::new(folder, postgres, self.keychain.clone(), profile))
    }

    /// Opens a profile's clinic in the background; an unfinished one is finished first.
    pub(crate) fn open_profile(self: &Arc<Self>, profile: Profile, opening: Opening) {
        if profile.is_unfinished() {
            self.setup.begin();
        }
        self.set_session(Session::preparing("open", None));
        let desk = self.clone();
        tokio::spawn(async move {
            let outcome = desk.prepare_or_mend(profile, opening).await;
            desk.setup.end();
            if let Err(problem) = outcome {
                tracing::error!(code = problem.code, "the clinic could not be opened");
                desk.set_session(Session::Failed { problem, has_profile: true });
            }
        });
    }

    /// A copy that turns out to be damaged only after it was opened is opened as a damaged one.
    async fn prepare_or_mend(self: &Arc<Self>, profile: Profile, opening: Opening) -> Result<(), ApiError> {
        let outcome = self.prepare(profile, &opening).await;
        if opening.after_damage || outcome.as_ref().err().is_none_or(|problem| problem.code != "cache_damaged") {
            return outcome;
        }
        // What was finished meanwhile is in the file.
        match Profile::read(&self.options.profile_dir)? {
            Some(profile) => self.prepare(profile, &Opening { after_damage: true, ..opening }).await,
            None => outcome,
        }
    }

    async fn prepare(self: &Arc<Self>, mut profile: Profile, opening: &Opening) -> Result<(), ApiError> {
        self.load_lock(&profile).await?;
        if profile.kind == Kind::Remote {
            settle_arrival(&self.keychain, &profile).await?;
        }
        let folder = &self.options.profile_dir;
        let server = (profile.kind != Kind::Remote).then(|| self.embedded_server(&profile));
        if let (Some(wish), Some(server)) = (&profile.unfinished, &server) {
            let progress = |step: &str| {
                self.setup.go_on()?;
                self.set_session(Session::preparing(step, None));
                Ok(())
            };
            let made = server.make_clinic(profile.kind, wish, &self.clock, &progress).await;
            match made.and_then(|address| self.setup.settle().map(|()| address)) {
                Ok(address) => profile.address = Some(address),
                Err(problem) if problem.code == CALLED_OFF => {
                    return self.undo_setup(&profile, Some(server.clone())).await;
                }
                Err(problem) => return Err(problem),
            }
            profile.unfinished = None;
            profile.write(folder)?;
        }
        if let Some(path) = profile.restoring.clone() {
            let back = match &server {
                Some(server) => self.restore_here(server, &profile, &path).await.map(Some),
                None => self.restored_on_server(&profile).await,
            };
            match back {
                Ok(Some(address)) => profile = Profile { address: Some(address), restoring: None, ..profile },
                Ok(None) => return self.end_restore_on_server(profile).await,
                Err(problem) if problem.code == CALLED_OFF => return self.undo_setup(&profile, server).await,
                Err(problem) => return Err(problem),
            }
            profile.write(folder)?;
        }
        let clinic = OpenClinic::open(self, &profile, server, opening).await?;
        let ready = match clinic.summary().await {
            Ok(ready) => ready,
            Err(problem) => {
                clinic.close().await;
                return Err(problem);
            }
        };
        self.follow(&clinic);
        let (changes, status) = (clinic.cache.changes(), clinic.sync.status());
        crate::threads::follow_company(self, &clinic);
        *self.clinic.write().await = Some(clinic);
        crate::channels::keep(Arc::downgrade(self), self.time());
        crate::notices::watch(self, changes, status, self.time());
        // A sample goes with its window.
        if profile.kind != Kind::Sample {
            crate::upkeep::keep(Arc::downgrade(self), self.time());
        }
        match ready {
            Some((clinic, member)) => self.set_session(Session::Ready { clinic, member }),
            None => self.set_session(Session::preparing("copy", None)),
        }
        Ok(())
    }

    /// Turns what happens in the copy and on the line into the stream of changes.
    fn follow(self: &Arc<Self>, clinic: &OpenClinic) {
        let (mut changes, mut status, time) = (clinic.cache.changes(), clinic.sync.status(), self.time());
        let desk = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut told = Status::default();
            // When a bare confirmation is told.
            let mut confirmation = None;
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
                        Ok(()) if is_confirmed_again(&told, &status.borrow_and_update()) => {
                            confirmation.get_or_insert_with(|| tokio::time::Instant::now() + CONFIRMED);
                            continue;
                        }
                        Ok(()) => { topics.insert(Topic::Status); }
                        Err(_) => return,
                    },
                    () = at(confirmation) => { topics.insert(Topic::Status); }
                }
                if topics.contains(&Topic::Status) {
                    (told, confirmation) = (status.borrow_and_update().clone(), None);
                }
                let pouring = status.borrow().first_copy.is_some();
                if pouring {
                    tokio::time::sleep(POURING).await;
                }
                while let Ok(change) = changes.try_recv() {
                    merged.merge(change);
                }
                topics.extend(Topic::of(&merged));
                let who = topics.contains(&Topic::Session);
                let rings = who || topics.contains(&Topic::Channels);
                let conversations =
                    if merged.many_conversations { Vec::new() } else { merged.conversations.into_iter().collect() };
                let Some(desk) = desk.upgrade() else { return };
                desk.note_pace(&status);
                desk.announce(topics, conversations);
                if desk.notice_trouble(&status, time) {
                    return;
                }
                desk.notice_arrival(&status, time).await;
                if who {
                    desk.notice_people(time).await;
                }
                if rings && let Ok(clinic) = desk.clinic().await {
                    clinic.work.ring();
                }
            }
        });
    }

    /// The clinic has another name, or who works here has another role: the screens show what that role may do.
    async fn notice_people(&self, time: u64) {
        if matches!(self.session(), Session::Ready { .. })
            && let Ok(open) = self.clinic().await
            && let Ok(Some((clinic, member))) = open.summary().await
            && self.time() == time
        {
            self.set_session(Session::Ready { clinic, member });
        }
    }

    fn note_pace(&self, status: &watch::Receiver<Status>) {
        let progress = status.borrow().first_copy.as_ref().map(|copy| (copy.done, copy.total));
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).observe(Instant::now(), progress);
    }

    /// Whether something is the matter that ends this clinic's being open; what there is to do about it has begun.
    fn notice_trouble(self: &Arc<Self>, status: &watch::Receiver<Status>, time: u64) -> bool {
        let code = status.borrow().problem.as_ref().map(|(code, _)| code.clone());
        match code.as_deref() {
            Some("login_revoked") => self.revoke(time),
            Some("cache_damaged") => {
                self.mend_copy(time);
                true
            }
            _ => false,
        }
    }

    /// While the copy is new, the session becomes ready when there is enough to work with; a line that is refused or silent
    /// before that is the session's failure, until it is open again.
    async fn notice_arrival(&self, status: &watch::Receiver<Status>, time: u64) {
        let waits = match self.session() {
            Session::Preparing { step, .. } => step == "copy",
            Session::Failed { .. } => true,
            _ => false,
        };
        if !waits || self.time() != time {
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
            let copy = Some(self.copy_progress(copy));
            self.set_session(Session::Preparing { step: "copy".to_owned(), fraction, copy });
        } else if let Some((code, message)) = status.problem {
            self.set_session(Session::Failed { problem: ApiError::new(code, message), has_profile: true });
        }
    }
}

/// Whether nothing is new but that the copy was confirmed once more.
fn is_confirmed_again(told: &Status, now: &Status) -> bool {
    told.last_confirmed_at.is_some()
        && now.last_confirmed_at.is_some()
        && *told == Status { last_confirmed_at: told.last_confirmed_at, ..now.clone() }
}

/// Waits until then, or for ever.
async fn at(then: Option<tokio::time::Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
