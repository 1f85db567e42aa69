//! A clinic of a year on a server, and the logins of its desks.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use balcao_tenant::Role;
use balcao_tenant::provision::{self, Connection, Databases, NewMember};
use balcao_testkit::database::{clinic_request, server};
use balcao_testkit::sample::{self, Plan, Size};
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use uuid::Uuid;

use crate::say;

/// The generated clinic, never connected to after it was made.
const TEMPLATE: &str = "balcao_bench_year";

/// The copy that one run works on.
const RUN: &str = "balcao_bench_run";

/// The clinic's time zone.
const ZONE: chrono_tz::Tz = chrono_tz::America::Sao_Paulo;

/// The database of one run.
pub struct Clinic {
    databases: Databases,
    admin_url: String,
    clinic_id: Uuid,
    keep_template: bool,
}

impl Clinic {
    /// Makes the clinic, or takes the one that an earlier run has made on this server under the same key. Each run works
    /// on a copy of its own.
    pub async fn prepare(server_url: Option<String>, key: Option<&str>, now: DateTime<Utc>) -> Result<Self> {
        let server_url = match server_url {
            Some(url) => url,
            None => server().await?.to_owned(),
        };
        let databases = Databases::at(&server_url)?;
        // The clinic is drawn around a day.
        let key = key.map(|key| format!("{key}-{}", now.with_timezone(&ZONE).date_naive()));
        let made_before = match &key {
            Some(key) => known(&databases, key).await?,
            None => None,
        };
        let clinic_id = match made_before {
            Some(clinic_id) => {
                say("take the clinic of an earlier run");
                clinic_id
            }
            None => make(&databases, key.as_deref(), now).await?,
        };
        remove(&databases, RUN).await?;
        databases.copy(TEMPLATE, RUN).await.context("copying the clinic")?;
        let admin_url = databases.url_of(RUN);
        // A database that is in use has had its vacuum; a copy that was just made would get it in the middle of a run.
        let mut admin = administrator(&admin_url).await?;
        sqlx::query("vacuum analyze").execute(&mut admin).await?;
        sqlx::query("checkpoint").execute(&mut admin).await?;
        Ok(Self { databases, admin_url, clinic_id, keep_template: key.is_some() })
    }

    /// A new member with a login.
    pub async fn add_desk(&self, name: &str) -> Result<Connection> {
        let member = NewMember { name: name.to_owned(), email: None, role: Role::Attendant };
        Ok(provision::add_login(&self.admin_url, self.clinic_id, &member).await?)
    }

    /// Removes what the run has made.
    pub async fn remove(self) -> Result<()> {
        remove(&self.databases, RUN).await?;
        if !self.keep_template {
            remove(&self.databases, TEMPLATE).await?;
        }
        Ok(())
    }
}

/// How a desk's login connects.
pub fn options(desk: &Connection) -> PgConnectOptions {
    let address = &desk.address;
    PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port)
        .database(&address.database)
        .username(&desk.login)
        .password(desk.password.as_deref().unwrap_or_default())
        .ssl_mode(PgSslMode::Disable)
        .disable_statement_logging()
}

/// A plain connection of a desk's login.
pub async fn plain(desk: &Connection) -> Result<PgConnection> {
    Ok(options(desk).connect().await?)
}

/// A plain connection of the administrator.
pub async fn administrator(url: &str) -> Result<PgConnection> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.disable_statement_logging().connect().await?)
}

/// The clinic in a template that was made with this key.
async fn known(databases: &Databases, key: &str) -> Result<Option<Uuid>> {
    let mut admin = administrator(&databases.url_of("postgres")).await?;
    let note: Option<String> =
        sqlx::query_scalar("select shobj_description(oid, 'pg_database') from pg_database where datname = $1")
            .bind(TEMPLATE)
            .fetch_optional(&mut admin)
            .await?
            .flatten();
    Ok(note.and_then(|note| note.strip_prefix(key)?.trim().parse().ok()))
}

async fn make(databases: &Databases, key: Option<&str>, now: DateTime<Utc>) -> Result<Uuid> {
    say("make up a clinic of a year");
    remove(databases, TEMPLATE).await?;
    let schema = databases.template().await?;
    databases.copy(&schema, TEMPLATE).await?;
    let url = databases.url_of(TEMPLATE);
    let clinic = provision::provision(&url, &clinic_request("Clínica Boa Vista")).await?;
    let plan = Plan { seed: 1, size: Size::Year, today: now.with_timezone(&ZONE).date_naive(), now, time_zone: ZONE };
    let counts = sample::load(&url, clinic.clinic_id, &plan, |_| {}).await?;
    say(&format!("made {} rows", counts.values().sum::<u64>()));
    let mut admin = administrator(&databases.url_of("postgres")).await?;
    // Noted last, so that a clinic that is not complete is never taken.
    let note = format!("comment on database {TEMPLATE} is '{} {}'", key.unwrap_or_default(), clinic.clinic_id);
    sqlx::query(AssertSqlSafe(note)).execute(&mut admin).await?;
    Ok(clinic.clinic_id)
}

async fn remove(databases: &Databases, name: &str) -> Result<()> {
    // There may be none, or none with logins.
    let _ = databases.remove_logins(name).await;
    databases.remove(name).await?;
    Ok(())
}

/// Where a run keeps its profiles: gone afterwards.
pub fn scratch() -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new().prefix("balcao-bench-").tempdir_in(place())?)
}

/// On the disk that holds the build, because temporary files may be in memory, where writing costs nothing.
fn place() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    if target.is_dir() { target } else { std::env::temp_dir() }
}
