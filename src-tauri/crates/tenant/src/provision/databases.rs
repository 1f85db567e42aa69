//! Databases of a server: for the embedded server, which starts without any, and for tests.

use sqlx::Connection as _;

use super::admin::{self, Admin, Retry, execute, quoted};
use crate::connect::Address;
use crate::{Error, Result, SCHEMA_VERSION, migrations};

/// Brings the schema of the database that the URL names to the version of this program, in one transaction.
///
/// # Errors
/// As [`super::provision`].
pub async fn migrate(admin_url: &str) -> Result<i64> {
    let admin = Admin::at(admin_url)?;
    let mut retry = Retry::default();
    loop {
        match migrate_once(&admin).await {
            Err(error) if retry.again(&error).await => {}
            outcome => return outcome,
        }
    }
}

async fn migrate_once(admin: &Admin) -> Result<i64> {
    let mut connection = admin.open().await?;
    admin::check(&mut connection).await?;
    let mut transaction = admin::begin(&mut connection).await?;
    migrations::apply(&mut transaction).await?;
    admin::check_groups(&mut transaction).await?;
    admin::entrust_gatekeeper(&mut transaction).await?;
    admin::shut_the_public_out(&mut transaction).await?;
    transaction.commit().await?;
    // Closed, so that a copy of the database can follow at once.
    connection.close().await?;
    Ok(SCHEMA_VERSION)
}

/// The databases of one server, as an administrator who may create some.
pub struct Databases {
    admin: Admin,
    password: Option<String>,
}

impl Databases {
    /// `admin_url` names any database of the server that exists.
    ///
    /// # Errors
    /// As [`Address::parse`].
    pub fn at(admin_url: &str) -> Result<Self> {
        let (address, password) = Address::parse(admin_url)?;
        Ok(Self { admin: Admin::new(address, password.as_deref().unwrap_or_default()), password })
    }

    /// The administrator's URL of another database of the server, with the password that came in.
    pub fn url_of(&self, name: &str) -> String {
        let address = Address { database: name.to_owned(), ..self.admin.address().clone() };
        address.to_url_with(self.password.as_deref())
    }

    /// Makes an empty database unless there is one of this name. Returns whether it did.
    pub async fn create(&self, name: &str) -> Result<bool> {
        self.run(format!("create database {} template template0 encoding 'UTF8'", quoted(name)), "42P04").await
    }

    /// Copies a database that nobody is connected to. Returns whether it did: an existing one is left as it is.
    pub async fn copy(&self, from: &str, to: &str) -> Result<bool> {
        self.run(format!("create database {} template {}", quoted(to), quoted(from)), "42P04").await
    }

    /// Removes a database with all that is in it, and ends the connections to it. Returns whether there was one.
    pub async fn remove(&self, name: &str) -> Result<bool> {
        self.run(format!("drop database {} with (force)", quoted(name)), "3D000").await
    }

    /// Removes the logins of the clinics in a database, which outlive it otherwise: roles belong to the server.
    pub async fn remove_logins(&self, name: &str) -> Result<()> {
        let mut connection = self.admin.in_database(name).open().await?;
        let logins: Vec<String> =
            sqlx::query_scalar("select login from internal.logins union select login from internal.invitations")
                .fetch_all(&mut connection)
                .await?;
        for login in logins {
            execute(&mut connection, format!("drop role if exists {}", quoted(&login))).await?;
        }
        Ok(())
    }

    /// A database with the schema of this program and no clinic, to be copied. Made once per schema, whatever number
    /// of programs ask at once; the name follows the content.
    pub async fn template(&self) -> Result<String> {
        let name = format!("balcao_template_{}", migrations::fingerprint());
        let mut connection = self.admin.open().await?;
        // Held while the connection lasts. Only who asks in the same database waits, and all who make templates do.
        sqlx::query("select pg_advisory_lock(hashtextextended($1, 0))").bind(&name).execute(&mut connection).await?;
        let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&name)
            .fetch_one(&mut connection)
            .await?;
        if !there {
            // Renamed when complete: what has the final name is never half-made, and nobody is connected to it.
            let draft = format!("{name}_draft");
            self.remove(&draft).await?;
            self.create(&draft).await?;
            migrate(&self.url_of(&draft)).await?;
            execute(&mut connection, format!("alter database {} rename to {}", quoted(&draft), quoted(&name))).await?;
        }
        connection.close().await?;
        Ok(name)
    }

    /// Runs one statement that no transaction may hold; `done` is the SQLSTATE that says there is nothing to do.
    async fn run(&self, sql: String, done: &str) -> Result<bool> {
        let mut retry = Retry::default();
        loop {
            let mut connection = self.admin.open().await?;
            match execute(&mut connection, sql.clone()).await {
                Ok(()) => return Ok(true),
                Err(Error::Database { sqlstate }) if sqlstate == done => return Ok(false),
                Err(Error::DatabaseMissing) if done == "3D000" => return Ok(false),
                Err(error) if retry.again(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }
}
