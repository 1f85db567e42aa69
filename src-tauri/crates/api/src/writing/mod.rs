//! What people write in threads: answers that go at once or later, and notes that never go.

mod files;
mod notes;
mod scheduled;
mod types;

use std::sync::Arc;

use balcao_cache::{self as cache, Effect, NewOperation, WriteKind};
use balcao_domain::{Refusal, quick_reply, reply};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use files::send_file;
pub(crate) use notes::{see_mentions, write_note};
pub(crate) use scheduled::change_scheduled;
pub use types::*;

use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{entity, instant, is_quotable, object};
use crate::operations::Written;
use crate::threads::standing;

pub(crate) async fn send_message(desk: &Arc<Desk>, request: SendMessage) -> Result<Written, ApiError> {
    let text = reply::validate_text(&request.text)?;
    if !quick_reply::missing(text).is_empty() {
        return Err(Refusal::ValueMissing.into());
    }
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    if row.is_blocked {
        return Err(Refusal::PersonBlocked.into());
    }
    let now = clinic.cache.server_now().await?;
    let scheduled_for = request.scheduled_for.map(|at| reply::validate_time(at.trunc_subsecs(6), now)).transpose()?;
    let sent_at = below(&row, now);
    let mut message = row_of(&clinic, &row, text, sent_at).await?;
    message.extend(object(json!({ "direction": "outbound", "status": "queued" })));
    if let Some(at) = scheduled_for {
        message.insert("scheduled_for".to_owned(), json!(instant(at)));
    }
    if let Some(quoted) = request.quoted_id {
        message.extend(quote(&clinic, request.conversation_id, quoted).await?);
    }
    let followers = match scheduled_for {
        // What waits for its time answers nobody yet.
        Some(_) => Vec::new(),
        None => vec![Effect {
            entity: entity("conversations")?,
            entity_id: row.id,
            fields: answered(&row, text, now, sent_at),
        }],
    };
    insert(&clinic, "send_message", message, followers).await
}

/// What the database does with a conversation that gets an answer.
fn answered(
    row: &cache::ConversationRow,
    text: &str,
    now: DateTime<Utc>,
    sent_at: DateTime<Utc>,
) -> Map<String, Value> {
    let mut answered = object(json!({
        "marked_unread": false,
        "waiting_since": null,
        "unread_count": 0,
        "handler": "person",
        "last_message_at": instant(sent_at),
        "last_message_preview": reply::preview(text),
        "last_message_direction": "outbound",
        "last_message_kind": "text",
    }));
    if standing(row).has_come_back(now) {
        answered.extend(object(json!({ "status": "open", "snoozed_until": null })));
    }
    answered
}

/// By what the gateway knows the message that is answered, and what it says.
async fn quote(clinic: &OpenClinic, conversation: Uuid, quoted: Uuid) -> Result<Map<String, Value>, ApiError> {
    let (stands_in, message) = clinic.cache.message(quoted).await?;
    if stands_in != conversation || !is_quotable(&message) {
        return Err(Refusal::NotQuotable.into());
    }
    Ok(object(json!({
        "reply_to_gateway_id": message.gateway_id,
        "quoted_preview": reply::preview(&message.body),
    })))
}

/// Whatever this computer's clock says, what is written stands below what was there.
fn below(row: &cache::ConversationRow, now: DateTime<Utc>) -> DateTime<Utc> {
    let last = row.last_message_at.and_then(DateTime::from_timestamp_micros);
    last.map_or(now, |last| now.max(last + TimeDelta::microseconds(1)))
}

/// What every message of a member says.
async fn row_of(
    clinic: &OpenClinic,
    row: &cache::ConversationRow,
    text: &str,
    sent_at: DateTime<Utc>,
) -> Result<Map<String, Value>, ApiError> {
    Ok(object(json!({
        "conversation_id": row.id,
        "channel_id": row.channel_id,
        "sender_kind": "member",
        "sender_id": clinic.me().await?,
        "kind": "text",
        "body": text,
        "sent_at": instant(sent_at),
        "reactions": [],
    })))
}

async fn insert(
    clinic: &OpenClinic,
    action: &'static str,
    fields: Map<String, Value>,
    followers: Vec<Effect>,
) -> Result<Written, ApiError> {
    let message_id = Uuid::now_v7();
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action,
        kind: WriteKind::Insert,
        effect: Effect { entity: entity("messages")?, entity_id: message_id, fields },
        followers,
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: message_id })
}

/// Queues a change of some columns in which nobody contradicts anybody.
async fn patch(
    clinic: &OpenClinic,
    action: &'static str,
    table: &str,
    id: Uuid,
    fields: Map<String, Value>,
    unchecked: &'static [&'static str],
) -> Result<Written, ApiError> {
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action,
        kind: WriteKind::Patch,
        effect: Effect { entity: entity(table)?, entity_id: id, fields },
        followers: Vec::new(),
        unchecked,
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: id })
}
