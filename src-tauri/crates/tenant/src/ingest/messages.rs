//! Messages: stored once, filled in by what comes later, moved by effects.

use std::sync::Mutex;

use balcao_domain::message::{Content, DeliveryStatus, Effect, GatewayId, GatewayMessage, MessageState, Reaction, Via};
use balcao_domain::satisfaction;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::{ContextV7, Timestamp, Uuid};

use super::{Prior, Scope, adoption, attachment, effects, erased, people, threads};
use crate::{Result, media};

/// A message as it is stored, as far as it can change.
pub(super) struct Stored {
    pub(super) id: Uuid,
    contact: Uuid,
    sender_kind: String,
    kind: String,
    attachment: Option<Value>,
    reply_to: Option<String>,
    quoted_preview: Option<String>,
    pub(super) state: MessageState,
}

/// What became of a message that was told.
pub(super) enum Became {
    /// It is stored.
    New,
    /// It was there before; what it lacked is filled in.
    Again,
    /// Whose it was, was erased: it does not come back.
    Erased,
}

/// Stores a message.
pub(super) async fn store(
    transaction: &mut PgConnection,
    scope: Scope,
    prior: &mut Prior,
    message: &GatewayMessage,
) -> Result<Became> {
    if prior.is_news(message) {
        let thread = match prior.thread_of(message) {
            Some(thread) => thread,
            None => {
                let push_name = message.push_name.as_deref();
                let contact = people::find_or_make(transaction, scope, &message.person, push_name, None).await?;
                prior.forget(&message.person, contact);
                threads::find_or_make(transaction, scope, contact, message).await?
            }
        };
        insert(transaction, scope, thread, message, &[]).await?;
        prior.note(&message.gateway_id);
        return Ok(Became::New);
    }
    let became = store_known(transaction, scope, message).await?;
    prior.note(&message.gateway_id);
    prior.forget_people();
    Ok(became)
}

/// Stores a message of which something is known already, or may be.
async fn store_known(transaction: &mut PgConnection, scope: Scope, message: &GatewayMessage) -> Result<Became> {
    let mut stored = find(transaction, scope, &message.gateway_id).await?;
    if stored.is_none() && erased::was(transaction, scope, &message.gateway_id).await? {
        return Ok(Became::Erased);
    }
    if stored.is_none() && message.from_me {
        if adoption::is_of_earlier_try(transaction, scope, &message.gateway_id).await? {
            return Ok(Became::Again);
        }
        if adoption::meet(transaction, scope, message).await? {
            stored = find(transaction, scope, &message.gateway_id).await?;
        }
    }
    let anchor = stored.as_ref().map(|stored| stored.contact);
    let push_name = message.push_name.as_deref();
    let contact = people::find_or_make(transaction, scope, &message.person, push_name, anchor).await?;
    match stored {
        Some(stored) => {
            fill(transaction, scope, stored, message).await?;
            Ok(Became::Again)
        }
        None => {
            let thread = threads::find_or_make(transaction, scope, contact, message).await?;
            let waiting = effects::take(transaction, scope, &message.gateway_id).await?;
            insert(transaction, scope, thread, message, &waiting).await?;
            Ok(Became::New)
        }
    }
}

/// Applies an effect to its message; `false` when the message is not there.
pub(super) async fn affect(
    transaction: &mut PgConnection,
    scope: Scope,
    gateway_id: &GatewayId,
    effect: &Effect,
) -> Result<bool> {
    let Some(stored) = find(transaction, scope, gateway_id).await? else { return Ok(false) };
    let mut state = stored.state.clone();
    state.apply(effect);
    if state != stored.state {
        write_state(transaction, scope, stored.id, &state).await?;
        if (&state.body, state.revoked_at.is_some()) != (&stored.state.body, stored.state.revoked_at.is_some()) {
            threads::refresh_preview(transaction, scope, stored.id, &stored.state.body).await?;
        }
    }
    Ok(true)
}

pub(super) async fn find(
    transaction: &mut PgConnection,
    scope: Scope,
    gateway_id: &GatewayId,
) -> Result<Option<Stored>> {
    let row = sqlx::query(
        "select m.id, c.contact_id, m.direction, m.sender_kind, m.kind, m.body, m.attachment, m.reply_to_gateway_id,
                m.quoted_preview, m.status, m.delivered_at, m.read_at, m.edited_at, m.revoked_at, m.reactions
         from app.messages m join app.conversations c on c.clinic_id = m.clinic_id and c.id = m.conversation_id
         where m.clinic_id = $1 and m.channel_id = $2 and m.gateway_id = $3
         for no key update of m",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(gateway_id.as_str())
    .fetch_optional(transaction)
    .await?;
    row.as_ref().map(stored).transpose()
}

fn stored(row: &PgRow) -> Result<Stored> {
    let outbound = row.try_get::<&str, _>("direction")? == "outbound";
    let reactions: Value = row.try_get("reactions")?;
    let reactions = reactions.as_array().into_iter().flatten();
    Ok(Stored {
        id: row.try_get("id")?,
        contact: row.try_get("contact_id")?,
        sender_kind: row.try_get("sender_kind")?,
        kind: row.try_get("kind")?,
        attachment: row.try_get("attachment")?,
        reply_to: row.try_get("reply_to_gateway_id")?,
        quoted_preview: row.try_get("quoted_preview")?,
        state: MessageState {
            status: DeliveryStatus::from_name(row.try_get("status")?).filter(|_| outbound),
            delivered_at: row.try_get("delivered_at")?,
            read_at: row.try_get("read_at")?,
            body: row.try_get("body")?,
            edited_at: row.try_get("edited_at")?,
            revoked_at: row.try_get("revoked_at")?,
            reactions: reactions.filter_map(effects::reaction_of_json).collect(),
        },
    })
}

/// `waiting` is what was said of the message before it came.
async fn insert(
    transaction: &mut PgConnection,
    scope: Scope,
    thread: Uuid,
    message: &GatewayMessage,
    waiting: &[Effect],
) -> Result<()> {
    let mut state =
        MessageState { status: message.initial_status(), body: message.content.body(), ..MessageState::default() };
    for effect in waiting {
        state.apply(effect);
    }
    let (direction, sender_kind) = match (message.from_me, message.via) {
        (false, _) => ("inbound", "contact"),
        (true, Via::Api) => ("outbound", "system"),
        (true, Via::Live | Via::History) => ("outbound", "phone"),
    };
    let id = id_in_order(scope.received_at);
    sqlx::query(
        "insert into app.messages (clinic_id, id, conversation_id, channel_id, direction, sender_kind, kind, body,
                gateway_id, reply_to_gateway_id, quoted_preview, status, sent_at, attachment, delivered_at, read_at,
                edited_at, revoked_at, reactions, rating)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(scope.clinic)
    .bind(id)
    .bind(thread)
    .bind(scope.channel)
    .bind(direction)
    .bind(sender_kind)
    .bind(message.content.kind())
    .bind(&state.body)
    .bind(message.gateway_id.as_str())
    .bind(message.reply_to.as_ref().map(GatewayId::as_str))
    .bind(&message.quoted_preview)
    .bind(state.status.map_or("received", DeliveryStatus::name))
    .bind(message.sent_at)
    .bind(attachment::of(&message.content, media::first_state(message, scope.received_at)))
    .bind(state.delivered_at)
    .bind(state.read_at)
    .bind(state.edited_at)
    .bind(state.revoked_at)
    .bind(reactions_to_json(&state.reactions))
    .bind(rating(message).map(i32::from))
    .execute(&mut *transaction)
    .await?;
    if state.revoked_at.is_none() {
        media::expect(transaction, scope, id, message).await?;
    }
    if state.revoked_at.is_some() {
        threads::refresh_preview(transaction, scope, id, &state.body).await?;
    }
    Ok(())
}

/// What a message of the person would be as an answer to how they liked it; the database knows whether that was asked.
fn rating(message: &GatewayMessage) -> Option<u8> {
    match &message.content {
        Content::Text(text) if !message.from_me => satisfaction::score(text),
        Content::ButtonReply(choice) | Content::ListReply(choice) if !message.from_me => {
            satisfaction::score(&choice.title)
        }
        _ => None,
    }
}

/// Fills in what an earlier delivery lacked. What is there stays, but for a status that has moved up.
async fn fill(transaction: &mut PgConnection, scope: Scope, stored: Stored, message: &GatewayMessage) -> Result<()> {
    let missing = stored.state.edited_at.is_none()
        && !message.content.is_missing()
        && attachment::is_missing(&stored.kind, &stored.state.body, stored.attachment.as_ref());
    // The echo of a program's message says more than the history, which cannot tell it from one typed on the phone.
    let sent_by_program = stored.sender_kind == "phone" && message.from_me && message.via == Via::Api;
    let quotation_missing = (stored.reply_to.is_none() && message.reply_to.is_some())
        || (stored.quoted_preview.is_none() && message.quoted_preview.is_some());
    if missing || sent_by_program || quotation_missing {
        let content = missing.then_some(&message.content);
        sqlx::query(
            "update app.messages set kind = coalesce($3, kind), body = coalesce($4, body),
                    attachment = case when $3 is null then attachment else $5 end,
                    sender_kind = case when $6 then 'system' else sender_kind end,
                    reply_to_gateway_id = coalesce(reply_to_gateway_id, $7),
                    quoted_preview = coalesce(quoted_preview, $8)
             where clinic_id = $1 and id = $2",
        )
        .bind(scope.clinic)
        .bind(stored.id)
        .bind(content.map(|content| content.kind()))
        .bind(content.map(|content| content.body()))
        .bind(content.and_then(|content| attachment::of(content, media::first_state(message, scope.received_at))))
        .bind(sent_by_program)
        .bind(message.reply_to.as_ref().map(GatewayId::as_str))
        .bind(&message.quoted_preview)
        .execute(&mut *transaction)
        .await?;
        if missing {
            media::expect(transaction, scope, stored.id, message).await?;
            threads::refresh_preview(transaction, scope, stored.id, &stored.state.body).await?;
        }
    }
    if let Some(status) = message.initial_status() {
        let mut state = stored.state.clone();
        if missing {
            state.body = message.content.body();
        }
        let before = state.clone();
        state.apply(&Effect::Status { status, at: scope.received_at });
        if state != before {
            write_state(transaction, scope, stored.id, &state).await?;
        }
    }
    Ok(())
}

pub(super) async fn write_state(
    transaction: &mut PgConnection,
    scope: Scope,
    id: Uuid,
    state: &MessageState,
) -> Result<()> {
    sqlx::query(
        "update app.messages set status = coalesce($3, status), delivered_at = $4, read_at = $5, body = $6,
                edited_at = $7, revoked_at = $8, reactions = $9
         where clinic_id = $1 and id = $2",
    )
    .bind(scope.clinic)
    .bind(id)
    .bind(state.status.map(DeliveryStatus::name))
    .bind(state.delivered_at)
    .bind(state.read_at)
    .bind(&state.body)
    .bind(state.edited_at)
    .bind(state.revoked_at)
    .bind(reactions_to_json(&state.reactions))
    .execute(transaction)
    .await?;
    Ok(())
}

fn reactions_to_json(reactions: &[Reaction]) -> Value {
    Value::Array(reactions.iter().map(effects::reaction_to_json).collect())
}

/// WhatsApp's instants are whole seconds, so that messages tie: an id that grows with every message keeps those of one
/// second in the order in which they came.
fn id_in_order(received_at: DateTime<Utc>) -> Uuid {
    static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    let seconds = u64::try_from(received_at.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(&ORDER, seconds, received_at.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_also_within_one_instant() {
        let now = DateTime::from_timestamp(1_795_000_000, 5_000_000).unwrap();
        let ids: Vec<Uuid> = (0..1000).map(|_| id_in_order(now)).collect();
        assert!(ids.is_sorted());
    }
}
