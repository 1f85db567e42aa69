//! What the engine needs of the clinic's database.

use balcao_domain::window::Window;
use balcao_tenant::{
    FeedPosition, FeedSender, Identity, Older, Operation, Outcome, Result, Stage, StageEnd, StageKey, Tenant,
};

/// The clinic's database as the engine needs it. [`Tenant`] is the real one; tests put one in between that cuts, loses and
/// lies.
pub trait Remote: Send + Sync + 'static {
    /// Who this desk's login is.
    fn whoami(&self) -> impl Future<Output = Result<Identity>> + Send;

    /// Where the feed stands now.
    fn position(&self) -> impl Future<Output = Result<FeedPosition>> + Send;

    /// How many rows a first copy will have, about.
    fn copy_size(&self, window: &Window) -> impl Future<Output = Result<u64>> + Send;

    /// Everything that changed at or after `cursor`, deletions first.
    fn read_changes(&self, cursor: i64, out: &FeedSender) -> impl Future<Output = Result<FeedPosition>> + Send;

    /// A piece of the first copy.
    fn read_stage(
        &self,
        stage: &Stage,
        window: &Window,
        after: Option<StageKey>,
        out: &FeedSender,
    ) -> impl Future<Output = Result<StageEnd>> + Send;

    /// Some rows from before the window.
    fn read_older(&self, older: &Older, out: &FeedSender) -> impl Future<Output = Result<StageEnd>> + Send;

    /// Applies a batch of queued writes, each exactly once. An error means that nothing is known about any of them.
    fn apply(&self, operations: &[Operation]) -> impl Future<Output = Result<Vec<Outcome>>> + Send;
}

impl Remote for Tenant {
    async fn whoami(&self) -> Result<Identity> {
        self.whoami().await
    }

    async fn position(&self) -> Result<FeedPosition> {
        self.feed_position().await
    }

    async fn copy_size(&self, window: &Window) -> Result<u64> {
        self.first_copy_size(window).await
    }

    async fn read_changes(&self, cursor: i64, out: &FeedSender) -> Result<FeedPosition> {
        self.read_changes(cursor, out).await
    }

    async fn read_stage(
        &self,
        stage: &Stage,
        window: &Window,
        after: Option<StageKey>,
        out: &FeedSender,
    ) -> Result<StageEnd> {
        self.read_stage(stage, window, after, out).await
    }

    async fn read_older(&self, older: &Older, out: &FeedSender) -> Result<StageEnd> {
        self.read_older(older, out).await
    }

    async fn apply(&self, operations: &[Operation]) -> Result<Vec<Outcome>> {
        self.apply(operations).await
    }
}
