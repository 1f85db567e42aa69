//! A look at a server before anything is done to it.

use serde::Serialize;
use sqlx::Row;

use super::admin::{self, Admin};
use crate::{Address, Result, TlsMode};

/// What was found. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Where, and as whom; without the password.
    pub address: Address,
    /// As the server says it, such as `18.6`.
    pub server_version: String,
    /// Whether the way there is encrypted; in plain text only this computer itself is spoken to.
    pub is_encrypted: bool,
    /// Names of the clinics that are in the database already.
    pub clinics: Vec<String>,
}

/// Logs in as the administrator and looks whether a clinic can be made.
///
/// # Errors
/// As [`super::provision`], but for what only trying to write would find.
pub async fn inspect(admin_url: &str) -> Result<Inspection> {
    let admin = Admin::at(admin_url)?;
    let mut connection = admin.open().await?;
    admin::check(&mut connection).await?;
    let row = sqlx::query(
        "select split_part(current_setting('server_version'), ' ', 1) as version,
                to_regclass('app.clinics') is not null as has_clinics",
    )
    .fetch_one(&mut connection)
    .await?;
    let clinics = if row.try_get("has_clinics")? {
        sqlx::query_scalar("select name from app.clinics order by name").fetch_all(&mut connection).await?
    } else {
        Vec::new()
    };
    Ok(Inspection {
        address: admin.address().clone(),
        server_version: row.try_get("version")?,
        is_encrypted: admin.address().tls != TlsMode::Loopback,
        clinics,
    })
}
