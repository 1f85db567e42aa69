//! What people do with threads: each deed a queued write of its own, and taken back by another one.

mod company;
mod frame;
mod lately;
mod merges;
mod survey;
mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

use balcao_cache::{self as cache, Effect, NewOperation, WriteKind};
use balcao_domain::conversation::{Action, Handler, Priority, Standing, Status};
use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use company::{follow_company, get_company, note_typing};
pub(crate) use frame::{
    booking_lead, get_inbox_frame, get_snooze_times, set_booking_lead, set_files_kept, set_wait_limits,
};
pub(crate) use lately::ActedLately;
use lately::Deed;
pub(crate) use merges::{list_merges, merge_people, preview_merge, undo_merge};
pub(crate) use survey::{get_survey, set_survey};
pub use types::*;

use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, entity, instant};

/// Threads of one question at the most; more come in pieces, so that the screen can say how far it is.
const MOST_THREADS: usize = 200;

pub(crate) async fn act_on_threads(desk: &Arc<Desk>, request: ActOnThreads) -> Result<ActedOnThreads, ApiError> {
    if request.conversation_ids.len() > MOST_THREADS {
        return Err(ApiError::new("invalid_request", "these are too many at once").about("conversation_ids"));
    }
    let clinic = desk.clinic().await?;
    let now = clinic.cache.server_now().await?;
    let ids: BTreeSet<Uuid> = request.conversation_ids.into_iter().collect();
    let alone = ids.len() == 1;
    let mut deeds = Vec::new();
    let mut refused = None;
    for id in ids {
        let row = match clinic.cache.conversation(id).await {
            Err(cache::Error::NotFound) if !alone => continue,
            row => row?,
        };
        match deed(&request.action, row, now) {
            Ok(Some(deed)) => {
                write(&clinic, &deed, now).await?;
                deeds.push(deed);
            }
            Ok(None) => {}
            Err(refusal) => refused = Some(refusal),
        }
    }
    if let (true, Some(refusal)) = (deeds.is_empty(), refused) {
        return Err(refusal);
    }
    let changed = u32::try_from(deeds.len()).unwrap_or(u32::MAX);
    if changed == 0 {
        return Ok(ActedOnThreads { changed, undo: request.undo });
    }
    let undo = clinic.acted.keep(request.undo, deeds);
    clinic.sync.written();
    Ok(ActedOnThreads { changed, undo: Some(undo) })
}

pub(crate) async fn undo_threads(desk: &Arc<Desk>, request: UndoThreads) -> Result<ActedOnThreads, ApiError> {
    let clinic = desk.clinic().await?;
    let deeds = clinic.acted.take(request.undo);
    let deeds = deeds.ok_or_else(|| ApiError::new("not_found", "this was not done lately"))?;
    let now = clinic.cache.server_now().await?;
    let mut changed = 0;
    for deed in deeds.iter().rev() {
        let row = match clinic.cache.conversation(deed.conversation).await {
            Err(cache::Error::NotFound) => continue,
            row => row?,
        };
        if let Some(back) = deed.taken_back(row.is_blocked, &standing(&row)) {
            write(&clinic, &back, now).await?;
            changed += 1;
        }
    }
    clinic.sync.written();
    Ok(ActedOnThreads { changed, undo: None })
}

/// What an action does to a thread; `None` when it is that already.
fn deed(action: &ThreadAction, row: cache::ConversationRow, now: DateTime<Utc>) -> Result<Option<Deed>, ApiError> {
    let before = standing(&row);
    let (name, after, is_blocked) = match rule(action) {
        Some((name, action)) => (name, before.after(&action, now)?, row.is_blocked),
        None => ("block_person", before.clone(), *action == ThreadAction::Block),
    };
    let deed = Deed {
        action: name,
        conversation: row.id,
        contact: row.contact_id,
        before,
        after,
        was_blocked: row.is_blocked,
        is_blocked,
    };
    Ok(deed.changes().then_some(deed))
}

/// The rule for what is done to a thread, and what its write is called: those that write the same columns take one another
/// back. Blocking is done to the person.
fn rule(action: &ThreadAction) -> Option<(&'static str, Action)> {
    Some(match action {
        ThreadAction::HandOver { to } => {
            let to = if *to == crate::inbox::Handler::Bot { Handler::Bot } else { Handler::Person };
            ("hand_over_conversation", Action::HandOver(to))
        }
        ThreadAction::Assign { member_id } => ("assign_conversation", Action::Assign(*member_id)),
        ThreadAction::Prioritise { priority } => (
            "prioritise_conversation",
            Action::Prioritise(match priority {
                ThreadPriority::Low => Priority::Low,
                ThreadPriority::Normal => Priority::Normal,
                ThreadPriority::High => Priority::High,
                ThreadPriority::Urgent => Priority::Urgent,
            }),
        ),
        ThreadAction::AddLabel { label } => ("label_conversation", Action::AddLabel(label.clone())),
        ThreadAction::RemoveLabel { label } => ("label_conversation", Action::RemoveLabel(label.clone())),
        // The clinic keeps microseconds: a time with more would look changed when it is compared.
        ThreadAction::Snooze { until } => ("file_conversation", Action::Snooze(until.trunc_subsecs(6))),
        ThreadAction::Close => ("file_conversation", Action::Close),
        ThreadAction::MarkUnread => ("file_conversation", Action::MarkUnread),
        ThreadAction::Reopen => ("file_conversation", Action::Reopen),
        ThreadAction::Block | ThreadAction::Unblock => return None,
    })
}

/// What a row of the copy stands for.
pub(crate) fn standing(row: &cache::ConversationRow) -> Standing {
    Standing {
        status: Status::parse(&row.status),
        snoozed_until: row.snoozed_until.map(at),
        handler: Handler::parse(&row.handler),
        assignee: row.assignee_id,
        priority: Priority::parse(&row.priority),
        labels: serde_json::from_str(&row.labels).unwrap_or_default(),
        marked_unread: row.marked_unread,
    }
}

async fn write(clinic: &OpenClinic, deed: &Deed, now: DateTime<Utc>) -> Result<(), ApiError> {
    let effect = if deed.was_blocked == deed.is_blocked {
        let fields = fields(&deed.before, &deed.after, now);
        Effect { entity: entity("conversations")?, entity_id: deed.conversation, fields }
    } else {
        let status = if deed.is_blocked { "blocked" } else { "active" };
        let fields = Map::from_iter([("status".to_owned(), json!(status))]);
        Effect { entity: entity("contacts")?, entity_id: deed.contact, fields }
    };
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action: deed.action,
        kind: WriteKind::Patch,
        effect,
        followers: Vec::new(),
        // When it was decided tells the database what was not seen yet; it contradicts nobody.
        unchecked: &["status_decided_at"],
        depends_on: None,
        expires_at: None,
    };
    clinic.cache.enqueue(operation).await?;
    Ok(())
}

/// The columns in which two standings differ, as the second has them.
fn fields(before: &Standing, after: &Standing, now: DateTime<Utc>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |column: &str, value: Value| fields.insert(column.to_owned(), value);
    if (before.status, before.snoozed_until) != (after.status, after.snoozed_until) {
        put("status", json!(after.status.as_str()));
        put("snoozed_until", json!(after.snoozed_until.map(instant)));
        put("status_decided_at", json!(instant(now)));
    }
    if before.handler != after.handler {
        put("handler", json!(after.handler.as_str()));
    }
    if before.assignee != after.assignee {
        put("assignee_id", json!(after.assignee));
    }
    if before.priority != after.priority {
        put("priority", json!(after.priority.as_str()));
    }
    if before.labels != after.labels {
        put("labels", json!(after.labels));
    }
    if before.marked_unread != after.marked_unread {
        put("marked_unread", json!(after.marked_unread));
    }
    fields
}
