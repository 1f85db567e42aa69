//! What happens to the computer: it slept, or its network changed. Either way a connection may be dead without a word.

use std::sync::Arc;
use std::time::Duration;

use balcao_domain::clock::Clock;
use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::plan;

/// Between two looks at the clocks.
const LOOK: Duration = Duration::from_secs(5);

/// Tells `jolted` whenever the computer wakes or its network changes. Runs until it is dropped.
pub(crate) async fn watch(clock: Clock, jolted: Arc<Notify>) {
    tokio::join!(sleep(clock, &jolted), network(&jolted));
}

async fn sleep(clock: Clock, jolted: &Notify) {
    let (mut by_day, mut steady) = (clock.now(), Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let (day, now) = (clock.now(), Instant::now());
        if plan::slept(day - by_day, now - steady) {
            jolted.notify_one();
        }
        (by_day, steady) = (day, now);
    }
}

async fn network(jolted: &Notify) {
    match if_watch::tokio::IfWatcher::new() {
        Ok(mut changes) => {
            // What is there at the start is told as if it had come.
            while changes.next().await.is_some() {
                jolted.notify_one();
            }
        }
        Err(error) => tracing::info!(kind = ?error.kind(), "changes of the network are not told on this system"),
    }
}
