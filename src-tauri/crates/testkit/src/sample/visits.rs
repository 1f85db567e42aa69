//! A clinic's book of visits: past ones kept, missed or cancelled, today's under way, the coming ones thinning out.

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use balcao_domain::working_hours::{Span, working_spans};
use balcao_tenant::ClinicFrame;

use super::Plan;
use super::clinic::{ATTENDANTS, Clinic, RETURN};
use super::dice::Dice;
use super::ids::Ids;
use super::people::People;
use super::times::Times;

#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) id: Uuid,
    /// Indexes of the rows.
    pub(crate) patient: usize,
    pub(crate) contact: usize,
    pub(crate) professional: usize,
    pub(crate) room: Option<usize>,
    pub(crate) service: usize,
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
    pub(crate) status: &'static str,
    pub(crate) squeeze_reason: Option<&'static str>,
    pub(crate) cancel_reason: Option<&'static str>,
    pub(crate) notes: &'static str,
    pub(crate) source: &'static str,
    pub(crate) created_by: Option<Uuid>,
    pub(crate) created_at: DateTime<Utc>,
    /// When it was moved here, and from which time.
    pub(crate) moved: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When the reminder went out.
    pub(crate) reminded_at: Option<DateTime<Utc>>,
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    pub(crate) arrived_at: Option<DateTime<Utc>>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// When it was cancelled or noted as missed.
    pub(crate) ended_at: Option<DateTime<Utc>>,
}

/// A time in the book, before anybody is written into it.
struct Slot {
    professional: usize,
    room: Option<usize>,
    service: usize,
    span: Span,
    cancelled: bool,
    squeeze_reason: Option<&'static str>,
    /// Slots with the lowest keys are kept.
    key: f64,
}

const SQUEEZE_REASONS: &[&str] = &[
    "Dor forte desde ontem, pediu encaixe",
    "Veio de outra cidade",
    "A pedido da médica, só mostrar exame",
    "Retirada de pontos",
    "Reação ao remédio",
];

const CANCEL_REASONS: &[&str] = &[
    "Paciente pediu, sem motivo",
    "Gripe",
    "Trabalho",
    "Viagem",
    "Convênio não autorizou",
    "Vai marcar de novo",
    "Cancelado pelo WhatsApp",
];

const NOTES: &[&str] = &[
    "Primeira consulta.",
    "Traz exames.",
    "Acompanhante: filha.",
    "Confirmar convênio na chegada.",
    "Prefere não esperar na recepção.",
    "Alergia a dipirona.",
];

pub(crate) fn visits(plan: &Plan, frame: &ClinicFrame, clinic: &Clinic, people: &People) -> Vec<Visit> {
    let mut dice = Dice::new(plan.seed, "visits");
    let mut slots = slots(plan, clinic, &mut dice);
    slots.sort_by(|one, other| one.key.total_cmp(&other.key));
    slots.truncate(plan.size.appointments());
    slots.sort_by_key(|slot| (slot.span.start, slot.professional, slot.cancelled, slot.squeeze_reason.is_some()));
    let mut ids = Ids::new(frame.clinic_id, plan.seed, "appointments");
    let mut guests = Guests::new(people, clinic.professionals.len());
    slots.iter().map(|slot| visit(plan, clinic, people, slot, &mut guests, &mut ids, &mut dice)).collect()
}

fn slots(plan: &Plan, clinic: &Clinic, dice: &mut Dice) -> Vec<Slot> {
    let times = plan.times();
    let (weekly, exceptions) = (clinic.weekly(), clinic.exceptions());
    let mut slots = Vec::new();
    for days in -plan.days_back()..=plan.days_ahead() {
        let day = times.day(days);
        let weight = match days {
            ..0 => 1.0,
            0 => 6.0,
            1 => 3.0,
            2..=4 => 1.2,
            5..=9 => 0.6,
            10..=15 => 0.3,
            _ => 0.15,
        };
        for (index, professional) in clinic.professionals.iter().enumerate() {
            for span in working_spans(professional.id, day, times.zone, &weekly, &exceptions) {
                fill(clinic, index, span, &times, weight, &mut slots, dice);
            }
        }
    }
    slots
}

/// Books one stretch of work from front to back, with the gaps that a real book has.
fn fill(
    clinic: &Clinic,
    professional: usize,
    span: Span,
    times: &Times,
    weight: f64,
    slots: &mut Vec<Slot>,
    dice: &mut Dice,
) {
    let room = clinic.room_at(professional, times, span.start);
    let offered = &clinic.professionals[professional].services;
    let mut cursor = span.start;
    let mut add = |service, span, cancelled, squeeze_reason, weight: f64, dice: &mut Dice| {
        let key = -dice.share().max(1e-12).ln() / weight;
        slots.push(Slot { professional, room, service, span, cancelled, squeeze_reason, key });
    };
    loop {
        let mut service = dice.weighted(offered);
        let length = |service: usize| TimeDelta::minutes(i64::from(clinic.services[service].minutes));
        if cursor + length(service) > span.end {
            service = RETURN;
        }
        if cursor + length(service) > span.end {
            return;
        }
        let slot = Span { start: cursor, end: cursor + length(service) };
        if dice.chance(0.1) {
            add(service, slot, true, None, weight, dice);
            // Half of the freed times are taken by somebody else.
            if dice.chance(0.5) {
                add(service, slot, false, None, weight, dice);
            }
        } else {
            add(service, slot, false, None, weight, dice);
        }
        if dice.chance(0.012) && slot.start + TimeDelta::minutes(35) <= span.end {
            let start = slot.start + TimeDelta::minutes(15);
            let reason = dice.pick(SQUEEZE_REASONS);
            add(RETURN, Span { start, end: start + TimeDelta::minutes(20) }, false, Some(reason), weight * 3.0, dice);
        }
        cursor = slot.end + TimeDelta::minutes(dice.weighted(&[(70, 0), (12, 5), (10, 10), (8, 15)]));
        // After an odd length people book on the quarter hour again.
        let over = i64::from(times.minute_of(cursor)) % 15;
        if over != 0 && dice.chance(0.6) {
            cursor += TimeDelta::minutes(15 - over);
        }
    }
}

/// Who comes: nobody twice a day, and to a return only who was there some weeks before.
struct Guests {
    candidates: Vec<usize>,
    seen: HashSet<(usize, NaiveDate)>,
    returning: Vec<VecDeque<(usize, DateTime<Utc>)>>,
}

impl Guests {
    fn new(people: &People, professionals: usize) -> Self {
        Self {
            candidates: (0..people.patients.len()).collect(),
            seen: HashSet::new(),
            returning: vec![VecDeque::new(); professionals],
        }
    }

    fn welcome(&mut self, slot: &Slot, day: NaiveDate, dice: &mut Dice) -> usize {
        if slot.service == RETURN {
            let queue = &mut self.returning[slot.professional];
            while queue.front().is_some_and(|(_, at)| *at < slot.span.start - TimeDelta::days(30)) {
                queue.pop_front();
            }
            let place = queue.iter().position(|(patient, at)| {
                *at < slot.span.start - TimeDelta::days(8) && !self.seen.contains(&(*patient, day))
            });
            if let Some((patient, _)) = place.and_then(|place| queue.remove(place)) {
                self.seen.insert((patient, day));
                return patient;
            }
        }
        loop {
            let patient = dice.pick(&self.candidates);
            if self.seen.insert((patient, day)) {
                return patient;
            }
        }
    }
}

fn visit(
    plan: &Plan,
    clinic: &Clinic,
    people: &People,
    slot: &Slot,
    guests: &mut Guests,
    ids: &mut Ids,
    dice: &mut Dice,
) -> Visit {
    let times = plan.times();
    let (now, starts_at) = (plan.now, slot.span.start);
    let day = times.day_of(starts_at);
    let patient = guests.welcome(slot, day, dice);
    let created_at = booked_at(plan, slot, dice);
    let by_bot = slot.squeeze_reason.is_none() && dice.chance(0.12);
    let mut visit = Visit {
        id: ids.next(created_at),
        patient,
        contact: people.patients[patient].contact,
        professional: slot.professional,
        room: slot.room,
        service: slot.service,
        starts_at,
        ends_at: slot.span.end,
        status: "scheduled",
        squeeze_reason: slot.squeeze_reason,
        cancel_reason: None,
        notes: if dice.chance(0.12) { dice.pick(NOTES) } else { "" },
        source: if by_bot { "bot" } else { "person" },
        created_by: (!by_bot).then(|| clinic.members[dice.below(ATTENDANTS)].id),
        created_at,
        moved: None,
        reminded_at: None,
        confirmed_at: None,
        arrived_at: None,
        started_at: None,
        finished_at: None,
        ended_at: None,
    };
    let latest = now.min(starts_at);
    if slot.squeeze_reason.is_none() && dice.chance(0.07) && latest - created_at > TimeDelta::days(1) {
        let at = created_at + (latest - created_at).min(TimeDelta::days(20)) / 2;
        let from = starts_at + TimeDelta::days(dice.pick(&[-2, -1, 1, 2, 5]));
        let at = times.when_the_desk_is_open(at, dice);
        visit.moved = (at < latest - TimeDelta::hours(8)).then_some((at, from));
    }
    if slot.cancelled {
        let since = visit.moved.map_or(created_at, |(at, _)| at);
        let reach = (latest - since).num_minutes().max(2);
        let ended_at = since + TimeDelta::minutes((reach as f64 * (1.0 - dice.share().powi(3) * 0.8)) as i64 - 1);
        visit.status = "cancelled";
        visit.cancel_reason = Some(dice.pick(CANCEL_REASONS));
        // Nobody calls a visit off at night.
        let asleep = TimeDelta::minutes(440 - i64::from(times.minute_of(ended_at)).min(440));
        visit.ended_at = Some((ended_at + asleep).min(latest).max(since));
        return visit;
    }
    confirm(&mut visit, &times, dice);
    attend(&mut visit, now, dice);
    visit
}

/// When it was booked: some weeks to some hours ahead, never after now.
fn booked_at(plan: &Plan, slot: &Slot, dice: &mut Dice) -> DateTime<Utc> {
    let times = plan.times();
    let latest = (slot.span.start - TimeDelta::minutes(90)).min(plan.now - TimeDelta::minutes(4));
    let days = match slot.squeeze_reason {
        Some(_) => 0.3,
        None => 0.2 + dice.share().powi(2) * 26.0,
    };
    let wished = latest - TimeDelta::seconds((days * 86_400.0) as i64);
    let open = times.when_the_desk_is_open(wished, dice);
    if open <= latest { open } else { latest - TimeDelta::minutes(dice.between(0, 45)) }
}

/// The reminder goes out on the day before; most people answer it.
fn confirm(visit: &mut Visit, times: &Times, dice: &mut Dice) {
    let eve = times.day_of(visit.starts_at) - TimeDelta::days(1);
    let reminded_at = times.at(eve, dice.between(9 * 60, 11 * 60) as u32) + TimeDelta::seconds(dice.between(0, 59));
    let booked_at = visit.moved.map_or(visit.created_at, |(at, _)| at);
    if reminded_at > booked_at + TimeDelta::hours(6) && reminded_at < times.now {
        visit.reminded_at = Some(reminded_at);
        let answered_at = reminded_at + TimeDelta::seconds(60 + (dice.share().powi(3) * 30_000.0) as i64);
        if dice.chance(0.76) && answered_at < times.now && answered_at < visit.starts_at - TimeDelta::minutes(40) {
            visit.confirmed_at = Some(answered_at);
        }
    } else if dice.chance(0.2) {
        // Confirmed on the telephone, when it was booked or asked about.
        let at = booked_at + TimeDelta::minutes(dice.between(1, 90));
        visit.confirmed_at = (at < times.now && at < visit.starts_at).then_some(at);
    }
    if visit.confirmed_at.is_some() {
        visit.status = "confirmed";
    }
}

/// What has happened by now.
fn attend(visit: &mut Visit, now: DateTime<Utc>, dice: &mut Dice) {
    let minutes = |from: i64, until: i64, dice: &mut Dice| TimeDelta::seconds(dice.between(from * 60, until * 60));
    let arrived_at = visit.starts_at + minutes(-26, 5, dice);
    if visit.starts_at > now {
        if visit.starts_at - now < TimeDelta::minutes(25) && arrived_at < now {
            visit.status = "arrived";
            visit.arrived_at = Some(arrived_at);
        }
        return;
    }
    if dice.chance(if visit.confirmed_at.is_some() { 0.045 } else { 0.12 })
        && now - visit.starts_at > TimeDelta::minutes(30)
    {
        visit.status = "no_show";
        visit.ended_at = Some((visit.ends_at + minutes(1, 40, dice)).min(now));
        return;
    }
    let started_at = arrived_at.max(visit.starts_at - TimeDelta::minutes(3)) + minutes(0, 14, dice);
    let length = visit.ends_at - visit.starts_at;
    let finished_at = started_at + length * dice.between(75, 115) as i32 / 100;
    if arrived_at > now {
        return;
    }
    visit.arrived_at = Some(arrived_at);
    visit.status = "arrived";
    if started_at <= now {
        visit.started_at = Some(started_at);
        visit.status = "in_service";
    }
    // Doctors run late, by some minutes.
    if finished_at <= now {
        visit.finished_at = Some(finished_at);
        visit.status = "completed";
    }
}
