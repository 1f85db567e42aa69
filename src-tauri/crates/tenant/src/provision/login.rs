//! Logins: roles of the server that speak for one member of one clinic.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::PgConnection;
use uuid::Uuid;

use super::admin::{Admin, execute, quoted};
use super::{Connection, NewMember};
use crate::{Error, Result};

/// What binds every desk login, beside having no attribute of power. The limits of time are starting values that a
/// session can change: they guard against accidents, not against people. The path of names matters to no function of
/// ours, which all fix their own.
const SETTINGS: [(&str, &str); 5] = [
    ("search_path", "app, ext, pg_temp"),
    ("statement_timeout", "'60s'"),
    ("lock_timeout", "'10s'"),
    ("idle_in_transaction_session_timeout", "'60s'"),
    // Also keeps firewalls from forgetting a connection that only listens.
    ("tcp_keepalives_idle", "60"),
];

/// Two connections for statements and one that listens, for each of two programs, with room for dead ones.
const CONNECTIONS: u32 = 10;

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

    // Names of roles are visible to every login of the server, so this one tells nothing.
    let login = format!("balcao_{}", random_hex::<8>());
    let password = random_password();
    let name = quoted(&login);
    execute(
        transaction,
        format!(
            "create role {name} with login nosuperuser nobypassrls nocreatedb nocreaterole noreplication inherit
             connection limit {CONNECTIONS} password '{}'",
            verifier(&password)
        ),
    )
    .await?;
    for (setting, value) in SETTINGS {
        execute(transaction, format!("alter role {name} set {setting} = {value}")).await?;
    }
    execute(transaction, format!("grant {} to {name}", quoted(&format!("balcao_{}", member.role.as_str())))).await?;
    sqlx::query("insert into internal.logins (login, clinic_id, member_id, role) values ($1, $2, $3, $4)")
        .bind(&login)
        .bind(clinic_id)
        .bind(member_id)
        .bind(member.role.as_str())
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
    execute(transaction, format!("alter role {} with password '{}'", quoted(login), verifier(&password))).await?;
    Ok(password)
}

/// What the server stores in place of the password. It is computed here, so that the password itself reaches neither
/// the server's log nor its statistics of statements.
fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}

fn random_password() -> String {
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
