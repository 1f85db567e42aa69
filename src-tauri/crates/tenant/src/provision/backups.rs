//! What a backup leaves in the clinics of a database when it is an administrator who makes it, whom no clinic knows.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::admin::{self, Admin};
use crate::Result;

/// Who was forgotten in the clinics of the database, as ids: for the list that stands beside its backups.
///
/// # Errors
/// As [`super::provision`].
pub async fn erasures(admin_url: &str) -> Result<Value> {
    let mut connection = Admin::at(admin_url)?.open().await?;
    let mut transaction = admin::begin(&mut connection).await?;
    // Row security holds for an administrator, too, unless it is a superuser.
    sqlx::query("set local role balcao_definer").execute(&mut *transaction).await?;
    let list: Json<Value> = sqlx::query_scalar(
        "select coalesce(jsonb_agg(jsonb_build_object(
             'clinic_id', e.clinic_id, 'id', e.id, 'reason', e.reason, 'member_id', e.member_id, 'erased_at', e.erased_at)
             order by e.erased_at, e.id), '[]')
         from app.erasures e",
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.rollback().await?;
    Ok(list.0)
}

/// Writes into the audit of each clinic of the database that a copy of all of it was made. How much that was is said where there
/// is one clinic only: it is nobody else's business.
///
/// # Errors
/// As [`super::provision`].
pub async fn record_backup(admin_url: &str, rows: u64, bytes: u64) -> Result<()> {
    let mut connection = Admin::at(admin_url)?.open().await?;
    let mut transaction = admin::begin(&mut connection).await?;
    sqlx::query("set local role balcao_definer").execute(&mut *transaction).await?;
    sqlx::query(
        "insert into app.audit_logs (clinic_id, action, application, address, new_values)
         select c.id, 'export', current_setting('application_name', true), inet_client_addr(),
                jsonb_build_object('what', 'backup', 'details',
                    case when (select count(*) from app.clinics) = 1 then $1 else '{}'::jsonb end)
         from app.clinics c",
    )
    .bind(Json(json!({ "rows": rows, "bytes": bytes })))
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}
