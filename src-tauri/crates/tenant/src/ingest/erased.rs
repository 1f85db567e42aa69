//! What the gateway says of messages whose person was erased: nothing of it stays.

use balcao_domain::message::GatewayId;
use sqlx::PgConnection;

use super::{RawEvent, Scope};
use crate::Result;

/// Whether the message was of somebody who was erased since.
pub(super) async fn was(transaction: &mut PgConnection, scope: Scope, gateway_id: &GatewayId) -> Result<bool> {
    let question = sqlx::query_scalar("select app.is_message_erased($1, $2)");
    Ok(question.bind(scope.channel).bind(gateway_id.as_str()).fetch_one(transaction).await?)
}

/// Takes the words out of an event that is stored. The digest stays: told again, it is known.
pub(super) async fn blank(transaction: &mut PgConnection, scope: Scope, raw: &RawEvent) -> Result<()> {
    sqlx::query(
        "update app.gateway_events set payload = '{}' where clinic_id = $1 and channel_id = $2 and digest = $3",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(&raw.digest[..])
    .execute(transaction)
    .await?;
    Ok(())
}
