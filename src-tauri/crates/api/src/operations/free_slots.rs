//! Where a visit could stand whose slot someone else took.

use std::sync::Arc;

use balcao_cache::{QueuedOperation, VisitRow};
use balcao_domain::Refusal;
use balcao_domain::free_slots::{Candidate, Need, Taken, offers};
use balcao_domain::working_hours::{Span, day_span, working_spans_of_days};
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::decisions::text_of;
use super::types::{FreeSlot, FreeSlots, ListFreeSlots};
use crate::agenda::{Around, hours, in_calendar, placement, taken};
use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, instant, object};

/// Times that are offered.
const OFFERED: usize = 3;
/// Days that are looked at, from the wanted one on.
const DAYS: u64 = 28;

pub(crate) async fn list_free_slots(desk: &Arc<Desk>, request: ListFreeSlots) -> Result<FreeSlots, ApiError> {
    let clinic = desk.clinic().await?;
    let operation = clinic.cache.operation(request.operation_id).await?;
    let wish = Wish::of(&clinic, &operation).await?;
    let zone = clinic.time_zone().await?;
    // Not before the wanted time, and never in the past.
    let from = wish.span.start.max(clinic.cache.server_now().await?);
    let first = from.with_timezone(&zone).date_naive();
    let days = (0..DAYS).map(|day| first + Days::new(day));
    let until = day_span(first + Days::new(DAYS - 1), zone).end;
    let rows = clinic.cache.agenda(day_span(first, zone).start.timestamp_micros(), until.timestamp_micros()).await?;
    let (weekly, exceptions) = hours(&rows);
    let (before, after) = (wish.visit.buffer_before_minutes, wish.visit.buffer_after_minutes);
    let (before, after) = (TimeDelta::minutes(before.into()), TimeDelta::minutes(after.into()));
    let mut taken = taken(&rows, wish.professional_id, wish.visit.id);
    // Whoever stands there may not have come here yet.
    taken.push(Taken { span: wish.span, before: TimeDelta::zero(), after: TimeDelta::zero() });
    let candidate = Candidate {
        professional_id: wish.professional_id,
        working: working_spans_of_days(wish.professional_id, days, zone, &weekly, &exceptions),
        taken,
        // A room is found for it where one is free; it can do without.
        rooms: Vec::new(),
    };
    let free = offers(&Need { from, length: wish.span.end - wish.span.start, before, after }, &[candidate], OFFERED);
    let professional = rows.professionals.iter().find(|row| row.id == wish.professional_id);
    Ok(FreeSlots {
        professional: professional.map(|row| row.name.clone()),
        slots: free
            .into_iter()
            .map(|offer| FreeSlot { starts_at: offer.span.start, ends_at: offer.span.end })
            .collect(),
    })
}

/// The columns that put the visit of a refused operation at another time. Refuses what this computer knows to be taken.
pub(super) async fn moved_to(
    clinic: &OpenClinic,
    operation: &QueuedOperation,
    starts_at: DateTime<Utc>,
) -> Result<Map<String, Value>, ApiError> {
    in_calendar(starts_at.date_naive(), "starts_at")?;
    let wish = Wish::of(clinic, operation).await?;
    let ends_at = starts_at + (wish.span.end - wish.span.start);
    let around = Around::load(clinic, starts_at, ends_at).await?;
    let placement = placement(&wish.visit, wish.professional_id, starts_at, ends_at, None)?;
    around.check(&placement).map_err(|obstacle| obstacle.refusal)?;
    let mut moved = object(json!({
        "starts_at": instant(starts_at),
        "ends_at": instant(ends_at),
        "squeezed_in": false,
        "squeeze_reason": null,
    }));
    if wish.visit.room_id.is_some() {
        moved.insert("room_id".to_owned(), json!(around.free_room(wish.visit.room_id, &placement)));
    }
    Ok(moved)
}

/// What a refused move of a visit wanted.
struct Wish {
    visit: VisitRow,
    professional_id: Uuid,
    span: Span,
}

impl Wish {
    async fn of(clinic: &OpenClinic, operation: &QueuedOperation) -> Result<Self, ApiError> {
        if operation.entity != "appointments" {
            return Err(ApiError::new("bad_choice", "this is no visit"));
        }
        let visit = clinic.cache.visit(operation.entity_id).await?;
        let fields = &operation.fields;
        let time = |field: &str, shown: i64| {
            text_of(fields, field).and_then(|text| text.parse().ok()).unwrap_or_else(|| at(shown))
        };
        let span = Span { start: time("starts_at", visit.starts_at), end: time("ends_at", visit.ends_at) };
        if span.end <= span.start || span.end - span.start > TimeDelta::hours(24) {
            return Err(Refusal::EndsBeforeStart.into());
        }
        let professional_id = text_of(fields, "professional_id").and_then(|text| text.parse().ok());
        Ok(Self { professional_id: professional_id.unwrap_or(visit.professional_id), visit, span })
    }
}
