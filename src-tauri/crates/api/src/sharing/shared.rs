//! The front of an open clinic: started when the clinic is to be shared, again when that failed, and stopped with the clinic.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use balcao_cache::Cache;
use balcao_keychain::Keychain;
use balcao_lan::{Authority, Front, FrontConfig, Guest, Limits};
use balcao_sync::Dial;
use balcao_tenant::{Address, TlsMode};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::changes::Topic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::EmbeddedServer;
use crate::profile::{Profile, SharingWish};

/// After a start that failed: the keyring may come later than the program, the port may become free.
const AGAIN: Duration = Duration::from_secs(20);

/// What the front of an open clinic needs, and how it stands.
#[derive(Clone)]
pub(crate) struct Shared {
    parts: Arc<Parts>,
    state: Arc<Mutex<State>>,
    /// Looks after the front.
    task: Arc<tokio::sync::Mutex<Option<JoinHandle<()>>>>,
}

struct Parts {
    desk: Weak<Desk>,
    server: Arc<EmbeddedServer>,
    keychain: Keychain,
    folder: PathBuf,
    profile_id: String,
    cache: Cache,
    dial: Dial,
}

enum State {
    Off,
    Starting,
    On { front: Front, authority: Authority, clinic_id: Uuid },
    Failed(ApiError),
}

/// How it stands, for the screen.
pub(super) struct Standing {
    pub(super) state: &'static str,
    pub(super) problem: Option<ApiError>,
    pub(super) port: Option<u16>,
    pub(super) fingerprint: Option<String>,
    pub(super) is_announced: bool,
    pub(super) guests: Vec<Guest>,
}

impl Shared {
    /// Nothing is shared yet.
    pub(crate) fn new(
        desk: &Arc<Desk>,
        profile: &Profile,
        server: Arc<EmbeddedServer>,
        cache: Cache,
        dial: Dial,
    ) -> Self {
        let parts = Parts {
            desk: Arc::downgrade(desk),
            server,
            keychain: desk.keychain.clone(),
            folder: desk.options.profile_dir.clone(),
            profile_id: profile.id.to_string(),
            cache,
            dial,
        };
        Self { parts: Arc::new(parts), state: Arc::new(Mutex::new(State::Off)), task: Arc::default() }
    }

    /// Shares as the profile says, in the background.
    pub(crate) async fn resume(&self, wish: Option<SharingWish>) {
        if let Some(SharingWish { on: true, port }) = wish {
            let mut task = self.task.lock().await;
            *self.state() = State::Starting;
            let shared = self.clone();
            *task = Some(tokio::spawn(async move {
                let begun = shared.start(port, false).await;
                let changed = shared.settle(begun);
                shared.look_after(port, changed).await;
            }));
        }
    }

    /// Shares, or no longer. Answers when the first try is over; one that failed is repeated in the background.
    pub(super) async fn change(&self, wish: SharingWish, new_certificate: bool) {
        let mut task = self.task.lock().await;
        self.end(&mut task).await;
        if !wish.on {
            return;
        }
        *self.state() = State::Starting;
        let begun = self.start(wish.port, new_certificate).await;
        let changed = self.settle(begun);
        let shared = self.clone();
        *task = Some(tokio::spawn(async move { shared.look_after(wish.port, changed).await }));
    }

    /// Ends the front and every connection through it.
    pub(crate) async fn stop(&self) {
        self.end(&mut *self.task.lock().await).await;
    }

    async fn end(&self, task: &mut Option<JoinHandle<()>>) {
        if let Some(task) = task.take() {
            task.abort();
            // What it was about to start is dropped with it.
            let _ = task.await;
        }
        let ended = std::mem::replace(&mut *self.state(), State::Off);
        if let State::On { front, .. } = ended {
            front.stop().await;
        }
    }

    /// Tells the screens who comes and goes. A start that failed is tried again until it succeeds.
    async fn look_after(&self, port: u16, mut changed: Option<watch::Receiver<usize>>) {
        loop {
            if let Some(mut changed) = changed.take() {
                while changed.changed().await.is_ok() {
                    self.tell();
                }
                return;
            }
            tokio::time::sleep(AGAIN).await;
            let begun = self.start(port, false).await;
            changed = self.settle(begun);
        }
    }

    /// Puts down how a start has ended, and tells the screens. Who is connected can be followed where it went well.
    fn settle(&self, begun: Result<State, ApiError>) -> Option<watch::Receiver<usize>> {
        let state = begun.unwrap_or_else(|problem| {
            tracing::warn!(code = problem.code, "the clinic could not be shared on the network");
            State::Failed(problem)
        });
        let changed = match &state {
            State::On { front, .. } => Some(front.changed()),
            _ => None,
        };
        *self.state() = state;
        self.tell();
        changed
    }

    async fn start(&self, port: u16, new_certificate: bool) -> Result<State, ApiError> {
        let clinic_id = self.clinic_id().await?;
        let desk = self.parts.desk.upgrade().ok_or_else(|| ApiError::new("no_session", "no clinic is open"))?;
        let clock = desk.clock.clone();
        let Parts { keychain, profile_id, folder, .. } = &*self.parts;
        let authority = if new_certificate {
            Authority::replace(keychain, profile_id, folder, clinic_id, clock).await?
        } else {
            Authority::open_or_create(keychain, profile_id, folder, clinic_id, clock).await?
        };
        let listen = (IpAddr::from(Ipv4Addr::UNSPECIFIED), port).into();
        let config = FrontConfig { listen, clinic_id, limits: Limits::default(), announce: true };
        let server = self.parts.server.clone();
        let front = Front::start(config, authority.clone(), move || {
            let server = server.clone();
            async move { server.port().await.ok() }
        });
        Ok(State::On { front: front.await?, authority, clinic_id })
    }

    /// The copy knows; before the first copy, the database does.
    async fn clinic_id(&self) -> Result<Uuid, ApiError> {
        if let Some(clinic) = self.parts.cache.clinic().await? {
            return Ok(clinic.id);
        }
        let tenant = (self.parts.dial)().await.map_err(|error| ApiError::new(error.code(), error.to_string()))?;
        let me = tenant.whoami().await;
        tenant.close().await;
        Ok(me?.clinic_id)
    }

    /// Where other computers find the database whose address here is `here`.
    pub(crate) fn reached_at(&self, here: &Address) -> Result<Address, ApiError> {
        match &*self.state() {
            State::On { front, authority, clinic_id } => {
                let host = balcao_lan::own_addresses().into_iter().next();
                let host = host.ok_or_else(|| ApiError::new("no_network", "this computer is in no network"))?;
                let tls = TlsMode::Pinned { ca_pem: authority.ca_pem().to_owned(), clinic_id: *clinic_id };
                Ok(Address { host: host.to_string(), port: front.port(), tls, ..here.clone() })
            }
            State::Failed(problem) => Err(problem.clone()),
            State::Off | State::Starting => {
                Err(ApiError::new("sharing_off", "the database on this computer is not reached by others"))
            }
        }
    }

    pub(super) fn standing(&self) -> Standing {
        let off = |state| Standing {
            state,
            problem: None,
            port: None,
            fingerprint: None,
            is_announced: false,
            guests: Vec::new(),
        };
        match &*self.state() {
            State::Off => off("off"),
            State::Starting => off("starting"),
            State::Failed(problem) => Standing { problem: Some(problem.clone()), ..off("failed") },
            State::On { front, authority, .. } => Standing {
                state: "on",
                problem: None,
                port: Some(front.port()),
                fingerprint: Some(authority.fingerprint()),
                is_announced: front.is_announced(),
                guests: front.guests(),
            },
        }
    }

    fn tell(&self) {
        if let Some(desk) = self.parts.desk.upgrade() {
            desk.announce(BTreeSet::from([Topic::Network]), Vec::new());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(…)")
    }
}

impl From<balcao_lan::Error> for ApiError {
    fn from(error: balcao_lan::Error) -> Self {
        let code = match error.code() {
            known @ ("port_taken" | "port_refused") => known,
            "keychain" => "keychain_unavailable",
            "key_lost" => "sharing_key_lost",
            "folder" => "profile_not_writable",
            _ => "sharing_failed",
        };
        Self::new(code, error.to_string())
    }
}
