//! A person's data as the screens see it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// Asks what is known about a person, and what erasing them would leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetPersonData {
    /// The person.
    pub contact_id: Uuid,
}

/// How much is known about a person; what goes and what stays when they are erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PersonData {
    /// What the person is called; must be typed to erase them.
    pub name: String,
    /// When they were erased before.
    pub erased_at: Option<DateTime<Utc>>,
    /// Names of patients that go with them.
    pub patients: Vec<String>,
    /// Names of patients that stay, because somebody else comes with them, too.
    pub patients_kept: Vec<String>,
    /// Telephone numbers and other addresses.
    pub addresses: u32,
    /// Messages that go.
    pub messages: u32,
    /// Visits that stay without a text.
    pub visits: u32,
    /// Among them those to come, which are cancelled.
    pub visits_ahead: u32,
    /// Open leads, which go.
    pub leads_open: u32,
    /// Closed leads, which stay without a text.
    pub leads_closed: u32,
    /// Entries of the waiting list, which go.
    pub waiting_list: u32,
    /// Entries of the audit that stay without what was in them.
    pub audit_entries: u32,
}

/// Reads everything about a person into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ExportPerson {
    /// The person.
    pub contact_id: Uuid,
}

/// Where the file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ExportedPerson {
    /// The file: a zip with a page, a document for programs, and files. Absent when the export was called off: nothing is left
    /// of it then.
    pub path: Option<String>,
    /// Entries in it.
    pub rows: u32,
    /// Files of messages that are named in it and could not be read.
    pub missing: Vec<String>,
}

/// How far an export is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS, JsonSchema)]
pub struct PersonExport {
    /// person, addresses, patients, visits, waiting_list, leads, conversations, messages, merges, audit, files; absent when
    /// none is under way.
    pub part: Option<String>,
    /// Entries that were read.
    pub rows: u32,
    /// Files that were read.
    pub files_done: u32,
    /// Files there are, as far as messages were read.
    pub files: u32,
}

/// Erases a person for good.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ErasePerson {
    /// The person.
    pub contact_id: Uuid,
    /// request, consent, ended, mistake or other.
    pub reason: String,
    /// Their name, typed.
    pub typed_name: String,
}

impl std::fmt::Debug for ErasePerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErasePerson").field("contact_id", &self.contact_id).finish_non_exhaustive()
    }
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ErasedPerson {
    /// Messages that are gone.
    pub messages: u32,
    /// Visits that stayed without a text.
    pub visits_kept: u32,
    /// Visits to come that were cancelled.
    pub visits_cancelled: u32,
}
