//! The status line, what waits, and what needs a decision.

mod decisions;
mod describe;
mod free_slots;
mod types;

use std::sync::Arc;

use balcao_cache::{OperationState as Queue, QueuedOperation};

pub(crate) use decisions::{GivenUpLately, decide_operation, restore_operation, retry_operations};
pub(crate) use free_slots::list_free_slots;
pub use types::*;

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

/// Operations of one answer, when nothing is said.
const USUAL_ROWS: u32 = 100;
/// And at the most.
const MOST_ROWS: u32 = 500;

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
        first_copy: status.first_copy.as_ref().map(|copy| desk.copy_progress(copy)),
        clock_ahead_seconds: match status.connection {
            balcao_sync::Connection::Online => status.clock_ahead_seconds,
            // What was last measured goes on being true, also after a restart without a line.
            _ => clinic.clock_ahead(&desk.clock).await?,
        },
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
    let mut queued = clinic.cache.operations(state).await?;
    let kinds = kinds(&queued);
    if let Some(kind) = &request.kind {
        queued.retain(|operation| operation.action == *kind);
    }
    if let Some(first) = request.first {
        queued.sort_by_key(|operation| operation.entity_id != first);
    }
    let retriable = queued.iter().filter(|operation| decisions::needs_no_decision(operation)).count();
    queued.truncate(request.limit.unwrap_or(USUAL_ROWS).min(MOST_ROWS) as usize);
    let mut rows = Vec::with_capacity(queued.len());
    for operation in queued {
        rows.push(describe::row(&clinic, operation).await);
    }
    Ok(OperationList { rows, total, kinds, retriable: u32::try_from(retriable).unwrap_or(u32::MAX) })
}

fn kinds(queued: &[QueuedOperation]) -> Vec<KindCount> {
    let mut kinds: Vec<KindCount> = Vec::new();
    for operation in queued {
        match kinds.iter_mut().find(|known| known.kind == operation.action) {
            Some(known) => known.count += 1,
            None => kinds.push(KindCount { kind: operation.action.clone(), count: 1 }),
        }
    }
    kinds.sort_by_key(|known| std::cmp::Reverse(known.count));
    kinds
}
