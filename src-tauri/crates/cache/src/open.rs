//! Opening the file: key, checks, migrations, one writer and a few readers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use balcao_domain::clock::Clock;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};
use tokio::sync::broadcast;

use crate::outbox::{self, Salvaged};
use crate::{CacheChange, Error, Result};

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "copy", include_str!("../../../../migrations/cache/0001_copy.sql")),
    (2, "search", include_str!("../../../../migrations/cache/0002_search.sql")),
    (3, "outbox", include_str!("../../../../migrations/cache/0003_outbox.sql")),
];

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
    changes: broadcast::Sender<CacheChange>,
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
}

impl Cache {
    /// Opens the file, or begins a new one. A damaged file is never deleted: it is renamed, and what waits in its outbox is
    /// carried over where it can be read. A file of a newer program is left as it is.
    pub async fn open(path: &Path, key: &Key, clock: Clock) -> Result<Opened> {
        match Self::try_open(path, key, clock.clone()).await {
            Ok(cache) => Ok(Opened { cache, set_aside: None, salvaged: 0 }),
            Err(Error::Damaged) => {
                let salvaged = outbox::salvage(&options(path, key).read_only(true)).await;
                let aside = set_aside(path, &clock)?;
                let cache = Self::try_open(path, key, clock).await?;
                cache.restore(&salvaged).await?;
                Ok(Opened { cache, set_aside: Some(aside), salvaged: salvaged.len() })
            }
            Err(error) => Err(error),
        }
    }

    async fn try_open(path: &Path, key: &Key, clock: Clock) -> Result<Self> {
        let existed = path.exists();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None)
            // A full disk ends a transaction inside the engine, unnoticed by the driver: such a connection would refuse
            // every further transaction, so another one takes its place.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_lazy_with(options(path, key).create_if_missing(true).pragma("cache_size", "-16000"));
        let opened = async {
            if existed {
                check(&writer).await?;
            }
            migrate(&writer, path, key, existed, &clock).await
        };
        if let Err(error) = opened.await {
            writer.close().await;
            return Err(error);
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(3)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options(path, key).read_only(true).pragma("cache_size", "-8000"));
        let (changes, _) = broadcast::channel(1024);
        Ok(Self { writer, readers, changes, clock })
    }

    /// Closes the file; everything written is on disk already.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Hears of every transaction that changed something, in the order of their commits.
    pub fn changes(&self) -> broadcast::Receiver<CacheChange> {
        self.changes.subscribe()
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    pub(crate) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>> {
        Ok(self.writer.begin_with("begin immediate").await?)
    }

    /// To be called after the commit: nobody listening is fine.
    pub(crate) fn announce(&self, change: CacheChange) {
        if !change.is_empty() {
            let _ = self.changes.send(change);
        }
    }

    async fn restore(&self, salvaged: &[Salvaged]) -> Result<()> {
        let mut transaction = self.begin().await?;
        for operation in salvaged {
            outbox::insert_salvaged(&mut transaction, operation).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn options(path: &Path, key: &Key) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .pragma("key", key.pragma())
        .journal_mode(SqliteJournalMode::Wal)
        // A write is safe the moment the button is released, also from a power cut.
        .synchronous(SqliteSynchronous::Full)
        .pragma("temp_store", "memory")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

/// Reads what must be whole for nothing to be lost; the rest can be copied again.
async fn check(writer: &SqlitePool) -> Result<()> {
    let mut connection = writer.acquire().await?;
    sqlx::query("select count(*) from sqlite_schema").execute(&mut *connection).await?;
    let known: bool = sqlx::query_scalar("select exists (select 1 from sqlite_schema where name = 'outbox')")
        .fetch_one(&mut *connection)
        .await?;
    if known {
        for statement in
            ["pragma quick_check('outbox')", "pragma quick_check('effects')", "pragma quick_check('shadows')"]
        {
            let verdict: String = sqlx::query_scalar(statement).fetch_one(&mut *connection).await?;
            if verdict != "ok" {
                return Err(Error::Damaged);
            }
        }
    }
    Ok(())
}

async fn migrate(writer: &SqlitePool, path: &Path, key: &Key, existed: bool, clock: &Clock) -> Result<()> {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    if existed && is_behind(writer).await? {
        copy_before_migration(path, key, clock).await?;
    }
    migrator.run(writer).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => Error::Newer,
        MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => Error::Damaged,
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        _ => Error::Engine("migration".to_owned()),
    })
}

async fn is_behind(writer: &SqlitePool) -> Result<bool> {
    let known: bool = sqlx::query_scalar("select exists (select 1 from sqlite_schema where name = '_sqlx_migrations')")
        .fetch_one(writer)
        .await?;
    if !known {
        return Ok(false);
    }
    let latest: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations").fetch_one(writer).await?;
    Ok(latest < MIGRATIONS.last().map(|(version, ..)| *version))
}

/// A consistent, encrypted copy beside the file, so that a migration that goes wrong costs nothing.
async fn copy_before_migration(path: &Path, key: &Key, clock: &Clock) -> Result<()> {
    let target = sibling(path, "before-migration", clock);
    let mut connection = options(path, key).connect().await?;
    sqlx::query("vacuum into ?").bind(target.to_string_lossy().into_owned()).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

fn set_aside(path: &Path, clock: &Clock) -> Result<PathBuf> {
    let aside = sibling(path, "damaged", clock);
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            std::fs::rename(&from, with_suffix(&aside, suffix)).map_err(|e| Error::NotWritable(e.kind()))?;
        }
    }
    Ok(aside)
}

fn sibling(path: &Path, word: &str, clock: &Clock) -> PathBuf {
    let stamp = clock.now().format("%Y%m%dT%H%M%S");
    with_suffix(path, &format!(".{word}-{stamp}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
