//! Database to copy.

use balcao_cache::{Cache, FewRows};
use balcao_tenant::{FeedBatch, FeedPosition, FeedSender};
use tokio::sync::mpsc;

use crate::tally::Tally;
use crate::{Remote, Result};

/// Batches between reader and writer: one is written while the next is read.
const IN_FLIGHT: usize = 2;

/// Rows that are written in one go, about. Each go writes every page of an index that it touches, so that many small ones
/// write the same pages again and again; a person's own write waits for no more than these.
const AT_ONCE: u64 = 10_000;

/// What was read and is not in the copy yet.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    batches: Vec<FeedBatch>,
    rows: u64,
}

/// Reads what changed at or after `cursor`; all of it but the last rows, mostly all there are, is in the copy then. Returns
/// where the next pull begins, and how many rows were written.
pub(crate) async fn pull<R: Remote>(
    remote: &R,
    cache: &Cache,
    cursor: i64,
    tally: &mut Tally,
) -> Result<(FeedPosition, u64, Unwritten)> {
    let heard = |batch: &FeedBatch| match batch {
        FeedBatch::Rows(batch) => tally.received(batch.entity().name, batch.len() as u64),
        FeedBatch::Deleted(deleted) => tally.received("deleted", deleted.len() as u64),
    };
    stream(cache, heard, |out| async move { remote.read_changes(cursor, &out).await }).await
}

/// Runs a reader and writes what it reads, telling of each batch. The writer's error is the cause when both fail: its end stops
/// the reader.
pub(crate) async fn stream<T, Reading>(
    cache: &Cache,
    mut heard: impl FnMut(&FeedBatch),
    read: impl FnOnce(FeedSender) -> Reading,
) -> Result<(T, u64, Unwritten)>
where
    Reading: Future<Output = balcao_tenant::Result<T>>,
{
    let (out, mut batches) = mpsc::channel(IN_FLIGHT);
    let writing = async move {
        let (mut written, mut unwritten) = (0, Unwritten::default());
        while let Some(batch) = batches.recv().await {
            if unwritten.rows >= AT_ONCE {
                written += std::mem::take(&mut unwritten).write(cache, &[]).await?;
            }
            heard(&batch);
            unwritten.add(batch);
        }
        Ok::<_, crate::Error>((written, unwritten))
    };
    let (read, written) = tokio::join!(read(out), writing);
    let (written, unwritten) = written?;
    match read {
        Ok(answer) => Ok((answer, written, unwritten)),
        Err(error) => {
            // It is true as far as it goes.
            unwritten.write(cache, &[]).await?;
            Err(error.into())
        }
    }
}

impl Unwritten {
    fn add(&mut self, batch: FeedBatch) {
        self.rows += match &batch {
            FeedBatch::Rows(batch) => batch.len() as u64,
            FeedBatch::Deleted(deleted) => deleted.len() as u64,
        };
        self.batches.push(batch);
    }

    /// Writes it together with how far the copy is then. Returns how many rows it was.
    pub(crate) async fn write(self, cache: &Cache, place: &[(&str, &str)]) -> Result<u64> {
        if self.batches.is_empty() && place.is_empty() {
            return Ok(0);
        }
        if let Some(few) = self.few()?
            && cache.take_few(few, place).await?
        {
            return Ok(self.rows);
        }
        let mut taking = cache.take().await?;
        for batch in self.batches {
            match batch {
                FeedBatch::Rows(batch) => {
                    taking.rows(batch.entity(), batch.rows().map(|row| row.cells().collect())).await?;
                }
                FeedBatch::Deleted(deleted) => taking.deletions(&deleted).await?,
            }
        }
        taking.commit(place).await?;
        Ok(self.rows)
    }

    /// All of it, where it is an ordinary change: a few rows, of which none is gone.
    fn few(&self) -> Result<Option<FewRows>> {
        let Some(mut few) = FewRows::of(self.rows) else { return Ok(None) };
        for batch in &self.batches {
            let FeedBatch::Rows(batch) = batch else { return Ok(None) };
            for row in batch.rows() {
                few.push(batch.entity(), row.cells().collect())?;
            }
        }
        Ok(Some(few))
    }

    /// Rows of it.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
}
