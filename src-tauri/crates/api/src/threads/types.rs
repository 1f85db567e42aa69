//! What is done with threads, and with the people who write them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::inbox::Handler;

/// How much a thread presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThreadPriority {
    /// It can wait.
    Low,
    /// As most.
    Normal,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

/// What is done with a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ThreadAction {
    /// Takes it from the bot, or gives it back.
    HandOver {
        /// Who answers from now on.
        to: Handler,
    },
    /// Makes it somebody's, or nobody's.
    Assign {
        /// Whose.
        member_id: Option<Uuid>,
    },
    /// Says how much it presses.
    Prioritise {
        /// How much.
        priority: ThreadPriority,
    },
    /// Adds a label.
    AddLabel {
        /// 1 to 40 characters after trimming.
        label: String,
    },
    /// Takes a label away.
    RemoveLabel {
        /// Which.
        label: String,
    },
    /// Puts it aside; it comes back by itself, or when the person writes.
    Snooze {
        /// Until when; within a year.
        until: DateTime<Utc>,
    },
    /// It is done.
    Close,
    /// It is not.
    Reopen,
    /// It is to be answered, whoever wrote last.
    MarkUnread,
    /// Blocks the person: nothing is sent to them, and what they write asks for no answer.
    Block,
    /// Takes that back.
    Unblock,
}

/// Does one thing with some threads. Each is a write of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ActOnThreads {
    /// Which threads, at most 200.
    pub conversation_ids: Vec<Uuid>,
    /// What is done.
    pub action: ThreadAction,
    /// Takes it back together with an earlier piece of the same work.
    #[serde(default)]
    pub undo: Option<Uuid>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ActedOnThreads {
    /// Threads that are otherwise now; the others were that already, or are not there any more.
    pub changed: u32,
    /// Takes it back; absent when nothing changed.
    pub undo: Option<Uuid>,
}

/// Takes back what was done a moment ago, where nobody has done something else since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct UndoThreads {
    /// What.
    pub undo: Uuid,
}

/// What the inbox is worked with: who works here, which labels there are, how long is long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct InboxFrame {
    /// The member at this desk.
    pub me: Uuid,
    /// Whom a thread can be given to, by name.
    pub members: Vec<Named>,
    /// WhatsApp connections, by name.
    pub channels: Vec<Named>,
    /// Labels in use, the commonest first.
    pub labels: Vec<String>,
    /// From when a wait is shown.
    pub limits: WaitLimits,
    /// For how many months the clinic keeps the files of messages; 0 for ever.
    pub files_months: u32,
    /// How many minutes before a visit it is still offered in a thread.
    pub booking_lead_minutes: u32,
}

/// For how long the clinic keeps the files of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FilesKept {
    /// Months, at most 1,200; 0 for ever.
    pub months: u32,
}

/// Chooses how many minutes before a visit it is still offered in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BookingLead {
    /// 0 to a week.
    pub minutes: u32,
}

/// Somebody or something with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Named {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// After how many minutes a wait is amber, and red.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct WaitLimits {
    /// 1 or more.
    pub amber_minutes: u32,
    /// More than that, at most a week.
    pub red_minutes: u32,
}

/// Who else has a thread open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetCompany {
    /// The thread, which is before somebody's eyes here.
    pub conversation_id: Uuid,
}

/// Who else has it open; nobody without a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Company {
    /// Each once.
    pub people: Vec<Companion>,
}

/// Somebody else who has the thread open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Companion {
    /// Who.
    pub member_id: Uuid,
    /// What they are called.
    pub name: String,
    /// Whether they are writing.
    pub typing: bool,
}

/// Somebody writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NoteTyping {
    /// In which thread.
    pub conversation_id: Uuid,
    /// Whether they do; it ends by itself some seconds after the last word.
    pub typing: bool,
}

/// A question after a talk was closed: how the person liked it, from 1 to 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Survey {
    /// Whether it is asked.
    pub on: bool,
    /// What is asked, 1 to 500 characters; empty where nothing was ever chosen.
    pub question: String,
    /// Hours for which the next message of the person may be the answer, 1 to 168.
    pub hours: u32,
}

/// Times until which a thread is often put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SnoozeTimes {
    /// In order.
    pub times: Vec<SnoozeTime>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SnoozeTime {
    /// hour, afternoon, tomorrow or monday.
    pub name: String,
    /// When that is.
    pub at: DateTime<Utc>,
}

/// Two people who are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MergePeople {
    /// Who stays.
    pub keep: Uuid,
    /// Whose everything moves there.
    pub absorbed: Uuid,
}

/// What would come together, as far as this computer knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MergePreview {
    /// Who stays.
    pub keep: PersonWeight,
    /// Who goes.
    pub absorbed: PersonWeight,
    /// Both have an open lead in the same pipeline: one of them has to be closed first.
    pub leads_collide: bool,
}

/// A person, and what hangs on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PersonWeight {
    /// Name to show.
    pub name: String,
    /// Phone as people write it.
    pub phone: Option<String>,
    /// Patients they answer for.
    pub patients: Vec<String>,
    /// Conversations.
    pub conversations: u32,
    /// Visits.
    pub visits: u32,
    /// Leads.
    pub leads: u32,
}

/// Two people were joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MergedPeople {
    /// Takes it apart within thirty days.
    pub merge_id: Uuid,
}

/// Takes a merge apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct UndoMerge {
    /// Which.
    pub merge_id: Uuid,
}

/// Asks who was joined to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListMerges {
    /// The person.
    pub contact_id: Uuid,
}

/// Who was joined to a person and can still be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Merges {
    /// Newest first.
    pub merges: Vec<Merge>,
}

/// One merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Merge {
    /// The merge.
    pub id: Uuid,
    /// What the absorbed one was called.
    pub name: String,
    /// Their phone as people write it.
    pub phone: Option<String>,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// Who did it.
    pub member: Option<String>,
}
