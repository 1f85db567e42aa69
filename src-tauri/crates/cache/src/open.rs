//! Opening the file: key, checks, migrations, one writer and a few readers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use balcao_domain::clock::Clock;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, Transaction};
use tokio::sync::broadcast;

use crate::migrations::migrate;
use crate::{CacheChange, Error, Result, aside, salvage};

/// How long the screens may hold up a piece of what the copy is filled with.
const LONGEST_WAY_MILLIS: usize = 2;

/// Transactions between two times at which the log of the file is brought home: some four megabytes of it.
const BRING_HOME_AFTER: u32 = 100;

/// Pages of the log at which whoever commits brings it home: much more than what is brought home in time, so that only a
/// first copy comes that far.
const LONGEST_LOG: &str = "4000";

/// Begins what [`Cache::begin_repeatable`] describes.
pub(crate) const BEGIN_REPEATABLE: &str = "pragma synchronous = normal; begin immediate";

/// The key of the file: 32 random bytes that live in the keyring of the operating system.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn pragma(&self) -> String {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"x'{hex}'\"")
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The copy on this computer.
#[derive(Debug, Clone)]
pub struct Cache {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Brings the log of the file home while the others go on.
    keeper: SqlitePool,
    /// Transactions since that was last done.
    unkept: Arc<AtomicU32>,
    changes: broadcast::Sender<CacheChange>,
    /// The last place of the queue when the file was opened: what stands up to there was queued by another run of the
    /// program, and may have been sent.
    pub(crate) left_by_another_run: i64,
    pub(crate) clock: Clock,
}

/// A cache that was opened, and what had to be done for it.
#[derive(Debug)]
pub struct Opened {
    /// The copy.
    pub cache: Cache,
    /// A file that could not be read was set aside here, and a new copy begun.
    pub set_aside: Option<PathBuf>,
    /// Queued writes that were read from the damaged file and are in the new one.
    pub salvaged: usize,
    /// How many more were in it and could not be read; `None` where not even their number could be read.
    pub unreadable: Option<usize>,
}

impl Cache {
    /// Opens the file, or begins a new one. A damaged file is never deleted: it is renamed, and what waits in its outbox is
    /// carried over where it can be read. A file of a newer program is left as it is.
    pub async fn open(path: &Path, key: &Key, clock: Clock) -> Result<Opened> {
        let finished = aside::finish(path, &clock)?;
        match Self::try_open(path, key, clock.clone()).await {
            Ok(cache) => Ok(Opened { cache, set_aside: finished, salvaged: 0, unreadable: Some(0) }),
            Err(Error::Damaged) => Self::rebuild(path, key, clock).await,
            Err(error) => Err(error),
        }
    }

    /// Opens the file after [`Error::Damaged`] was met in the midst of work: it is set aside even when what is looked at on
    /// opening is whole.
    pub async fn open_after_damage(path: &Path, key: &Key, clock: Clock) -> Result<Opened> {
        if aside::finish(path, &clock)?.is_some() || !path.exists() {
            return Self::open(path, key, clock).await;
        }
        Self::rebuild(path, key, clock).await
    }

    /// Makes a new file with what can be read of the old one, and lets them change places. Until that is done the old one
    /// stands as it was, also when the disk is full or the program ends.
    async fn rebuild(path: &Path, key: &Key, clock: Clock) -> Result<Opened> {
        let damaged =
            SqliteConnectOptions::new().filename(path).pragma("key", key.pragma()).disable_statement_logging();
        let found = salvage::read(damaged).await;
        aside::clear_the_making(path)?;
        let new = Self::try_open(&aside::in_the_making(path), key, clock.clone()).await?;
        let restored = new.restore(&found).await;
        new.close().await;
        restored?;
        let set_aside = aside::replace(path, &clock)?;
        let cache = Self::try_open(path, key, clock).await?;
        Ok(Opened { cache, set_aside, salvaged: found.salvaged(), unreadable: found.unreadable })
    }

    async fn try_open(path: &Path, key: &Key, clock: Clock) -> Result<Self> {
        let existed = path.exists();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None)
            // A file does not hang up.
            .test_before_acquire(false)
            // A full disk ends a transaction inside the engine, unnoticed by the driver: such a connection would refuse
            // every further transaction, so another one takes its place.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_lazy_with(
                options(path, key)
                    .create_if_missing(true)
                    .pragma("cache_size", "-16000")
                    .pragma("wal_autocheckpoint", LONGEST_LOG),
            );
        let opened = async {
            if existed {
                check(&writer).await?;
            }
            migrate(&writer, path, options(path, key), &clock).await?;
            Ok(sqlx::query_scalar("select coalesce(max(seq), 0) from outbox").fetch_one(&writer).await?)
        };
        let left_by_another_run = match opened.await {
            Ok(seq) => seq,
            Err(error) => {
                writer.close().await;
                return Err(error);
            }
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(3)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options(path, key).read_only(true).pragma("cache_size", "-8000"));
        let keeper = SqlitePoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options(path, key));
        let (changes, _) = broadcast::channel(1024);
        let unkept = Arc::default();
        Ok(Self { writer, readers, keeper, unkept, changes, left_by_another_run, clock })
    }

    /// Closes the file; everything written is on disk already.
    pub async fn close(&self) {
        self.readers.close().await;
        self.keeper.close().await;
        self.writer.close().await;
    }

    /// Hears of every transaction that changed something, in the order of their commits.
    pub fn changes(&self) -> broadcast::Receiver<CacheChange> {
        self.changes.subscribe()
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Lets the questions of the screens go first: a person waits for their answers, and for the copy to be filled nobody
    /// does. For some milliseconds only, so that somebody who asks without end does not hold it up for ever.
    pub(crate) async fn give_way(&self) {
        let is_asked = || self.readers.num_idle() < self.readers.size() as usize;
        for _ in 0..LONGEST_WAY_MILLIS {
            if !is_asked() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Begins a transaction of what a person has done: when its commit returns, it is on the disk.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        let transaction = self.writer.begin_with("pragma synchronous = full; begin immediate").await?;
        self.unkept.fetch_add(1, Ordering::Relaxed);
        Ok(transaction)
    }

    /// Begins a transaction of what can be had again: rows of the database, its word on queued writes, places in the copy.
    /// Its commit does not wait for the disk, and outlives the end of the program, though not always that of the power.
    ///
    /// Nothing can be lost by that. Commits stand in one write-ahead log, and what is left after a power cut is always a
    /// beginning of it: waiting for the disk at a person's write covers everything before. A cursor is written with its rows
    /// or after them, so it never runs ahead of them. An operation whose confirmation is forgotten goes again and is told
    /// "already"; one whose refusal is forgotten is refused again.
    pub(crate) async fn begin_repeatable(&self) -> Result<Transaction<'static, Sqlite>> {
        let transaction = self.writer.begin_with(BEGIN_REPEATABLE).await?;
        self.unkept.fetch_add(1, Ordering::Relaxed);
        Ok(transaction)
    }

    /// The connection that writes, for a transaction that begins with [`BEGIN_REPEATABLE`] and says its own end.
    pub(crate) async fn writer(&self) -> Result<PoolConnection<Sqlite>> {
        let connection = self.writer.acquire().await?;
        self.unkept.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    /// Brings what was written home from the log of the file, now and then, without holding up anybody who reads or writes:
    /// a commit that did it on its way would wait for the disk.
    pub async fn bring_home(&self) -> Result<()> {
        if self.unkept.load(Ordering::Relaxed) >= BRING_HOME_AFTER {
            self.unkept.store(0, Ordering::Relaxed);
            sqlx::query("pragma wal_checkpoint(passive)").execute(&self.keeper).await?;
        }
        Ok(())
    }

    /// Begins the log of the file anew, where nobody is still reading from it.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&self.writer).await?;
        Ok(())
    }

    /// To be called after the commit: nobody listening is fine.
    pub(crate) fn announce(&self, change: CacheChange) {
        if !change.is_empty() {
            let _ = self.changes.send(change);
        }
    }
}

fn options(path: &Path, key: &Key) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .pragma("key", key.pragma())
        .journal_mode(SqliteJournalMode::Wal)
        // Each transaction says for itself whether it waits for the disk; and where a disk only says that it has written,
        // on macOS, it is asked again.
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "on")
        .pragma("temp_store", "memory")
        // What is deleted is written over: a person who was erased is not left in free pages.
        .pragma("secure_delete", "on")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

/// Reads what must be whole for nothing to be lost; the rest can be copied again. What it costs grows with what waits, not with
/// the copy.
async fn check(writer: &SqlitePool) -> Result<()> {
    let mut connection = writer.acquire().await?;
    sqlx::query("select count(*) from sqlite_schema").execute(&mut *connection).await?;
    let known: bool = sqlx::query_scalar("select exists (select 1 from sqlite_schema where name = 'outbox')")
        .fetch_one(&mut *connection)
        .await?;
    if known {
        for statement in [
            "pragma quick_check('outbox')",
            "pragma quick_check('effects')",
            "pragma quick_check('shadows')",
            "pragma quick_check('sync_state')",
        ] {
            let verdict: String = sqlx::query_scalar(statement).fetch_one(&mut *connection).await?;
            if verdict != "ok" {
                return Err(Error::Damaged);
            }
        }
    }
    Ok(())
}
