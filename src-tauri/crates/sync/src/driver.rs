//! The task that keeps the copy and the database together.

use std::pin::Pin;
use std::sync::Arc;

use balcao_cache::Cache;
use balcao_domain::clock::Clock;
use balcao_domain::presence::Companion;
use balcao_tenant::Tenant;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ears::Ears;
use crate::older::{self, Errands, FetchOlder, NotFetched, Wishes};
use crate::people::People;
use crate::{Connection, Engine, Error, Result, Status, indexing, plan, surroundings};

/// Opens the way to the database: finds the password, starts the server on this computer where it is one, connects.
pub type Dial = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Tenant>> + Send>> + Send + Sync>;

/// The running task.
#[derive(Debug)]
pub struct SyncTask {
    status: watch::Receiver<Status>,
    written: Arc<Notify>,
    hurry: Arc<Notify>,
    wishes: Wishes,
    people: Arc<People>,
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
    jolted: Arc<Notify>,
    errands: Mutex<Errands>,
    people: Arc<People>,
}

impl SyncTask {
    /// Starts the task. It goes on until [`SyncTask::stop`], whatever the database does.
    pub fn start(cache: Cache, dial: Dial, clock: Clock) -> Self {
        let (status, receiver) = watch::channel(Status::default());
        let (written, hurry, jolted) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let stop = CancellationToken::new();
        let watching =
            tokio::spawn(stop.clone().run_until_cancelled_owned(surroundings::watch(clock.clone(), jolted.clone())));
        let indexing = tokio::spawn(
            stop.clone().run_until_cancelled_owned(indexing::keep_indexed(cache.clone(), receiver.clone())),
        );
        let (wishes, errands) = Errands::new();
        let errands = Mutex::new(errands);
        let people = Arc::new(People::new(clock.clone()));
        let driver = Driver {
            cache,
            dial,
            clock,
            status,
            written: written.clone(),
            hurry: hurry.clone(),
            jolted,
            errands,
            people: people.clone(),
        };
        let driving = tokio::spawn(stop.clone().run_until_cancelled_owned(driver.run()));
        let quiet = |task: JoinHandle<Option<()>>| tokio::spawn(async move { drop(task.await) });
        let tasks = [driving, indexing, watching].map(quiet).into();
        Self { status: receiver, written, hurry, wishes, people, stop, tasks }
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

    /// Which thread somebody here has before their eyes: the other desks hear of it.
    pub fn go(&self, thread: Option<Uuid>) {
        self.people.go(thread);
    }

    /// Somebody here writes in it, or has stopped.
    pub fn write(&self, thread: Uuid, typing: bool) {
        self.people.write(thread, typing);
    }

    /// Who else has that thread open, now and whenever it changes.
    pub fn company(&self) -> watch::Receiver<Vec<Companion>> {
        self.people.company()
    }

    /// Brings something from before the window into the copy. Answers when it is there; at once when it cannot be now.
    ///
    /// # Errors
    /// The database does not answer, the first copy is on its way, or the database refuses.
    pub async fn fetch(&self, request: FetchOlder) -> std::result::Result<(), NotFetched> {
        {
            let status = self.status.borrow();
            if status.first_copy.is_some() {
                return Err(NotFetched::Coming);
            }
            if status.connection != Connection::Online {
                return Err(NotFetched::Offline);
            }
        }
        older::ask(&self.wishes, request, &self.written).await
    }

    /// Ends the task. What is under way is given up; nothing is lost by that.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

/// Why the next round begins.
enum Reason {
    /// Something was queued here, or may have become due.
    Send,
    /// Something may have changed there.
    Look,
    /// Nothing was heard for a while.
    Silence,
    /// The computer slept or its network changed.
    Jolt,
}

impl Driver {
    async fn run(self) {
        self.remember_confirmation().await;
        let mut failures = 0;
        loop {
            let Err(error) = self.connected(&mut failures).await;
            self.people.meet(None);
            self.note_failure(&error).await;
            self.errands.lock().await.give_up(&self.status);
            let wait = plan::back_off(failures, rand::random());
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.hurry.notified() => failures = 0,
                () = self.jolted.notified() => failures = 0,
            }
        }
    }

    /// One connection, from dialling to its loss.
    async fn connected(&self, failures: &mut u32) -> Result<std::convert::Infallible> {
        let tenant = (self.dial)().await?;
        // Until it is known that notifications come through, and after they stop, polling does. Whenever they begin to, one
        // pull brings what was said before.
        let mut ears = Ears::opening(&tenant);
        let (cache, clock) = (self.cache.clone(), self.clock.clone());
        let mut engine = Engine::begin(tenant.clone(), cache, clock, self.status.clone()).await?;
        self.cache.log("connected", "").await?;
        self.people.is(engine.member());
        let mut reason = Reason::Send;
        let mut due = None;
        let copied = loop {
            let more = match self.round(&mut engine, &mut ears, &reason).await {
                Ok(more) => more,
                Err(error) => break error,
            };
            *failures = 0;
            if more {
                reason = Reason::Send;
                continue;
            }
            // What others wrote leaves the queue as it is.
            if !matches!(reason, Reason::Look) {
                due = match self.due().await {
                    Ok(due) => due,
                    Err(error) => break error,
                };
            }
            reason = match self.wait(&mut ears, &tenant, due).await {
                Ok(reason) => reason,
                Err(error) => break error,
            };
        };
        // What ended the connection is what matters, also when the copy cannot be written any more.
        let _ = engine.write_down().await;
        Err(copied)
    }

    /// Send, fetch what screens ask for, read what changed: in this order, so that what was fetched is never older than the
    /// change that follows. Says whether there is more to fetch.
    async fn round(&self, engine: &mut Engine<Tenant>, ears: &mut Ears, reason: &Reason) -> Result<bool> {
        match reason {
            // Whatever may have become due meanwhile is sent as well: asking the queue costs nothing there.
            Reason::Send | Reason::Silence => drop(engine.push().await?),
            Reason::Look => {}
            Reason::Jolt => engine.prove().await?,
        }
        let mut errands = self.errands.lock().await;
        let more = errands.step(&engine.remote, &self.cache, &self.status, self.clock.now()).await?;
        let rows = engine.pull().await?;
        if matches!(reason, Reason::Silence) && rows > 0 {
            ears.doubt();
        }
        Ok(more)
    }

    /// When the queue wants to be looked at again.
    async fn due(&self) -> Result<Option<Instant>> {
        Ok(self.cache.due_in().await?.map(|wait| Instant::now() + wait))
    }

    /// Waits for a reason for the next round.
    async fn wait(&self, ears: &mut Ears, tenant: &Tenant, due: Option<Instant>) -> Result<Reason> {
        let poll = if ears.hear() { plan::POLL_WITH_LISTEN } else { plan::POLL_WITHOUT_LISTEN };
        let silence = Instant::now() + poll;
        loop {
            self.people.meet(ears.people());
            tokio::select! {
                // In this order: what a person wrote goes before what others did, and both before who is where.
                biased;
                () = self.written.notified() => return Ok(Reason::Send),
                () = self.hurry.notified() => return Ok(Reason::Send),
                () = self.jolted.notified() => return Ok(Reason::Jolt),
                heard = ears.wake(tenant, |word| self.people.hear(word)) => return Ok(heard.map(|()| Reason::Look)?),
                () = tokio::time::sleep_until(due.unwrap_or(silence).min(silence)) => {
                    return Ok(if due.is_some_and(|due| due <= silence) { Reason::Send } else { Reason::Silence });
                }
                () = self.people.due() => {}
            }
            if let Some((channel, word)) = self.people.word() {
                tenant.say_to_people(&channel, &word).await?;
            }
        }
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
            let _ = self.cache.log("line_down", &format!("code={code}")).await;
        }
    }

    async fn remember_confirmation(&self) {
        let at = self.cache.state("confirmed_at").await.ok().flatten().and_then(|text| text.parse().ok());
        if let Some(at) = at.and_then(chrono::DateTime::from_timestamp_micros) {
            self.status.send_modify(|status| status.last_confirmed_at = Some(at));
        }
    }
}
