//! Where a visit could stand: the next times at which somebody is there and nothing is in the way.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::working_hours::Span;

/// Visits begin on a quarter of an hour.
const STEP: TimeDelta = TimeDelta::minutes(15);
/// In minutes, where a clinic has chosen nothing: nobody who writes a message is at the counter sooner.
pub const USUAL_LEAD: u32 = 30;
/// Longest that a clinic may choose, in minutes: a week.
pub const LONGEST_LEAD: u32 = 7 * 24 * 60;

/// A visit that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Not before.
    pub from: DateTime<Utc>,
    /// How long it takes.
    pub length: TimeDelta,
    /// How long it wants nothing before it.
    pub before: TimeDelta,
    /// And after it.
    pub after: TimeDelta,
}

impl Need {
    /// A visit to be offered to somebody who is not here: not in the next `lead` minutes, and not before what was `wanted`.
    pub fn ahead(now: DateTime<Utc>, lead: u32, wanted: Option<DateTime<Utc>>, length: TimeDelta) -> Self {
        let soonest = now + TimeDelta::minutes(lead.into());
        let from = wanted.map_or(soonest, |wanted| wanted.max(soonest));
        Self { from, length, before: TimeDelta::zero(), after: TimeDelta::zero() }
    }
}

/// A visit that keeps others out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// When.
    pub span: Span,
    /// How long it wants nothing before it.
    pub before: TimeDelta,
    /// And after it.
    pub after: TimeDelta,
}

/// A room, and when somebody is in it or it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which.
    pub id: Uuid,
    /// When it cannot be had.
    pub taken: Vec<Span>,
}

/// Somebody who could be visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub professional_id: Uuid,
    /// Working time, in order.
    pub working: Vec<Span>,
    /// Visits that keep others out.
    pub taken: Vec<Taken>,
    /// Rooms it could be in, the likeliest first; none where it needs none.
    pub rooms: Vec<Room>,
}

/// A free time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// With whom.
    pub professional_id: Uuid,
    /// Where, when a room was asked for.
    pub room_id: Option<Uuid>,
    /// When.
    pub span: Span,
}

/// The first free times, none of which shares time with another, each beginning on a quarter of an hour. Of several people who
/// are free at the same time it is the first of them.
pub fn offers(need: &Need, candidates: &[Candidate], most: usize) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    if need.length <= TimeDelta::zero() {
        return offers;
    }
    let mut from = need.from;
    while offers.len() < most {
        let earliest = candidates.iter().filter_map(|candidate| candidate.earliest(need, from));
        let Some(next) = earliest.min_by_key(|offer| offer.span.start) else { break };
        from = next.span.end;
        offers.push(next);
    }
    offers
}

impl Candidate {
    fn earliest(&self, need: &Need, from: DateTime<Utc>) -> Option<Offer> {
        for open in &self.working {
            let mut start = on_the_quarter(open.start.max(from));
            loop {
                let wanted = Span { start, end: start + need.length };
                if !open.contains(&wanted) {
                    break;
                }
                match self.place(&wanted, need) {
                    Ok(room_id) => {
                        return Some(Offer { professional_id: self.professional_id, room_id, span: wanted });
                    }
                    Err(over) => start = on_the_quarter(over),
                }
            }
        }
        None
    }

    /// The room for a visit at this time, or when what is in the way is over.
    fn place(&self, wanted: &Span, need: &Need) -> Result<Option<Uuid>, DateTime<Utc>> {
        // The longer of two breaks holds for both.
        let over = |taken: &Taken| taken.span.end + taken.after.max(need.before);
        let in_the_way =
            |taken: &&Taken| wanted.start < over(taken) && taken.span.start < wanted.end + taken.before.max(need.after);
        if let Some(over) = self.taken.iter().filter(in_the_way).map(over).max() {
            return Err(over);
        }
        let mut first_empty = None;
        for room in &self.rooms {
            match room.taken.iter().filter(|other| other.overlaps(wanted)).map(|other| other.end).max() {
                None => return Ok(Some(room.id)),
                Some(empty) => first_empty = Some(first_empty.map_or(empty, |first: DateTime<Utc>| first.min(empty))),
            }
        }
        first_empty.map_or(Ok(None), Err)
    }
}

/// This instant, or the next quarter of an hour. Every time zone in use differs from UTC by whole quarters.
fn on_the_quarter(at: DateTime<Utc>) -> DateTime<Utc> {
    let over = at.timestamp_micros().rem_euclid(STEP.num_microseconds().unwrap_or(1));
    if over == 0 { at } else { at - TimeDelta::microseconds(over) + STEP }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Uuid = Uuid::from_u128(1);
    const RUI: Uuid = Uuid::from_u128(2);

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-24T{time}:00Z").parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span { start: at(from), end: at(to) }
    }

    fn minutes(count: i64) -> TimeDelta {
        TimeDelta::minutes(count)
    }

    fn taken(from: &str, to: &str) -> Taken {
        Taken { span: span(from, to), before: minutes(0), after: minutes(0) }
    }

    fn need(from: &str, length: i64) -> Need {
        Need { from: at(from), length: minutes(length), before: minutes(0), after: minutes(0) }
    }

    fn somebody(professional_id: Uuid, working: &[Span], taken: &[Taken]) -> Candidate {
        Candidate { professional_id, working: working.to_vec(), taken: taken.to_vec(), rooms: Vec::new() }
    }

    fn times(need: &Need, candidates: &[Candidate]) -> Vec<String> {
        let starts = |offer: Offer| offer.span.start.format("%H:%M").to_string();
        offers(need, candidates, 3).into_iter().map(starts).collect()
    }

    #[test]
    fn the_next_free_times_lie_between_what_is_taken_and_never_over_lunch() {
        let ana = somebody(
            ANA,
            &[span("08:00", "12:00"), span("14:00", "18:00")],
            &[taken("09:00", "10:00"), taken("10:20", "11:30")],
        );
        assert_eq!(times(&need("08:40", 30), std::slice::from_ref(&ana)), ["11:30", "14:00", "14:30"]);
        assert_eq!(
            times(&need("11:00", 45), &[ana]),
            ["14:00", "14:45", "15:30"],
            "45 minutes do not fit before lunch"
        );
    }

    #[test]
    fn a_visit_begins_on_a_quarter_and_ends_within_working_time() {
        let ana = [somebody(ANA, &[span("08:00", "09:10")], &[])];
        assert_eq!(times(&need("08:01", 45), &ana), ["08:15"]);
        assert!(times(&need("08:30", 45), &ana).is_empty(), "the day ends before it would");
        assert!(times(&need("08:00", 90), &ana).is_empty(), "longer than the whole day");
    }

    #[test]
    fn a_gap_that_is_too_short_is_passed_over() {
        let ana = [somebody(ANA, &[span("08:00", "12:00")], &[taken("08:30", "09:00"), taken("09:30", "10:00")])];
        assert_eq!(times(&need("08:00", 60), &ana), ["10:00", "11:00"]);
        assert_eq!(times(&need("08:00", 30), &ana), ["08:00", "09:00", "10:00"], "what fits exactly fits");
    }

    #[test]
    fn overlapping_visits_are_stepped_over_together() {
        let ana = [somebody(ANA, &[span("08:00", "10:00")], &[taken("08:00", "08:30"), taken("08:00", "09:15")])];
        assert_eq!(times(&need("07:00", 30), &ana), ["09:15"]);
    }

    #[test]
    fn a_visit_without_length_and_people_without_hours_have_no_place() {
        assert!(times(&need("08:00", 0), &[somebody(ANA, &[span("08:00", "10:00")], &[])]).is_empty());
        assert!(times(&need("08:00", 30), &[somebody(ANA, &[], &[])]).is_empty());
        assert!(times(&need("08:00", 30), &[]).is_empty());
    }

    #[test]
    fn of_several_people_the_earliest_is_offered_and_no_time_twice() {
        let ana = somebody(ANA, &[span("08:00", "12:00")], &[taken("08:30", "11:00")]);
        let rui = somebody(RUI, &[span("08:00", "12:00")], &[taken("08:00", "08:45")]);
        let found = offers(&need("08:00", 30), &[ana, rui], 4);
        let found: Vec<_> = found.iter().map(|offer| (offer.professional_id, offer.span.start)).collect();
        assert_eq!(found, [(ANA, at("08:00")), (RUI, at("08:45")), (RUI, at("09:15")), (RUI, at("09:45"))]);
    }

    #[test]
    fn of_two_who_are_free_at_once_the_first_in_the_agenda_is_offered() {
        let day = [span("08:00", "09:00")];
        let found = offers(&need("08:00", 30), &[somebody(RUI, &day, &[]), somebody(ANA, &day, &[])], 3);
        assert!(found.iter().all(|offer| offer.professional_id == RUI), "{found:?}");
    }

    #[test]
    fn the_longer_break_of_two_neighbours_is_kept_on_both_sides() {
        let cleaned = Taken { after: minutes(15), before: minutes(30), ..taken("10:00", "10:30") };
        let ana = [somebody(ANA, &[span("08:45", "12:00")], &[cleaned])];
        assert_eq!(times(&need("08:45", 45), &ana), ["08:45", "10:45"]);
        let slow = Need { before: minutes(20), after: minutes(45), ..need("08:45", 45) };
        assert_eq!(times(&slow, &ana), ["11:00"], "its own breaks are longer");
    }

    #[test]
    fn where_a_room_is_needed_a_time_without_one_is_none() {
        let room = |id: u128, taken: &[Span]| Room { id: Uuid::from_u128(id), taken: taken.to_vec() };
        let rooms = vec![room(7, &[span("08:00", "09:20")]), room(8, &[span("08:30", "10:00")])];
        let ana = [Candidate { rooms, ..somebody(ANA, &[span("08:00", "11:00")], &[]) }];
        let found: Vec<_> =
            offers(&need("08:00", 45), &ana, 2).into_iter().map(|o| (o.span.start, o.room_id)).collect();
        // From 08:00 the one is taken at once and the other from 08:30 on: neither holds the whole visit.
        let one = Some(Uuid::from_u128(7));
        assert_eq!(found, [(at("09:30"), one), (at("10:15"), one)]);
        let short: Vec<_> = offers(&need("08:00", 30), &ana, 1).into_iter().map(|offer| offer.room_id).collect();
        assert_eq!(short, [Some(Uuid::from_u128(8))]);
    }

    #[test]
    fn today_is_offered_from_now_on_with_time_to_come() {
        let ana = [somebody(ANA, &[span("08:00", "12:00")], &[])];
        let ahead = |wanted| times(&Need::ahead(at("09:02"), USUAL_LEAD, wanted, minutes(30)), &ana);
        assert_eq!(ahead(None), ["09:45", "10:15", "10:45"]);
        assert_eq!(ahead(Some(at("00:00"))), ["09:45", "10:15", "10:45"], "whoever asks for today gets no past hours");
        assert_eq!(ahead(Some(at("11:00"))), ["11:00", "11:30"]);
    }
}
