//! Loading whole tables at once, for the sample clinic and for benches only.
//!
//! A load skips triggers and foreign keys, so the rows must already be what those would have made of them: nothing a
//! person does may come this way. [`BulkLoader::disagreements`] says where loaded rows are not what the triggers make.
//! Checks, unique indexes and the guard of booked slots hold here as everywhere.

mod agreement;
mod line;

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

pub use line::{CopyField, CopyLine};

use crate::connect::{self, Address};
use crate::{Error, Result};

/// How much is sent at once, in bytes.
const CHUNK: usize = 1 << 17;

/// A superuser's connection with one open transaction: everything that is copied is there after [`Self::commit`], or
/// nothing is when it is dropped before.
pub struct BulkLoader {
    connection: PgConnection,
    filled: BTreeSet<String>,
}

/// What provisioning has put into a clinic and a load builds upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicFrame {
    /// The clinic.
    pub clinic_id: Uuid,
    /// The member who owns it.
    pub owner_id: Uuid,
    /// The default pipeline.
    pub pipeline_id: Uuid,
    /// Its stages from left to right: id and kind (`open`, `won`, `lost`).
    pub stages: Vec<(Uuid, String)>,
    /// The reasons why a lead is lost, in order: id and name.
    pub loss_reasons: Vec<(Uuid, String)>,
    /// Whether the clinic already has people in its book.
    pub has_contacts: bool,
}

impl BulkLoader {
    /// Opens a transaction in which triggers and foreign keys rest.
    ///
    /// # Errors
    /// The ways in which connecting can fail; [`Error::AdminRightsMissing`] when the login is no superuser, because only
    /// one may pass by row security and triggers.
    pub async fn connect(admin_url: &str) -> Result<Self> {
        let mut connection = open(admin_url).await?;
        sqlx::raw_sql(
            "begin;
             set local session_replication_role = replica;
             set local synchronous_commit = off;
             set local statement_timeout = 0;
             set local lock_timeout = '60s'",
        )
        .execute(&mut connection)
        .await?;
        Ok(Self { connection, filled: BTreeSet::new() })
    }

    /// What is already there of the clinic.
    ///
    /// # Errors
    /// [`Error::UnknownClinic`] when it was not provisioned in this database.
    pub async fn frame(&mut self, clinic_id: Uuid) -> Result<ClinicFrame> {
        let row = sqlx::query(
            "select (select id from app.members where clinic_id = $1 and role = 'owner' order by created_at, id limit 1) as owner_id,
                    (select id from app.pipelines where clinic_id = $1 order by is_default desc, position, id limit 1) as pipeline_id,
                    exists (select from app.contacts where clinic_id = $1) as has_contacts",
        )
        .bind(clinic_id)
        .fetch_one(&mut self.connection)
        .await?;
        let owner_id: Option<Uuid> = row.try_get("owner_id")?;
        let pipeline_id: Option<Uuid> = row.try_get("pipeline_id")?;
        let (Some(owner_id), Some(pipeline_id)) = (owner_id, pipeline_id) else {
            return Err(Error::UnknownClinic);
        };
        let stages = sqlx::query(
            "select id, kind from app.pipeline_stages where clinic_id = $1 and pipeline_id = $2 order by position, id",
        )
        .bind(clinic_id)
        .bind(pipeline_id)
        .fetch_all(&mut self.connection)
        .await?;
        let reasons = sqlx::query("select id, name from app.loss_reasons where clinic_id = $1 order by position, id")
            .bind(clinic_id)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(ClinicFrame {
            clinic_id,
            owner_id,
            pipeline_id,
            stages: stages.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?,
            loss_reasons: reasons.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?,
            has_contacts: row.try_get("has_contacts")?,
        })
    }

    /// Streams rows into `app.<table>` with binary `COPY`. Each row is a function that puts one field for each of
    /// `columns`, in their order and of their types. `progress` hears now and then how many rows were sent.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a name that is not a plain table of schema `app` and for a row with the wrong number of
    /// fields; [`Error::Constraint`] when the rows are not good. The transaction is then lost: drop the loader.
    pub async fn copy<R: FnOnce(&mut CopyLine)>(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = R>,
        mut progress: impl FnMut(u64),
    ) -> Result<u64> {
        let plain = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !plain(table) || !columns.iter().copied().all(plain) {
            return Err(Error::InvalidRequest { field: "table", reason: "only plain tables of schema app are loaded" });
        }
        let statement = format!("copy app.{table} ({}) from stdin (format binary)", columns.join(", "));
        let mut copy = self.connection.copy_in_raw(&statement).await?;
        let mut line = CopyLine::with_header(CHUNK + (CHUNK >> 3));
        let mut sent = 0;
        for row in rows {
            line.begin(columns.len());
            row(&mut line);
            if !line.is_whole() {
                copy.abort("a row has the wrong number of fields").await?;
                return Err(Error::InvalidRequest { field: "rows", reason: "a row has the wrong number of fields" });
            }
            sent += 1;
            if line.bytes().len() >= CHUNK {
                copy.send(line.bytes()).await?;
                line.clear();
                progress(sent);
            }
        }
        line.end();
        copy.send(line.bytes()).await?;
        let stored = copy.finish().await?;
        progress(stored);
        self.filled.insert(table.to_owned());
        Ok(stored)
    }

    /// Keeps everything that was copied, wakes the desks of the clinic once, and gathers the statistics that the planner
    /// would only have after a while.
    pub async fn commit(mut self, clinic_id: Uuid) -> Result<()> {
        if self.filled.contains("appointments") {
            sqlx::query("select internal.recount_people($1)").bind(clinic_id).execute(&mut self.connection).await?;
        }
        // What the triggers do that were off meanwhile.
        sqlx::query(
            "insert into internal.feed_marks (clinic_id, entity) select $1, unnest($2::text[]) on conflict do nothing",
        )
        .bind(clinic_id)
        .bind(self.filled.iter().map(String::as_str).collect::<Vec<_>>())
        .execute(&mut self.connection)
        .await?;
        sqlx::query("select pg_notify(channel, '') from internal.listen_channels where clinic_id = $1")
            .bind(clinic_id)
            .execute(&mut self.connection)
            .await?;
        sqlx::raw_sql("commit").execute(&mut self.connection).await?;
        for table in &self.filled {
            sqlx::raw_sql(AssertSqlSafe(format!("analyze app.{table}"))).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// One sentence for each kind of row of the clinic that is not what the triggers and foreign keys of the schema would
    /// have made of it or let in; none when all is well. Replays every message of the clinic: for tests with small clinics.
    pub async fn disagreements(admin_url: &str, clinic_id: Uuid) -> Result<Vec<String>> {
        agreement::disagreements(&mut open(admin_url).await?, clinic_id).await
    }

    /// How many rows of the clinic `app.<table>` holds.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a name that is not that of a plain table.
    pub async fn count(admin_url: &str, clinic_id: Uuid, table: &str) -> Result<u64> {
        if !table.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(Error::InvalidRequest {
                field: "table",
                reason: "only plain tables of schema app are counted",
            });
        }
        let statement = format!("select count(*) from app.{table} where clinic_id = $1");
        let mut connection = open(admin_url).await?;
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(statement)).bind(clinic_id).fetch_one(&mut connection).await?;
        Ok(count.unsigned_abs())
    }
}

async fn open(admin_url: &str) -> Result<PgConnection> {
    let (address, password) = Address::parse(admin_url)?;
    let options = connect::options(&address, password.as_deref().unwrap_or_default(), "balcao-bulk");
    let mut connection = connect::open(&address, &options).await?;
    let superuser: bool = sqlx::query_scalar("select rolsuper from pg_roles where rolname = current_user")
        .fetch_one(&mut connection)
        .await?;
    if superuser { Ok(connection) } else { Err(Error::AdminRightsMissing) }
}
