//! Keeps the search indexes up to date behind the copy, in steps so short that nobody waits for them.

use std::time::Duration;

use balcao_cache::Cache;
use tokio::sync::{broadcast, watch};

use crate::Status;

/// Runs until it is dropped.
pub(crate) async fn keep_indexed(cache: Cache, mut status: watch::Receiver<Status>) {
    let mut changes = cache.changes();
    loop {
        // The first copy has the file for itself; what it brings is indexed afterwards.
        if status.wait_for(|status| status.first_copy.is_none()).await.is_err() {
            return;
        }
        match cache.index_step().await {
            Ok(true) => tokio::time::sleep(Duration::from_millis(2)).await,
            Ok(false) => loop {
                match changes.recv().await {
                    Ok(change) if change.entities.contains("messages") || change.entities.contains("contacts") => break,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            },
            Err(error) => {
                tracing::warn!(%error, "the search index waits");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}
