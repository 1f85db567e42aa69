//! Five ways in which such a program is commonly wrong. Each must be found out.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Context as _;
use balcao_domain::feed::{ENTITIES, Entity};
use balcao_domain::window::Window;
use balcao_sync::Remote;
use balcao_tenant::provision::Connection;
use balcao_tenant::{
    FeedBatch, FeedPosition, FeedSender, Identity, Older, Operation, Outcome, Result, Stage, StageEnd, StageKey,
    Tenant, Verdict,
};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

/// What is wrong with a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Nothing is known to be.
    Sound,
    /// Asks for what was written after the newest time it has seen.
    CursorOnTime,
    /// Does not know a write again that was done and whose answer was lost.
    NoOperationId,
    /// Goes on behind the newest transaction, running or not.
    PastRunning,
    /// Takes writes in and carries them out later, the last one first.
    OrderNotKept,
    /// Does not hear of deletions.
    TombstonesIgnored,
}

/// The clinic's database as a program with a fault would use it.
pub struct Faulty {
    login: Connection,
    tenant: Tenant,
    options: PgConnectOptions,
    variant: Variant,
    /// What has taken effect.
    done: Arc<Mutex<HashSet<Uuid>>>,
    postponed: Mutex<Vec<Operation>>,
}

impl Faulty {
    /// Logs in as a member.
    pub async fn log_in(login: &Connection, variant: Variant) -> anyhow::Result<Self> {
        let (address, password) = (&login.address, login.password.as_deref().context("a password")?);
        let tenant = Tenant::connect(address, password, "balcao-history").await?;
        let options = PgConnectOptions::new_without_pgpass().host(&address.host).port(address.port);
        let options = options.username(&address.user).password(password).database(&address.database);
        let (login, done, postponed) = (login.clone(), Arc::default(), Mutex::default());
        Ok(Self { login, tenant, options, variant, done, postponed })
    }

    /// The same program after it died, with connections of its own: those it had are gone with it.
    pub async fn revived(&self) -> anyhow::Result<Self> {
        let revived = Self::log_in(&self.login, self.variant).await?;
        Ok(Self { done: self.done.clone(), ..revived })
    }

    /// A connection of the same login.
    pub async fn connection(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.options).await?)
    }

    /// Carries out what was only taken in.
    async fn catch_up(&self) -> Result<()> {
        let mut postponed = std::mem::take(&mut *self.postponed.lock().await);
        postponed.reverse();
        for operation in postponed {
            self.tenant.apply(&[operation]).await?;
        }
        Ok(())
    }

    async fn number(&self, sql: &'static str) -> Result<i64> {
        let mut connection = self.connection().await?;
        let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(number)
    }

    /// The newest transaction that anybody has begun.
    async fn newest(&self) -> Result<i64> {
        self.number("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint").await
    }

    /// Reads what was written after a time, in microseconds. Returns the newest time seen.
    async fn read_since(&self, since: i64, out: &FeedSender) -> Result<FeedPosition> {
        let mut position = self.tenant.feed_position().await?;
        let mut connection = self.connection().await?;
        let after = DateTime::<Utc>::from_timestamp_micros(since).unwrap_or_default();
        let mut newest = after;
        let gone = sqlx::query("select entity, id, deleted_at from app.tombstones where deleted_at > $1")
            .bind(after)
            .fetch_all(&mut connection)
            .await?;
        newest = gone.iter().map(|row| row.get("deleted_at")).fold(newest, DateTime::max);
        let gone = gone.iter().filter_map(|row| Some((Entity::named(row.get("entity"))?, row.get("id")))).collect();
        let _ = out.send(FeedBatch::Deleted(gone)).await;
        for entity in ENTITIES {
            let sql = format!("select id, updated_at from app.{} where updated_at > $1", entity.name);
            let rows = sqlx::query(AssertSqlSafe(sql)).bind(after).fetch_all(&mut connection).await?;
            newest = rows.iter().map(|row| row.get("updated_at")).fold(newest, DateTime::max);
            let ids: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
            if !ids.is_empty() {
                self.tenant.read_rows(entity, &ids, out).await?;
            }
        }
        connection.close().await?;
        position.cursor = newest.timestamp_micros();
        Ok(position)
    }
}

impl Remote for Faulty {
    async fn whoami(&self) -> Result<Identity> {
        self.tenant.whoami().await
    }

    async fn position(&self) -> Result<FeedPosition> {
        let mut position = self.tenant.feed_position().await?;
        match self.variant {
            Variant::CursorOnTime => position.cursor = position.server_time.timestamp_micros(),
            Variant::PastRunning => position.cursor = self.newest().await?,
            _ => {}
        }
        Ok(position)
    }

    async fn copy_size(&self, window: &Window) -> Result<u64> {
        self.tenant.first_copy_size(window).await
    }

    async fn read_changes(&self, cursor: i64, out: &FeedSender) -> Result<FeedPosition> {
        match self.variant {
            Variant::CursorOnTime => self.read_since(cursor, out).await,
            Variant::PastRunning => {
                let newest = self.newest().await?;
                let position = self.tenant.read_changes(cursor, out).await?;
                Ok(FeedPosition { cursor: newest, ..position })
            }
            Variant::TombstonesIgnored => {
                let (between, mut batches) = mpsc::channel(1);
                let passing = async {
                    while let Some(batch) = batches.recv().await {
                        if matches!(batch, FeedBatch::Rows(_)) && out.send(batch).await.is_err() {
                            return;
                        }
                    }
                };
                let reading = async move { self.tenant.read_changes(cursor, &between).await };
                let (position, ()) = tokio::join!(reading, passing);
                position
            }
            Variant::OrderNotKept => {
                self.catch_up().await?;
                self.tenant.read_changes(cursor, out).await
            }
            Variant::Sound | Variant::NoOperationId => self.tenant.read_changes(cursor, out).await,
        }
    }

    async fn read_stage(
        &self,
        stage: &Stage,
        window: &Window,
        after: Option<StageKey>,
        out: &FeedSender,
    ) -> Result<StageEnd> {
        self.tenant.read_stage(stage, window, after, out).await
    }

    async fn read_older(&self, older: &Older, out: &FeedSender) -> Result<StageEnd> {
        self.tenant.read_older(older, out).await
    }

    async fn apply(&self, operations: &[Operation]) -> Result<Vec<Outcome>> {
        match self.variant {
            Variant::NoOperationId => {
                let mut done = self.done.lock().await;
                let mut sent = operations.to_vec();
                for operation in sent.iter_mut().filter(|operation| done.contains(&operation.operation_id)) {
                    operation.operation_id = Uuid::now_v7();
                }
                let outcomes = self.tenant.apply(&sent).await?;
                let own = operations.iter().zip(outcomes);
                let own = own.map(|(own, outcome)| Outcome { operation_id: own.operation_id, ..outcome });
                let own: Vec<Outcome> = own.collect();
                done.extend(own.iter().filter(|own| own.verdict == Verdict::Applied).map(|own| own.operation_id));
                Ok(own)
            }
            Variant::OrderNotKept => {
                self.postponed.lock().await.extend_from_slice(operations);
                let taken = |operation: &Operation| Outcome {
                    operation_id: operation.operation_id,
                    verdict: Verdict::Applied,
                    version: None,
                };
                Ok(operations.iter().map(taken).collect())
            }
            _ => self.tenant.apply(operations).await,
        }
    }
}
