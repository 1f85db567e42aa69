//! Queued writes in values that a person recognises.

use balcao_cache::{Noted, QueuedOperation};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::decisions::choices;
use super::types::{FieldValue, OperationRow};
use crate::clinic::OpenClinic;
use crate::inbox::{phone, shown_name};

/// What is shown of a write, in this order. The rest follows from these, or says nothing to a person.
const SHOWN: &[&str] = &[
    "body",
    "scheduled_for",
    "notes",
    "name",
    "shortcut",
    "title",
    "starts_at",
    "ends_at",
    "professional_id",
    "room_id",
    "service_id",
    "status",
    "snoozed_until",
    "handler",
    "priority",
    "labels",
    "marked_unread",
    "stage_id",
    "loss_reason_id",
    "loss_note",
    "value_cents",
    "owner_id",
    "assignee_id",
    "phone",
    "email",
    "reason",
    "cancel_reason",
    "squeeze_reason",
    "next_action",
    "next_action_at",
];

/// One operation as the screens show it. What its row or the names in it cannot be found for is left out: it is shown anyway.
pub(super) async fn row(clinic: &OpenClinic, queued: QueuedOperation) -> OperationRow {
    let dependents = match queued.reason {
        Some(_) => clinic.cache.dependents(queued.operation_id).await.map_or(0, |operations| operations.len()),
        None => 0,
    };
    let conversation = match queued.entity.as_str() {
        "conversations" => Some(queued.entity_id),
        "messages" => match id_in(&queued.fields, "conversation_id") {
            Some(conversation) => Some(conversation),
            None => clinic.cache.message(queued.entity_id).await.ok().map(|(conversation, _)| conversation),
        },
        "mentions" => clinic.cache.mentioned_in(queued.entity_id).await.ok().flatten(),
        _ => None,
    };
    OperationRow {
        operation_id: queued.operation_id,
        entity_id: queued.entity_id,
        conversation_id: conversation,
        subject: subject(clinic, &queued, conversation).await.unwrap_or_default(),
        wanted: values(clinic, &queued.fields).await,
        before: values(clinic, &queued.base).await,
        queued_at: queued.queued_at,
        attempts: queued.attempts,
        theirs: values(clinic, &queued.theirs).await,
        choices: choices(&queued),
        dependents: u32::try_from(dependents).unwrap_or(u32::MAX),
        reason: queued.reason,
        kind: queued.action,
    }
}

/// Whom it is about.
async fn subject(clinic: &OpenClinic, queued: &QueuedOperation, conversation: Option<Uuid>) -> Option<String> {
    let cache = &clinic.cache;
    match queued.entity.as_str() {
        "messages" | "mentions" => {
            let row = cache.conversation(conversation?).await.ok()?;
            Some(shown_name(&row.name, row.profile_name.as_deref(), phone(row.phone.as_deref()).as_deref()))
        }
        "patients" => queued.fields.get("name").and_then(Value::as_str).map(str::to_owned),
        "appointments" => cache.visit(queued.entity_id).await.ok().map(|row| row.patient),
        "leads" => {
            let row = cache.lead(queued.entity_id).await.ok()?;
            Some(shown_name(&row.name, row.profile_name.as_deref(), phone(row.phone.as_deref()).as_deref()))
        }
        "conversations" => {
            let row = cache.conversation(queued.entity_id).await.ok()?;
            Some(shown_name(&row.name, row.profile_name.as_deref(), phone(row.phone.as_deref()).as_deref()))
        }
        "quick_replies" => {
            // What was removed here is not shown any more; the write still knows what it was.
            let title = |fields: &Map<String, Value>| fields.get("title").and_then(Value::as_str).map(str::to_owned);
            title(&queued.fields)
                .or_else(|| title(&queued.base))
                .or(cache.name_of("quick_reply_id", queued.entity_id).await.ok()?)
        }
        entity if entity == Noted::Contact.entity() => cache.name_of("contact_id", queued.entity_id).await.ok()?,
        _ => None,
    }
}

/// The fields that a person recognises, ids as the names they stand for.
async fn values(clinic: &OpenClinic, fields: &Map<String, Value>) -> Vec<FieldValue> {
    let mut values = Vec::new();
    for field in SHOWN {
        let Some(value) = fields.get(*field) else { continue };
        let text = match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Array(texts) => Some(texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
            Value::Object(appended) => appended.get("append").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        let value = match text {
            Some(id) if field.ends_with("_id") => match id.parse() {
                Ok(id) => clinic.cache.name_of(field, id).await.ok().flatten(),
                Err(_) => None,
            },
            text => text,
        };
        // A file without words under it is told by its name.
        let value = match value {
            Some(text) if *field == "body" && text.is_empty() => file_name(fields).or(Some(text)),
            value => value,
        };
        values.push(FieldValue { field: (*field).to_owned(), value });
    }
    values
}

fn file_name(fields: &Map<String, Value>) -> Option<String> {
    fields.get("attachment")?.get("file_name")?.as_str().map(str::to_owned)
}

fn id_in(fields: &Map<String, Value>, field: &str) -> Option<Uuid> {
    fields.get(field)?.as_str()?.parse().ok()
}
