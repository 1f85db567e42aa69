//! One moment of a database, for `pg_dump` to copy: a snapshot that stays open, what every table holds in it, and a login
//! that may read it and nothing else, for as long as the copy takes.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, Row};

use super::admin::{Admin, execute, quoted};
use super::digest::{self, TableDigest};
use super::login;
use crate::Result;
use crate::migrations::SCHEMA_VERSION;

/// Logins of copies begin with this; nobody else's do.
const READER: &str = "balcao_copy_";

/// A moment of a database that is held open.
pub struct Snapshot {
    admin: Admin,
    connection: PgConnection,
    /// Name of the snapshot, for `pg_dump --snapshot`.
    pub id: String,
    /// The login that may read everything, and only read.
    pub reader: super::Connection,
    /// When it was taken, on the server's clock.
    pub taken_at: DateTime<Utc>,
    /// Version of the schema.
    pub schema_version: i64,
    /// Names of the clinics in it.
    pub clinics: Vec<String>,
    /// Every table and what it holds, by name.
    pub tables: Vec<TableDigest>,
}

impl Snapshot {
    /// Opens a snapshot. Logins that an interrupted copy left behind are removed first.
    ///
    /// # Errors
    /// As [`super::provision`]; [`crate::Error::SchemaMissing`] where there is no clinic's schema.
    pub async fn open(admin_url: &str) -> Result<Self> {
        let admin = Admin::at(admin_url)?;
        let mut connection = admin.open().await?;
        sweep(&mut connection).await?;
        let name = format!("{READER}{}", login::random_hex::<8>());
        let password = login::random_password();
        admit(&mut connection, &name, &password).await?;
        let reader = admin.connection(name, Some(password));
        match Self::hold(&mut connection).await {
            Ok(held) => {
                let Held { id, taken_at, schema_version, clinics, tables } = held;
                Ok(Self { admin, connection, id, reader, taken_at, schema_version, clinics, tables })
            }
            Err(error) => {
                // What went wrong first is what matters; the next copy sweeps.
                let _ = connection.close().await;
                let _ = dismiss(&admin, &reader.login).await;
                Err(error)
            }
        }
    }

    async fn hold(connection: &mut PgConnection) -> Result<Held> {
        sqlx::query("begin transaction isolation level repeatable read, read only").execute(&mut *connection).await?;
        digest::pin_formats(connection).await?;
        let row = sqlx::query(
            "select pg_export_snapshot() as id, now() as taken_at, to_regclass('internal.migrations') is null as missing",
        )
        .fetch_one(&mut *connection)
        .await?;
        if row.try_get("missing")? {
            return Err(crate::Error::SchemaMissing);
        }
        let schema_version: Option<i64> =
            sqlx::query_scalar("select max(version) from internal.migrations where success")
                .fetch_one(&mut *connection)
                .await?;
        let clinics = sqlx::query_scalar("select name from app.clinics order by created_at, id")
            .fetch_all(&mut *connection)
            .await?;
        let tables = digest::of_all(connection).await?;
        Ok(Held {
            id: row.try_get("id")?,
            taken_at: row.try_get("taken_at")?,
            schema_version: schema_version.unwrap_or(SCHEMA_VERSION),
            clinics,
            tables,
        })
    }

    /// Lets go of the snapshot and removes the login.
    ///
    /// # Errors
    /// Only when the database has gone; the login is removed before the next copy then, and expires anyway.
    pub async fn close(self) -> Result<()> {
        self.connection.close().await?;
        dismiss(&self.admin, &self.reader.login).await
    }
}

struct Held {
    id: String,
    taken_at: DateTime<Utc>,
    schema_version: i64,
    clinics: Vec<String>,
    tables: Vec<TableDigest>,
}

/// Row security does not apply to the login, and it may write nothing. It expires by itself.
async fn admit(connection: &mut PgConnection, name: &str, password: &str) -> Result<()> {
    let (name, verifier) = (quoted(name), login::verifier(password));
    let until: String =
        sqlx::query_scalar("select (now() + interval '12 hours')::text").fetch_one(&mut *connection).await?;
    execute(
        connection,
        format!(
            "create role {name} login nosuperuser bypassrls nocreatedb nocreaterole noreplication inherit
             connection limit 2 password '{verifier}' valid until '{until}' in role pg_read_all_data"
        ),
    )
    .await?;
    let database: String = sqlx::query_scalar("select current_database()::text").fetch_one(&mut *connection).await?;
    execute(connection, format!("grant connect on database {} to {name}", quoted(&database))).await
}

async fn dismiss(admin: &Admin, name: &str) -> Result<()> {
    let mut connection = admin.open().await?;
    remove(&mut connection, name).await?;
    Ok(connection.close().await?)
}

async fn remove(connection: &mut PgConnection, name: &str) -> Result<()> {
    let name = quoted(name);
    execute(connection, format!("drop owned by {name}; drop role {name}")).await
}

/// Removes the logins of copies that were interrupted: those whose time is over, or that nobody uses.
async fn sweep(connection: &mut PgConnection) -> Result<()> {
    let left: Vec<String> = sqlx::query_scalar(
        "select rolname::text from pg_roles r
         where rolname ~ ('^' || $1 || '[0-9a-f]{16}$')
           and (rolvaliduntil < now() or rolvaliduntil < now() + interval '11 hours'
                and not exists (select from pg_stat_activity where usename = r.rolname))",
    )
    .bind(READER)
    .fetch_all(&mut *connection)
    .await?;
    for name in left {
        // It may still hold something in another database of the server; then it stays until a copy of that one.
        let _ = remove(connection, &name).await;
    }
    Ok(())
}
