//! A clinic to lose, places to bring it back to, and a look into databases from outside.

#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use balcao_keychain::Secret;
use balcao_local_server::{Binaries, Config, LocalServer, SuperuserPassword, release};
use balcao_tenant::provision::Databases;
use balcao_testkit::database::TestDatabase;
use balcao_testkit::sample::{self, Plan, Size};
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tempfile::TempDir;

/// What nobody may read on a disk of backups.
pub const NAMES: &str = "select name from app.contacts where length(name) > 8 order by name limit 300";

/// Whose everything is and who may do what with it: schemas, tables, columns, functions, policies, and what new ones begin
/// with. A privilege that nobody wrote down is what the kind of thing begins with.
pub const RIGHTS: &str = "
    with things as (
        select 'schema ' || nspname as name, nspowner as owner, coalesce(nspacl, acldefault('n', nspowner)) as acl
        from pg_namespace where nspname in ('app', 'internal', 'ext')
        union all
        select c.relkind::text || ' ' || c.oid::regclass, relowner,
               coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::\"char\", relowner))
        from pg_class c where relnamespace::regnamespace::text in ('app', 'internal') and relkind in ('r', 'v', 'm', 'S')
        union all
        select 'column ' || attrelid::regclass || '.' || attname, 0, attacl from pg_attribute
        where attacl is not null and attrelid in (select oid from pg_class where relnamespace::regnamespace::text in ('app', 'internal'))
        union all
        select 'function ' || p.oid::regprocedure, proowner, coalesce(proacl, acldefault('f', proowner)) from pg_proc p
        where pronamespace::regnamespace::text in ('app', 'internal', 'ext') or proacl is not null
        union all
        select 'policy ' || polrelid::regclass || '.' || polname || coalesce(pg_get_expr(polqual, polrelid), '')
               || coalesce(pg_get_expr(polwithcheck, polrelid), ''), 0, null from pg_policy
        union all
        select 'new ' || defaclobjtype::text, defaclrole, defaclacl from pg_default_acl
    )
    select name || ' ' || coalesce(pg_get_userbyid(nullif(owner, 0)), '') || ' '
           || coalesce((select string_agg(item::text, ' ' order by item::text) from unnest(acl) item), '')
    from things order by 1";

pub fn binaries() -> Binaries {
    release::find_or_fetch().unwrap()
}

pub fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub async fn sample_clinic() -> Result<TestDatabase> {
    let database = TestDatabase::fresh().await?;
    let time_zone = chrono_tz::America::Sao_Paulo;
    let plan =
        Plan { seed: 1, size: Size::Small, today: now().with_timezone(&time_zone).date_naive(), now: now(), time_zone };
    sample::load(database.admin_url(), database.clinic_id(), &plan, |_| ()).await?;
    Ok(database)
}

/// A folder that the account of a server can pass through.
pub fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// The first column of the first row, as text.
pub async fn look(url: &str, sql: &str) -> Result<String> {
    Ok(rows(url, sql).await?.swap_remove(0))
}

/// The first column, as text.
pub async fn rows(url: &str, sql: &str) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(url).await?;
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Every table with the number of its rows and a digest of them, in any order and without marks of change: reckoned in
/// another way than the program does.
pub async fn tables(url: &str) -> Result<Vec<(String, i64, String)>> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql("set timezone = 'UTC'").execute(&mut connection).await?;
    let names = sqlx::query(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('app', 'internal') order by 1",
    )
    .fetch_all(&mut connection)
    .await?;
    let mut found = Vec::new();
    for name in names {
        let name: String = name.get(0);
        let sql = format!(
            "select count(*), coalesce(md5(string_agg(row, e'\\n' order by row)), '') from
             (select (to_jsonb(t) - 'change_xid')::text as row from {name} t) rows"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
        found.push((name, row.get(0), row.get(1)));
    }
    connection.close().await?;
    Ok(found)
}

/// A server of its own, as on a computer that has never seen the clinic.
pub struct NewComputer {
    server: LocalServer,
    _folder: TempDir,
}

impl NewComputer {
    pub async fn start() -> Result<Self> {
        let folder = open_folder();
        let server = LocalServer::start(Config {
            binaries: binaries(),
            data_dir: folder.path().join("data"),
            password: SuperuserPassword::Given(Secret::random(16)?),
            patience: Duration::from_secs(60),
        })
        .await?;
        Ok(Self { server, _folder: folder })
    }

    /// An empty database in it.
    pub async fn database(&self) -> Result<Secret> {
        Databases::at(self.server.connection().admin_url("postgres").expose())?.create("balcao").await?;
        Ok(self.server.connection().admin_url("balcao"))
    }

    pub async fn end(self) -> Result<()> {
        Ok(self.server.kill().await?)
    }
}

/// A server whose administrator may make roles and databases and is no superuser, as managed ones are.
pub struct Managed {
    computer: NewComputer,
    pub admin: String,
    pub admin_url: Secret,
    superuser_url: Secret,
}

impl Managed {
    pub async fn make() -> Result<Self> {
        let computer = NewComputer::start().await?;
        let superuser = computer.server.connection().admin_url("postgres");
        let mut connection = PgConnection::connect(superuser.expose()).await?;
        for sql in [
            "create role landlord login nosuperuser createdb createrole password 'landlord'",
            "create database managed owner landlord template template0 encoding 'UTF8'",
        ] {
            sqlx::raw_sql(sql).execute(&mut connection).await?;
        }
        connection.close().await?;
        let port = computer.server.connection().port;
        let admin_url = Secret::new(format!("postgres://landlord:landlord@127.0.0.1:{port}/managed"));
        let superuser_url = computer.server.connection().admin_url("managed");
        Ok(Self { computer, admin: "landlord".to_owned(), admin_url, superuser_url })
    }

    pub fn superuser_url(&self) -> &str {
        self.superuser_url.expose()
    }

    pub async fn end(self) -> Result<()> {
        self.computer.end().await
    }
}

/// A disk of 128 kB. Only root can have one.
#[cfg(target_os = "linux")]
pub struct SmallDisk(TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    pub fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
