//! Database to copy.

use balcao_cache::Cache;
use balcao_tenant::{FeedBatch, FeedPosition, FeedSender, Tenant};
use tokio::sync::mpsc;

use crate::Result;

/// Batches between reader and writer: one is written while the next is read.
const IN_FLIGHT: usize = 2;

/// Reads what changed at or after `cursor` into the copy. Returns where the next pull begins, and how many rows came.
pub(crate) async fn pull(tenant: &Tenant, cache: &Cache, cursor: i64) -> Result<(FeedPosition, u64)> {
    stream(cache, |out| async move { tenant.read_changes(cursor, &out).await }).await
}

/// Runs a reader and writes what it reads. The writer's error is the cause when both fail: its end stops the reader.
pub(crate) async fn stream<T, Reading>(cache: &Cache, read: impl FnOnce(FeedSender) -> Reading) -> Result<(T, u64)>
where
    Reading: Future<Output = balcao_tenant::Result<T>>,
{
    let (out, mut batches) = mpsc::channel(IN_FLIGHT);
    let writing = async move {
        let mut rows = 0;
        while let Some(batch) = batches.recv().await {
            rows += take(cache, batch).await?;
        }
        Ok::<u64, crate::Error>(rows)
    };
    let (read, written) = tokio::join!(read(out), writing);
    let rows = written?;
    Ok((read?, rows))
}

async fn take(cache: &Cache, batch: FeedBatch) -> Result<u64> {
    match batch {
        FeedBatch::Rows(batch) => {
            cache.take_rows(batch.entity(), batch.rows().map(|row| row.cells().collect())).await?;
            Ok(batch.len() as u64)
        }
        FeedBatch::Deleted(deleted) => {
            cache.take_deletions(&deleted).await?;
            Ok(deleted.len() as u64)
        }
    }
}
