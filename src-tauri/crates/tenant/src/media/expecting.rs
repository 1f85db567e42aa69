//! A message came that carries a file.

use balcao_domain::message::{GatewayMessage, Via};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::ingest::Scope;

/// WhatsApp drops files about then. Of what is told from further back a file is fetched when somebody asks for it: a phone that
/// was just paired tells of years.
const KEPT_BY_WHATSAPP: TimeDelta = TimeDelta::days(30);

/// What becomes of the file of a message at first; `None` where it has none.
pub(crate) fn first_state(message: &GatewayMessage, received_at: DateTime<Utc>) -> Option<&'static str> {
    message.content.file()?;
    let is_old = message.via == Via::History && message.sent_at < received_at - KEPT_BY_WHATSAPP;
    Some(if is_old { "expired" } else { "pending" })
}

/// Writes down that the file of a message is to be fetched, where it has one.
pub(crate) async fn expect(
    transaction: &mut PgConnection,
    scope: Scope,
    id: Uuid,
    message: &GatewayMessage,
) -> Result<()> {
    let (Some(file), Some(state)) = (message.content.file(), first_state(message, scope.received_at)) else {
        return Ok(());
    };
    sqlx::query(
        "insert into app.media (clinic_id, message_id, mime_type, file_name, size_bytes, state, handle, next_try_at)
         values ($1, $2, $3, $4, $5, $6, $7, case when $6 = 'pending' then clock_timestamp() end)
         on conflict on constraint media_of_message do nothing",
    )
    .bind(scope.clinic)
    .bind(id)
    .bind(file.mime_type.as_deref().unwrap_or_default())
    .bind(&file.file_name)
    .bind(file.size_bytes.and_then(|bytes| i64::try_from(bytes).ok()))
    .bind(state)
    .bind(&file.handle)
    .execute(transaction)
    .await?;
    Ok(())
}
