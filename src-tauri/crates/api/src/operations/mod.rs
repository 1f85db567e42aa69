//! The status line, what waits, and what needs a decision.

mod types;

use std::sync::Arc;

use balcao_cache::{OperationState as Queue, QueuedOperation};
use balcao_domain::Refusal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use types::*;

use crate::clinic::OpenClinic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{phone, shown_name};

pub(crate) async fn get_status(desk: &Arc<Desk>, _: Nothing) -> Result<SyncStatus, ApiError> {
    let clinic = desk.clinic().await?;
    let status = clinic.sync.status().borrow().clone();
    let (waiting, needs_you) = clinic.cache.outbox_counts().await?;
    Ok(SyncStatus {
        connection: match status.connection {
            balcao_sync::Connection::Connecting => Connection::Connecting,
            balcao_sync::Connection::Online => Connection::Online,
            balcao_sync::Connection::Offline => Connection::Offline,
            balcao_sync::Connection::Refused => Connection::Refused,
        },
        offline_since: status.offline_since,
        last_confirmed_at: status.last_confirmed_at,
        waiting,
        needs_you,
        problem: status.problem.map(|(code, message)| ApiError::new(code, message)),
        first_copy: status.first_copy.map(|copy| CopyProgress {
            entity: copy.entity.to_owned(),
            done: copy.done as f64,
            total: copy.total as f64,
        }),
        clock_ahead_seconds: status.clock_ahead_seconds,
    })
}

pub(crate) async fn sync_now(desk: &Arc<Desk>, _: Nothing) -> Result<SyncStatus, ApiError> {
    {
        let clinic = desk.clinic().await?;
        if let Some(server) = &clinic.server {
            server.hurry().await;
        }
        clinic.sync.hurry();
    }
    get_status(desk, Nothing {}).await
}

pub(crate) async fn list_operations(desk: &Arc<Desk>, request: ListOperations) -> Result<OperationList, ApiError> {
    let clinic = desk.clinic().await?;
    let (waiting, parked) = clinic.cache.outbox_counts().await?;
    let (state, total) = match request.state {
        OperationState::Waiting => (Queue::Waiting, waiting),
        OperationState::Parked => (Queue::Parked, parked),
    };
    let mut rows = Vec::new();
    for queued in clinic.cache.operations(state).await? {
        rows.push(describe(&clinic, queued, request.state).await?);
    }
    Ok(OperationList { rows, total })
}

pub(crate) async fn decide_operation(desk: &Arc<Desk>, request: DecideOperation) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let operation = clinic.cache.operation(request.operation_id).await?;
    if !choices(&operation).contains(&request.choice) && request.choice != Choice::Discard {
        return Err(ApiError::new("bad_choice", "this cannot be chosen here"));
    }
    match request.choice {
        Choice::Discard => clinic.cache.discard(request.operation_id).await?,
        Choice::Retry => clinic.cache.retry(request.operation_id, &Map::new()).await?,
        Choice::SqueezeIn => {
            let reason = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
            let reason = reason.ok_or(Refusal::SqueezeReasonRequired)?;
            let mut changed = Map::new();
            changed.insert("squeezed_in".to_owned(), json!(true));
            changed.insert("squeeze_reason".to_owned(), json!(reason));
            clinic.cache.retry(request.operation_id, &changed).await?;
        }
    }
    clinic.sync.written();
    Ok(Written { operation_id: Some(request.operation_id), entity_id: operation.entity_id })
}

fn choices(operation: &QueuedOperation) -> Vec<Choice> {
    match (operation.reason.as_deref(), operation.action.as_str()) {
        (None, _) => Vec::new(),
        (Some("slot_taken"), "move_appointment") => vec![Choice::Retry, Choice::SqueezeIn, Choice::Discard],
        // What is gone or malformed does not come back by trying.
        (Some("gone" | "invalid"), _) => vec![Choice::Discard],
        _ => vec![Choice::Retry, Choice::Discard],
    }
}

async fn describe(
    clinic: &OpenClinic,
    queued: QueuedOperation,
    state: OperationState,
) -> Result<OperationRow, ApiError> {
    let subject = match queued.action.as_str() {
        "send_message" => {
            let id = queued.fields.get("conversation_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            match clinic.cache.conversation(id.unwrap_or_default()).await {
                Ok(row) => shown_name(&row.name, row.profile_name.as_deref(), phone(row.phone.as_deref()).as_deref()),
                Err(_) => String::new(),
            }
        }
        "move_appointment" => clinic.cache.visit(queued.entity_id).await.map(|row| row.patient).unwrap_or_default(),
        "move_lead" => match clinic.cache.lead(queued.entity_id).await {
            Ok(row) => shown_name(&row.name, row.profile_name.as_deref(), phone(row.phone.as_deref()).as_deref()),
            Err(_) => String::new(),
        },
        _ => String::new(),
    };
    Ok(OperationRow {
        operation_id: queued.operation_id,
        entity_id: queued.entity_id,
        subject,
        wanted: values(clinic, &queued.fields).await,
        queued_at: queued.queued_at,
        attempts: queued.attempts,
        theirs: values(clinic, &queued.theirs).await,
        choices: if state == OperationState::Parked { choices(&queued) } else { Vec::new() },
        reason: queued.reason,
        kind: queued.action,
    })
}

/// The fields that a person recognises, ids as the names they stand for.
async fn values(clinic: &OpenClinic, fields: &Map<String, Value>) -> Vec<FieldValue> {
    let mut values = Vec::new();
    for field in ["body", "starts_at", "ends_at", "professional_id", "stage_id", "squeeze_reason"] {
        let Some(value) = fields.get(field) else { continue };
        let text = value.as_str().map(str::to_owned);
        let value = match (field, text) {
            ("professional_id" | "stage_id", Some(id)) => match id.parse::<Uuid>() {
                Ok(id) => clinic.cache.name_of(field, id).await.ok().flatten(),
                Err(_) => None,
            },
            (_, text) => text,
        };
        if value.is_some() {
            values.push(FieldValue { field: field.to_owned(), value });
        }
    }
    values
}
