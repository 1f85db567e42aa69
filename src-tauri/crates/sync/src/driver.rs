//! The task that keeps the copy and the database together.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use balcao_cache::Cache;
use balcao_domain::clock::Clock;
use balcao_tenant::{Listener, Tenant};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::first_copy::first_copy;
use crate::{Connection, Error, Result, Status, indexing, plan, pull, push};

/// Opens the way to the database: finds the password, starts the server on this computer where it is one, connects.
pub type Dial = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Tenant>> + Send>> + Send + Sync>;

/// Facts are written to the file when they matter after a restart, and otherwise this often.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// The running task.
#[derive(Debug)]
pub struct SyncTask {
    status: watch::Receiver<Status>,
    written: Arc<Notify>,
    hurry: Arc<Notify>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

struct Driver {
    cache: Cache,
    dial: Dial,
    clock: Clock,
    status: watch::Sender<Status>,
    written: Arc<Notify>,
    hurry: Arc<Notify>,
}

impl SyncTask {
    /// Starts the task. It goes on until [`SyncTask::stop`], whatever the database does.
    pub fn start(cache: Cache, dial: Dial, clock: Clock) -> Self {
        let (status, receiver) = watch::channel(Status::default());
        let (written, hurry) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let stop = CancellationToken::new();
        let indexing = tokio::spawn(
            stop.clone().run_until_cancelled_owned(indexing::keep_indexed(cache.clone(), receiver.clone())),
        );
        let driver = Driver { cache, dial, clock, status, written: written.clone(), hurry: hurry.clone() };
        let driving = tokio::spawn(stop.clone().run_until_cancelled_owned(driver.run()));
        let quiet = |task: JoinHandle<Option<()>>| tokio::spawn(async move { drop(task.await) });
        Self { status: receiver, written, hurry, stop, tasks: vec![quiet(driving), quiet(indexing)] }
    }

    /// What is known now, and every change of it.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Something was queued: send it if the line is open.
    pub fn written(&self) {
        self.written.notify_one();
    }

    /// A person wants it now: do not wait for the next try.
    pub fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Ends the task. What is under way is given up; nothing is lost by that.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

impl Driver {
    async fn run(self) {
        self.remember_confirmation().await;
        let mut failures = 0;
        loop {
            let Err(error) = self.connected(&mut failures).await;
            self.note_failure(&error).await;
            let wait = plan::back_off(failures, rand::random());
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.hurry.notified() => failures = 0,
            }
        }
    }

    /// One connection, from dialling to its loss.
    async fn connected(&self, failures: &mut u32) -> Result<std::convert::Infallible> {
        let tenant = (self.dial)().await?;
        let identity = tenant.whoami().await?;
        self.cache.set_state("member_id", &identity.member_id.to_string()).await?;
        let mut cursor = self.agree_on_feed(&tenant).await?;
        // Listening begins before the first pull, so that nothing falls between the two. A connection pooler in between
        // does not let notifications through: then polling has to do.
        let mut listener = Listener::open(&tenant).await.ok();
        if cursor.is_none() {
            cursor = Some(first_copy(&tenant, &self.cache, &self.status).await?);
        }
        let mut cursor = cursor.unwrap_or(0);
        let mut noted = tokio::time::Instant::now();
        self.cache.send_now().await?;
        loop {
            push::push(&tenant, &self.cache).await?;
            let (position, rows) = pull::pull(&tenant, &self.cache, cursor).await?;
            cursor = position.cursor;
            *failures = 0;
            self.confirm(position.server_time);
            if rows > 0 || noted.elapsed() > NOTE_EVERY {
                self.cache.set_state("cursor", &cursor.to_string()).await?;
                self.cache.set_state("confirmed_at", &self.clock.now().timestamp_micros().to_string()).await?;
                noted = tokio::time::Instant::now();
            }
            self.wait(&mut listener).await?;
        }
    }

    /// The cursor, or `None` when a first copy must be made: never begun, begun and interrupted, or of another epoch.
    async fn agree_on_feed(&self, tenant: &Tenant) -> Result<Option<i64>> {
        let position = tenant.feed_position().await?;
        self.status.send_modify(|status| {
            status.clock_ahead_seconds = plan::clock_ahead(self.clock.now(), position.server_time);
        });
        let epoch = self.cache.state("epoch").await?.and_then(|text| text.parse::<Uuid>().ok());
        if epoch != Some(position.epoch) {
            if epoch.is_some() {
                self.cache.log("epoch_changed", "").await?;
            }
            self.cache.forget_copy().await?;
            self.cache.set_state("epoch", &position.epoch.to_string()).await?;
            return Ok(None);
        }
        Ok(self.cache.state("cursor").await?.and_then(|text| text.parse().ok()))
    }

    /// Waits for a reason for the next round.
    async fn wait(&self, listener: &mut Option<Listener>) -> Result<()> {
        let poll = if listener.is_some() { plan::POLL_WITH_LISTEN } else { plan::POLL_WITHOUT_LISTEN };
        let heard = async {
            match listener {
                Some(listener) => listener.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = heard => { heard?; }
            () = self.written.notified() => {}
            () = self.hurry.notified() => {}
            () = tokio::time::sleep(poll) => {}
        }
        Ok(())
    }

    fn confirm(&self, server_time: chrono::DateTime<chrono::Utc>) {
        let now = self.clock.now();
        self.status.send_modify(|status| {
            status.connection = Connection::Online;
            status.offline_since = None;
            status.problem = None;
            status.last_confirmed_at = Some(now);
            status.clock_ahead_seconds = plan::clock_ahead(now, server_time);
        });
    }

    async fn note_failure(&self, error: &Error) {
        let now = self.clock.now();
        let (code, message) = (error.code().to_owned(), error.to_string());
        let connection = if error.is_connection() { Connection::Offline } else { Connection::Refused };
        let changed = self.status.borrow().problem.as_ref().is_none_or(|(known, _)| *known != code);
        self.status.send_modify(|status| {
            status.connection = connection;
            status.offline_since = status.offline_since.or(Some(now));
            status.problem = Some((code.clone(), message));
        });
        if changed {
            tracing::warn!(code, "the clinic's database is not reached");
            let _ = self.cache.log("line_down", &code).await;
        }
    }

    async fn remember_confirmation(&self) {
        let at = self.cache.state("confirmed_at").await.ok().flatten().and_then(|text| text.parse().ok());
        if let Some(at) = at.and_then(chrono::DateTime::from_timestamp_micros) {
            self.status.send_modify(|status| status.last_confirmed_at = Some(at));
        }
    }
}
