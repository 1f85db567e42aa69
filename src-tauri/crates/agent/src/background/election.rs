//! Which computer works: this one asks, stands by, works as long as the database says so, and stops at once when it does not.

use std::sync::Arc;
use std::time::Duration;

use balcao_tenant::{Bid, Error, Fence, Tenant, Tenure};
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::office::Office;
use super::term::{Asked, Term};
use super::{Setup, Standing, channels};

/// After something that only a person can mend.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// Goes on until `stopping`.
pub(super) async fn run(setup: Arc<Setup>, standing: watch::Sender<Standing>, stopping: CancellationToken) {
    loop {
        let attempt = async {
            let tenant = (setup.dial)().await.map_err(|error| (error.code(), error.is_permanent()))?;
            let ended = ask(&setup, &tenant, &standing, &stopping).await;
            tenant.close().await;
            ended.map_err(|error| (error.code(), error.is_permanent()))
        };
        let (problem, permanent) = tokio::select! {
            // In the middle of a term it is that which hears of the end, and says good-bye.
            biased;
            ended = attempt => match ended {
                Ok(()) => break,
                Err(problem) => problem,
            },
            () = not_working(&standing, &stopping) => break,
        };
        if problem == "login_revoked" || problem == "not_permitted" {
            standing.send_replace(Standing::Ended { problem: Some(problem) });
            return;
        }
        tracing::warn!(problem, "the database is not reached for the background work");
        standing.send_replace(Standing::Connecting { problem: Some(problem) });
        let wait = if permanent { LONG_WAIT } else { setup.rhythm.retry_after };
        tokio::select! {
            () = sleep(wait) => {}
            () = stopping.cancelled() => break,
        }
    }
    standing.send_replace(Standing::Ended { problem: None });
}

/// The end, as soon as it is asked for outside a term.
async fn not_working(standing: &watch::Sender<Standing>, stopping: &CancellationToken) {
    stopping.cancelled().await;
    let mut changes = standing.subscribe();
    // The sender is here, so that the wait ends by what is waited for.
    let _ = changes.wait_for(|now| !matches!(now, Standing::Working { .. })).await;
}

/// Asks and works in turns, over one line, until it breaks or the end is asked for.
async fn ask(
    setup: &Arc<Setup>,
    tenant: &Tenant,
    standing: &watch::Sender<Standing>,
    stopping: &CancellationToken,
) -> Result<(), Error> {
    while !stopping.is_cancelled() {
        let asked = Asked::now(&setup.clock);
        let bid = Bid { holder: Uuid::new_v4(), label: &setup.label, held_for: setup.rhythm.held_for };
        match tenant.take_lease(&bid).await? {
            Tenure::Held { fence, since } => {
                tracing::info!("this computer does the background work now");
                standing.send_replace(Standing::Working { since });
                let term = Arc::new(Term::new(fence, setup.clock.clone(), asked, bid.held_for));
                let ended = serve(setup, tenant, &bid, since, &term, stopping).await;
                standing.send_replace(Standing::Connecting { problem: ended.as_ref().err().map(Error::code) });
                ended?;
            }
            Tenure::Elsewhere { label, since, free_in } => {
                standing.send_if_modified(|now| {
                    let next = Standing::Waiting { holder: label, since };
                    let differs = *now != next;
                    *now = next;
                    differs
                });
                let wait = setup.rhythm.ask_every.min(free_in + Duration::from_millis(50));
                tokio::select! {
                    () = sleep(wait) => {}
                    () = stopping.cancelled() => {}
                }
            }
        }
    }
    Ok(())
}

/// One term of office. `Ok` when it has ended in an orderly way, or somebody else has begun another.
async fn serve(
    setup: &Arc<Setup>,
    tenant: &Tenant,
    bid: &Bid<'_>,
    since: DateTime<Utc>,
    term: &Arc<Term>,
    stopping: &CancellationToken,
) -> Result<(), Error> {
    let leaving = CancellationToken::new();
    let office = Office::open(setup, term, leaving.clone());
    // Dropped with this function, whatever ends it: nothing goes on without a term.
    let mut work = std::pin::pin!(channels::run(office));
    loop {
        tokio::select! {
            () = stopping.cancelled() => {
                leaving.cancel();
                let _ = timeout(setup.rhythm.farewell, &mut work).await;
                return give_back(tenant, term.fence()).await;
            }
            ended = &mut work => match ended {
                Err(Error::LeaseLost) => {
                    tracing::info!(%since, "another computer does the background work now");
                    return Ok(());
                }
                ended => return ended,
            },
            () = sleep(setup.rhythm.renew_every) => {}
        }
        let asked = Asked::now(&setup.clock);
        let renewal = async {
            // Some answer must come before the term has run out; the last word has `lasts`.
            timeout(setup.rhythm.held_for / 2, tenant.take_lease(bid)).await.unwrap_or(Err(Error::ConnectionLost))
        };
        let renewed = tokio::select! {
            renewed = renewal => renewed,
            ended = &mut work => match ended {
                Err(Error::LeaseLost) => return Ok(()),
                ended => return ended,
            },
        };
        match renewed {
            Ok(Tenure::Held { fence, .. }) if fence == term.fence() => term.renew(asked, bid.held_for),
            // It had run out before, and what was begun under it may not go on.
            Ok(Tenure::Held { fence, .. }) => return give_back(tenant, fence).await,
            Ok(Tenure::Elsewhere { .. }) => {
                tracing::info!(%since, "another computer does the background work now");
                return Ok(());
            }
            Err(error) if term.lasts() && !error.is_permanent() => {
                tracing::debug!(problem = error.code(), "the background work could not be renewed yet");
            }
            Err(error) => return Err(error),
        }
    }
}

async fn give_back(tenant: &Tenant, fence: Fence) -> Result<(), Error> {
    tenant.release_lease(fence).await
}
