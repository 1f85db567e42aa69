//! Booking from a thread: the next free times for the person who is talking, and the visit that comes of it.

mod patient;
mod texts;
mod types;

use std::sync::Arc;

use balcao_cache::{self as cache, AgendaRows, ConversationRow, Effect, NewOperation, ServiceRow, WriteKind};
use balcao_domain::Refusal;
use balcao_domain::appointment::{Placement, Status};
use balcao_domain::free_slots::{Candidate, Need, Offer, Room, offers};
use balcao_domain::working_hours::{Span, day_span, working_spans_of_days};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use patient::Patient;
pub use types::*;

use crate::agenda::{Around, Coverage, coverage, hours, in_calendar, room_taken, taken};
use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, entity, instant, object};
use crate::operations::Written;
use crate::threads::booking_lead;

/// Times of one answer.
const OFFERED: usize = 3;
/// Days that are looked at: mostly the first few have three free times, and the others need not be read.
const DAYS: [u64; 3] = [7, 28, 84];
/// How long a visit takes of which nothing is said.
const USUAL_MINUTES: u32 = 30;

pub(crate) async fn get_booking(desk: &Arc<Desk>, request: GetBooking) -> Result<Booking, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    let (patients, services, last, frame, here) = tokio::try_join!(
        clinic.cache.patients(row.contact_id),
        clinic.cache.services(),
        clinic.cache.last_service(row.contact_id),
        // No days: who works here is all that is asked.
        clinic.cache.agenda(0, 0),
        clinic.cache.clinic(),
    )?;
    let is_veterinary = patient::are_animals(here.as_ref());
    let own = !is_veterinary && patients.iter().all(|patient| patient.relation != patient::OWN);
    Ok(Booking {
        own_name: name_of(&row).filter(|_| own),
        is_veterinary,
        patients: patients.into_iter().map(|row| BookingPatient { id: row.id, name: row.name }).collect(),
        usual_service_id: last.or(services.first().map(|service| service.id)),
        services: services
            .into_iter()
            .map(|row| BookingService {
                professional_ids: who_does(&row, &frame),
                id: row.id,
                name: row.name,
                minutes: row.duration_minutes,
            })
            .collect(),
        professionals: frame
            .professionals
            .into_iter()
            .map(|row| BookingProfessional { id: row.id, name: row.name, color: row.color })
            .collect(),
    })
}

pub(crate) async fn find_times(desk: &Arc<Desk>, request: FindTimes) -> Result<FreeTimes, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    let service = service(&clinic, request.service_id).await?;
    let zone = clinic.time_zone().await?;
    if let Some(day) = request.from {
        in_calendar(day, "from")?;
    }
    if let Some(at) = request.after {
        in_calendar(at.date_naive(), "after")?;
    }
    let wanted = request.from.map(|day| day_span(day, zone).start).max(request.after);
    let settings = clinic.cache.inbox_settings().await?;
    let lead = booking_lead(settings.as_ref().map_or("", |(_, inbox)| inbox));
    let mut need = Need::ahead(clinic.cache.server_now().await?, lead, wanted, length(service.as_ref()));
    if let Some(service) = &service {
        need.before = TimeDelta::minutes(service.buffer_before_minutes.into());
        need.after = TimeDelta::minutes(service.buffer_after_minutes.into());
    }
    let first = need.from.with_timezone(&zone).date_naive();
    let mut found: (Vec<FreeTime>, NaiveDate, Coverage) = (Vec::new(), first, Coverage::Whole);
    for days in DAYS {
        let until = first + Days::new(days - 1);
        let span = Span { start: day_span(first, zone).start, end: day_span(until, zone).end };
        let covered = coverage(&clinic, span, zone).await?;
        let rows = clinic.cache.agenda(span.start.timestamp_micros(), span.end.timestamp_micros()).await?;
        let candidates = candidates(&rows, service.as_ref(), request.professional_id, first, until, zone);
        let times = offers(&need, &candidates, OFFERED).iter().filter_map(|offer| time(&rows, offer)).collect();
        found = (times, until, covered);
        if found.0.len() == OFFERED {
            break;
        }
    }
    let (times, until, coverage) = found;
    Ok(FreeTimes { text: texts::offer(name_of(&row).as_deref(), &times, zone), times, until, coverage })
}

pub(crate) async fn book_appointment(desk: &Arc<Desk>, request: BookAppointment) -> Result<Booked, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    let service = service(&clinic, request.service_id).await?;
    in_calendar(request.starts_at.date_naive(), "starts_at")?;
    let (starts_at, ends_at) = (request.starts_at, request.starts_at + length(service.as_ref()));
    if starts_at < clinic.cache.server_now().await? {
        return Err(Refusal::TimePassed.into());
    }
    let around = Around::load(&clinic, starts_at, ends_at).await?;
    let professional = around
        .professional(request.professional_id)
        .ok_or_else(|| ApiError::new("not_found", "there is no such professional").about("professional_id"))?;
    let id = Uuid::now_v7();
    let placement = Placement {
        id,
        status: Status::Scheduled,
        professional_id: professional.id,
        starts_at,
        ends_at,
        squeeze_reason: None,
    };
    around.check(&placement).map_err(|obstacle| obstacle.refusal)?;
    let room = professional.room_id.and_then(|usual| around.free_room(Some(usual), &placement));
    let patient = Patient::of(&clinic, &row, name_of(&row), request.book_for).await?;
    let fields = object(json!({
        "patient_id": patient.id,
        "contact_id": row.contact_id,
        "professional_id": professional.id,
        "room_id": room,
        "service_id": service.as_ref().map(|service| service.id),
        "starts_at": instant(starts_at),
        "ends_at": instant(ends_at),
        "status": "scheduled",
        "squeezed_in": false,
        "notes": "",
        "source": "person",
        "price_cents": service.as_ref().and_then(|service| service.price_cents),
    }));
    let zone = clinic.time_zone().await?;
    let time =
        FreeTime { starts_at, ends_at, professional_id: professional.id, professional: professional.name.clone() };
    let text = texts::confirmation(name_of(&row).as_deref(), patient.of_another(), &time, zone);
    let patient_added = patient.added.is_some().then_some(patient.id);
    let depends_on = match patient.added {
        Some(added) => write(&clinic, "add_patient", WriteKind::Insert, "patients", patient.id, added, None).await?,
        None => None,
    };
    write(&clinic, "book_appointment", WriteKind::Insert, "appointments", id, fields, depends_on).await?;
    clinic.sync.written();
    Ok(Booked { appointment_id: id, text, patient_added })
}

pub(crate) async fn list_awaited(desk: &Arc<Desk>, request: ListAwaited) -> Result<AwaitedVisits, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    let (rows, zone) = (clinic.cache.awaited_visits(row.contact_id).await?, clinic.time_zone().await?);
    let visits = rows.into_iter().map(|visit| {
        let (starts_at, is_person) = (at(visit.starts_at), visit.relation == patient::OWN);
        let time = FreeTime {
            starts_at,
            ends_at: starts_at,
            professional_id: visit.professional_id,
            professional: visit.professional,
        };
        let of_another = (!is_person).then_some(&*visit.patient);
        AwaitedVisit {
            appointment_id: visit.id,
            text: texts::confirmation(name_of(&row).as_deref(), of_another, &time, zone),
            patient: visit.patient,
            starts_at,
            refused: visit.refused,
        }
    });
    Ok(AwaitedVisits { visits: visits.collect() })
}

pub(crate) async fn undo_booking(desk: &Arc<Desk>, request: UndoBooking) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let id = request.appointment_id;
    let visit = clinic.cache.visit(id).await?;
    // Looked at before: afterwards nothing says any more that it was theirs.
    let patient = match request.patient_added {
        Some(patient) if clinic.cache.is_only_of(patient, id).await? => Some(patient),
        _ => None,
    };
    if clinic.cache.withdraw(entity("appointments")?, id).await? {
        give_back(&clinic, patient).await?;
        return Ok(Written { operation_id: None, entity_id: id });
    }
    // The clinic knows of it, or may: there it is called off, and what was written of it stays.
    if Status::parse(&visit.status).is_none_or(Status::is_finished) {
        return Err(Refusal::VisitFinished.into());
    }
    let fields = object(json!({ "status": "cancelled" }));
    let operation_id = write(&clinic, "cancel_appointment", WriteKind::Patch, "appointments", id, fields, None).await?;
    give_back(&clinic, patient).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: id })
}

/// A patient who was made for a visit that is none: taken back, or where the clinic knows of them, put out of sight.
async fn give_back(clinic: &OpenClinic, patient: Option<Uuid>) -> Result<(), ApiError> {
    let Some(id) = patient else { return Ok(()) };
    if clinic.cache.withdraw(entity("patients")?, id).await? {
        return Ok(());
    }
    write(clinic, "remove_patient", WriteKind::Patch, "patients", id, object(json!({ "active": false })), None).await?;
    clinic.sync.written();
    Ok(())
}

async fn write(
    clinic: &OpenClinic,
    action: &'static str,
    kind: WriteKind,
    table: &str,
    id: Uuid,
    fields: Map<String, Value>,
    depends_on: Option<Uuid>,
) -> Result<Option<Uuid>, ApiError> {
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action,
        kind,
        effect: Effect { entity: entity(table)?, entity_id: id, fields },
        followers: Vec::new(),
        unchecked: &[],
        depends_on,
        expires_at: None,
    };
    Ok(clinic.cache.enqueue(operation).await?)
}

/// A phone is no name.
fn name_of(row: &ConversationRow) -> Option<String> {
    [Some(&row.name), row.profile_name.as_ref()].into_iter().flatten().find(|name| !name.trim().is_empty()).cloned()
}

async fn service(clinic: &OpenClinic, id: Option<Uuid>) -> Result<Option<ServiceRow>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let known = clinic.cache.services().await?.into_iter().find(|service| service.id == id);
    let gone = || ApiError::new("not_found", "there is no such service").about("service_id");
    known.map(Some).ok_or_else(gone)
}

fn length(service: Option<&ServiceRow>) -> TimeDelta {
    TimeDelta::minutes(service.map_or(USUAL_MINUTES, |service| service.duration_minutes).into())
}

/// Who does a service. Of one that nobody is said to do, anybody may.
fn who_does(service: &ServiceRow, frame: &AgendaRows) -> Vec<Uuid> {
    let all = frame.professionals.iter().map(|professional| professional.id);
    all.filter(|id| service.professionals.is_empty() || service.professionals.contains(id)).collect()
}

fn candidates(
    rows: &AgendaRows,
    service: Option<&ServiceRow>,
    only: Option<Uuid>,
    first: NaiveDate,
    until: NaiveDate,
    zone: Tz,
) -> Vec<Candidate> {
    let (weekly, exceptions) = hours(rows);
    let does = service.map(|service| who_does(service, rows));
    let asked_for = |row: &&cache::ProfessionalRow| match only {
        // Whoever is asked for by name is asked for, whatever is said of what they do.
        Some(id) => row.id == id,
        None => does.as_ref().is_none_or(|does| does.contains(&row.id)),
    };
    rows.professionals
        .iter()
        .filter(asked_for)
        .map(|row| {
            let days = first.iter_days().take_while(|day| *day <= until);
            Candidate {
                professional_id: row.id,
                working: working_spans_of_days(row.id, days, zone, &weekly, &exceptions),
                taken: taken(rows, row.id, Uuid::nil()),
                rooms: row.room_id.map(|usual| rooms(rows, usual)).unwrap_or_default(),
            }
        })
        .collect()
}

/// The usual room, then the others.
fn rooms(rows: &AgendaRows, usual: Uuid) -> Vec<Room> {
    let others = rows.rooms.iter().copied().filter(|room| *room != usual);
    let taken = |id: Uuid| room_taken(rows, id, Uuid::nil()).collect();
    std::iter::once(usual).chain(others).map(|id| Room { id, taken: taken(id) }).collect()
}

fn time(rows: &AgendaRows, offer: &Offer) -> Option<FreeTime> {
    let professional = rows.professionals.iter().find(|row| row.id == offer.professional_id)?;
    let (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>) = (offer.span.start, offer.span.end);
    Some(FreeTime { starts_at, ends_at, professional_id: professional.id, professional: professional.name.clone() })
}
