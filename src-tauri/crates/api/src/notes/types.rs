//! What notes ask and are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteAbout {
    /// A person.
    Contact,
    /// A visit.
    Appointment,
    /// A lead: the note goes to the person who it is.
    Lead,
}

/// Adds a note to whatever stands there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AddNote {
    /// What it is about.
    pub about: NoteAbout,
    /// The person, the visit or the lead.
    pub id: Uuid,
    /// 1 to 2,000 characters. Time and author are put in front.
    pub text: String,
}

/// Asks for the notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetNotes {
    /// What they are about.
    pub about: NoteAbout,
    /// The person, the visit or the lead.
    pub id: Uuid,
}

/// Notes, and what of them the clinic's database does not have yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Notes {
    /// Whose they are: the person or the visit.
    pub entity_id: Uuid,
    /// What the database has, as far as this computer knows.
    pub text: String,
    /// What is queued, in order.
    pub queued: Vec<QueuedNote>,
}

/// A note that the clinic's database does not have yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QueuedNote {
    /// The operation that carries it.
    pub operation_id: Uuid,
    /// The line, with time and author.
    pub text: String,
    /// Refused; a person decides.
    pub parked: bool,
}
