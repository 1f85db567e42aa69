//! A desk's copy, made by the engine over the login's own connection and moved by hand.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use balcao_cache::{Cache, Key};
use balcao_domain::clock::Clock;
use balcao_domain::feed::ENTITIES;
use balcao_sync::{Engine, Error, Status};
use balcao_tenant::Tenant;
use balcao_tenant::provision::Connection;
use balcao_testkit::database::log_in;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};
use tokio::sync::watch;
use uuid::Uuid;

/// Versions of rows by table and id: a row that was changed and not told has another one.
pub type Rows = BTreeMap<(&'static str, Uuid), i64>;

const KEY: [u8; 32] = [0x5a; 32];

pub struct Copy {
    pub login: Connection,
    pub tenant: Tenant,
    pub cache: Cache,
    engine: Option<Engine<Tenant>>,
    status: watch::Sender<Status>,
    folder: tempfile::TempDir,
}

impl Copy {
    /// Logs in and makes the first copy.
    pub async fn make(login: &Connection) -> Result<Self> {
        let folder = match std::path::Path::new("/dev/shm") {
            memory if memory.is_dir() => tempfile::tempdir_in(memory)?,
            _ => tempfile::tempdir()?,
        };
        let opened = Cache::open(&folder.path().join("copy.db"), &Key::new(KEY), Clock::System).await?;
        ensure!(opened.set_aside.is_none(), "a file was found damaged");
        let (status, _) = watch::channel(Status::default());
        let tenant = log_in(login).await?;
        let mut copy = Self { login: login.clone(), tenant, cache: opened.cache, engine: None, status, folder };
        copy.pull().await?;
        Ok(copy)
    }

    /// Sends what is queued and reads what changed; begins anew where the feed became another one, as the driver does.
    pub async fn pull(&mut self) -> Result<u64> {
        loop {
            let mut engine = match self.engine.take() {
                Some(engine) => engine,
                None => {
                    let (cache, status) = (self.cache.clone(), self.status.clone());
                    Engine::begin(self.tenant.clone(), cache, Clock::System, status).await?
                }
            };
            engine.push().await?;
            match engine.pull().await {
                Ok(rows) => {
                    self.engine = Some(engine);
                    return Ok(rows);
                }
                Err(Error::FeedReplaced) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The file, past everything that the program puts in between.
    pub async fn file(&self) -> Result<SqliteConnection> {
        let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
        let options = SqliteConnectOptions::new().filename(self.folder.path().join("copy.db"));
        Ok(SqliteConnection::connect_with(&options.pragma("key", format!("\"x'{hex}'\"")).read_only(true)).await?)
    }

    /// What is in the file.
    pub async fn rows(&self) -> Result<Rows> {
        let (mut file, mut rows) = (self.file().await?, Rows::new());
        for entity in ENTITIES {
            let sql = AssertSqlSafe(format!("select id, version from {}", entity.name));
            for row in sqlx::query(sql).fetch_all(&mut file).await? {
                rows.insert((entity.name, row.try_get(0)?), row.try_get(1)?);
            }
        }
        Ok(rows)
    }

    /// What the login sees in the database.
    pub async fn in_sight(&self) -> Result<Rows> {
        let (mut database, mut rows) = (desk(&self.login).await?, Rows::new());
        for entity in ENTITIES {
            let sql = AssertSqlSafe(format!("select id, version from app.{}", entity.name));
            match sqlx::query(sql).fetch_all(&mut database).await {
                Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some("42501") => {}
                seen => {
                    for row in seen? {
                        rows.insert((entity.name, row.try_get(0)?), row.try_get(1)?);
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Pulls, and compares the file with what the login sees.
    pub async fn agrees(&mut self) -> Result<()> {
        self.pull().await?;
        let (here, there) = (self.rows().await?, self.in_sight().await?);
        let only = |some: &Rows, others: &Rows| -> Vec<String> {
            let alone = some.iter().filter(|(key, version)| others.get(key) != Some(version));
            alone.map(|((table, id), version)| format!("{table} {id} v{version}")).collect()
        };
        let (here_only, there_only) = (only(&here, &there), only(&there, &here));
        ensure!(
            here_only.is_empty() && there_only.is_empty(),
            "only in the copy: {here_only:?}; only in sight: {there_only:?}"
        );
        Ok(())
    }
}

/// The login's connection, for statements that the program itself would never send.
pub async fn desk(connection: &Connection) -> Result<PgConnection> {
    let password = connection.password.as_deref().unwrap_or_default();
    Ok(PgConnection::connect(&connection.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}
