//! The inbox: every talk of every person, in the order in which it was written, and what the list shows of it.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use balcao_tenant::ClinicFrame;

use super::Plan;
use super::clinic::{ATTENDANTS, Clinic};
use super::dice::Dice;
use super::ids::Ids;
use super::leads::Lead;
use super::messages::Message;
use super::people::{Contact, People};
use super::talks::talks;
use super::visits::Visit;

pub(crate) struct Conversation {
    pub(crate) id: Uuid,
    /// Index of the contact.
    pub(crate) contact: usize,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) fate: Fate,
    pub(crate) handler: &'static str,
    pub(crate) assignee_id: Option<Uuid>,
    pub(crate) priority: &'static str,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) kept: Kept,
}

/// What the trigger on messages keeps in the row of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) last_message_at: Option<DateTime<Utc>>,
    pub(crate) last_message_preview: String,
    pub(crate) last_message_direction: Option<&'static str>,
    pub(crate) last_message_kind: Option<&'static str>,
    pub(crate) last_inbound_at: Option<DateTime<Utc>>,
    pub(crate) last_outbound_at: Option<DateTime<Utc>>,
    pub(crate) last_human_message_at: Option<DateTime<Utc>>,
    pub(crate) first_response_at: Option<DateTime<Utc>>,
    pub(crate) unread_count: i32,
    pub(crate) waiting_since: Option<DateTime<Utc>>,
}

impl Kept {
    /// One message more; they come in the order in which they were sent.
    fn take(&mut self, message: &Message) {
        let at = Some(message.sent_at);
        self.last_message_at = at;
        self.last_message_preview = preview(&message.body);
        self.last_message_direction = Some(message.direction);
        self.last_message_kind = Some(message.kind);
        if message.direction == "inbound" {
            self.last_inbound_at = at;
            self.unread_count += 1;
            self.waiting_since = self.waiting_since.or(at);
        } else {
            self.last_outbound_at = at;
            self.first_response_at = self.first_response_at.or(at);
            self.unread_count = 0;
            self.waiting_since = None;
        }
        if matches!(message.sender_kind, "member" | "phone") {
            self.last_human_message_at = at;
        }
    }
}

/// The first 160 characters, with every run of white space as one blank.
fn preview(body: &str) -> String {
    let mut shown = String::with_capacity(body.len().min(640));
    let mut blank = false;
    for character in body.chars() {
        if !character.is_whitespace() {
            shown.push(character);
        } else if !blank {
            shown.push(' ');
        }
        blank = character.is_whitespace();
    }
    match shown.char_indices().nth(160) {
        Some((end, _)) => shown[..end].to_owned(),
        None => shown,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Snoozed(DateTime<Utc>),
    Closed,
}

/// A member has read a conversation up to a moment.
pub(crate) struct Reading {
    pub(crate) conversation: usize,
    pub(crate) member_id: Uuid,
    pub(crate) read_until: DateTime<Utc>,
}

pub(crate) struct Threads {
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) messages: Vec<Message>,
    pub(crate) readings: Vec<Reading>,
}

/// Puts everything that was said in order and draws the rows of the conversations from it.
pub(crate) fn threads(
    plan: &Plan,
    frame: &ClinicFrame,
    clinic: &Clinic,
    people: &mut People,
    visits: &[Visit],
    leads: &[Lead],
) -> Threads {
    let (mut conversations, mut messages) = talks(plan, frame, clinic, people, visits, leads);
    let mut dice = Dice::new(plan.seed, "threads");
    let mut ids = Ids::new(frame.clinic_id, plan.seed, "conversations");
    for conversation in &mut conversations {
        conversation.id = ids.next(conversation.created_at);
        let contact = &mut people.contacts[conversation.contact];
        contact.created_at = contact.created_at.min(conversation.created_at);
    }
    messages.sort_by_key(|message| message.sent_at);
    let mut ids = Ids::new(frame.clinic_id, plan.seed, "messages");
    for message in &mut messages {
        message.id = ids.next(message.sent_at);
        if message.direction == "internal" {
            continue;
        }
        let conversation = &mut conversations[message.conversation];
        conversation.kept.take(message);
        interact(&mut people.contacts[conversation.contact], message.sent_at);
    }
    let mut readings = Vec::new();
    for (index, conversation) in conversations.iter_mut().enumerate() {
        end(plan, clinic, conversation, &mut dice);
        let Some(last) = conversation.kept.last_message_at else { continue };
        for member in &clinic.members[..ATTENDANTS] {
            let read = if conversation.fate == Fate::Closed { dice.chance(0.04) } else { dice.chance(0.6) };
            let until = conversation.kept.waiting_since.filter(|_| dice.chance(0.5));
            if read {
                let read_until = until.map_or(last, |since| since - TimeDelta::seconds(1));
                readings.push(Reading { conversation: index, member_id: member.id, read_until });
            }
        }
    }
    Threads { conversations, messages, readings }
}

/// A talk is one interaction: within five minutes the last one stands.
fn interact(contact: &mut Contact, at: DateTime<Utc>) {
    if contact.last_interaction_at.is_none_or(|last| last < at - TimeDelta::minutes(5)) {
        contact.last_interaction_at = Some(at);
    }
}

fn end(plan: &Plan, clinic: &Clinic, conversation: &mut Conversation, dice: &mut Dice) {
    let touched = conversation.kept.last_human_message_at.is_some();
    conversation.handler = if touched { "person" } else { "bot" };
    if conversation.kept.waiting_since.is_some() {
        // The bot has passed it on: it keeps nobody waiting.
        conversation.handler = "person";
    }
    let taken = if conversation.fate == Fate::Closed { 0.35 } else { 0.7 };
    if touched && dice.chance(taken) {
        conversation.assignee_id = Some(clinic.members[dice.below(ATTENDANTS)].id);
    }
    if let (Fate::Closed, Some(last)) = (conversation.fate, conversation.kept.last_message_at) {
        let wished = last + TimeDelta::minutes(dice.between(2, 900));
        conversation.closed_at = Some(wished.min(plan.now));
    }
}
