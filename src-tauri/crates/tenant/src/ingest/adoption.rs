//! What the gateway says of a message that we sent meets our row and makes no second one.
//!
//! The gateway's id comes with its answer. An echo may come before that, or the answer may never come: then the message is known
//! by its chat, its words and its time. Of one conversation only one message is on its way at a time.

use balcao_domain::message::{DeliveryStatus, Effect, GatewayId, GatewayMessage, Via};
use chrono::Utc;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Scope, effects, messages};
use crate::Result;

/// Gives a message of ours the id by which the gateway took it, and what was said about that id before.
pub(crate) async fn adopt(
    transaction: &mut PgConnection,
    clinic: Uuid,
    channel: Uuid,
    message: Uuid,
    gateway_id: &GatewayId,
    heard: Option<(DeliveryStatus, chrono::DateTime<Utc>)>,
) -> Result<()> {
    let echo: Option<Uuid> =
        sqlx::query_scalar("select id from app.messages where clinic_id = $1 and channel_id = $2 and gateway_id = $3")
            .bind(clinic)
            .bind(channel)
            .bind(gateway_id.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
    if let Some(echo) = echo {
        sqlx::query("select app.drop_echo($1, $2)").bind(echo).bind(message).execute(&mut *transaction).await?;
    } else {
        // What the gateway has is with WhatsApp as far as anybody could find out.
        sqlx::query(
            "update app.messages set gateway_id = $3, error_code = null, error_text = null,
                    status = case when status = 'unknown' then 'sent' when status in ('queued', 'failed') then 'sending'
                                  else status end
             where clinic_id = $1 and id = $2",
        )
        .bind(clinic)
        .bind(message)
        .bind(gateway_id.as_str())
        .execute(&mut *transaction)
        .await?;
    }
    let scope = Scope { clinic, channel, received_at: chrono::DateTime::UNIX_EPOCH };
    let Some(stored) = messages::find(transaction, scope, gateway_id).await? else { return Ok(()) };
    let mut state = stored.state.clone();
    if let Some((status, at)) = heard {
        state.apply(&Effect::Status { status, at });
    }
    for effect in effects::take(transaction, scope, gateway_id).await? {
        state.apply(&effect);
    }
    if state != stored.state {
        messages::write_state(transaction, scope, stored.id, &state).await?;
    }
    Ok(())
}

/// Whether this id belonged to a try that a person has repeated since: it is no message of its own.
pub(super) async fn is_of_earlier_try(
    transaction: &mut PgConnection,
    scope: Scope,
    gateway_id: &GatewayId,
) -> Result<bool> {
    let known = sqlx::query_scalar(
        "select exists (select from app.message_attempts a join app.messages m on m.clinic_id = a.clinic_id and m.id = a.message_id
                        where a.clinic_id = $1 and a.gateway_id = $2 and m.channel_id = $3)",
    );
    Ok(known.bind(scope.clinic).bind(gateway_id.as_str()).bind(scope.channel).fetch_one(transaction).await?)
}

/// Looks for the message of ours that this one of the gateway is, and gives it the id. `false` when it is none of ours.
pub(super) async fn meet(transaction: &mut PgConnection, scope: Scope, message: &GatewayMessage) -> Result<bool> {
    let candidates = sqlx::query(
        // Message by message, behind a fence: without statistics of messages the database would look at all that wait to be
        // sent for every try that is open.
        r"select a.id as attempt, m.id as message, c.chat_address is not distinct from $6 as same_chat,
                 exists (select from app.contact_identifiers i
                         where i.clinic_id = $1 and i.contact_id = c.contact_id
                           and ((i.kind = 'phone' and i.match_key = $7) or (i.kind = 'lid' and i.match_key = $8))) as same_person,
                 exists (select from app.contact_identifiers i
                         where i.clinic_id = $1
                           and ((i.kind = 'phone' and i.match_key = $7) or (i.kind = 'lid' and i.match_key = $8))) as known_person
          from app.message_attempts a
          join lateral (select m.id, m.clinic_id, m.conversation_id, m.channel_id, m.gateway_id, m.direction, m.kind, m.body
                        from app.messages m where m.clinic_id = $1 and m.id = a.message_id offset 0) m on true
          join app.conversations c on c.clinic_id = m.clinic_id and c.id = m.conversation_id
          where a.clinic_id = $1 and a.outcome in ('running', 'unknown') and m.channel_id = $2 and m.gateway_id is null
            and m.direction = 'outbound' and m.kind = $3 and btrim(regexp_replace(m.body, '\s+', ' ', 'g')) = $4
            and a.started_at between $5 - interval '1 day' and $5 + interval '30 seconds'
            and coalesce(a.finished_at, clock_timestamp()) > $5 - interval '5 minutes'
            and not exists (select from app.message_attempts n
                            where n.clinic_id = $1 and n.message_id = a.message_id and n.attempt > a.attempt)
          order by a.started_at, a.id",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(message.content.kind())
    .bind(message.content.body().split_whitespace().collect::<Vec<_>>().join(" "))
    .bind(message.sent_at)
    .bind(message.chat.as_str())
    .bind(message.person.phone.as_ref().map(|phone| phone.match_key()))
    .bind(message.person.lid.as_ref().map(|lid| lid.as_str()))
    .fetch_all(&mut *transaction)
    .await?;
    let mut found = None;
    for row in &candidates {
        let here: bool = row.try_get("same_chat")?;
        if here || row.try_get("same_person")? {
            found = Some(row);
            break;
        }
    }
    // An account that hides its number, heard of for the first time: it is whom we write to, if that is one only.
    if let (None, [only], Via::Api) = (found, &candidates[..], message.via)
        && !only.try_get::<bool, _>("known_person")?
    {
        found = Some(only);
    }
    let Some(row) = found else { return Ok(false) };
    let ours: Uuid = row.try_get("message")?;
    let heard = message.initial_status().map(|status| (status, scope.received_at));
    adopt(transaction, scope.clinic, scope.channel, ours, &message.gateway_id, heard).await?;
    sqlx::query(
        "update app.message_attempts set outcome = 'accepted', gateway_id = $3, finished_at = coalesce(finished_at, clock_timestamp())
         where clinic_id = $1 and id = $2 and outcome = 'unknown'",
    )
    .bind(scope.clinic)
    .bind(row.try_get::<Uuid, _>("attempt")?)
    .bind(message.gateway_id.as_str())
    .execute(&mut *transaction)
    .await?;
    // One whose answer is still awaited is settled by that.
    sqlx::query(
        "update app.jobs set status = 'done', finished_at = clock_timestamp()
         where clinic_id = $1 and kind = 'send_message' and dedupe_key = $2::text and status in ('queued', 'unknown')",
    )
    .bind(scope.clinic)
    .bind(ours)
    .execute(transaction)
    .await?;
    Ok(true)
}
