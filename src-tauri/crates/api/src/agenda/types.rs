//! What the agenda asks and is told.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::row_state::RowState;

/// Asks for some days of the agenda, in the clinic's time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetAgenda {
    /// First day.
    pub from: NaiveDate,
    /// 1 to 42 days.
    pub days: u32,
}

/// Asks for the visits of a day and of all days after it that the copy does not have. They are in the copy when the answer
/// comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FetchOlderVisits {
    /// The day.
    pub from: NaiveDate,
}

/// Whether the copy has every visit of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// All of them are here.
    Whole,
    /// Perhaps not: they are in the clinic's database, to be fetched.
    Elsewhere,
    /// Perhaps not: the first copy is on its way and will bring them.
    Coming,
}

/// Some days of the agenda.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Agenda {
    /// IANA name of the clinic's time zone.
    pub time_zone: String,
    /// First day.
    pub from: NaiveDate,
    /// Number of days.
    pub days: u32,
    /// Who works here, in the order of the columns.
    pub professionals: Vec<Professional>,
    /// Whether these are all visits: where they are not, an empty time is not a free one.
    pub coverage: Coverage,
    /// Visits that touch these days, cancelled ones included, by start.
    pub visits: Vec<Visit>,
    /// Working hours of these days, as instants.
    pub working_hours: Vec<WorkingSpan>,
    /// Closed days, blocked hours.
    pub closures: Vec<Closure>,
}

/// A column of the agenda.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Professional {
    /// The professional.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Specialty.
    pub specialty: Option<String>,
    /// 1 to 8: one of the eight colours for professionals.
    pub color: u32,
}

/// One visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Visit {
    /// The appointment.
    pub id: Uuid,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// With whom.
    pub professional_id: Uuid,
    /// Room, where one is set.
    pub room: Option<String>,
    /// Service, where one is set.
    pub service: Option<String>,
    /// Who is cared for.
    pub patient: String,
    /// Who answers for the patient.
    pub contact_id: Uuid,
    /// Phone as people write it.
    pub phone: Option<String>,
    /// scheduled, confirmed, arrived, in_service, completed, cancelled or no_show.
    pub status: String,
    /// Deliberately beside another visit.
    pub squeezed_in: bool,
    /// Why it was squeezed in.
    pub squeeze_reason: Option<String>,
    /// Notes of the desk.
    pub notes: String,
    /// How many visits the patient has missed.
    pub no_show_count: u32,
    /// Whether what is shown is already in the clinic's database.
    pub state: RowState,
}

/// A piece of working time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct WorkingSpan {
    /// Whose.
    pub professional_id: Uuid,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
}

/// A time without work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Closure {
    /// Whose; absent for the whole clinic.
    pub professional_id: Option<Uuid>,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// Asks whether a visit could stand there, as far as this computer knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CheckSlot {
    /// The visit.
    pub appointment_id: Uuid,
    /// Wanted start.
    pub starts_at: DateTime<Utc>,
    /// Wanted end.
    pub ends_at: DateTime<Utc>,
    /// With whom.
    pub professional_id: Uuid,
}

/// Whether a slot is free as far as this computer knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SlotVerdict {
    /// Absent when the visit may stand there; else the code of the refusal (slot_taken, outside_working_hours …).
    pub refusal: Option<String>,
    /// Patient of the visit that stands in the way.
    pub occupied_by: Option<String>,
}

/// Moves a visit to another time or professional.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RescheduleAppointment {
    /// The visit.
    pub appointment_id: Uuid,
    /// New start.
    pub starts_at: DateTime<Utc>,
    /// New end.
    pub ends_at: DateTime<Utc>,
    /// With whom.
    pub professional_id: Uuid,
    /// Given: the visit is deliberately squeezed in beside another, or outside working hours, for this reason.
    #[serde(default)]
    pub squeeze_reason: Option<String>,
}
