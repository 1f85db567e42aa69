//! Conversations, threads, replies.

mod older;
mod types;

use std::sync::Arc;

use balcao_cache as cache;
use balcao_domain::feed::Entity;
use balcao_domain::message::ContactCard as Card;
use balcao_domain::phone::Phone;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use older::{fetch, fetch_older_messages, fetch_person_visits};
pub use types::*;

use crate::desk::Desk;
use crate::error::ApiError;
use crate::row_state::RowState;
use crate::threads::{Named, standing};

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
        mentioned: counts.mentioned,
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
        InboxView::Mentioned => counts.mentioned,
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
        InboxView::Mentioned => cache::InboxView::Mentioned,
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
    let (mut person, mut messages, scheduled, team, reach, visits_reach, liked) = tokio::try_join!(
        cache.person(row.contact_id, visits + 1),
        cache.messages(request.conversation_id, before, limit + 1),
        cache.scheduled_messages(request.conversation_id),
        cache.team(),
        cache.thread_reach(request.conversation_id),
        cache.person_reach(row.contact_id),
        cache.satisfaction(request.conversation_id),
    )?;
    let older = Older::behind(messages.len() > limit as usize, reach);
    messages.truncate(limit as usize);
    messages.reverse();
    let older_visits = Older::behind(person.visits.len() > visits as usize, visits_reach);
    person.visits.truncate(visits as usize);
    Ok(Thread {
        conversation: conversation(row, clinic.cache.server_now().await?),
        person: summary(person, older_visits),
        messages: messages.into_iter().map(|row| message(row, &team)).collect(),
        scheduled: scheduled.into_iter().map(|row| message(row, &team)).collect(),
        older,
        satisfaction: liked.map(|(score, said_at)| Satisfaction { score, said_at: at(said_at) }),
    })
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
        is_mentioned: row.is_mentioned,
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
                state: visit.state.into(),
            })
            .collect(),
        older_visits,
        no_show_count: person.no_show_count,
        lead: person.lead.map(|(id, title, stage)| PersonLead { id, title, stage }),
    }
}

fn message(row: cache::MessageRow, team: &[cache::MemberRow]) -> MessageRow {
    let is_quotable = is_quotable(&row);
    let named: Vec<Uuid> = row.mentions.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let reactions: Vec<Value> = serde_json::from_str(&row.reactions).unwrap_or_default();
    let attachment = row.attachment.as_deref().and_then(attachment).map(|mut attachment| {
        let of_poll = row.votes.as_deref().map(votes_of_poll);
        attachment.votes = of_poll.or_else(|| vote_itself(&row).map(|vote| vec![vote])).unwrap_or_default();
        attachment
    });
    MessageRow {
        id: row.id,
        direction: row.direction,
        sender_kind: row.sender_kind,
        sender_name: row.sender_name,
        kind: row.kind,
        body: row.body,
        status: row.status,
        error_code: row.error_code,
        error_text: row.error_text,
        sent_at: at(row.sent_at),
        scheduled_for: row.scheduled_for.map(at),
        delivered_at: row.delivered_at.map(at),
        read_at: row.read_at.map(at),
        edited: row.edited,
        revoked: row.revoked,
        quoted: row.quoted.map(|quoted| {
            let (id, direction, kind) = quoted
                .message
                .map_or((None, None, None), |(id, direction, kind)| (Some(id), Some(direction), Some(kind)));
            Quoted { id, preview: quoted.preview, direction, kind }
        }),
        is_quotable,
        mentions: team
            .iter()
            .filter(|member| named.contains(&member.id))
            .map(|member| Named { id: member.id, name: member.name.clone() })
            .collect(),
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

/// Whether an answer can say that it answers this one: the gateway knows it, and it is still there.
pub(crate) fn is_quotable(row: &cache::MessageRow) -> bool {
    row.gateway_id.is_some() && !row.revoked && row.direction != "internal"
}

/// What a message carries beside text. A card says its numbers in a format of its own.
fn attachment(text: &str) -> Option<Attachment> {
    let stored: Value = serde_json::from_str(text).ok()?;
    let mut attachment: Attachment = serde_json::from_value(stored.clone()).ok()?;
    let cards = stored.get("cards").and_then(Value::as_array).into_iter().flatten();
    for (shown, card) in attachment.cards.iter_mut().zip(cards) {
        let vcard = card.get("vcard").and_then(Value::as_str).unwrap_or_default().to_owned();
        let card = Card { name: String::new(), vcard };
        shown.phones = card.phones().into_iter().map(phone_on_card).collect();
    }
    Some(attachment)
}

/// The last vote of each side, the person's first.
fn votes_of_poll(told: &str) -> Vec<PollVote> {
    let told: Vec<Value> = serde_json::from_str(told).unwrap_or_default();
    let last = |from_me: bool| {
        let of_side = |vote: &&Value| vote.get("from_me").and_then(Value::as_i64) == Some(from_me.into());
        told.iter().rev().find(of_side).map(|vote| PollVote { from_me, options: chosen(vote) })
    };
    [false, true].into_iter().filter_map(last).collect()
}

fn vote_itself(row: &cache::MessageRow) -> Option<PollVote> {
    let stored: Value = serde_json::from_str(row.attachment.as_deref()?).ok()?;
    (stored.get("original_kind")? == "pollUpdateMessage")
        .then(|| PollVote { from_me: row.direction == "outbound", options: chosen(&stored) })
}

fn chosen(vote: &Value) -> Option<Vec<String>> {
    serde_json::from_value(vote.get("options")?.clone()).ok()
}

/// A number as people here write it, where it is one of here.
fn phone_on_card(written: &str) -> String {
    Phone::parse(written).map_or_else(|_| written.to_owned(), |phone| phone.display())
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
    fn a_card_shows_its_numbers_and_an_odd_attachment_nothing() {
        let stored = r#"{"title": "Ana", "cards": [{"name": "Ana", "vcard": "TEL:+55 11 98888 7777\nTEL:ramal 12"}]}"#;
        let cards = attachment(stored).unwrap().cards;
        assert_eq!(cards[0].phones, ["(11) 98888-7777", "ramal 12"]);
        assert_eq!(attachment("7"), None);
        assert_eq!(attachment(r#"{"cards": 3}"#), None);
    }

    #[test]
    fn of_each_side_the_last_vote_counts() {
        let told = r#"[{"from_me": 1, "options": ["a"]}, {"from_me": 0, "options": ["a", "b"]}, {"from_me": 0, "options": null}]"#;
        let vote = |from_me, options: Option<&[&str]>| PollVote {
            from_me,
            options: options.map(|options| options.iter().map(|word| (*word).to_owned()).collect()),
        };
        assert_eq!(votes_of_poll(told), [vote(false, None), vote(true, Some(&["a"]))]);
        assert_eq!(votes_of_poll("[]"), []);
    }

    #[test]
    fn someone_without_a_name_is_shown_by_what_is_known() {
        assert_eq!(shown_name("Maria", Some("Mari"), Some("(11) 9")), "Maria");
        assert_eq!(shown_name(" ", Some("Mari"), Some("(11) 9")), "Mari");
        assert_eq!(shown_name("", None, Some("(11) 9")), "(11) 9");
        assert_eq!(shown_name("", None, None), "");
    }
}
