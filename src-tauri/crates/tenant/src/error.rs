//! What can go wrong between this program and the clinic's database.
//!
//! Texts that the database sends can quote what people typed, so none of them leaves this crate: an error carries the
//! SQLSTATE and the name of the constraint, which hold no data.

use sqlx::postgres::PgDatabaseError;

/// Why the database did not do what it was asked. `Display` is one English sentence for logs; screens translate by
/// [`Error::code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not the address of a PostgreSQL database.
    #[error("the address of the database is not valid: {reason}")]
    InvalidAddress {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address asks for a connection without encryption to another computer.
    #[error("a connection without encryption is only allowed to this computer itself")]
    PlainTextRefused,
    /// The name of the server cannot be resolved; the network may be down.
    #[error("the server {host} is not known on this network")]
    UnknownHost {
        /// The name that was looked up.
        host: String,
    },
    /// Nobody answers at the address: refused, timed out, or closed without a word.
    #[error("the server {host} does not answer on port {port}")]
    Unreachable {
        /// Name or address of the server.
        host: String,
        /// Its TCP port.
        port: u16,
    },
    /// Something answers, and it is not PostgreSQL.
    #[error("what answers at {host} on port {port} is not PostgreSQL")]
    NotPostgres {
        /// Name or address of the server.
        host: String,
        /// Its TCP port.
        port: u16,
    },
    /// The server offers no encryption.
    #[error("the server offers no encrypted connections")]
    TlsUnavailable,
    /// The certificate of the server is not the one of this name, has expired, or nobody trusted has signed it.
    #[error("the certificate of the server is not valid for this address")]
    CertificateRefused,
    /// Login and password do not go together.
    #[error("the password is wrong")]
    WrongPassword,
    /// The clinic has taken the login away: its database says so itself. A desk destroys its copy at this word, so nothing
    /// else may be mistaken for it.
    #[error("this login has been revoked")]
    LoginRevoked,
    /// The login may not log in, or belongs to no clinic of this database.
    #[error("this login belongs to no clinic")]
    LoginUnknown,
    /// The access rules of the server (`pg_hba.conf`, the right to connect) shut this computer or login out.
    #[error("the server does not admit this computer or login")]
    NotAdmitted,
    /// The server has no database of this name.
    #[error("the server has no database of this name")]
    DatabaseMissing,
    /// The database stores text in something other than UTF-8.
    #[error("the database does not store text as UTF-8")]
    WrongEncoding,
    /// PostgreSQL below the oldest supported version.
    #[error("PostgreSQL {found} is too old: version {oldest} or newer is needed")]
    ServerTooOld {
        /// Major version of the server; 0 when it does not tell.
        found: u32,
        /// The oldest major version that is supported.
        oldest: u32,
    },
    /// The database holds no clinic: it was never provisioned.
    #[error("the database is not prepared for Balcão")]
    SchemaMissing,
    /// The schema must be migrated before this program can work on it.
    #[error("the database is at version {found}, this program needs {needed}")]
    SchemaOlder {
        /// Version of the database.
        found: i64,
        /// Version of this program.
        needed: i64,
    },
    /// A newer program has migrated the schema: this one must be updated.
    #[error("the database is at version {found}, this program only knows {known}")]
    SchemaNewer {
        /// Version of the database.
        found: i64,
        /// Version of this program.
        known: i64,
    },
    /// A migration that was applied is not the one this program carries under the same number.
    #[error("migration {version} of the database is not the one of this program")]
    SchemaDiffers {
        /// Number of the migration.
        version: i64,
    },
    /// The server lacks an extension.
    #[error("the PostgreSQL extension {name} is missing")]
    ExtensionMissing {
        /// Its name.
        name: String,
    },
    /// The server, or the login, has no free connection.
    #[error("the server has no free connection")]
    TooManyConnections,
    /// The server is starting, stopping or recovering.
    #[error("the server is starting or stopping")]
    ServerNotReady,
    /// The connection broke, or no connection could be had in time. Whether a statement that was under way took
    /// effect is not known.
    #[error("the connection to the database was lost")]
    ConnectionLost,
    /// Notifications do not get through, as behind some connection poolers; everything else works.
    #[error("notifications of the database do not get through")]
    NothingHeard,
    /// Another transaction was in the way; trying again helps.
    #[error("another transaction was in the way (SQLSTATE {sqlstate})")]
    Contention {
        /// SQLSTATE.
        sqlstate: String,
    },
    /// The statement took longer than this login may use.
    #[error("the database took too long")]
    TimedOut,
    /// The login may not do this.
    #[error("the login is not permitted to do this")]
    NotPermitted,
    /// A constraint said no.
    #[error("a constraint of the database refused the write (SQLSTATE {sqlstate}, {})", constraint.as_deref().unwrap_or("unnamed"))]
    Constraint {
        /// SQLSTATE of class 23.
        sqlstate: String,
        /// Name of the constraint or unique index.
        constraint: Option<String>,
    },
    /// The administrator's login is neither superuser nor the owner of the database with the right to create roles.
    #[error("the administrator needs to own the database and to be allowed to create roles")]
    AdminRightsMissing,
    /// The server has a role of a name that this program needs, and it has power or is logged in with.
    #[error("the server uses the role {name} for something else")]
    RoleTaken {
        /// Name of the role.
        name: String,
    },
    /// What was asked for is not valid.
    #[error("{field} is not valid: {reason}")]
    InvalidRequest {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such clinic in this database.
    #[error("there is no such clinic in this database")]
    UnknownClinic,
    /// There is no such login in this database.
    #[error("there is no such login in this database")]
    UnknownLogin,
    /// Another refusal of the database; a mistake in this program or its schema.
    #[error("the database refused a statement (SQLSTATE {sqlstate})")]
    Database {
        /// SQLSTATE.
        sqlstate: String,
    },
    /// The answer is not what the statement promises; a mistake in this program.
    #[error("the answer of the database is not what was expected")]
    Protocol,
    /// Whoever was to receive the answer has gone; nothing is wrong with the database.
    #[error("the work was given up half-way")]
    Interrupted,
    /// Another computer does the background work now: nothing of what was to be written was written.
    #[error("another computer has taken over the background work")]
    LeaseLost,
}

impl Error {
    /// A stable name of the kind of error, in snake case, for screens and command lines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidAddress { .. } => "invalid_address",
            Self::PlainTextRefused => "plain_text_refused",
            Self::UnknownHost { .. } => "unknown_host",
            Self::Unreachable { .. } => "unreachable",
            Self::NotPostgres { .. } => "not_postgres",
            Self::TlsUnavailable => "tls_unavailable",
            Self::CertificateRefused => "certificate_refused",
            Self::WrongPassword => "wrong_password",
            Self::LoginRevoked => "login_revoked",
            Self::LoginUnknown => "login_unknown",
            Self::NotAdmitted => "not_admitted",
            Self::DatabaseMissing => "database_missing",
            Self::WrongEncoding => "wrong_encoding",
            Self::ServerTooOld { .. } => "server_too_old",
            Self::SchemaMissing => "schema_missing",
            Self::SchemaOlder { .. } => "schema_older",
            Self::SchemaNewer { .. } => "schema_newer",
            Self::SchemaDiffers { .. } => "schema_differs",
            Self::ExtensionMissing { .. } => "extension_missing",
            Self::TooManyConnections => "too_many_connections",
            Self::ServerNotReady => "server_not_ready",
            Self::ConnectionLost => "connection_lost",
            Self::NothingHeard => "nothing_heard",
            Self::Contention { .. } => "contention",
            Self::TimedOut => "timed_out",
            Self::NotPermitted => "not_permitted",
            Self::Constraint { .. } => "constraint",
            Self::AdminRightsMissing => "admin_rights_missing",
            Self::RoleTaken { .. } => "role_taken",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::UnknownClinic => "unknown_clinic",
            Self::UnknownLogin => "unknown_login",
            Self::Database { .. } => "database",
            Self::Protocol => "protocol",
            Self::Interrupted => "interrupted",
            Self::LeaseLost => "lease_lost",
        }
    }

    /// Whether the way to the database is what failed: the network, the server, a free connection. It may be open
    /// again later without anybody changing a setting.
    pub fn is_connection(&self) -> bool {
        matches!(
            self,
            Self::UnknownHost { .. }
                | Self::Unreachable { .. }
                | Self::TooManyConnections
                | Self::ServerNotReady
                | Self::ConnectionLost
        )
    }

    /// Whether asking the same again cannot help until a person or a newer program changes something.
    pub fn is_permanent(&self) -> bool {
        !self.is_connection() && !matches!(self, Self::Contention { .. } | Self::TimedOut | Self::Interrupted)
    }

    /// Name of the constraint that refused a write.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { constraint, .. } => constraint.as_deref(),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(refusal) => match refusal.try_downcast_ref::<PgDatabaseError>() {
                Some(refusal) => of_refusal(refusal.code(), refusal.constraint(), refusal.routine()),
                None => Self::Protocol,
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed => Self::ConnectionLost,
            sqlx::Error::Tls(_) => Self::CertificateRefused,
            sqlx::Error::Configuration(_) => Self::InvalidAddress { reason: "its options contradict each other" },
            sqlx::Error::RowNotFound => Self::Protocol,
            sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Self::Protocol,
            _ => Self::Protocol,
        }
    }
}

/// `routine` is the function of the server that refused, which unlike the text is never translated.
fn of_refusal(sqlstate: &str, constraint: Option<&str>, routine: Option<&str>) -> Error {
    match sqlstate {
        "28P01" => Error::WrongPassword,
        // One code for "this role may not log in" and "no line of pg_hba.conf lets you in".
        "28000" if routine == Some("ClientAuthentication") => Error::NotAdmitted,
        "28000" => Error::LoginUnknown,
        "BL004" => Error::LeaseLost,
        "3D000" => Error::DatabaseMissing,
        "42501" if routine == Some("CheckMyDatabase") => Error::NotAdmitted,
        "42501" => Error::NotPermitted,
        "53300" => Error::TooManyConnections,
        "57P03" => Error::ServerNotReady,
        "57P01" | "57P02" | "57P05" | "25P03" => Error::ConnectionLost,
        "57014" => Error::TimedOut,
        "40001" | "40P01" | "55P03" | "55006" => Error::Contention { sqlstate: sqlstate.to_owned() },
        _ if sqlstate.starts_with("08") => Error::ConnectionLost,
        _ if sqlstate.starts_with("23") => {
            Error::Constraint { sqlstate: sqlstate.to_owned(), constraint: constraint.map(str::to_owned) }
        }
        _ => Error::Database { sqlstate: sqlstate.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_tried_again_and_a_wrong_password_is_not() {
        let lost = Error::from(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert!(lost.is_connection() && !lost.is_permanent(), "{lost:?}");
        let wrong = of_refusal("28P01", None, Some("auth_failed"));
        assert!(wrong.is_permanent() && !wrong.is_connection(), "{wrong:?}");
    }

    #[test]
    fn one_sqlstate_with_two_meanings_is_told_apart_by_the_routine() {
        assert_eq!(of_refusal("28000", None, Some("ClientAuthentication")), Error::NotAdmitted);
        assert_eq!(of_refusal("28000", None, Some("InitializeSessionUserId")), Error::LoginUnknown);
        assert_eq!(of_refusal("42501", None, Some("CheckMyDatabase")), Error::NotAdmitted);
        assert_eq!(of_refusal("42501", None, Some("aclcheck_error")), Error::NotPermitted);
    }

    #[test]
    fn a_server_that_stops_is_a_connection_error_and_a_serialization_failure_is_tried_again() {
        for sqlstate in ["57P01", "57P02", "57P03", "08006", "53300"] {
            assert!(of_refusal(sqlstate, None, None).is_connection(), "{sqlstate}");
        }
        let contention = of_refusal("40001", None, None);
        assert!(!contention.is_permanent() && !contention.is_connection(), "{contention:?}");
    }

    #[test]
    fn a_constraint_keeps_its_name() {
        let refused = of_refusal("23P01", Some("appointments_professional_slot"), None);
        assert_eq!(refused.constraint(), Some("appointments_professional_slot"));
    }
}
