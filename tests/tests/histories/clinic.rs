//! The clinic of a history: a small database of its own, copied from a template, whose server can be restarted and whose
//! content can be restored from a backup.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use balcao_tenant::Role;
use balcao_tenant::provision::{Connection, Databases};
use balcao_testkit::database::{TestDatabase, server};
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::people;

/// What a history is copied from: a tiny clinic with four logins. Gone when it is dropped.
pub struct Template {
    database: TestDatabase,
    logins: Vec<Connection>,
    noon: DateTime<Utc>,
    server_url: &'static str,
}

impl Template {
    /// Makes the clinic. Its logins wait for nobody's lock: a history is driven, it does not sleep.
    pub async fn make() -> Result<Self> {
        let database = TestDatabase::fresh().await?;
        let mut logins = vec![database.owner().clone()];
        for role in [Role::Attendant, Role::Admin, Role::Attendant] {
            logins.push(database.add_member(role).await?);
        }
        let mut admin = PgConnection::connect(database.admin_url()).await?;
        for login in &logins {
            let sql = format!(
                "alter role \"{0}\" set lock_timeout = '40ms'; alter role \"{0}\" connection limit -1;
                 alter role \"{0}\" set synchronous_commit = off",
                login.login
            );
            run(&mut admin, &sql).await?;
        }
        // Visits stand around noon of the day after tomorrow, whatever the hour of the test.
        let noon = now() + TimeDelta::days(2);
        let noon = noon.with_hour(15).and_then(|noon| noon.with_minute(0)).context("an hour")?;
        let noon = noon.with_second(0).and_then(|noon| noon.with_nanosecond(0)).context("a second")?;
        run(&mut admin, &people::population(database.clinic_id(), noon)).await?;
        admin.close().await?;
        Ok(Self { database, logins, noon, server_url: server().await? })
    }

    /// A clinic for one history.
    pub async fn copy(&self) -> Result<Clinic> {
        let databases = Databases::at(self.server_url)?;
        let template = self.logins[0].address.database.clone();
        let name = format!("{template}_{:08x}", Uuid::new_v4().as_u128() as u32);
        databases.copy(&template, &name).await.context("copying the template")?;
        let mut logins = self.logins.clone();
        for login in &mut logins {
            login.address.database.clone_from(&name);
        }
        let admin_url = databases.url_of(&name);
        Ok(Clinic {
            databases: Arc::new(databases),
            name,
            template,
            backup: None,
            admin_url,
            id: self.database.clinic_id(),
            logins,
            noon: self.noon,
        })
    }
}

/// The database of one history.
pub struct Clinic {
    databases: Arc<Databases>,
    name: String,
    template: String,
    backup: Option<String>,
    admin_url: String,
    /// The clinic.
    pub id: Uuid,
    /// Logins of its members, of whom each desk has one.
    pub logins: Vec<Connection>,
    /// Around when visits stand.
    pub noon: DateTime<Utc>,
}

impl Clinic {
    /// A connection that sees everything and waits for no lock.
    pub async fn admin(&self) -> Result<PgConnection> {
        let mut connection = PgConnection::connect(&self.admin_url).await?;
        run(
            &mut connection,
            "set lock_timeout = '40ms'; set synchronous_commit = off; set client_min_messages = 'error'",
        )
        .await?;
        Ok(connection)
    }

    /// What a restart of the server is for those who are connected: every connection ends, every open transaction is lost.
    pub async fn restart(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.databases.url_of("postgres")).await?;
        let ended = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = $1";
        sqlx::query(ended).bind(&self.name).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Keeps a copy of the database as it is now. Ends all connections.
    pub async fn back_up(&mut self) -> Result<()> {
        let backup = format!("{}_backup", self.name);
        self.restart().await?;
        self.databases.remove(&backup).await?;
        self.databases.copy(&self.name, &backup).await.context("backing up")?;
        self.backup = Some(backup);
        Ok(())
    }

    /// Puts the last backup in place of the database, or what the clinic began with; with a new epoch, as whoever restores
    /// a clinic must give it, and without the people who were erased since, of whom there is a list beside a backup.
    pub async fn restore(&mut self) -> Result<()> {
        let mut admin = self.admin().await?;
        let erased = "select coalesce(jsonb_agg(to_jsonb(e) - 'row_ids' - 'details'), '[]') from app.erasures e";
        let erased: Value = sqlx::query_scalar(erased).fetch_one(&mut admin).await?;
        admin.close().await?;
        self.databases.remove(&self.name).await?;
        self.databases.copy(self.backup.as_ref().unwrap_or(&self.template), &self.name).await.context("restoring")?;
        let mut admin = self.admin().await?;
        run(&mut admin, "update internal.feed set epoch = gen_random_uuid()").await?;
        sqlx::query("select internal.reapply_erasures($1)").bind(erased).execute(&mut admin).await?;
        admin.close().await?;
        Ok(())
    }

    /// Removes everything.
    pub async fn remove(self) -> Result<()> {
        self.databases.remove(&self.name).await?;
        if let Some(backup) = &self.backup {
            self.databases.remove(backup).await?;
        }
        Ok(())
    }
}

/// Runs statements, none of which returns anything.
pub async fn run(connection: &mut PgConnection, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?;
    Ok(())
}

/// The time: the server's clock cannot be moved, so the clinic lives around the day of the test.
#[allow(clippy::disallowed_methods, reason = "the server lives in this time, too")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
