//! Where a desk finds its clinic: at the address it knows, and when nobody answers there, where the clinic itself says it is.
//! Whoever says so may lie; the certificate that came with the invitation decides.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use balcao_tenant::{Address, Error, Tenant, TlsMode};
use uuid::Uuid;

use crate::profile::{Kind, Profile};

/// Between two questions to the network.
const EVERY: Duration = Duration::from_secs(60);

/// How long the network has for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the network where a clinic is.
pub(crate) type Finder =
    Arc<dyn Fn(Uuid, Duration) -> Pin<Box<dyn Future<Output = Vec<SocketAddr>> + Send>> + Send + Sync>;

/// The address of a clinic elsewhere, as it is now. Clones share it.
#[derive(Clone)]
pub(crate) struct Whereabouts {
    known: Arc<Mutex<Known>>,
    folder: PathBuf,
    finder: Finder,
}

struct Known {
    address: Address,
    asked: Option<Instant>,
}

impl Whereabouts {
    /// The address that the profile of this folder has.
    pub(crate) fn new(address: Address, folder: PathBuf) -> Self {
        Self::asking(address, folder, network())
    }

    fn asking(address: Address, folder: PathBuf, finder: Finder) -> Self {
        Self { known: Arc::new(Mutex::new(Known { address, asked: None })), folder, finder }
    }

    /// Connects where the clinic was last, or where it is now.
    pub(crate) async fn connect(&self, password: &str, application: &str) -> balcao_tenant::Result<Tenant> {
        let address = self.known().address.clone();
        let failed = match Tenant::connect(&address, password, application).await {
            Err(error) if may_have_moved(&error) => error,
            connected => return connected,
        };
        if !self.may_ask() {
            return Err(failed);
        }
        for candidate in self.elsewhere(&address).await {
            let answer = Tenant::connect(&candidate, password, application).await;
            // Also what it refuses is the clinic's word: that a login was taken away must be heard wherever it moved to.
            if answer.as_ref().err().is_none_or(is_said_by_the_clinic) {
                self.moved(&address, candidate);
                return answer;
            }
        }
        Err(failed)
    }

    /// Where the network says the clinic is, other than there.
    pub(crate) async fn elsewhere(&self, address: &Address) -> Vec<Address> {
        elsewhere(&self.finder, address).await
    }

    /// Once in a while: a clinic that is switched off for the night is not looked for all night long.
    fn may_ask(&self) -> bool {
        let mut known = self.known();
        if !matches!(known.address.tls, TlsMode::Pinned { .. }) || known.asked.is_some_and(|at| at.elapsed() < EVERY) {
            return false;
        }
        known.asked = Some(Instant::now());
        true
    }

    fn moved(&self, from: &Address, to: Address) {
        tracing::info!("the clinic was found at another address of the network");
        self.known().address = to.clone();
        let kept = match Profile::read(&self.folder) {
            Ok(Some(profile)) if profile.kind == Kind::Remote && profile.address.as_ref() == Some(from) => {
                Profile { address: Some(to), ..profile }.write(&self.folder)
            }
            // It belongs to another clinic by now, or to none.
            Ok(_) => Ok(()),
            Err(problem) => Err(problem),
        };
        if let Err(problem) = kept {
            // It is found again the same way.
            tracing::warn!(code = problem.code, "the clinic's new address could not be kept");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network that this computer is in.
pub(crate) fn network() -> Finder {
    Arc::new(|clinic_id, patience| {
        Box::pin(async move {
            balcao_lan::find(clinic_id, patience).await.unwrap_or_else(|error| {
                tracing::debug!(code = error.code(), "the network could not be asked where the clinic is");
                Vec::new()
            })
        })
    })
}

/// Where the network says the clinic of this address is, other than there; nowhere for one that is not on a network of its own.
pub(crate) async fn elsewhere(finder: &Finder, address: &Address) -> Vec<Address> {
    let TlsMode::Pinned { clinic_id, .. } = &address.tls else { return Vec::new() };
    let found = finder(*clinic_id, PATIENCE).await;
    let found = found.into_iter().map(|at| Address { host: at.ip().to_string(), port: at.port(), ..address.clone() });
    found.filter(|candidate| candidate != address).collect()
}

/// Whether the clinic could be somewhere else: nobody answers, or somebody else has got the address meanwhile.
pub(crate) fn may_have_moved(error: &Error) -> bool {
    matches!(error, Error::Unreachable { .. } | Error::NotPostgres { .. } | Error::CertificateRefused)
}

/// Whether whoever answered had shown the certificate that only the clinic has.
pub(crate) fn is_said_by_the_clinic(error: &Error) -> bool {
    let before = matches!(
        error,
        Error::NotPostgres { .. }
            | Error::TlsUnavailable
            | Error::CertificateRefused
            | Error::TimedOut
            | Error::NothingHeard
            | Error::Protocol
    );
    !before && !error.is_connection()
}

impl fmt::Debug for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whereabouts(…)")
    }
}

#[cfg(test)]
#[path = "whereabouts_tests.rs"]
mod tests;
