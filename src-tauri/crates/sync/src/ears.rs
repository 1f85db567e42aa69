//! Hearing of changes, when it can be had: over a connection of its own that comes and goes without holding up the copying.

use std::time::Duration;

use balcao_tenant::{Error, Listener, PeopleChannel, Tenant, Wake};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Until listening is tried again after its connection was lost.
const AGAIN: Duration = Duration::from_secs(5);

/// Until it is tried again where something in between lets no notification through.
const AGAIN_BEHIND_POOLER: Duration = Duration::from_secs(300);

/// Listens, begins to, or waits before it tries again.
#[derive(Debug)]
pub(crate) enum Ears {
    Opening(JoinHandle<balcao_tenant::Result<Listener>>),
    Open(Box<Listener>),
    Deaf { until: Instant },
}

impl Ears {
    /// Begins to listen.
    pub(crate) fn opening(tenant: &Tenant) -> Self {
        let tenant = tenant.clone();
        Self::Opening(tokio::spawn(async move { Listener::open_among_people(&tenant).await }))
    }

    /// Whether silence means that nothing happens.
    pub(crate) fn hear(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// Where people say where they are, when that is heard.
    pub(crate) fn people(&self) -> Option<&PeopleChannel> {
        match self {
            Self::Open(listener) => listener.people(),
            _ => None,
        }
    }

    /// Something has changed and was not heard of: whoever listens must prove that it still can. It may only have been about
    /// to be heard.
    pub(crate) fn doubt(&mut self) {
        if let Self::Open(listener) = self {
            listener.doubt();
        }
    }

    /// Waits until there is a reason to pull: something was said, or listening has begun or ended, so that what was said in
    /// between is lost. What people say of themselves is none; it is handed to `hear`. May be dropped half-way and called
    /// again.
    ///
    /// # Errors
    /// What neither time nor another try can mend, such as a login that was taken away.
    pub(crate) async fn wake(&mut self, tenant: &Tenant, hear: impl Fn(&str)) -> balcao_tenant::Result<()> {
        loop {
            match self {
                Self::Open(listener) => match listener.recv().await {
                    Ok(wake) => {
                        listener.words().iter().for_each(|word| hear(word));
                        if wake != Wake::People {
                            return Ok(());
                        }
                    }
                    Err(error) => {
                        *self = Self::after(error)?;
                        return Ok(());
                    }
                },
                Self::Opening(opening) => match opening.await {
                    Ok(Ok(listener)) => {
                        *self = Self::Open(Box::new(listener));
                        return Ok(());
                    }
                    Ok(Err(error)) => *self = Self::after(error)?,
                    // The runtime ends.
                    Err(_) => *self = Self::Deaf { until: Instant::now() + AGAIN },
                },
                Self::Deaf { until } => {
                    tokio::time::sleep_until(*until).await;
                    *self = Self::opening(tenant);
                }
            }
        }
    }

    fn after(error: Error) -> balcao_tenant::Result<Self> {
        let wait = match &error {
            Error::NothingHeard => AGAIN_BEHIND_POOLER,
            passing if passing.is_connection() || !passing.is_permanent() => AGAIN,
            _ => return Err(error),
        };
        Ok(Self::Deaf { until: Instant::now() + wait })
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        if let Self::Opening(opening) = self {
            opening.abort();
        }
    }
}
