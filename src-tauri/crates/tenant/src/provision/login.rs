//! Logins: roles of the server that speak for one member of one clinic.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::PgConnection;
use uuid::Uuid;

use super::admin::Admin;
use super::{Connection, NewMember};
use crate::connect::Role;
use crate::{Error, Result};

/// Makes a member and a login for it.
pub(super) async fn create(
    transaction: &mut PgConnection,
    admin: &Admin,
    clinic_id: Uuid,
    member: &NewMember,
) -> Result<Connection> {
    let member_id: Uuid = sqlx::query_scalar(
        "insert into app.members (clinic_id, name, email, role) values ($1, $2, $3, $4) returning id",
    )
    .bind(clinic_id)
    .bind(&member.name)
    .bind(&member.email)
    .bind(member.role.as_str())
    .fetch_one(&mut *transaction)
    .await?;
    admit(transaction, admin, clinic_id, member_id, member.role).await
}

/// Makes a login for a member that is there.
pub(super) async fn admit(
    transaction: &mut PgConnection,
    admin: &Admin,
    clinic_id: Uuid,
    member_id: Uuid,
    role: Role,
) -> Result<Connection> {
    // Names of roles are visible to every login of the server, so this one tells nothing.
    let login = format!("balcao_{}", random_hex::<8>());
    let password = random_password();
    sqlx::query("select internal.make_login($1, $2, null, $3)")
        .bind(&login)
        .bind(verifier(&password))
        .bind(format!("balcao_{}", role.as_str()))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("insert into internal.logins (login, clinic_id, member_id, role) values ($1, $2, $3, $4)")
        .bind(&login)
        .bind(clinic_id)
        .bind(member_id)
        .bind(role.as_str())
        .execute(transaction)
        .await?;
    Ok(admin.connection(login, Some(password)))
}

/// The first login of an owner that was not revoked.
pub(super) async fn of_owner(transaction: &mut PgConnection, clinic_id: Uuid) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "select login from internal.logins where clinic_id = $1 and role = 'owner' and revoked_at is null
         order by created_at, login limit 1",
    )
    .bind(clinic_id)
    .fetch_optional(transaction)
    .await?)
}

/// Gives a login of this database a new password.
pub(super) async fn rotate(transaction: &mut PgConnection, login: &str) -> Result<String> {
    let known: bool = sqlx::query_scalar(
        "select to_regclass('internal.logins') is not null
            and exists (select from internal.logins where login = $1 and revoked_at is null)",
    )
    .bind(login)
    .fetch_one(&mut *transaction)
    .await?;
    if !known {
        return Err(Error::UnknownLogin);
    }
    let password = random_password();
    sqlx::query("select internal.set_verifier($1, $2)")
        .bind(login)
        .bind(verifier(&password))
        .execute(transaction)
        .await?;
    Ok(password)
}

/// Takes a login away: its sessions end, and all that it may still do is to hear that it was taken away.
pub(super) async fn revoke(transaction: &mut PgConnection, login: &str) -> Result<()> {
    let role: Option<String> = sqlx::query_scalar(
        "update internal.logins set revoked_at = coalesce(revoked_at, now()) where login = $1 returning role",
    )
    .bind(login)
    .fetch_optional(&mut *transaction)
    .await?;
    let role = role.ok_or(Error::UnknownLogin)?;
    // Done before, it holds.
    sqlx::query("select internal.change_group($1, $2, 'balcao_revoked')")
        .bind(login)
        .bind(format!("balcao_{role}"))
        .execute(transaction)
        .await?;
    Ok(())
}

/// What the server stores in place of the password. It is computed here, so that the password itself reaches neither
/// the server's log nor its statistics of statements.
pub(crate) fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}

pub(crate) fn random_password() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// `N` random bytes in hexadecimal.
pub(super) fn random_hex<const N: usize>() -> String
where
    rand::distr::StandardUniform: rand::distr::Distribution<[u8; N]>,
{
    rand::random::<[u8; N]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_has_the_form_that_the_server_takes_as_it_is() {
        let password = random_password();
        assert_eq!(password.len(), 43, "32 bytes");
        let verifier = verifier(&password);
        let mut parts = verifier.split(['$', ':']);
        assert_eq!((parts.next(), parts.next()), (Some("SCRAM-SHA-256"), Some("4096")));
        assert_eq!(parts.count(), 3, "salt, stored key, server key");
        assert!(!verifier.contains(&password) && !verifier.contains('\''));
    }
}
