//! A connection to the clinic's database under a desk's own login.

mod address;
mod identity;
mod probe;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row};
use tokio::time::timeout;

pub use address::{Address, TlsMode};
pub use identity::{Identity, Role};

use crate::migrations::SCHEMA_VERSION;
use crate::{Error, Result};

/// The oldest major version of PostgreSQL that is supported.
pub(crate) const OLDEST_SERVER: u32 = 15;

/// What the schema builds on. All of them come with PostgreSQL.
pub(crate) const EXTENSIONS: [&str; 4] = ["btree_gin", "btree_gist", "pg_trgm", "unaccent"];

/// How long a person waits to hear that a server is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// The clinic's database as one desk sees it. Cheap to clone: clones share the connections.
#[derive(Clone)]
pub struct Tenant {
    pool: PgPool,
    options: PgConnectOptions,
    address: Address,
}

impl Tenant {
    /// Logs in once to see that everything fits, and from then on opens connections as they are needed, at most two.
    /// `application` is how the server's own tools name this program; the version is appended.
    ///
    /// # Errors
    /// Each reason why it cannot work has a variant of [`Error`] of its own. Nothing is written.
    pub async fn connect(address: &Address, password: &str, application: &str) -> Result<Self> {
        let options = options(address, password, application);
        let mut connection = open(address, &options).await?;
        let fits = fits(&mut connection).await;
        // The server may be gone by now, which says nothing about what was found.
        let _ = connection.close().await;
        fits?;
        let pool = pool_options(2).idle_timeout(Duration::from_secs(600)).connect_lazy_with(options.clone());
        Ok(Self { pool, options, address: address.clone() })
    }

    /// Who this login is.
    ///
    /// # Errors
    /// [`Error::LoginRevoked`] when the clinic has taken the login away since.
    pub async fn whoami(&self) -> Result<Identity> {
        let row = sqlx::query(
            "select c.id as clinic_id, c.name as clinic_name, c.time_zone, m.id as member_id, m.name as member_name,
                    app.current_member_role() as role, session_user::text as login
             from app.clinics c join app.members m on m.clinic_id = c.id
             where c.id = (select app.current_clinic()) and m.id = (select app.current_member())",
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Error::LoginRevoked)?;
        let role: String = row.try_get("role")?;
        Ok(Identity {
            clinic_id: row.try_get("clinic_id")?,
            member_id: row.try_get("member_id")?,
            role: Role::from_name(&role).ok_or(Error::Protocol)?,
            clinic_name: row.try_get("clinic_name")?,
            member_name: row.try_get("member_name")?,
            time_zone: row.try_get("time_zone")?,
            login: row.try_get("login")?,
        })
    }

    /// The time on the clock of the server, to show how far this computer's own is off.
    pub async fn server_time(&self) -> Result<DateTime<Utc>> {
        Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await?)
    }

    /// Where this is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Ends all connections, once the statements under way are done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The connections that statements of this crate use.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A pool of one connection for a purpose that would otherwise keep one of the two from everybody else.
    pub(crate) fn dedicated_pool(&self) -> PgPool {
        pool_options(1).idle_timeout(None).max_lifetime(None).connect_lazy_with(self.options.clone())
    }
}

// The options hold the password.
impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("address", &self.address).finish_non_exhaustive()
    }
}

fn pool_options(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().min_connections(0).max_connections(connections).acquire_timeout(PATIENCE)
}

/// Everything is said explicitly, so that `PGHOST` and its like in the environment decide nothing.
pub(crate) fn options(address: &Address, password: &str, application: &str) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port)
        .username(&address.user)
        .password(password)
        .database(&address.database)
        .application_name(&format!("{application} {}", env!("CARGO_PKG_VERSION")));
    match &address.tls {
        TlsMode::Loopback => options.ssl_mode(PgSslMode::Disable),
        TlsMode::VerifyFull => options.ssl_mode(PgSslMode::VerifyFull),
        TlsMode::VerifyFullWith { ca_pem } => {
            options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(ca_pem.clone().into_bytes())
        }
    }
}

/// Opens one connection and says precisely why not.
pub(crate) async fn open(address: &Address, options: &PgConnectOptions) -> Result<PgConnection> {
    address.refuse_plain_text()?;
    probe::probe(address, PATIENCE).await?;
    let connection = match timeout(PATIENCE, options.connect()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(of_log_in(error, address)),
        Err(_) => return Err(Error::Unreachable { host: address.host.clone(), port: address.port }),
    };
    let version = connection.server_version_num().unwrap_or(0) / 10_000;
    if version < OLDEST_SERVER {
        return Err(Error::ServerTooOld { found: version, oldest: OLDEST_SERVER });
    }
    Ok(connection)
}

fn of_log_in(error: sqlx::Error, address: &Address) -> Error {
    let (host, port) = (address.host.clone(), address.port);
    match error {
        // The TLS library reports through the socket: a certificate that does not convince, or no TLS at all.
        sqlx::Error::Io(broken) if broken.kind() == std::io::ErrorKind::InvalidData => Error::CertificateRefused,
        sqlx::Error::Io(_) => Error::Unreachable { host, port },
        // The driver has no variants for these; tests hold its texts to account.
        sqlx::Error::Tls(why) if why.to_string() == "server does not support TLS" => Error::TlsUnavailable,
        sqlx::Error::Protocol(text) if text.contains("SSLRequest") => Error::NotPostgres { host, port },
        // A way to prove who one is that this program does not know, such as Kerberos.
        sqlx::Error::Protocol(text) if text.contains("authentication method") => Error::NotAdmitted,
        other => other.into(),
    }
}

/// Whether this program can work on what is behind the connection.
async fn fits(connection: &mut PgConnection) -> Result<()> {
    let found: Option<i64> = match sqlx::query_scalar("select app.schema_version()").fetch_one(&mut *connection).await {
        Ok(found) => found,
        Err(error) => {
            return Err(match Error::from(error) {
                // No schema `app`, or none with this function.
                Error::Database { sqlstate } if sqlstate == "3F000" || sqlstate == "42883" => Error::SchemaMissing,
                // A login of the server that is none of a clinic.
                Error::NotPermitted => Error::LoginRevoked,
                other => other,
            });
        }
    };
    match found {
        None => return Err(Error::SchemaMissing),
        Some(found) if found < SCHEMA_VERSION => return Err(Error::SchemaOlder { found, needed: SCHEMA_VERSION }),
        Some(found) if found > SCHEMA_VERSION => return Err(Error::SchemaNewer { found, known: SCHEMA_VERSION }),
        Some(_) => {}
    }
    let row = sqlx::query(
        "select app.current_clinic() is not null as known,
                (select min(name) from unnest($1::text[]) as name
                 where name not in (select extname from pg_catalog.pg_extension)) as missing",
    )
    .bind(&EXTENSIONS[..])
    .fetch_one(connection)
    .await?;
    if let Some(name) = row.try_get("missing")? {
        return Err(Error::ExtensionMissing { name });
    }
    if !row.try_get::<bool, _>("known")? {
        return Err(Error::LoginRevoked);
    }
    Ok(())
}
