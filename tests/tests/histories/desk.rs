//! A desk of a history: the commands of its screens, and an engine beside them that is moved step by step.
//!
//! The desk's own line leads nowhere, so that every write is queued as it is without a network; the engine works on the same
//! file over a second opening of it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use balcao_api::{ApiError, Desk, DeskOptions, call};
use balcao_cache::{Cache, Key, OperationState, QueuedOperation};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use balcao_sync::{Engine, Error, Status};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::sync::watch;
use uuid::Uuid;

use crate::clinic::{Clinic, now};
use crate::line::{Fault, Line, Mishap, Trouble};
use crate::variants::{Faulty, Variant};

/// What the engine does in a step. Where none is connected, it connects first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Connects, and makes or resumes the first copy.
    Connect,
    /// Sends what is queued.
    Push,
    /// Reads what changed.
    Pull,
    /// Both, as it does on its own.
    Round,
}

/// How a step of the engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It did what it should.
    Well,
    /// The line broke.
    Broken,
    /// The computer died and was started again.
    Killed,
}

/// A desk.
pub struct HistoryDesk {
    /// Whom it belongs to.
    pub member: Uuid,
    desk: Option<Arc<Desk>>,
    folder: tempfile::TempDir,
    keychain: Keychain,
    clock: Clock,
    key: [u8; 32],
    remote: Arc<Faulty>,
    trouble: Trouble,
    cache: Cache,
    engine: Option<Engine<Line<Faulty>>>,
    status: watch::Sender<Status>,
}

impl HistoryDesk {
    /// Opens a desk for the n-th login of the clinic. It knows nothing of the clinic yet.
    pub async fn open(clinic: &Clinic, n: usize, variant: Variant) -> Result<Self> {
        let login = clinic.logins.get(n).context("a login")?;
        // Where there is room in memory: what a power cut leaves is another test's.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let (keychain, clock, id) = (Keychain::in_memory(), Clock::manual(now()), Uuid::new_v4());
        let key: [u8; 32] = std::array::from_fn(|byte| byte as u8 ^ 0x5a);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        keychain.set(&names::cache_key(&id.to_string()), &Secret::new(hex)).await?;
        keychain.set(&names::database_password(&id.to_string()), &Secret::new("nobody listens".to_owned())).await?;
        let address = json!({ "host": "127.0.0.1", "port": 1, "database": "nowhere", "user": "nobody",
                              "tls": { "mode": "loopback" } });
        let profile = json!({ "id": id, "kind": "remote", "address": address, "unfinished": null });
        std::fs::write(folder.path().join("profile.json"), profile.to_string())?;
        let desk = open_desk(&folder, &keychain, &clock).await?;
        let cache = open_cache(&folder, key, &clock).await?;
        let remote = Arc::new(Faulty::log_in(login, variant).await?);
        let member = loop {
            match balcao_sync::Remote::whoami(&*remote).await {
                // Desks that open at the same time are written into one book.
                Err(busy) if !busy.is_permanent() => {}
                who => break who?.member_id,
            }
        };
        let (status, _) = watch::channel(Status::default());
        let (trouble, desk, engine) = (Trouble::default(), Some(desk), None);
        Ok(Self { member, desk, folder, keychain, clock, key, remote, trouble, cache, engine, status })
    }

    /// Runs a command as a screen does. What a person would be told is an answer; what must never happen is an error.
    pub async fn ask(&self, command: &str, payload: Value) -> Result<Result<Value, ApiError>> {
        let desk = self.desk.as_ref().context("an open desk")?;
        match call(desk, command, payload.clone()).await {
            Err(broken) if BROKEN.contains(&broken.code.as_str()) => bail!("{command} {payload}: {broken}"),
            answer => Ok(answer),
        }
    }

    /// The same for what cannot be refused.
    pub async fn tell(&self, command: &str, payload: Value) -> Result<Value> {
        self.ask(command, payload).await?.with_context(|| command.to_owned())
    }

    /// Queues what no screen queues yet.
    pub async fn enqueue(&self, operation: balcao_cache::NewOperation) -> Result<Option<Uuid>> {
        match self.cache.enqueue(operation).await {
            Err(balcao_cache::Error::NotFound) => Ok(None),
            queued => Ok(queued?),
        }
    }

    /// Moves the engine one step.
    pub async fn run(&mut self, run: Run, fault: Option<Fault>) -> Result<Ended> {
        let death = self.trouble.begin(fault);
        let known = self.engine.take();
        let line = Line::new(self.remote.clone(), self.trouble.clone());
        let (cache, clock, status) = (self.cache.clone(), self.clock.clone(), self.status.clone());
        let house = self.cache.clone();
        let work = async move {
            let mut engine = match known {
                Some(engine) => engine,
                None => Engine::begin(line, cache, clock, status).await?,
            };
            if matches!(run, Run::Push | Run::Round) {
                engine.push().await?;
            }
            if matches!(run, Run::Pull | Run::Round) {
                engine.pull().await?;
                // Who was erased is forgotten now, and not when the desk comes to it: the same history goes the same way again.
                while house.index_step().await? || house.forget_step().await? {}
            }
            Ok::<_, Error>(engine)
        };
        let mut work = std::pin::pin!(work);
        let mut left = match fault.map(|fault| fault.what) {
            Some(Mishap::KilledInside(waits)) => Some(waits),
            _ => None,
        };
        let dying = death.clone();
        let work = std::future::poll_fn(move |context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending()
                && let Some(waits) = &mut left
            {
                match waits.checked_sub(1) {
                    Some(fewer) => *waits = fewer,
                    None => dying.notify_one(),
                }
            }
            polled
        });
        tokio::select! {
            biased;
            done = work => match done {
                Ok(engine) => {
                    self.engine = Some(engine);
                    Ok(Ended::Well)
                }
                Err(broken) if is_passing(&broken) => Ok(Ended::Broken),
                Err(error) => Err(error).context("the engine stopped for another reason than its line"),
            },
            () = death.notified() => {
                self.remote = Arc::new(self.remote.revived().await?);
                self.reopen().await?;
                Ok(Ended::Killed)
            }
        }
    }

    /// The program is ended and started again.
    pub async fn restart(&mut self) -> Result<()> {
        self.engine = None;
        if let Some(desk) = self.desk.take() {
            desk.close().await;
        }
        self.desk = Some(open_desk(&self.folder, &self.keychain, &self.clock).await?);
        self.reopen().await
    }

    /// What the engine had in memory is gone; the file is what it is.
    async fn reopen(&mut self) -> Result<()> {
        self.cache = open_cache(&self.folder, self.key, &self.clock).await?;
        Ok(())
    }

    /// Sets this computer's clock by so many minutes.
    pub fn skew(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
    }

    /// Everything that is queued, oldest first.
    pub async fn outbox(&self) -> Result<Vec<(QueuedOperation, OperationState)>> {
        let mut all = Vec::new();
        for state in [OperationState::Waiting, OperationState::Parked] {
            all.extend(self.cache.operations(state).await?.into_iter().map(|operation| (operation, state)));
        }
        Ok(all)
    }

    /// The copy as SQLite has it.
    pub async fn file(&self) -> Result<SqliteConnection> {
        let hex: String = self.key.iter().map(|byte| format!("{byte:02x}")).collect();
        let options = SqliteConnectOptions::new().filename(self.folder.path().join("copy.db"));
        let options = options.pragma("key", format!("\"x'{hex}'\"")).read_only(true);
        Ok(SqliteConnection::connect_with(&options).await?)
    }

    /// The database as this desk's login sees it.
    pub async fn database(&self) -> Result<PgConnection> {
        Ok(self.remote.connection().await?)
    }

    /// Closes the desk and forgets its file.
    pub async fn close(mut self) {
        self.engine = None;
        self.cache.close().await;
        if let Some(desk) = self.desk.take() {
            desk.close().await;
        }
    }
}

/// Answers that mean something broke.
const BROKEN: [&str; 7] =
    ["internal", "unknown_command", "bad_payload", "no_session", "cache_damaged", "disk_full", "profile_not_writable"];

/// Whether another connection is tried: the line broke, somebody held a lock for too long, or the database is another one.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::FeedReplaced => true,
        Error::Tenant(error) => !error.is_permanent(),
        other => other.is_connection(),
    }
}

async fn open_desk(folder: &tempfile::TempDir, keychain: &Keychain, clock: &Clock) -> Result<Arc<Desk>> {
    let options = DeskOptions {
        profile_dir: folder.path().to_owned(),
        export_dir: None,
        postgres_dir: None,
        app_version: "history".to_owned(),
    };
    for _ in 0..500 {
        // The profile's lock goes with the last task that still holds the desk.
        match Desk::open_with(options.clone(), keychain.clone(), clock.clone()).await {
            Err(busy) if busy.code == "profile_in_use" => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            Err(error) => return Err(error.into()),
            Ok(desk) => {
                let mut changes = desk.changes();
                while let Err(error) = call(&desk, "get_status", json!({})).await {
                    ensure!(error.code == "no_session", "opening a desk: {error}");
                    let _ = tokio::time::timeout(std::time::Duration::from_millis(5), changes.recv()).await;
                }
                return Ok(desk);
            }
        }
    }
    bail!("a desk that was closed keeps its profile")
}

async fn open_cache(folder: &tempfile::TempDir, key: [u8; 32], clock: &Clock) -> Result<Cache> {
    let opened = Cache::open(&folder.path().join("copy.db"), &Key::new(key), clock.clone()).await?;
    ensure!(opened.set_aside.is_none(), "a file was found damaged");
    Ok(opened.cache)
}
