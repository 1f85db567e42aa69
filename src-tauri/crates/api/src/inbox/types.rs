//! What the inbox asks and is told.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::row_state::RowState;
use crate::threads::Named;

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboxView {
    /// A person waits for a person, or somebody wants to come back to it: longest first.
    #[default]
    NeedsReply,
    /// Assigned to the member who asks.
    Mine,
    /// With a note that names the member who asks, not seen yet.
    Mentioned,
    /// Open and assigned to nobody.
    Unassigned,
    /// In the hands of the bot.
    Bot,
    /// Put aside until later.
    Snoozed,
    /// Done.
    Closed,
    /// With people whom the clinic has blocked.
    Blocked,
    /// Everything, newest first.
    All,
}

/// Asks for a page of conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListConversations {
    /// Which conversations.
    pub view: InboxView,
    /// Only people whose name or phone contains this, accents ignored.
    #[serde(default)]
    pub search: Option<String>,
    /// Rows to skip.
    #[serde(default)]
    pub offset: u32,
    /// Rows to return, at most 500.
    pub limit: u32,
    /// Only those that it lets through.
    #[serde(default)]
    pub filter: ThreadFilter,
    /// Further views that are only counted.
    #[serde(default)]
    pub counting: Vec<FilteredView>,
}

/// What a view is narrowed to; what is absent narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct ThreadFilter {
    /// Threads with this label.
    pub label: Option<String>,
    /// Threads of this member.
    pub assignee_id: Option<Uuid>,
    /// Threads of this connection.
    pub channel_id: Option<Uuid>,
    /// Threads that wait longer than so many minutes.
    pub waiting_minutes: Option<u32>,
}

/// A view and what it is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct FilteredView {
    /// The view.
    pub view: InboxView,
    /// What it is narrowed to.
    pub filter: ThreadFilter,
}

/// A page of conversations, with the counts that stand beside the views.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ConversationList {
    /// The page.
    pub rows: Vec<ConversationRow>,
    /// How many rows the view has in all.
    pub total: u32,
    /// How many each view has.
    pub counts: InboxCounts,
    /// How many the further views have, in the order in which they were asked for.
    pub counted: Vec<u32>,
    /// When the next thread comes back that was put aside: then the answer is another one.
    pub returns_at: Option<DateTime<Utc>>,
}

/// How many conversations each view holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[allow(missing_docs, reason = "named after the views")]
pub struct InboxCounts {
    pub needs_reply: u32,
    pub mine: u32,
    pub mentioned: u32,
    pub unassigned: u32,
    pub bot: u32,
    pub snoozed: u32,
    pub closed: u32,
    pub blocked: u32,
    pub all: u32,
}

/// Who answers a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Handler {
    /// The bot answers.
    Bot,
    /// A person answers.
    Person,
}

/// One conversation in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ConversationRow {
    /// The conversation.
    pub id: Uuid,
    /// Who it is with.
    pub contact_id: Uuid,
    /// Name to show; the phone where no name is known.
    pub name: String,
    /// Phone as people write it, where it is known.
    pub phone: Option<String>,
    /// First line of the last message; empty for a message without text.
    pub preview: String,
    /// Kind of the last message (text, image, audio …).
    pub last_kind: Option<String>,
    /// inbound or outbound.
    pub last_direction: Option<String>,
    /// When the last message was sent.
    pub last_message_at: Option<DateTime<Utc>>,
    /// Since when the person waits for an answer; absent when nobody waits.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Messages since the last answer.
    pub unread_count: u32,
    /// Who answers.
    pub handler: Handler,
    /// open, snoozed or closed. What was put aside until a time that has come is open.
    pub status: String,
    /// Until when it is put aside.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When it came back, while nobody has answered since.
    pub came_back_at: Option<DateTime<Utc>>,
    /// A person wants it among those to be answered.
    pub marked_unread: bool,
    /// The clinic has blocked this person.
    pub is_blocked: bool,
    /// A note in it names the member who asks, and was not seen yet.
    pub is_mentioned: bool,
    /// Since when the talk that goes on, or went on last, is open.
    pub opened_at: Option<DateTime<Utc>>,
    /// When a person of the clinic first answered in it.
    pub responded_at: Option<DateTime<Utc>>,
    /// When it was done.
    pub closed_at: Option<DateTime<Utc>>,
    /// The member it is assigned to.
    pub assignee_id: Option<Uuid>,
    /// Name of the member it is assigned to.
    pub assignee: Option<String>,
    /// low, normal, high or urgent.
    pub priority: String,
    /// Labels in the order they were given.
    pub labels: Vec<String>,
    /// Whether what is shown is already in the clinic's database.
    pub state: RowState,
}

/// Asks for a piece of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetThread {
    /// Which conversation.
    pub conversation_id: Uuid,
    /// Only messages older than this one; absent for the newest.
    #[serde(default)]
    pub before: Option<ThreadPosition>,
    /// Messages to return, at most 500.
    pub limit: u32,
    /// Visits of the person to return, at most 200.
    #[serde(default = "few_visits")]
    pub visits: u32,
}

const fn few_visits() -> u32 {
    8
}

/// Asks for the next page of a conversation before the window of the copy. It is in the copy when the answer comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FetchOlderMessages {
    /// Which conversation.
    pub conversation_id: Uuid,
}

/// Asks for every visit of a person, however old. They are in the copy when the answer comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FetchPersonVisits {
    /// Which person.
    pub contact_id: Uuid,
}

/// What lies before the oldest thing that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Older {
    /// More, in the copy.
    Here,
    /// Perhaps more, in the clinic's database: to be fetched.
    Elsewhere,
    /// Perhaps more: the first copy is on its way and will bring it.
    Coming,
    /// Nothing: this is the beginning.
    Nothing,
}

/// A place in a thread: instants can tie, so the id decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ThreadPosition {
    /// When the message was sent.
    pub sent_at: DateTime<Utc>,
    /// The message.
    pub id: Uuid,
}

/// A piece of a thread, oldest message first, and who it is with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Thread {
    /// The conversation as the list shows it.
    pub conversation: ConversationRow,
    /// Who this is.
    pub person: PersonSummary,
    /// Oldest first.
    pub messages: Vec<MessageRow>,
    /// What waits for its time, the next first.
    pub scheduled: Vec<MessageRow>,
    /// What lies before the first of them.
    pub older: Older,
    /// How the person liked it, as they said last.
    pub satisfaction: Option<Satisfaction>,
}

/// How a person liked it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Satisfaction {
    /// 1 to 5.
    pub score: u8,
    /// When they said so.
    pub said_at: DateTime<Utc>,
}

/// Who a conversation is with, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PersonSummary {
    /// The contact.
    pub contact_id: Uuid,
    /// Full name.
    pub name: String,
    /// The name the person gave itself on WhatsApp.
    pub profile_name: Option<String>,
    /// Phone as people write it.
    pub phone: Option<String>,
    /// Where the person came from.
    pub source: Option<String>,
    /// Labels of the person.
    pub tags: Vec<String>,
    /// Notes of the clinic about the person.
    pub notes: String,
    /// The clinic has blocked them.
    pub is_blocked: bool,
    /// Patients this person answers for.
    pub patients: Vec<String>,
    /// Visits to come and the latest past ones, newest first.
    pub visits: Vec<PersonVisit>,
    /// What lies before the last of them.
    pub older_visits: Older,
    /// How many visits were missed.
    pub no_show_count: u32,
    /// Open or latest lead: title and stage.
    pub lead: Option<PersonLead>,
}

/// A visit as the side panel shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PersonVisit {
    /// The appointment.
    pub id: Uuid,
    /// When it starts.
    pub starts_at: DateTime<Utc>,
    /// Name of the service.
    pub service: Option<String>,
    /// Name of the professional.
    pub professional: String,
    /// Status of the visit.
    pub status: String,
    /// Whether it is already in the clinic's database as it is shown.
    pub state: RowState,
}

/// A lead as the side panel shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PersonLead {
    /// The lead.
    pub id: Uuid,
    /// What the person wants.
    pub title: String,
    /// Name of the stage.
    pub stage: String,
}

/// One message of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MessageRow {
    /// The message.
    pub id: Uuid,
    /// inbound, outbound or internal (a private note).
    pub direction: String,
    /// contact, member, bot, phone or system.
    pub sender_kind: String,
    /// Name of the member who wrote it.
    pub sender_name: Option<String>,
    /// text, image, audio, video, document, sticker, location, contact, button_reply, list_reply, poll, template, unsupported.
    pub kind: String,
    /// Text or caption.
    pub body: String,
    /// received, queued, sending, sent, delivered, read, played, failed or unknown.
    pub status: String,
    /// Why it failed, as a stable name: not_on_whatsapp, person_blocked, cancelled …
    pub error_code: Option<String>,
    /// Why it failed, in words of the gateway.
    pub error_text: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// When it is to go, or was to go, where that was not at once.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it reached the phone.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was read.
    pub read_at: Option<DateTime<Utc>>,
    /// Whether it was edited afterwards.
    pub edited: bool,
    /// Whether it was deleted for everyone.
    pub revoked: bool,
    /// The message it answers.
    pub quoted: Option<Quoted>,
    /// Whether an answer can quote it.
    pub is_quotable: bool,
    /// Members that it names, where it is a note.
    pub mentions: Vec<Named>,
    /// Reactions to it.
    pub reactions: Vec<Reaction>,
    /// What the kind carries beside text.
    pub attachment: Option<Attachment>,
    /// Whether it is already in the clinic's database.
    pub state: RowState,
}

/// A message that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Quoted {
    /// The message; absent where it is not on this computer.
    pub id: Option<Uuid>,
    /// Its first words, as they were when it was answered.
    pub preview: String,
    /// inbound or outbound, where it is known.
    pub direction: Option<String>,
    /// Its kind, where it is known.
    pub kind: Option<String>,
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Whether the clinic gave it.
    pub from_me: bool,
}

/// What a message carries beside text; which fields are there depends on the kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Attachment {
    /// MIME type of the file.
    pub mime_type: Option<String>,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<f64>,
    /// What became of the file: uploading, pending, stored, expired, too_large, failed, or removed when its
    /// time was over. Absent where nobody has tried.
    pub file: Option<String>,
    /// Width of a picture or film in pixels, as its sender says.
    pub width: Option<u32>,
    /// Its height.
    pub height: Option<u32>,
    /// A small JPEG of it in base64.
    pub thumbnail: Option<String>,
    /// Length of audio or video in seconds.
    pub seconds: Option<u32>,
    /// Degrees.
    pub latitude: Option<f64>,
    /// Degrees.
    pub longitude: Option<f64>,
    /// Name of a place, a contact card, a document; text of a chosen option.
    pub title: Option<String>,
    /// Kind as the gateway named it, where it is unsupported.
    pub original_kind: Option<String>,
    /// Address of a place.
    pub address: Option<String>,
    /// Whether a place moves with the person.
    pub live: Option<bool>,
    /// Whether sound was spoken into a microphone.
    pub voice: Option<bool>,
    /// How loud a voice note is from beginning to end: at most 64 values of 0 to 100. Empty where nobody knows.
    pub waveform: Vec<u8>,
    /// When the clinic removed the file.
    pub removed_at: Option<DateTime<Utc>>,
    /// After how many months.
    pub kept_months: Option<u32>,
    /// Second line of a chosen option.
    pub description: Option<String>,
    /// What can be voted for.
    pub options: Vec<String>,
    /// The vote that counts of each side of a poll; of a vote that is told by itself, that one.
    pub votes: Vec<PollVote>,
    /// People's cards.
    pub cards: Vec<ContactCard>,
}

/// What one side of a poll chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PollVote {
    /// Whether the clinic voted.
    pub from_me: bool,
    /// What was chosen; nothing where the vote was taken back. Absent where WhatsApp lets nobody but the phone read it.
    pub options: Option<Vec<String>>,
}

/// A person's card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct ContactCard {
    /// The name on it.
    pub name: String,
    /// The numbers on it, as people write them; at most five.
    pub phones: Vec<String>,
}
