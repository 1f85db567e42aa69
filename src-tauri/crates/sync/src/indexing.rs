//! Keeps house in the copy, in steps so short that nobody waits for them: the search indexes, and what a narrower window
//! leaves outside, and what is left of people who were erased.

use std::time::Duration;

use balcao_cache::Cache;
use tokio::sync::{broadcast, watch};

use crate::Status;

/// From a change until it is looked at. A search need not know a message in the moment in which it comes, and the desk has
/// other things to do then.
const GATHER: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub(crate) async fn keep_indexed(cache: Cache, mut status: watch::Receiver<Status>) {
    let mut changes = cache.changes();
    loop {
        // The first copy has the file for itself; what it brings is indexed afterwards.
        if status.wait_for(|status| status.first_copy.is_none()).await.is_err() {
            return;
        }
        // What a narrower window leaves outside goes first: it needs no index.
        let step = match cache.trim_step().await {
            Ok(true) => Ok(true),
            Ok(false) => cache.index_step().await,
            Err(error) => Err(error),
        };
        // Who was erased is forgotten last, when no index has anything left to take in.
        let step = match step {
            Ok(false) => cache.forget_step().await,
            step => step,
        };
        match step {
            Ok(true) => tokio::time::sleep(Duration::from_millis(2)).await,
            Ok(false) => {
                if let Err(error) = cache.bring_home().await {
                    tracing::warn!(%error, "the log of the copy grows");
                }
                loop {
                    match changes.recv().await {
                        Ok(change) if change.entities.contains("messages") || change.entities.contains("contacts") => {
                            break;
                        }
                        Ok(_) => {}
                        Err(broadcast::error::RecvError::Lagged(_)) => break,
                        Err(broadcast::error::RecvError::Closed) => return,
                    }
                }
                tokio::time::sleep(GATHER).await;
                // What was told meanwhile is looked at now.
                changes = changes.resubscribe();
            }
            Err(error) => {
                tracing::warn!(%error, "the copy's house-keeping waits");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}
