//! Coming in with an invitation, and saying that a computer is here.

use sqlx::{Connection as _, PgConnection};

use super::Invitation;
use crate::connect::{Way, answered};
use crate::migrations::SCHEMA_VERSION;
use crate::provision::login::{random_password, verifier};
use crate::{Error, Result, Tenant};

/// What a computer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computer {
    /// What people call it.
    pub name: String,
    /// Its operating system, such as `linux`.
    pub platform: String,
    /// Version of the program on it.
    pub app_version: String,
}

/// Why the database does not let an invitation in. One whose password is already another, and one that has expired, look to
/// the server like a wrong password: [`Error::WrongPassword`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinRefusal {
    /// It was accepted.
    Used,
    /// It was taken back.
    Cancelled,
    /// Its time is over.
    Expired,
    /// The login was never invited.
    Unknown,
}

/// A password that nobody guesses: 256 random bits, as text.
pub fn new_password() -> String {
    random_password()
}

impl Invitation {
    /// Accepts: from now on the login has `password`, and what the invitation holds is worth nothing. Whoever calls has put
    /// the new password where it lasts.
    ///
    /// # Errors
    /// The ways in which connecting can fail. After [`Error::ConnectionLost`] the same call with the same password tells.
    pub async fn accept(
        &self,
        password: &str,
        computer: &Computer,
        application: &str,
    ) -> Result<std::result::Result<(), JoinRefusal>> {
        let way = Way::to(&self.address, &self.password, application).await?;
        let mut connection = match way.open(&self.address).await {
            Ok(connection) => connection,
            // Perhaps it was this very call whose answer was lost.
            Err(Error::WrongPassword) => {
                Tenant::connect(&self.address, password, application).await?.close().await;
                return Ok(Ok(()));
            }
            Err(error) => return Err(error),
        };
        let outcome = accept_on(&mut connection, password, computer).await;
        // The server may be gone by now, which says nothing about what it answered.
        let _ = connection.close().await;
        outcome
    }
}

async fn accept_on(
    connection: &mut PgConnection,
    password: &str,
    computer: &Computer,
) -> Result<std::result::Result<(), JoinRefusal>> {
    let version = answered(sqlx::query_scalar("select app.schema_version()").fetch_one(&mut *connection));
    let found: i64 = version.await.map_err(|error| match error {
        Error::Database { sqlstate } if sqlstate == "3F000" || sqlstate == "42883" => Error::SchemaMissing,
        other => other,
    })?;
    // Before anything is used up.
    if found > SCHEMA_VERSION {
        return Err(Error::SchemaNewer { found, known: SCHEMA_VERSION });
    }
    if found < SCHEMA_VERSION {
        return Err(Error::SchemaOlder { found, needed: SCHEMA_VERSION });
    }
    let refusal: Option<String> = answered(
        sqlx::query_scalar("select app.accept_invitation($1, $2, $3, $4)")
            .bind(verifier(password))
            .bind(&computer.name)
            .bind(&computer.platform)
            .bind(&computer.app_version)
            .fetch_one(connection),
    )
    .await?;
    Ok(match refusal.as_deref() {
        None => Ok(()),
        Some("used") => Err(JoinRefusal::Used),
        Some("cancelled") => Err(JoinRefusal::Cancelled),
        Some("expired") => Err(JoinRefusal::Expired),
        Some(_) => Err(JoinRefusal::Unknown),
    })
}

impl Tenant {
    /// Says that this computer is here, and what it is called where it has no name yet. Once in some ten minutes is enough.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] when the login speaks for no clinic any more.
    pub async fn introduce(&self, computer: &Computer) -> Result<()> {
        let word = sqlx::query("select app.introduce_device($1, $2, $3)")
            .bind(&computer.name)
            .bind(&computer.platform)
            .bind(&computer.app_version);
        self.ask(async |connection| answered(word.execute(connection)).await).await.map(drop)
    }
}
