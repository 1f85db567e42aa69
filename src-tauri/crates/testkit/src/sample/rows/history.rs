//! What happened to visits and leads, as the triggers would have written it down.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use balcao_tenant::ClinicFrame;

use crate::sample::clinic::Clinic;
use crate::sample::ids::Ids;
use crate::sample::leads::Lead;
use crate::sample::visits::Visit;

/// One entry in the history of a visit.
pub(crate) struct VisitEvent {
    pub(super) id: Uuid,
    pub(super) visit: usize,
    pub(super) kind: &'static str,
    pub(super) details: Value,
    pub(super) member_id: Option<Uuid>,
    pub(super) at: DateTime<Utc>,
}

/// One entry in the history of a lead: the lead, and which step of its way.
pub(crate) struct LeadEvent {
    pub(super) id: Uuid,
    pub(super) lead: usize,
    pub(super) step: usize,
}

/// The history of every visit.
pub(crate) fn visit_events(frame: &ClinicFrame, seed: u64, clinic: &Clinic, visits: &[Visit]) -> Vec<VisitEvent> {
    let mut ids = Ids::new(frame.clinic_id, seed, "appointment_events");
    let mut events = Vec::with_capacity(visits.len() * 4);
    for (index, visit) in visits.iter().enumerate() {
        let by = visit.created_by.or(Some(frame.owner_id));
        let booked_for = visit.moved.map_or(visit.starts_at, |(_, from)| from);
        let booked =
            json!({ "starts_at": booked_for, "source": visit.source, "squeezed_in": visit.squeeze_reason.is_some() });
        let mut push = |kind, details, member_id, at| {
            events.push(VisitEvent { id: ids.next(at), visit: index, kind, details, member_id, at });
        };
        push("booked", booked, visit.created_by, visit.created_at);
        let professional_id = clinic.professionals[visit.professional].id;
        if let Some((at, from)) = visit.moved {
            let length = visit.ends_at - visit.starts_at;
            let moved = json!({
                "from": { "starts_at": from, "ends_at": from + length, "professional_id": professional_id },
                "to": { "starts_at": visit.starts_at, "ends_at": visit.ends_at, "professional_id": professional_id },
            });
            push("moved", moved, by, at);
        }
        let mut from = "scheduled";
        // The bot takes the confirmation, the desk does the rest.
        let steps = [
            ("confirmed", visit.confirmed_at, None),
            ("arrived", visit.arrived_at, by),
            ("in_service", visit.started_at, by),
            ("completed", visit.finished_at, by),
            (visit.status, visit.ended_at, by),
        ];
        for (kind, at, member_id) in steps {
            if let Some(at) = at {
                push(kind, json!({ "from": from }), member_id, at);
                from = kind;
            }
        }
    }
    events
}

/// Every step of every lead.
pub(crate) fn lead_events(frame: &ClinicFrame, seed: u64, leads: &[Lead]) -> Vec<LeadEvent> {
    let mut ids = Ids::new(frame.clinic_id, seed, "lead_events");
    let steps = leads
        .iter()
        .enumerate()
        .flat_map(|(lead, row)| row.way.iter().enumerate().map(move |(step, (_, at))| (lead, step, *at)));
    steps.map(|(lead, step, at)| LeadEvent { id: ids.next(at), lead, step }).collect()
}
