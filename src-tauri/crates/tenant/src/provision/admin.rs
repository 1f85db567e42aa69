//! The administrator's connection.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, Postgres, Row, Transaction};

use super::Connection;
use crate::connect::{self, Address, EXTENSIONS};
use crate::{Error, Result};

/// Where the administrator works.
pub(super) struct Admin {
    address: Address,
    options: PgConnectOptions,
}

impl Admin {
    pub(super) fn at(url: &str) -> Result<Self> {
        let (address, password) = Address::parse(url)?;
        Ok(Self::new(address, password.as_deref().unwrap_or_default()))
    }

    pub(super) fn new(address: Address, password: &str) -> Self {
        // What an administrator sends names people and holds password verifiers: none of it belongs into a log.
        let options = connect::options(&address, password, "balcao-provision").disable_statement_logging();
        Self { address, options }
    }

    /// The same administrator in another database of the server.
    pub(super) fn in_database(&self, name: &str) -> Self {
        let address = Address { database: name.to_owned(), ..self.address.clone() };
        Self { options: self.options.clone().database(name), address }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) async fn open(&self) -> Result<PgConnection> {
        connect::open(&self.address, &self.options).await
    }

    /// One connection that can be kept beyond a borrow, for work in several calls.
    pub(super) fn pool(&self) -> sqlx::PgPool {
        sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_lazy_with(self.options.clone())
    }

    /// How `login` reaches the database in which this administrator works.
    pub(super) fn connection(&self, login: String, password: Option<String>) -> Connection {
        Connection { address: Address { user: login.clone(), ..self.address.clone() }, login, password }
    }
}

/// Whether a clinic can be made here, by this administrator.
pub(super) async fn check(connection: &mut PgConnection) -> Result<()> {
    let row = sqlx::query(
        "select r.rolsuper or (r.rolcreaterole and pg_has_role(d.datdba, 'usage')) as entitled,
                pg_encoding_to_char(d.encoding) = 'UTF8' as is_utf8,
                (select min(name) from unnest($1::text[]) as name
                 where name not in (select name from pg_available_extensions)) as missing
         from pg_roles r, pg_database d
         where r.rolname = current_user and d.datname = current_database()",
    )
    .bind(&EXTENSIONS[..])
    .fetch_one(connection)
    .await?;
    if !row.try_get::<bool, _>("entitled")? {
        return Err(Error::AdminRightsMissing);
    }
    if !row.try_get::<bool, _>("is_utf8")? {
        return Err(Error::WrongEncoding);
    }
    match row.try_get("missing")? {
        Some(name) => Err(Error::ExtensionMissing { name }),
        None => Ok(()),
    }
}

/// Begins a transaction that gives up rather than wait for ever behind somebody else's.
pub(super) async fn begin(connection: &mut PgConnection) -> Result<Transaction<'_, Postgres>> {
    let mut transaction = connection.begin().await?;
    sqlx::query("set local lock_timeout = '60s'").execute(&mut *transaction).await?;
    sqlx::query("set local client_min_messages = 'warning'").execute(&mut *transaction).await?;
    Ok(transaction)
}

/// The roles that hold the desks' grants belong to the whole server and may have been there before. One that is an
/// administrator, or that somebody logs in with, would lend its power to every member of its group.
pub(super) async fn check_groups(transaction: &mut PgConnection) -> Result<()> {
    let taken: Option<String> = sqlx::query_scalar(
        "select min(rolname)::text from pg_roles
         where rolname in ('balcao_owner', 'balcao_admin', 'balcao_attendant', 'balcao_professional', 'balcao_viewer',
                           'balcao_agent', 'balcao_revoked', 'balcao_invited', 'balcao_definer', 'balcao_steward',
                           'balcao_gatekeeper', 'balcao_eraser')
           and (rolsuper or rolcanlogin or rolbypassrls or rolcreatedb or rolreplication
                or (rolcreaterole and rolname <> 'balcao_gatekeeper'))",
    )
    .fetch_one(transaction)
    .await?;
    match taken {
        Some(name) => Err(Error::RoleTaken { name }),
        None => Ok(()),
    }
}

/// The role that makes and ends logins holds what it needs of those that were there before it.
pub(super) async fn entrust_gatekeeper(transaction: &mut PgConnection) -> Result<()> {
    sqlx::query("call internal.entrust_gatekeeper()").execute(transaction).await?;
    Ok(())
}

/// Only the logins of clinics get into the database, with those that were taken away, and none may make temporary tables in it.
pub(super) async fn shut_the_public_out(transaction: &mut PgConnection) -> Result<()> {
    sqlx::query(
        "do $$ begin
            execute format('revoke all on database %I from public', current_database());
            execute format('grant connect on database %I to balcao_owner, balcao_admin, balcao_attendant,
                            balcao_professional, balcao_viewer, balcao_agent, balcao_revoked, balcao_invited',
                           current_database());
            -- No question fills the disk that all clinics share. Only a superuser sets this, and no desk changes it.
            if (select rolsuper from pg_roles where rolname = current_user) then
                execute format('alter database %I set temp_file_limit = ''4GB''', current_database());
            end if;
         end $$",
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Runs a statement whose names were put in by [`quoted`].
pub(super) async fn execute(connection: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// A name as SQL writes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Roles belong to the whole server: two runs in two of its databases can trip over one another, and no lock spans
/// databases. The one that tripped begins again.
#[derive(Default)]
pub(super) struct Retry {
    attempts: u32,
}

impl Retry {
    /// Whether to run again, after a pause that has then passed.
    pub(super) async fn again(&mut self, error: &Error) -> bool {
        let tripped = match error {
            Error::Contention { .. } => true,
            // "tuple concurrently updated" has no code of its own.
            Error::Database { sqlstate } => sqlstate == "XX000",
            Error::Constraint { constraint: Some(name), .. } => name.starts_with("pg_"),
            _ => false,
        };
        self.attempts += 1;
        if !tripped || self.attempts > 8 {
            return false;
        }
        let longest = 20 << self.attempts;
        tokio::time::sleep(Duration::from_millis(rand::random_range(longest / 2..longest))).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_name_cannot_end_its_quotes() {
        assert_eq!(quoted(r#"a"; drop table x; --"#), r#""a""; drop table x; --""#);
    }

    #[tokio::test]
    async fn a_run_that_tripped_is_repeated_and_a_refused_one_is_not() {
        let tripped =
            Error::Constraint { sqlstate: "23505".into(), constraint: Some("pg_authid_rolname_index".into()) };
        let refused = Error::Constraint { sqlstate: "23505".into(), constraint: Some("members_email_unique".into()) };
        assert!(Retry::default().again(&tripped).await, "roles of the server are shared");
        assert!(!Retry::default().again(&refused).await, "a second try would be refused again");
        let mut retry = Retry { attempts: 8 };
        assert!(!retry.again(&tripped).await, "it does not go on for ever");
    }
}
