//! What a person can decide about a refused write, and what then happens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use balcao_cache::{GivenUp, OperationState as Queue, QueuedOperation};
use balcao_domain::Refusal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::free_slots;
use super::types::{Choice, DecideOperation, RestoreOperation, Retried, RetryOperations, Written};
use crate::desk::Desk;
use crate::error::ApiError;

/// Decisions to give something up that can be taken back.
const MOST_KEPT: usize = 20;

/// What was given up lately. It is kept in memory only: who closes the program has decided.
#[derive(Debug, Default)]
pub(crate) struct GivenUpLately(Mutex<VecDeque<GivenUp>>);

impl GivenUpLately {
    fn keep(&self, given_up: GivenUp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MOST_KEPT {
            kept.pop_front();
        }
        kept.push_back(given_up);
    }

    fn take(&self, operation_id: Uuid) -> Option<GivenUp> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().rposition(|given_up| given_up.holds(operation_id))?;
        kept.remove(at)
    }
}

pub(crate) async fn decide_operation(desk: &Arc<Desk>, request: DecideOperation) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let operation = clinic.cache.operation(request.operation_id).await?;
    let possible = choices(&operation);
    let allowed = match request.choice {
        Choice::Discard => true,
        Choice::Retry => possible.contains(&Choice::Retry) || possible.contains(&Choice::KeepMine),
        choice => possible.contains(&choice),
    };
    if !allowed {
        return Err(ApiError::new("bad_choice", "this cannot be chosen here"));
    }
    match request.choice {
        Choice::Discard | Choice::KeepTheirs => {
            clinic.given_up.keep(clinic.cache.give_up(request.operation_id).await?);
        }
        Choice::Retry | Choice::KeepMine => clinic.cache.retry(request.operation_id, &Map::new()).await?,
        Choice::OtherTime => {
            let starts_at = request
                .starts_at
                .ok_or_else(|| ApiError::new("bad_payload", "the new time is missing").about("starts_at"))?;
            let moved = free_slots::moved_to(&clinic, &operation, starts_at).await?;
            clinic.cache.retry(request.operation_id, &moved).await?;
        }
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

pub(crate) async fn restore_operation(desk: &Arc<Desk>, request: RestoreOperation) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let given_up = clinic.given_up.take(request.operation_id);
    let given_up = given_up.ok_or_else(|| ApiError::new("not_found", "this was not given up lately"))?;
    clinic.cache.take_back(&given_up).await?;
    let operation = clinic.cache.operation(request.operation_id).await?;
    Ok(Written { operation_id: Some(operation.operation_id), entity_id: operation.entity_id })
}

pub(crate) async fn retry_operations(desk: &Arc<Desk>, request: RetryOperations) -> Result<Retried, ApiError> {
    let clinic = desk.clinic().await?;
    let mut count = 0;
    for operation in clinic.cache.operations(Queue::Parked).await? {
        let asked_for = request.kind.as_ref().is_none_or(|kind| operation.action == *kind);
        if asked_for && needs_no_decision(&operation) {
            clinic.cache.retry(operation.operation_id, &Map::new()).await?;
            count += 1;
        }
    }
    clinic.sync.written();
    Ok(Retried { count })
}

/// Whether trying again, as it is, goes over nobody and may help: what hindered it may have passed.
pub(super) fn needs_no_decision(operation: &QueuedOperation) -> bool {
    // What expired would be sent after the time it was meant for: nobody decides that for twenty at once.
    operation.reason.as_deref() != Some("expired") && choices(operation).contains(&Choice::Retry)
}

/// What can be done about a refused write, the likeliest first.
pub(super) fn choices(operation: &QueuedOperation) -> Vec<Choice> {
    match (operation.reason.as_deref(), operation.action.as_str()) {
        (None, _) => Vec::new(),
        (Some("slot_taken"), "move_appointment" | "book_appointment") => {
            vec![Choice::OtherTime, Choice::SqueezeIn, Choice::Retry, Choice::Discard]
        }
        (Some("conflict"), _) => vec![Choice::KeepMine, Choice::KeepTheirs],
        // What is gone or malformed does not come back by trying.
        (Some("gone" | "invalid" | "loss_reason_required" | "already_sent"), _) => vec![Choice::Discard],
        _ => vec![Choice::Retry, Choice::Discard],
    }
}

/// A text of the operation's fields.
pub(super) fn text_of<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    fields.get(field)?.as_str()
}
