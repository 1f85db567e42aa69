//! The thread of a contact on a channel.

use balcao_domain::message::GatewayMessage;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::Scope;
use crate::Result;

/// Finds or makes the thread, and keeps the address that a reply goes to: that of the person's newest message.
pub(super) async fn find_or_make(
    transaction: &mut PgConnection,
    scope: Scope,
    contact: Uuid,
    message: &GatewayMessage,
) -> Result<Uuid> {
    let row = sqlx::query(
        "select id, chat_address is null or (chat_address <> $4 and $5 and coalesce(last_inbound_at <= $6, true)) as moves
         from app.conversations where clinic_id = $1 and channel_id = $2 and contact_id = $3",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(contact)
    .bind(message.chat.as_str())
    .bind(!message.from_me)
    .bind(message.sent_at)
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = row else {
        let made = sqlx::query_scalar(
            "insert into app.conversations (clinic_id, channel_id, contact_id, chat_address) values ($1, $2, $3, $4)
             returning id",
        );
        let made = made.bind(scope.clinic).bind(scope.channel).bind(contact).bind(message.chat.as_str());
        return Ok(made.fetch_one(transaction).await?);
    };
    let thread: Uuid = row.try_get("id")?;
    if row.try_get("moves")? {
        sqlx::query("update app.conversations set chat_address = $3 where clinic_id = $1 and id = $2")
            .bind(scope.clinic)
            .bind(thread)
            .bind(message.chat.as_str())
            .execute(transaction)
            .await?;
    }
    Ok(thread)
}

/// Shows in the list what a message now says, where the list shows this message.
pub(super) async fn refresh_preview(
    transaction: &mut PgConnection,
    scope: Scope,
    message: Uuid,
    shown_before: &str,
) -> Result<()> {
    sqlx::query(
        r"update app.conversations c set last_message_kind = m.kind, last_message_preview =
                case when m.revoked_at is null then left(regexp_replace(m.body, '\s+', ' ', 'g'), 160) else '' end
          from app.messages m
          where m.clinic_id = $1 and m.id = $2 and c.clinic_id = $1 and c.id = m.conversation_id
            and c.last_message_at = m.sent_at and c.last_message_direction = m.direction
            and c.last_message_preview = left(regexp_replace($3, '\s+', ' ', 'g'), 160)",
    )
    .bind(scope.clinic)
    .bind(message)
    .bind(shown_before)
    .execute(transaction)
    .await?;
    Ok(())
}
