//! What everything that is done within a term shares.

use std::sync::Arc;

use balcao_domain::clock::Clock;
use balcao_tenant::{Error, Fence, Tenant};
use tokio::sync::OnceCell;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::term::Term;
use super::{Rhythm, Setup};

/// A term of office with its means. Clones are the same one.
#[derive(Clone)]
pub(super) struct Office {
    pub setup: Arc<Setup>,
    pub term: Arc<Term>,
    /// Nothing new is begun any more.
    pub leaving: CancellationToken,
    line: Arc<OnceCell<Tenant>>,
}

impl Office {
    pub fn open(setup: &Arc<Setup>, term: &Arc<Term>, leaving: CancellationToken) -> Self {
        Self { setup: setup.clone(), term: term.clone(), leaving, line: Arc::default() }
    }

    pub fn rhythm(&self) -> &Rhythm {
        &self.setup.rhythm
    }

    pub fn clock(&self) -> &Clock {
        &self.setup.clock
    }

    pub fn fence(&self) -> Fence {
        self.term.fence()
    }

    /// The connection of the work, beside the one over which the term is renewed.
    pub async fn line(&self) -> Result<&Tenant, Error> {
        self.line
            .get_or_try_init(|| async {
                (self.setup.dial)().await.map_err(|error| {
                    tracing::debug!(problem = error.code(), "the background work has no line of its own yet");
                    error.into_tenant()
                })
            })
            .await
    }

    /// Asks the database, again and again while it is not reached or others are in the way.
    ///
    /// # Errors
    /// What asking again cannot help; [`Error::LeaseLost`] above all.
    pub async fn outlast<T, F>(&self, question: impl Fn(Tenant) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            let answer = match self.line().await {
                Ok(tenant) => question(tenant.clone()).await,
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if !error.is_permanent() => {
                    tracing::debug!(problem = error.code(), "the background work waits for the database");
                    sleep(self.rhythm().retry_after).await;
                }
                answer => return answer,
            }
        }
    }
}
