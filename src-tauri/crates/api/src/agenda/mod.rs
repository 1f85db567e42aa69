//! Days of the agenda, and moving visits.

mod older;
mod types;

use std::sync::Arc;

use balcao_cache::{self as cache, Effect, NewOperation, VisitRow, WriteKind};
use balcao_domain::Refusal;
use balcao_domain::appointment::{Neighbour, Obstacle, Placement, Status};
use balcao_domain::free_slots::Taken;
use balcao_domain::working_hours::{
    Exception, ExceptionKind, Span, WeeklyHours, day_span, is_in_calendar, working_spans, working_spans_of_days,
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;
use uuid::Uuid;

pub(crate) use older::{coverage, fetch_older_visits};
pub use types::*;

use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, entity, instant, object, phone};
use crate::operations::Written;

/// Days of one answer at the most: six weeks, as a month is shown.
const MOST_DAYS: u32 = 42;

pub(crate) async fn get_agenda(desk: &Arc<Desk>, request: GetAgenda) -> Result<Agenda, ApiError> {
    let clinic = desk.clinic().await?;
    let zone = clinic.time_zone().await?;
    in_calendar(request.from, "from")?;
    let days = request.days.clamp(1, MOST_DAYS);
    let last = request.from + Days::new(u64::from(days) - 1);
    let span = Span { start: day_span(request.from, zone).start, end: day_span(last, zone).end };
    // In this order: what was taken in between makes an answer that is whole say less, never more.
    let coverage = coverage(&clinic, span, zone).await?;
    let rows = clinic.cache.agenda(span.start.timestamp_micros(), span.end.timestamp_micros()).await?;
    let (weekly, exceptions) = hours(&rows);
    let mut working_hours = Vec::new();
    for professional in &rows.professionals {
        for day in request.from.iter_days().take(days as usize) {
            let spans = working_spans(professional.id, day, zone, &weekly, &exceptions);
            working_hours.extend(spans.into_iter().map(|span| WorkingSpan {
                professional_id: professional.id,
                starts_at: span.start,
                ends_at: span.end,
            }));
        }
    }
    Ok(Agenda {
        time_zone: zone.name().to_owned(),
        from: request.from,
        days,
        coverage,
        working_hours,
        closures: rows
            .closures
            .iter()
            .filter(|closure| closure.kind != "extra_hours" && closure.room_id.is_none())
            .map(|closure| Closure {
                professional_id: closure.professional_id,
                starts_at: at(closure.starts_at),
                ends_at: at(closure.ends_at),
                reason: closure.reason.clone(),
            })
            .collect(),
        professionals: rows
            .professionals
            .into_iter()
            .map(|row| Professional { id: row.id, name: row.name, specialty: row.specialty, color: row.color })
            .collect(),
        visits: rows.visits.into_iter().map(visit).collect(),
    })
}

pub(crate) async fn check_slot(desk: &Arc<Desk>, request: CheckSlot) -> Result<SlotVerdict, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.visit(request.appointment_id).await?;
    let around = Around::load(&clinic, request.starts_at, request.ends_at).await?;
    let placement = placement(&row, request.professional_id, request.starts_at, request.ends_at, None)?;
    Ok(match around.check(&placement) {
        Ok(()) => SlotVerdict { refusal: None, occupied_by: None },
        Err(obstacle) => SlotVerdict {
            refusal: Some(obstacle.refusal.code().to_owned()),
            occupied_by: obstacle.neighbour.and_then(|id| around.patient(id)),
        },
    })
}

pub(crate) async fn reschedule_appointment(
    desk: &Arc<Desk>,
    request: RescheduleAppointment,
) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let row = clinic.cache.visit(request.appointment_id).await?;
    let around = Around::load(&clinic, request.starts_at, request.ends_at).await?;
    let reason = request.squeeze_reason.as_deref();
    let placement = placement(&row, request.professional_id, request.starts_at, request.ends_at, reason)?;
    around.check(&placement).map_err(|obstacle| obstacle.refusal)?;
    if !around.knows(request.professional_id) {
        return Err(ApiError::new("not_found", "there is no such professional").about("professional_id"));
    }
    let reason = reason.map(str::trim);
    let mut moved = object(json!({
        "professional_id": request.professional_id,
        "starts_at": instant(request.starts_at),
        "ends_at": instant(request.ends_at),
        "squeezed_in": reason.is_some(),
        "squeeze_reason": reason,
    }));
    if row.room_id.is_some() && reason.is_none() {
        // The visit keeps its room where it can; a room is found for it where one is free.
        moved.insert("room_id".to_owned(), json!(around.free_room(row.room_id, &placement)));
    }
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action: "move_appointment",
        kind: WriteKind::Patch,
        effect: Effect { entity: entity("appointments")?, entity_id: row.id, fields: moved },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: row.id })
}

pub(crate) fn in_calendar(day: NaiveDate, field: &str) -> Result<(), ApiError> {
    let refused = || ApiError::new("invalid_request", "the calendar goes from 1900 to 2199").about(field);
    is_in_calendar(day).then_some(()).ok_or_else(refused)
}

/// What stands around a wanted time.
pub(crate) struct Around {
    zone: Tz,
    first: NaiveDate,
    last: NaiveDate,
    rows: cache::AgendaRows,
}

impl Around {
    pub(crate) async fn load(
        clinic: &OpenClinic,
        starts_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
    ) -> Result<Self, ApiError> {
        in_calendar(starts_at.date_naive(), "starts_at")?;
        in_calendar(ends_at.date_naive(), "ends_at")?;
        let zone = clinic.time_zone().await?;
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        // No visit is longer than a day; one that is wanted so is refused below.
        let first = day(starts_at);
        let last = day(ends_at).clamp(first, first + Days::new(1));
        let (start, end) = (day_span(first, zone).start, day_span(last, zone).end.max(ends_at));
        let rows = clinic.cache.agenda(start.timestamp_micros(), end.timestamp_micros()).await?;
        Ok(Self { zone, first, last, rows })
    }

    pub(crate) fn check(&self, placement: &Placement<'_>) -> Result<(), Obstacle> {
        let (weekly, exceptions) = hours(&self.rows);
        let days = self.first.iter_days().take_while(|day| *day <= self.last);
        let working = working_spans_of_days(placement.professional_id, days, self.zone, &weekly, &exceptions);
        let neighbours: Vec<Neighbour> = self
            .rows
            .visits
            .iter()
            .filter_map(|row| {
                Some(Neighbour {
                    id: row.id,
                    professional_id: row.professional_id,
                    span: Span { start: at(row.starts_at), end: at(row.ends_at) },
                    status: Status::parse(&row.status)?,
                    squeezed_in: row.squeezed_in,
                })
            })
            .collect();
        placement.check(&neighbours, &working)
    }

    fn knows(&self, professional_id: Uuid) -> bool {
        self.professional(professional_id).is_some()
    }

    pub(crate) fn professional(&self, id: Uuid) -> Option<&cache::ProfessionalRow> {
        self.rows.professionals.iter().find(|row| row.id == id)
    }

    fn patient(&self, visit: Uuid) -> Option<String> {
        self.rows.visits.iter().find(|row| row.id == visit).map(|row| row.patient.clone())
    }

    /// The usual room if it is free then, else another that is, else none.
    pub(crate) fn free_room(&self, usual: Option<Uuid>, placement: &Placement<'_>) -> Option<Uuid> {
        let wanted = Span { start: placement.starts_at, end: placement.ends_at };
        let free = |room: &Uuid| !room_taken(&self.rows, *room, placement.id).any(|span| span.overlaps(&wanted));
        usual.into_iter().chain(self.rows.rooms.iter().copied()).find(free)
    }
}

/// When a room cannot be had, but for a visit of its own.
pub(crate) fn room_taken(rows: &cache::AgendaRows, room: Uuid, but_for: Uuid) -> impl Iterator<Item = Span> {
    let visits = rows.visits.iter().filter(move |row| row.id != but_for && row.room_id == Some(room) && keeps_out(row));
    let closed = rows.closures.iter().filter(move |row| row.room_id == Some(room) && row.kind != "extra_hours");
    let visits = visits.map(|row| (row.starts_at, row.ends_at));
    visits
        .chain(closed.map(|row| (row.starts_at, row.ends_at)))
        .map(|(start, end)| Span { start: at(start), end: at(end) })
}

/// What keeps a visit with somebody out, but for itself.
pub(crate) fn taken(rows: &cache::AgendaRows, professional_id: Uuid, but_for: Uuid) -> Vec<Taken> {
    rows.visits
        .iter()
        .filter(|row| row.id != but_for && row.professional_id == professional_id && keeps_out(row))
        .map(|row| Taken {
            span: Span { start: at(row.starts_at), end: at(row.ends_at) },
            before: TimeDelta::minutes(row.buffer_before_minutes.into()),
            after: TimeDelta::minutes(row.buffer_after_minutes.into()),
        })
        .collect()
}

/// Whether a visit keeps others out; of a status that a newer program brought, that is assumed.
fn keeps_out(row: &VisitRow) -> bool {
    !row.squeezed_in && Status::parse(&row.status).is_none_or(Status::holds_slot)
}

pub(crate) fn placement<'a>(
    row: &VisitRow,
    professional_id: Uuid,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    squeeze_reason: Option<&'a str>,
) -> Result<Placement<'a>, ApiError> {
    // A status that a newer program brought is one this program must not touch.
    let status = Status::parse(&row.status).ok_or(Refusal::VisitFinished)?;
    Ok(Placement { id: row.id, status, professional_id, starts_at, ends_at, squeeze_reason })
}

pub(crate) fn hours(rows: &cache::AgendaRows) -> (Vec<WeeklyHours>, Vec<Exception>) {
    let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<NaiveDate>().ok());
    let weekly = rows
        .hours
        .iter()
        .map(|row| WeeklyHours {
            professional_id: row.professional_id,
            weekday: row.weekday,
            starts_minute: row.starts_minute,
            ends_minute: row.ends_minute,
            valid_from: date(&row.valid_from),
            valid_until: date(&row.valid_until),
        })
        .collect();
    let exceptions = rows
        .closures
        .iter()
        .filter(|row| row.room_id.is_none())
        .map(|row| Exception {
            professional_id: row.professional_id,
            kind: if row.kind == "extra_hours" { ExceptionKind::ExtraHours } else { ExceptionKind::Closed },
            span: Span { start: at(row.starts_at), end: at(row.ends_at) },
        })
        .collect();
    (weekly, exceptions)
}

fn visit(row: VisitRow) -> Visit {
    Visit {
        id: row.id,
        starts_at: at(row.starts_at),
        ends_at: at(row.ends_at),
        professional_id: row.professional_id,
        room: row.room,
        service: row.service,
        patient: row.patient,
        contact_id: row.contact_id,
        phone: phone(row.phone.as_deref()),
        status: row.status,
        squeezed_in: row.squeezed_in,
        squeeze_reason: row.squeeze_reason,
        notes: row.notes,
        no_show_count: row.no_show_count,
        state: row.state.into(),
    }
}
