//! What the elected computer does for the clinic all day: it listens to the gateways, fills gaps, sends, and looks after the
//! connections. Any computer of an owner or an agent may run it; the database decides which one works.
//!
//! [`Background::start`] needs no window: the `balcao-agent` program and a desk start the same.

mod ageing;
mod bucket;
mod channels;
mod connection;
mod delivering;
mod election;
mod fetching;
mod gateways;
mod listening;
mod office;
mod reach;
mod rhythm;
mod sending;
mod storing;
mod sweeping;
mod term;
mod upkeep;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;

use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_tenant::Tenant;
use balcao_whatsapp::gateway::Timing;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use gateways::{GatewayKeys, Unusable, gateway_of};
pub use rhythm::Rhythm;

use crate::profile::ProfileError;

/// Logs in to the clinic's database anew, with a connection of its own.
pub type Dial = Arc<dyn Fn() -> BoxFuture<'static, Result<Tenant, ProfileError>> + Send + Sync>;

/// What the background work needs of its computer.
#[derive(Clone)]
pub struct Setup {
    /// The way to the database. Three connections are opened at most.
    pub dial: Dial,
    /// Where the keys of the gateways are, and the one of the journals.
    pub keychain: Keychain,
    /// Names the entries of this desk in the keyring.
    pub profile_id: String,
    /// Where journals lie.
    pub folder: PathBuf,
    /// How this computer is called, where the database has no name for it.
    pub label: String,
    /// What time it is.
    pub clock: Clock,
    /// How often things are done.
    pub rhythm: Rhythm,
    /// How long gateways are waited for.
    pub timing: Timing,
}

/// Where the background work stands on this computer.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The database is not reached.
    Connecting {
        /// Why not, after a try.
        problem: Option<&'static str>,
    },
    /// Another computer works.
    Waiting {
        /// How it is called.
        holder: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// This computer works.
    Working {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It has ended: it was stopped, or the login may not do it.
    Ended {
        /// Why, where nobody asked for it.
        problem: Option<&'static str>,
    },
}

/// The background work of this computer, running. Dropped, it ends at once, and another computer waits until the lease has run
/// out; see [`Background::stop`].
#[derive(Debug)]
pub struct Background {
    standing: watch::Receiver<Standing>,
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Background {
    /// Starts it. It goes on until it is stopped, through every outage.
    pub fn start(setup: Setup) -> Self {
        let (told, standing) = watch::channel(Standing::Connecting { problem: None });
        let stopping = CancellationToken::new();
        let task = tokio::spawn(election::run(Arc::new(setup), told, stopping.clone()));
        Self { standing, stopping, task }
    }

    /// Where it stands, now and from now on.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Ends it: what is on its way is waited for, and the work is given back, so that another computer can begin at once.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        // A panic inside has been reported where it happened.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.task.abort();
    }
}
