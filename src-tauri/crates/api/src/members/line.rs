//! The way to the database for what is asked of it directly, and saying now and then that this computer is here, so that the
//! clinic sees which of its computers are in use.

use std::fmt;
use std::time::Duration;

use balcao_sync::{Connection, Dial, Status};
use balcao_tenant::Tenant;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::ApiError;

/// The database counts whatever comes within ten minutes as the same visit.
const EVERY: Duration = Duration::from_secs(11 * 60);

/// The way of an open clinic.
pub(crate) struct Line {
    dial: Dial,
    presence: JoinHandle<()>,
}

impl Line {
    /// Begins to say that this computer is here, for as long as this is kept. Dialling says it; while nobody answers nobody is
    /// asked.
    pub(crate) fn keep(dial: Dial, status: watch::Receiver<Status>) -> Self {
        let again = dial.clone();
        let presence = tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                let online = status.borrow().connection == Connection::Online;
                if online && let Ok(tenant) = again().await {
                    tenant.close().await;
                }
            }
        });
        Self { dial, presence }
    }

    /// Dials. A connection of its own: what is asked must not wait for a first copy, nor hold one up.
    pub(crate) fn dial(&self) -> impl Future<Output = Result<Tenant, ApiError>> + use<> {
        let dialling = (self.dial)();
        async move { dialling.await.map_err(|error| ApiError::new(error.code(), error.to_string())) }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.presence.abort();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line(…)")
    }
}
