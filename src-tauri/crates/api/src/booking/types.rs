//! What booking from a thread asks and is told.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::agenda::Coverage;

/// Asks what can be booked for the person of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetBooking {
    /// The thread.
    pub conversation_id: Uuid,
}

/// What can be booked for a person, with whom and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Booking {
    /// Whom the person answers for, the person's own first.
    pub patients: Vec<BookingPatient>,
    /// Name under which the person would be a patient, who is none yet; absent where that makes no sense.
    pub own_name: Option<String>,
    /// Whether those who are cared for are animals.
    pub is_veterinary: bool,
    /// What can be booked.
    pub services: Vec<BookingService>,
    /// What the person last came for, else the first.
    pub usual_service_id: Option<Uuid>,
    /// Who works here, in the order of the agenda.
    pub professionals: Vec<BookingProfessional>,
}

/// Somebody who is cared for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BookingPatient {
    /// The patient.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

/// Something that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BookingService {
    /// The service.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// How long it takes.
    pub minutes: u32,
    /// Who does it.
    pub professional_ids: Vec<Uuid>,
}

/// Somebody with whom it can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BookingProfessional {
    /// The professional.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// 1 to 8: one of the eight colours for professionals.
    pub color: u32,
}

/// Asks for the next free times for the person of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FindTimes {
    /// The thread.
    pub conversation_id: Uuid,
    /// What for; absent where the clinic has no services.
    #[serde(default)]
    pub service_id: Option<Uuid>,
    /// With whom; absent for whoever is free first.
    #[serde(default)]
    pub professional_id: Option<Uuid>,
    /// Not before this day.
    #[serde(default)]
    pub from: Option<NaiveDate>,
    /// Not before this instant: the end of the last time that was shown.
    #[serde(default)]
    pub after: Option<DateTime<Utc>>,
}

/// The next free times, as far as this computer knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FreeTimes {
    /// At most three, in order, none of which shares time with another.
    pub times: Vec<FreeTime>,
    /// A text that offers them, in the language of the clinic's people; empty where there is none.
    pub text: String,
    /// Last day that was looked at.
    pub until: NaiveDate,
    /// Whether all visits of these days are here: where they are not, a time may not be free.
    pub coverage: Coverage,
}

/// A free time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FreeTime {
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// With whom.
    pub professional_id: Uuid,
    /// Name of whom.
    pub professional: String,
}

/// For whom a visit is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BookFor {
    /// Somebody the person answers for.
    Patient {
        /// Whom.
        patient_id: Uuid,
    },
    /// The person, who becomes a patient unless they are one.
    Person,
    /// Somebody who becomes a patient now.
    New {
        /// 1 to 200 characters.
        name: String,
    },
}

/// Books a visit for the person of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BookAppointment {
    /// The thread.
    pub conversation_id: Uuid,
    /// For whom.
    pub book_for: BookFor,
    /// What for; absent where the clinic has no services.
    #[serde(default)]
    pub service_id: Option<Uuid>,
    /// With whom.
    pub professional_id: Uuid,
    /// Start; how long it takes follows from the service.
    pub starts_at: DateTime<Utc>,
}

/// A visit was booked: it is safe on this computer and queued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Booked {
    /// The visit.
    pub appointment_id: Uuid,
    /// A text that confirms it to the person, in the language of the clinic's people.
    pub text: String,
    /// The patient who was made with it, to be given back when it is undone.
    pub patient_added: Option<Uuid>,
}

/// Asks for visits that were booked here and that the clinic has not taken, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListAwaited {
    /// The thread.
    pub conversation_id: Uuid,
}

/// They, the first to come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AwaitedVisits {
    /// The visits.
    pub visits: Vec<AwaitedVisit>,
}

/// A visit that was booked here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AwaitedVisit {
    /// The visit.
    pub appointment_id: Uuid,
    /// For whom.
    pub patient: String,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// Why the clinic has not taken it: slot_taken, or another reason that a person decides about. Absent while it waits.
    pub refused: Option<String>,
    /// The text that confirms it.
    pub text: String,
}

/// Takes a booking back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct UndoBooking {
    /// The visit.
    pub appointment_id: Uuid,
    /// The patient who was made with it: given back, unless something else is theirs by now.
    #[serde(default)]
    pub patient_added: Option<Uuid>,
}
