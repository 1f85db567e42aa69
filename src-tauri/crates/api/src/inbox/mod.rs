//! Conversations, threads, replies.

mod older;
mod types;

use std::sync::Arc;

use balcao_cache::{self as cache, Effect, NewOperation, WriteKind};
use balcao_domain::Refusal;
use balcao_domain::feed::Entity;
use balcao_domain::phone::Phone;
use balcao_domain::{quick_reply, reply};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use older::{fetch, fetch_older_messages, fetch_person_visits};
pub use types::*;

use crate::desk::Desk;
use crate::error::ApiError;
use crate::operations::Written;
use crate::row_state::RowState;
use crate::threads::standing;

/// Visits beside a thread at the most.
const MOST_VISITS: u32 = 200;
/// Rows of one answer at the most.
const MOST_ROWS: u32 = 500;
/// Further views that are counted at the most.
const MOST_COUNTED: usize = 30;

pub(crate) async fn list_conversations(
    desk: &Arc<Desk>,
    request: ListConversations,
) -> Result<ConversationList, ApiError> {
    let clinic = desk.clinic().await?;
    let me = clinic.me().await?;
    let now = clinic.cache.server_now().await?;
    let by = cache::Onlooker { me, now: now.timestamp_micros() };
    let view = view(request.view);
    let filter = filter(request.filter, request.search.as_deref(), now);
    let limit = request.limit.min(MOST_ROWS);
    let (rows, counts, returns_at) = tokio::try_join!(
        clinic.cache.conversations(view, by, &filter, request.offset, limit),
        clinic.cache.conversation_counts(by),
        clinic.cache.next_return(by.now)
    )?;
    let mut counted = Vec::new();
    for further in request.counting.into_iter().take(MOST_COUNTED) {
        let filter = self::filter(further.filter, None, now);
        counted.push(clinic.cache.conversation_count(self::view(further.view), by, &filter).await?);
    }
    let counts = InboxCounts {
        needs_reply: counts.needs_reply,
        mine: counts.mine,
        unassigned: counts.unassigned,
        bot: counts.bot,
        snoozed: counts.snoozed,
        closed: counts.closed,
        blocked: counts.blocked,
        all: counts.all,
    };
    let total = match request.view {
        _ if filter != cache::ThreadFilter::default() => clinic.cache.conversation_count(view, by, &filter).await?,
        InboxView::NeedsReply => counts.needs_reply,
        InboxView::Mine => counts.mine,
        InboxView::Unassigned => counts.unassigned,
        InboxView::Bot => counts.bot,
        InboxView::Snoozed => counts.snoozed,
        InboxView::Closed => counts.closed,
        InboxView::Blocked => counts.blocked,
        InboxView::All => counts.all,
    };
    let rows = rows.into_iter().map(|row| conversation(row, now)).collect();
    Ok(ConversationList { rows, total, counts, counted, returns_at: returns_at.map(at) })
}

fn view(view: InboxView) -> cache::InboxView {
    match view {
        InboxView::NeedsReply => cache::InboxView::NeedsReply,
        InboxView::Mine => cache::InboxView::Mine,
        InboxView::Unassigned => cache::InboxView::Unassigned,
        InboxView::Bot => cache::InboxView::Bot,
        InboxView::Snoozed => cache::InboxView::Snoozed,
        InboxView::Closed => cache::InboxView::Closed,
        InboxView::Blocked => cache::InboxView::Blocked,
        InboxView::All => cache::InboxView::All,
    }
}

fn filter(wanted: ThreadFilter, search: Option<&str>, now: DateTime<Utc>) -> cache::ThreadFilter {
    let before = |minutes: u32| (now - TimeDelta::minutes(minutes.into())).timestamp_micros();
    cache::ThreadFilter {
        person: search.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
        label: wanted.label,
        assignee: wanted.assignee_id,
        channel: wanted.channel_id,
        waiting_before: wanted.waiting_minutes.map(before),
    }
}

pub(crate) async fn get_thread(desk: &Arc<Desk>, request: GetThread) -> Result<Thread, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    let limit = request.limit.clamp(1, MOST_ROWS);
    let before = request.before.map(|place| (place.sent_at.timestamp_micros(), place.id));
    let visits = request.visits.clamp(1, MOST_VISITS);
    let cache = &clinic.cache;
    let (mut person, mut messages, reach, visits_reach) = tokio::try_join!(
        cache.person(row.contact_id, visits + 1),
        cache.messages(request.conversation_id, before, limit + 1),
        cache.thread_reach(request.conversation_id),
        cache.person_reach(row.contact_id),
    )?;
    let older = Older::behind(messages.len() > limit as usize, reach);
    messages.truncate(limit as usize);
    messages.reverse();
    let older_visits = Older::behind(person.visits.len() > visits as usize, visits_reach);
    person.visits.truncate(visits as usize);
    Ok(Thread {
        conversation: conversation(row, clinic.cache.server_now().await?),
        person: summary(person, older_visits),
        messages: messages.into_iter().map(message).collect(),
        older,
    })
}

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
    // Whatever this computer's clock says, an answer stands below what it answers.
    let now = clinic.cache.server_now().await?;
    let last = row.last_message_at.and_then(DateTime::from_timestamp_micros);
    let sent_at = last.map_or(now, |last| now.max(last + TimeDelta::microseconds(1)));
    let message_id = Uuid::now_v7();
    let message = object(json!({
        "conversation_id": row.id,
        "channel_id": row.channel_id,
        "direction": "outbound",
        "sender_kind": "member",
        "sender_id": clinic.me().await?,
        "kind": "text",
        "body": text,
        "status": "queued",
        "sent_at": instant(sent_at),
        "reactions": [],
    }));
    // What the database does with a conversation that gets an answer.
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
    if standing(&row).has_come_back(now) {
        answered.extend(object(json!({ "status": "open", "snoozed_until": null })));
    }
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action: "send_message",
        kind: WriteKind::Insert,
        effect: Effect { entity: entity("messages")?, entity_id: message_id, fields: message },
        followers: vec![Effect { entity: entity("conversations")?, entity_id: row.id, fields: answered }],
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: message_id })
}

pub(crate) fn entity(name: &str) -> Result<&'static Entity, ApiError> {
    Entity::named(name).ok_or_else(|| ApiError::internal(format!("{name} is not copied")))
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// A stored phone as people write it.
pub(crate) fn phone(stored: Option<&str>) -> Option<String> {
    stored.map(|stored| Phone::from_e164(stored).map_or_else(|| stored.to_owned(), |phone| phone.display()))
}

/// The name to show: the clinic's, else the person's own, else the phone.
pub(crate) fn shown_name(name: &str, profile_name: Option<&str>, phone: Option<&str>) -> String {
    [Some(name), profile_name, phone]
        .into_iter()
        .flatten()
        .find(|text| !text.trim().is_empty())
        .unwrap_or("")
        .to_owned()
}

fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

fn conversation(row: cache::ConversationRow, now: DateTime<Utc>) -> ConversationRow {
    let is_back = standing(&row).has_come_back(now);
    let phone = phone(row.phone.as_deref());
    ConversationRow {
        id: row.id,
        contact_id: row.contact_id,
        name: shown_name(&row.name, row.profile_name.as_deref(), phone.as_deref()),
        phone,
        preview: row.preview,
        last_kind: row.last_kind,
        last_direction: row.last_direction,
        last_message_at: row.last_message_at.map(at),
        waiting_since: row.waiting_since.map(at),
        unread_count: row.unread_count,
        handler: if row.handler == "bot" { Handler::Bot } else { Handler::Person },
        status: if is_back { "open".to_owned() } else { row.status },
        snoozed_until: row.snoozed_until.filter(|_| !is_back).map(at),
        came_back_at: row.snoozed_until.filter(|_| is_back).map(at),
        marked_unread: row.marked_unread,
        is_blocked: row.is_blocked,
        opened_at: row.opened_at.map(at),
        responded_at: row.responded_at.map(at),
        closed_at: row.closed_at.map(at),
        assignee_id: row.assignee_id,
        assignee: row.assignee,
        priority: row.priority,
        labels: texts(&row.labels),
        state: row.state.into(),
    }
}

fn summary(person: cache::PersonRow, older_visits: Older) -> PersonSummary {
    let phone = phone(person.phone.as_deref());
    PersonSummary {
        contact_id: person.contact_id,
        name: shown_name(&person.name, person.profile_name.as_deref(), phone.as_deref()),
        profile_name: person.profile_name,
        phone,
        source: person.source,
        tags: texts(&person.tags),
        notes: person.notes,
        is_blocked: person.is_blocked,
        patients: person.patients,
        visits: person
            .visits
            .into_iter()
            .map(|visit| PersonVisit {
                id: visit.id,
                starts_at: at(visit.starts_at),
                service: visit.service,
                professional: visit.professional,
                status: visit.status,
            })
            .collect(),
        older_visits,
        no_show_count: person.no_show_count,
        lead: person.lead.map(|(id, title, stage)| PersonLead { id, title, stage }),
    }
}

fn message(row: cache::MessageRow) -> MessageRow {
    let reactions: Vec<Value> = serde_json::from_str(&row.reactions).unwrap_or_default();
    let attachment = row.attachment.as_deref().and_then(|text| serde_json::from_str(text).ok());
    MessageRow {
        id: row.id,
        direction: row.direction,
        sender_kind: row.sender_kind,
        sender_name: row.sender_name,
        kind: row.kind,
        body: row.body,
        status: row.status,
        error_text: row.error_text,
        sent_at: at(row.sent_at),
        delivered_at: row.delivered_at.map(at),
        read_at: row.read_at.map(at),
        edited: row.edited,
        revoked: row.revoked,
        quoted_preview: row.quoted_preview,
        reactions: reactions
            .iter()
            .filter_map(|reaction| {
                // An empty one was taken back.
                let emoji = reaction.get("emoji")?.as_str().filter(|emoji| !emoji.is_empty())?;
                Some(Reaction {
                    emoji: emoji.to_owned(),
                    from_me: reaction.get("from_me").and_then(Value::as_bool).unwrap_or(false),
                })
            })
            .collect(),
        attachment,
        state: row.state.into(),
    }
}

impl From<cache::RowState> for RowState {
    fn from(state: cache::RowState) -> Self {
        match state {
            cache::RowState::Confirmed => Self::Confirmed,
            cache::RowState::Pending => Self::Pending,
            cache::RowState::Parked => Self::Parked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn someone_without_a_name_is_shown_by_what_is_known() {
        assert_eq!(shown_name("Maria", Some("Mari"), Some("(11) 9")), "Maria");
        assert_eq!(shown_name(" ", Some("Mari"), Some("(11) 9")), "Mari");
        assert_eq!(shown_name("", None, Some("(11) 9")), "(11) 9");
        assert_eq!(shown_name("", None, None), "");
    }
}
