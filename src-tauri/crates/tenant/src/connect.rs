//! A connection to the clinic's database under a desk's own login.

mod address;
mod doctor;
mod identity;
mod line;
mod pinned;
mod probe;
mod way;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, PgExecutor, PgPool, Postgres, Row, Transaction};
use tokio::time::timeout;

pub use address::{Address, TlsMode};
pub use doctor::{DoctorState, DoctorStep, Finding, diagnose};
pub use identity::{Identity, Role};
use line::Line;
pub(crate) use line::Turn;
pub(crate) use way::Way;

use crate::migrations::SCHEMA_VERSION;
use crate::{Error, Result};

/// The oldest major version of PostgreSQL that is supported.
pub(crate) const OLDEST_SERVER: u32 = 15;

/// What the schema builds on. All of them come with PostgreSQL.
pub(crate) const EXTENSIONS: [&str; 4] = ["btree_gin", "btree_gist", "pg_trgm", "unaccent"];

/// How long a person waits to hear that a server is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a small question may go unanswered. A connection that a firewall has forgotten tells neither side; with a
/// question every 20 seconds, this finds it within 30.
const SMALL_ANSWER: Duration = Duration::from_secs(8);

/// How long the server may work on something large without a word.
pub(crate) const LARGE_ANSWER: Duration = Duration::from_secs(25);

/// The clinic's database as one desk sees it. Cheap to clone: clones share the connection, one statement at a time; a
/// [`crate::Listener`] has the desk's other one.
#[derive(Clone)]
pub struct Tenant {
    line: Line,
    way: Way,
    address: Address,
}

impl Tenant {
    /// Logs in and sees that everything fits. From then on it keeps at most one connection.
    /// `application` is how the server's own tools name this program; the version is appended.
    ///
    /// # Errors
    /// Each reason why it cannot work has a variant of [`Error`] of its own. Nothing is written.
    pub async fn connect(address: &Address, password: &str, application: &str) -> Result<Self> {
        let way = Way::to(address, password, application).await?;
        let mut connection = way.open(address).await?;
        if let Err(error) = fits(&mut connection).await {
            // The server may be gone by now, which says nothing about what was found.
            let _ = connection.close().await;
            return Err(error);
        }
        let line = Line::over(connection, way.options().clone()).await?;
        Ok(Self { line, way, address: address.clone() })
    }

    /// Who this login is. The database writes down that it has come.
    ///
    /// # Errors
    /// [`Error::LoginUnknown`] when the login speaks for no clinic any more; connecting anew tells why.
    pub async fn whoami(&self) -> Result<Identity> {
        let question = sqlx::query(
            "select c.id as clinic_id, c.name as clinic_name, c.time_zone, m.id as member_id, m.name as member_name,
                    app.current_member_role() as role, session_user::text as login, app.begin_session()
             from app.clinics c join app.members m on m.clinic_id = c.id
             where c.id = (select app.current_clinic()) and m.id = (select app.current_member())",
        );
        let row = self
            .ask(async |connection| answered(question.fetch_optional(connection)).await)
            .await?
            .ok_or(Error::LoginUnknown)?;
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
        self.ask(async |connection| {
            answered(sqlx::query_scalar("select clock_timestamp()").fetch_one(connection)).await
        })
        .await
    }

    /// Where this is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Ends the connection, once the statements under way are done.
    pub async fn close(&self) {
        self.line.close().await;
    }

    /// Takes a turn at the connection, asks, and ends the turn with the answer.
    pub(crate) async fn ask<T>(&self, question: impl AsyncFnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        let mut turn = self.turn().await?;
        let answer = question(turn.connection()).await;
        turn.end(answer)
    }

    /// A turn at the connection that statements of this crate use.
    pub(crate) async fn turn(&self) -> Result<Turn> {
        self.line.turn().await
    }

    /// A pool of one further connection, to listen on. It lives until it breaks, and is not asked whether it does.
    pub(crate) fn dedicated_pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(self.way.options().clone())
    }
}

// The options hold the password.
impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Ends a transaction with what came out of it. A failed one is rolled back now: the driver would do so with the next
/// statement, which may be long in coming, and until then others wait for what it holds.
pub(crate) async fn finish<T>(transaction: Transaction<'_, Postgres>, outcome: Result<T>) -> Result<T> {
    match outcome {
        Ok(value) => {
            answered(transaction.commit()).await?;
            Ok(value)
        }
        Err(error) if error.is_connection() => Err(error),
        Err(error) => {
            answered(transaction.rollback()).await?;
            Err(error)
        }
    }
}

/// Waits for the answer to a small question; silence is a lost connection.
pub(crate) async fn answered<T, E: Into<Error>>(
    question: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    within(SMALL_ANSWER, question).await
}

/// Waits this long for an answer; silence is a lost connection.
pub(crate) async fn within<T, E: Into<Error>>(
    limit: Duration,
    question: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    match timeout(limit, question).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_silence) => Err(Error::ConnectionLost),
    }
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
        // Desks pin through [`Way`]. To anybody else the clinic proves itself under a name that is not what was dialled.
        TlsMode::VerifyFullWith { ca_pem } | TlsMode::Pinned { ca_pem, .. } => {
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
                // A login of the server that is none of a clinic, or none any more.
                Error::NotPermitted => shut_out(connection).await,
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
        "select app.current_clinic() is not null as known, app.login_revoked() as revoked,
                (select min(name) from unnest($1::text[]) as name
                 where name not in (select extname from pg_catalog.pg_extension)) as missing",
    )
    .bind(&EXTENSIONS[..])
    .fetch_one(connection)
    .await?;
    if let Some(name) = row.try_get("missing")? {
        return Err(Error::ExtensionMissing { name });
    }
    if row.try_get("revoked")? {
        return Err(Error::LoginRevoked);
    }
    if !row.try_get::<bool, _>("known")? {
        return Err(Error::LoginUnknown);
    }
    Ok(())
}

/// Why a login that got in may do nothing: only the database's own word says that it was taken away.
pub(crate) async fn shut_out<'e>(connection: impl PgExecutor<'e>) -> Error {
    match sqlx::query_scalar("select app.login_revoked()").fetch_one(connection).await {
        Ok(true) => Error::LoginRevoked,
        Ok(false) => Error::LoginUnknown,
        Err(error) => match Error::from(error) {
            lost if lost.is_connection() => lost,
            _ => Error::LoginUnknown,
        },
    }
}
