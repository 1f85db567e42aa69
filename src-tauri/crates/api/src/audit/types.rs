//! The audit as the screens see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// What of the audit is asked for; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditWish {
    /// Who did it.
    pub member_id: Option<Uuid>,
    /// The person it is about.
    pub person_id: Option<Uuid>,
    /// What it was: people, visits, threads, leads, settings, team, logins, exports, squeezes or deletions.
    pub topic: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    /// In the values or the name of the person; at most 200 characters.
    pub text: Option<String>,
}

/// Asks for a page of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListAudit {
    /// What of it.
    pub wish: AuditWish,
    /// Entries before this place; absent, the newest.
    pub before: Option<AuditPoint>,
    /// 1 to 200 entries.
    pub limit: u32,
}

/// A place in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditPoint {
    /// When.
    pub at: DateTime<Utc>,
    /// Which entry of that instant.
    pub id: Uuid,
}

/// A page of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditEntries {
    /// Newest first. May be fewer than asked for, even none, where a long time had to be looked through.
    pub entries: Vec<AuditEntry>,
    /// Where to go on; absent at the end.
    pub next: Option<AuditPoint>,
}

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditEntry {
    /// The entry.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// insert, update, delete, or the name of what else was done.
    pub action: String,
    /// Table of the row that it was done to, where it was one.
    pub kind: Option<String>,
    /// Who did it; absent, it was done on the server itself.
    pub who: Option<String>,
    /// On which computer.
    pub computer: Option<String>,
    /// With which program.
    pub program: Option<String>,
    /// From which address; gone after ninety days.
    pub address: Option<String>,
    /// The person it is about.
    pub person: Option<AuditPerson>,
    /// What the row is called, where it has a name.
    pub subject: Option<String>,
    /// What changed.
    pub changes: Vec<AuditChange>,
}

/// A person that the audit is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditPerson {
    /// The contact.
    pub id: Uuid,
    /// Name; absent when there is none any more.
    pub name: Option<String>,
}

/// One field of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditChange {
    /// The column.
    pub field: String,
    /// What was there.
    pub before: Option<AuditValue>,
    /// What is there now.
    pub after: Option<AuditValue>,
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditValue {
    /// How `text` is to be read.
    pub shape: AuditShape,
    /// The value.
    pub text: String,
}

/// How the text of a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditShape {
    /// As it stands.
    Text,
    /// true or false.
    Flag,
    /// A number.
    Number,
    /// Hundredths of the currency.
    Money,
    /// An instant.
    Time,
    /// A calendar day.
    Date,
    /// Minutes since midnight.
    Clock,
    /// A stable name.
    Code,
    /// The id of something that has no name any more.
    Gone,
}

/// Who may have done something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditPeople {
    /// Those who work here first.
    pub members: Vec<AuditActor>,
}

/// A member as the audit knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditActor {
    /// The member.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Whether they still are a member.
    pub active: bool,
}

/// Saves what was asked for as a table that a spreadsheet opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ExportAudit {
    /// What of the audit.
    pub wish: AuditWish,
    /// What things are called in the person's language, by `column.`, `action.`, `kind.`, `field.`, `code.` and `flag.` with
    /// the name after it. What is not in it stands as the audit has it.
    pub words: BTreeMap<String, String>,
}

/// Where the audit was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ExportedAudit {
    /// The file.
    pub path: String,
    /// Entries in it.
    pub entries: u32,
    /// Whether older ones were left out, because a spreadsheet would not take more.
    pub left_out: bool,
}
