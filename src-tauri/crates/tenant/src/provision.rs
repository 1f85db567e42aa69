//! Making a clinic in a database, and its logins: the one part that needs an administrator's address.
//!
//! An administrator is a superuser, or a role with the right to create roles that owns the database. Everything one
//! call does is one transaction, so that a run that is killed leaves nothing and can be run again.

mod admin;
mod backups;
mod clinic;
mod databases;
mod defaults;
mod digest;
mod inspection;
pub(crate) mod login;
mod practice;
mod request;
mod restore;
mod snapshot;

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

pub use backups::{erasures, record_backup};
pub use databases::{Databases, migrate};
pub use digest::TableDigest;
pub use inspection::{Inspection, inspect};
pub use practice::{NewProfessional, NewService, OpeningHours, Practice};
pub use request::{NewMember, Request, Vertical};
pub use restore::{Restoration, RestoredClinic};
pub use snapshot::Snapshot;

use crate::connect::{Address, Role};
use crate::migrations::{self, SCHEMA_VERSION};
use crate::{Error, Result};
use admin::{Admin, Retry};

/// How one login reaches its clinic. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Where, and as whom.
    pub address: Address,
    /// Name of the login, as in the address.
    pub login: String,
    /// Its password: there once, when it was made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "…");
        f.debug_struct("Connection").field("address", &self.address).field("password", &password).finish()
    }
}

/// A clinic that is ready to be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provisioned {
    /// The clinic.
    pub clinic_id: Uuid,
    /// Its name.
    pub clinic_name: String,
    /// Its short name, unique in the database.
    pub slug: String,
    /// The login of its owner, with a password when this call made the clinic.
    pub owner: Connection,
    /// Whether this call made the clinic, or it was there before.
    pub created: bool,
    /// Version of the schema, always the one of this program.
    pub schema_version: i64,
}

/// Migrates the database that the URL names and makes a clinic in it: its settings, its owner with a login, and what
/// an empty clinic starts with. A clinic of the same name and time zone that is already there is left as it is and
/// comes back without a password; [`rotate_password`] gives its owner a new one.
///
/// # Errors
/// The ways in which connecting can fail, [`Error::InvalidRequest`], [`Error::AdminRightsMissing`],
/// [`Error::ExtensionMissing`], [`Error::SchemaNewer`], [`Error::SchemaDiffers`]. After an error there is either
/// nothing new, or, when only the answer was lost, the whole clinic.
pub async fn provision(admin_url: &str, request: &Request) -> Result<Provisioned> {
    let made = found(admin_url, request, &Practice::default(), |_| std::future::ready(true)).await?;
    // Nobody called it off.
    made.ok_or(Error::ConnectionLost)
}

/// The same for a clinic with all that it works with. `may_commit` hears what was made just before it becomes lasting:
/// whoever has to keep the password keeps it there, and `false` leaves the database as it was, which comes back as
/// `None`. A clinic that is already there keeps what it works with.
///
/// # Errors
/// As [`provision`].
pub async fn found<F, Fut>(
    admin_url: &str,
    request: &Request,
    practice: &Practice,
    may_commit: F,
) -> Result<Option<Provisioned>>
where
    F: Fn(Provisioned) -> Fut + Send + Sync,
    Fut: Future<Output = bool> + Send,
{
    let (request, practice) = (request.validated()?, practice.validated()?);
    let admin = Admin::at(admin_url)?;
    let mut retry = Retry::default();
    loop {
        match found_once(&admin, &request, &practice, &may_commit).await {
            Err(error) if retry.again(&error).await => {}
            outcome => return outcome,
        }
    }
}

async fn found_once<F, Fut>(
    admin: &Admin,
    request: &Request,
    practice: &Practice,
    may_commit: &F,
) -> Result<Option<Provisioned>>
where
    F: Fn(Provisioned) -> Fut + Send + Sync,
    Fut: Future<Output = bool> + Send,
{
    let mut connection = admin.open().await?;
    admin::check(&mut connection).await?;
    let mut transaction = admin::begin(&mut connection).await?;
    migrations::apply(&mut transaction).await?;
    admin::check_groups(&mut transaction).await?;
    admin::entrust_gatekeeper(&mut transaction).await?;
    admin::shut_the_public_out(&mut transaction).await?;
    let (clinic, created) = match clinic::find(&mut transaction, request).await? {
        Some(clinic) => (clinic, false),
        None => (clinic::create(&mut transaction, request).await?, true),
    };
    let owner = if created {
        practice::insert(&mut transaction, clinic.id, practice).await?;
        let owner =
            NewMember { name: request.owner_name.clone(), email: request.owner_email.clone(), role: Role::Owner };
        login::create(&mut transaction, admin, clinic.id, &owner).await?
    } else {
        let login = login::of_owner(&mut transaction, clinic.id).await?.ok_or(Error::UnknownLogin)?;
        admin.connection(login, None)
    };
    let made = Provisioned {
        clinic_id: clinic.id,
        clinic_name: clinic.name,
        slug: clinic.slug,
        owner,
        created,
        schema_version: SCHEMA_VERSION,
    };
    if !may_commit(made.clone()).await {
        transaction.rollback().await?;
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(made))
}

/// Adds a person, or the background work of a computer, to a clinic and gives it a login of its own.
///
/// # Errors
/// As [`provision`]; [`Error::UnknownClinic`]; [`Error::Constraint`] when the clinic already has this e-mail address.
pub async fn add_login(admin_url: &str, clinic_id: Uuid, member: &NewMember) -> Result<Connection> {
    let member = member.validated()?;
    let admin = Admin::at(admin_url)?;
    let mut retry = Retry::default();
    loop {
        match add_login_once(&admin, clinic_id, &member).await {
            Err(error) if retry.again(&error).await => {}
            outcome => return outcome,
        }
    }
}

async fn add_login_once(admin: &Admin, clinic_id: Uuid, member: &NewMember) -> Result<Connection> {
    let mut connection = admin.open().await?;
    let mut transaction = admin::begin(&mut connection).await?;
    if !clinic::exists(&mut transaction, clinic_id).await? {
        return Err(Error::UnknownClinic);
    }
    let connection = login::create(&mut transaction, admin, clinic_id, member).await?;
    transaction.commit().await?;
    Ok(connection)
}

/// Gives a login a new password; the old one stops working for new connections.
///
/// # Errors
/// As [`provision`]; [`Error::UnknownLogin`].
pub async fn rotate_password(admin_url: &str, login: &str) -> Result<Connection> {
    let admin = Admin::at(admin_url)?;
    let mut retry = Retry::default();
    loop {
        match rotate_once(&admin, login).await {
            Err(error) if retry.again(&error).await => {}
            outcome => return outcome,
        }
    }
}

async fn rotate_once(admin: &Admin, login: &str) -> Result<Connection> {
    let mut connection = admin.open().await?;
    let mut transaction = admin::begin(&mut connection).await?;
    let password = login::rotate(&mut transaction, login).await?;
    transaction.commit().await?;
    Ok(admin.connection(login.to_owned(), Some(password)))
}

/// Takes a login away at once: its sessions end, nothing of the clinic can be read or written with it any more, and the
/// desk that uses it destroys its copy when it hears of it. A login that was taken away before stays so.
///
/// # Errors
/// As [`provision`]; [`Error::UnknownLogin`].
pub async fn revoke_login(admin_url: &str, login: &str) -> Result<()> {
    let admin = Admin::at(admin_url)?;
    let mut retry = Retry::default();
    loop {
        match revoke_once(&admin, login).await {
            Err(error) if retry.again(&error).await => {}
            outcome => return outcome,
        }
    }
}

async fn revoke_once(admin: &Admin, login: &str) -> Result<()> {
    let mut connection = admin.open().await?;
    let mut transaction = admin::begin(&mut connection).await?;
    login::revoke(&mut transaction, login).await?;
    transaction.commit().await?;
    // After the commit, so that a session that begins anew meets the new rules.
    sqlx::query("select internal.end_sessions(array[$1])").bind(login).execute(&mut connection).await?;
    Ok(())
}
