//! The background work on this computer: begun when it may be done and can be, ended when not.
//!
//! The database decides which computer works; one that has no key of any connection does not even ask, so that it is in
//! nobody's way. The lock of the screens ends nothing: messages come and go while nobody is at the keyboard.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use balcao_agent::background::{self, Background, Rhythm, Setup, Standing};
use balcao_agent::profile::ProfileError;
use balcao_keychain::names;
use balcao_sync::Dial;
use balcao_whatsapp::gateway::Timing;
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use crate::changes::Topic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::this_computer;
use crate::profile::{Kind, Profile};

/// Looked at again after this also when nothing has rung: a keyring may have been locked.
const LOOKING: Duration = Duration::from_secs(60);
/// For what is on its way when the program ends.
const FAREWELL: Duration = Duration::from_secs(4);
/// For giving the work back, too. Without it another computer waits until the lease has run out.
const GOODBYE: Duration = Duration::from_secs(6);

/// The work of an open clinic.
pub(crate) struct Work {
    setup: Setup,
    is_sample: bool,
    running: tokio::sync::Mutex<Running>,
    standing: Mutex<Option<watch::Receiver<Standing>>>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Running {
    background: Option<Background>,
    /// The clinic is being closed.
    is_over: bool,
}

/// Whether a computer of this role may do it; the database has the last word.
pub(crate) fn may_work(role: &str) -> bool {
    matches!(role, "owner" | "agent")
}

/// Sees to the work for as long as the clinic that is open at `time` is.
pub(crate) fn keep(desk: Weak<Desk>, time: u64) {
    tokio::spawn(async move {
        loop {
            let Some(there) = desk.upgrade().filter(|desk| desk.time() == time) else { return };
            let Ok(work) = there.clinic().await.map(|clinic| clinic.work.clone()) else { return };
            match there.can_work().await {
                Ok(wanted) => {
                    work.suit(&there, wanted).await;
                    // A sample goes with its window.
                    there.note_work(Some(wanted && !work.is_sample));
                }
                Err(problem) => tracing::debug!(code = problem.code, "whether this computer can work is not known yet"),
            }
            drop(there);
            tokio::select! {
                () = work.bell.notified() => {}
                () = tokio::time::sleep(LOOKING) => {}
            }
        }
    });
}

impl Desk {
    /// Something has changed that the work depends on.
    pub(crate) async fn ring_for_work(&self) {
        if let Ok(clinic) = self.clinic().await {
            clinic.work.ring();
        }
        self.announce(BTreeSet::from([Topic::Channels]), Vec::new());
    }

    /// Who works here may do it, and there is a connection that this computer has the key of.
    async fn can_work(&self) -> Result<bool, ApiError> {
        let rows = {
            let clinic = self.clinic().await?;
            match clinic.summary().await? {
                Some((_, member)) if may_work(&member.role) => clinic.cache.connections().await?,
                _ => return Ok(false),
            }
        };
        for row in rows.iter().filter(|row| row.active && row.url.is_some() && row.instance.is_some()) {
            if self.keychain.get(&names::gateway_key(&row.id.to_string())).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Work {
    pub(crate) fn new(desk: &Desk, profile: &Profile, way: Dial) -> Arc<Self> {
        let setup = Setup {
            dial: dial(way),
            keychain: desk.keychain.clone(),
            profile_id: profile.id.to_string(),
            folder: desk.options.profile_dir.clone(),
            label: this_computer(&desk.options.app_version).name,
            clock: desk.clock.clone(),
            rhythm: Rhythm { farewell: FAREWELL, ..Rhythm::default() },
            timing: Timing::default(),
        };
        let is_sample = profile.kind == Kind::Sample;
        Arc::new(Self {
            setup,
            is_sample,
            running: tokio::sync::Mutex::default(),
            standing: Mutex::default(),
            bell: Notify::new(),
        })
    }

    /// Names the entries of this desk in the keyring.
    pub(crate) fn profile_id(&self) -> &str {
        &self.setup.profile_id
    }

    /// Has it looked at again whether there is work.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Since when this computer is the one that works; `None` while it is not.
    pub(crate) fn since(&self) -> Option<DateTime<Utc>> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match &*standing.as_ref()?.borrow() {
            Standing::Working { since } => Some(*since),
            _ => None,
        }
    }

    /// Begins or ends.
    async fn suit(&self, desk: &Arc<Desk>, wanted: bool) {
        let mut running = self.running.lock().await;
        if running.is_over {
            return;
        }
        let ended = |background: &Background| matches!(*background.standing().borrow(), Standing::Ended { .. });
        let goes_on = running.background.as_ref().is_some_and(|background| !ended(background));
        if wanted && !goes_on {
            let background = Background::start(self.setup.clone());
            self.follow(desk, background.standing());
            running.background = Some(background);
        } else if !wanted && let Some(background) = running.background.take() {
            background.stop().await;
            self.note(None);
        }
    }

    /// The screens hear how it stands.
    fn follow(&self, desk: &Arc<Desk>, standing: watch::Receiver<Standing>) {
        self.note(Some(standing.clone()));
        let (desk, mut standing) = (Arc::downgrade(desk), standing);
        tokio::spawn(async move {
            while standing.changed().await.is_ok() {
                let Some(desk) = desk.upgrade() else { return };
                desk.announce(BTreeSet::from([Topic::Channels]), Vec::new());
            }
        });
    }

    fn note(&self, standing: Option<watch::Receiver<Standing>>) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Ends it for good, in bounded time: the clinic is closed.
    pub(crate) async fn stop(&self) {
        let ending = async {
            let mut running = self.running.lock().await;
            running.is_over = true;
            if let Some(background) = running.background.take() {
                background.stop().await;
            }
        };
        // Dropped, it ends at once.
        let _ = tokio::time::timeout(GOODBYE, ending).await;
        self.bell.notify_one();
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("since", &self.since()).finish_non_exhaustive()
    }
}

/// The way to the database, in the words of the work.
fn dial(way: Dial) -> background::Dial {
    Arc::new(move || {
        let dialling = way();
        Box::pin(async move {
            dialling.await.map_err(|error| match error {
                balcao_sync::Error::Tenant(error) => ProfileError::Tenant(error),
                error => ProfileError::NotPrepared { passing: error.is_connection() },
            })
        })
    })
}
