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

/// The clinic's time zone.
const ZONE: chrono_tz::Tz = chrono_tz::America::Sao_Paulo;

/// The database of one run.
pub struct Clinic {
    databases: Databases,
    names: Names,
    admin_url: String,
    clinic_id: Uuid,
    keep_template: bool,
}

/// Names of databases.
#[derive(Debug, Clone, Copy)]
struct Names {
    /// The generated clinic, never connected to after it was made.
    template: &'static str,
    /// The copy that one run works on.
    run: &'static str,
}

impl Names {
    const fn of(size: Size) -> Self {
        match size {
            Size::Year => Self { template: "balcao_bench_year", run: "balcao_bench_run" },
            Size::Small => Self { template: "balcao_bench_small", run: "balcao_bench_small_run" },
        }
    }
}

impl Clinic {
    /// Makes the clinic, or takes the one that an earlier run has made on this server under the same key. Each run works
    /// on a copy of its own.
    pub async fn prepare(
        server_url: Option<String>,
        key: Option<&str>,
        size: Size,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let names = Names::of(size);
        let server_url = match server_url {
            Some(url) => url,
            None => server().await?.to_owned(),
        };
        let databases = Databases::at(&server_url)?;
        // The clinic is drawn around a day.
        let key = key.map(|key| format!("{key}-{}", now.with_timezone(&ZONE).date_naive()));
        let made_before = match &key {
            Some(key) => known(&databases, names, key).await?,
            None => None,
        };
        let clinic_id = match made_before {
            Some(clinic_id) => {
                say("take the clinic of an earlier run");
                clinic_id
            }
            None => make(&databases, names, key.as_deref(), size, now).await?,
        };
        remove(&databases, names.run).await?;
        databases.copy(names.template, names.run).await.context("copying the clinic")?;
        let admin_url = databases.url_of(names.run);
        // A database that is in use has had its vacuum; a copy that was just made would get it in the middle of a run.
        let mut admin = administrator(&admin_url).await?;
        sqlx::query("vacuum analyze").execute(&mut admin).await?;
        sqlx::query("checkpoint").execute(&mut admin).await?;
        Ok(Self { databases, names, admin_url, clinic_id, keep_template: key.is_some() })
    }

    /// A new member with a login.
    pub async fn add_desk(&self, name: &str) -> Result<Connection> {
        self.add_member(name, Role::Attendant).await
    }

    /// The same with any role.
    pub async fn add_member(&self, name: &str, role: Role) -> Result<Connection> {
        let member = NewMember { name: name.to_owned(), email: None, role };
        Ok(provision::add_login(&self.admin_url, self.clinic_id, &member).await?)
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.clinic_id
    }

    /// A plain connection of the administrator.
    pub async fn administrator(&self) -> Result<PgConnection> {
        administrator(&self.admin_url).await
    }

    /// Name of its database.
    pub fn database(&self) -> &'static str {
        self.names.run
    }

    /// A plain connection of the administrator to another database of the server: it leaves no traces in this one.
    pub async fn beside(&self) -> Result<PgConnection> {
        administrator(&self.databases.url_of("postgres")).await
    }

    /// Removes what the run has made.
    pub async fn remove(self) -> Result<()> {
        remove(&self.databases, self.names.run).await?;
        if !self.keep_template {
            remove(&self.databases, self.names.template).await?;
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
async fn known(databases: &Databases, names: Names, key: &str) -> Result<Option<Uuid>> {
    let mut admin = administrator(&databases.url_of("postgres")).await?;
    let note: Option<String> =
        sqlx::query_scalar("select shobj_description(oid, 'pg_database') from pg_database where datname = $1")
            .bind(names.template)
            .fetch_optional(&mut admin)
            .await?
            .flatten();
    Ok(note.and_then(|note| note.strip_prefix(key)?.trim().parse().ok()))
}

async fn make(databases: &Databases, names: Names, key: Option<&str>, size: Size, now: DateTime<Utc>) -> Result<Uuid> {
    say(if size == Size::Year { "make up a clinic of a year" } else { "make up a small clinic" });
    remove(databases, names.template).await?;
    let schema = databases.template().await?;
    databases.copy(&schema, names.template).await?;
    let url = databases.url_of(names.template);
    let clinic = provision::provision(&url, &clinic_request("Clínica Boa Vista")).await?;
    let plan = Plan { seed: 1, size, today: now.with_timezone(&ZONE).date_naive(), now, time_zone: ZONE };
    let counts = sample::load(&url, clinic.clinic_id, &plan, |_| {}).await?;
    say(&format!("made {} rows", counts.values().sum::<u64>()));
    let mut admin = administrator(&databases.url_of("postgres")).await?;
    // Noted last, so that a clinic that is not complete is never taken.
    let note = format!("comment on database {} is '{} {}'", names.template, key.unwrap_or_default(), clinic.clinic_id);
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
