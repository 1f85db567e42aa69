//! The line between an engine and its clinic: it breaks where a history says, and the computer dies there.

use std::sync::{Arc, Mutex, PoisonError};

use balcao_domain::window::Window;
use balcao_sync::Remote;
use balcao_tenant::{
    Error, FeedBatch, FeedPosition, FeedSender, Identity, Older, Operation, Outcome, Result, Stage, StageEnd, StageKey,
};
use tokio::sync::{Notify, mpsc};

/// What happens at one of the calls that a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which call, counted from the beginning of the step.
    pub at: u8,
    /// What happens there.
    pub what: Mishap,
}

/// What can happen at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The call does not reach the database.
    Refused,
    /// The database did what it was asked, and its answer is lost. What it streamed has arrived.
    AnswerLost,
    /// The line is cut after some batches of a stream; where there are fewer, the answer is lost.
    CutAfter(u8),
    /// The computer dies before the call.
    KilledBefore,
    /// The computer dies when the database has done what it was asked.
    KilledAfter,
    /// The computer dies after some batches of a stream.
    KilledAfterBatches(u8),
    /// The computer dies wherever the engine is when it has waited for something so many times, whatever the call: in the
    /// middle of what it does with its own file.
    KilledInside(u8),
}

/// What a line does next. Shared with the history that drives it.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    fault: Option<Fault>,
    calls: u8,
    death: Arc<Notify>,
}

impl Trouble {
    /// For the step that begins now. The answer is told when the computer dies.
    pub fn begin(&self, fault: Option<Fault>) -> Arc<Notify> {
        let death = Arc::new(Notify::new());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Plan { fault, calls: 0, death: death.clone() };
        death
    }

    fn next(&self) -> Option<Mishap> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let call = plan.calls;
        plan.calls = plan.calls.saturating_add(1);
        let here = plan.fault.filter(|fault| fault.at == call && !matches!(fault.what, Mishap::KilledInside(_)));
        here.map(|fault| fault.what)
    }

    /// Never returns: whoever waits is dropped with all it had in memory.
    async fn die<T>(&self) -> Result<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).death.notify_one();
        std::future::pending().await
    }
}

/// A way to the clinic's database with trouble on it.
#[derive(Debug, Clone)]
pub struct Line<R> {
    remote: Arc<R>,
    trouble: Trouble,
}

impl<R: Remote> Line<R> {
    pub fn new(remote: Arc<R>, trouble: Trouble) -> Self {
        Self { remote, trouble }
    }

    async fn ask<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.trouble.next() {
            None | Some(Mishap::KilledInside(_)) => call.await,
            Some(Mishap::Refused) => Err(Error::ConnectionLost),
            Some(Mishap::AnswerLost | Mishap::CutAfter(_)) => {
                call.await?;
                Err(Error::ConnectionLost)
            }
            Some(Mishap::KilledBefore) => self.trouble.die().await,
            Some(Mishap::KilledAfter | Mishap::KilledAfterBatches(_)) => {
                call.await?;
                self.trouble.die().await
            }
        }
    }

    async fn stream<T, Reading>(&self, out: &FeedSender, read: impl FnOnce(FeedSender) -> Reading + Send) -> Result<T>
    where
        Reading: Future<Output = Result<T>> + Send,
    {
        let (most, dies) = match self.trouble.next() {
            None | Some(Mishap::KilledInside(_)) => return read(out.clone()).await,
            Some(Mishap::Refused) => return Err(Error::ConnectionLost),
            Some(Mishap::KilledBefore) => return self.trouble.die().await,
            Some(Mishap::AnswerLost) => (u8::MAX, false),
            Some(Mishap::KilledAfter) => (u8::MAX, true),
            Some(Mishap::CutAfter(batches)) => (batches, false),
            Some(Mishap::KilledAfterBatches(batches)) => (batches, true),
        };
        let (between, batches) = mpsc::channel(1);
        // Whether the reader comes to its end or meets a receiver that is gone: nobody hears its answer.
        let (_, ()) = tokio::join!(read(between), forward(batches, out, most));
        if dies {
            return self.trouble.die().await;
        }
        Err(Error::ConnectionLost)
    }
}

/// Passes so many batches on and waits until they were taken.
async fn forward(mut batches: mpsc::Receiver<FeedBatch>, out: &FeedSender, most: u8) {
    for _ in 0..most {
        let Some(batch) = batches.recv().await else { break };
        if out.send(batch).await.is_err() {
            break;
        }
    }
    drop(batches);
    while out.capacity() < out.max_capacity() && !out.is_closed() {
        tokio::task::yield_now().await;
    }
}

impl<R: Remote> Remote for Line<R> {
    async fn whoami(&self) -> Result<Identity> {
        self.ask(self.remote.whoami()).await
    }

    async fn position(&self) -> Result<FeedPosition> {
        self.ask(self.remote.position()).await
    }

    async fn copy_size(&self, window: &Window) -> Result<u64> {
        self.ask(self.remote.copy_size(window)).await
    }

    async fn read_changes(&self, cursor: i64, out: &FeedSender) -> Result<FeedPosition> {
        self.stream(out, |out| async move { self.remote.read_changes(cursor, &out).await }).await
    }

    async fn read_stage(
        &self,
        stage: &Stage,
        window: &Window,
        after: Option<StageKey>,
        out: &FeedSender,
    ) -> Result<StageEnd> {
        self.stream(out, |out| async move { self.remote.read_stage(stage, window, after, &out).await }).await
    }

    async fn read_older(&self, older: &Older, out: &FeedSender) -> Result<StageEnd> {
        self.stream(out, |out| async move { self.remote.read_older(older, &out).await }).await
    }

    async fn apply(&self, operations: &[Operation]) -> Result<Vec<Outcome>> {
        self.ask(self.remote.apply(operations)).await
    }
}
