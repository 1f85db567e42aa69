//! Where a visit could stand instead.

use chrono::{DateTime, TimeDelta, Utc};

use crate::working_hours::Span;

/// Visits begin on a quarter of an hour.
const STEP: TimeDelta = TimeDelta::minutes(15);

/// The first free stretches of a length at or after an instant, none of which shares time with another: within working
/// time, beside what is taken, each beginning on a quarter of an hour. `working` is in order.
pub fn next_free(from: DateTime<Utc>, length: TimeDelta, working: &[Span], taken: &[Span], most: usize) -> Vec<Span> {
    let mut free = Vec::new();
    if length <= TimeDelta::zero() {
        return free;
    }
    for open in working {
        let mut start = on_the_quarter(open.start.max(from));
        while free.len() < most {
            let wanted = Span { start, end: start + length };
            if !open.contains(&wanted) {
                break;
            }
            match taken.iter().filter(|other| other.overlaps(&wanted)).map(|other| other.end).max() {
                Some(end) => start = on_the_quarter(end),
                None => {
                    free.push(wanted);
                    start = on_the_quarter(wanted.end);
                }
            }
        }
    }
    free
}

/// This instant, or the next quarter of an hour. Every time zone in use differs from UTC by whole quarters.
fn on_the_quarter(at: DateTime<Utc>) -> DateTime<Utc> {
    let over = at.timestamp_micros().rem_euclid(STEP.num_microseconds().unwrap_or(1));
    if over == 0 { at } else { at - TimeDelta::microseconds(over) + STEP }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-24T{time}:00Z").parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span { start: at(from), end: at(to) }
    }

    #[test]
    fn the_next_free_times_lie_between_what_is_taken() {
        let working = [span("08:00", "12:00"), span("14:00", "18:00")];
        let taken = [span("09:00", "10:00"), span("10:20", "11:30")];
        let free = next_free(at("08:40"), TimeDelta::minutes(30), &working, &taken, 3);
        assert_eq!(free, [span("11:30", "12:00"), span("14:00", "14:30"), span("14:30", "15:00")]);
    }

    #[test]
    fn a_visit_begins_on_a_quarter_and_ends_within_working_time() {
        let working = [span("08:00", "09:10")];
        let free = next_free(at("08:01"), TimeDelta::minutes(45), &working, &[], 3);
        assert_eq!(free, [span("08:15", "09:00")]);
        assert!(next_free(at("08:30"), TimeDelta::minutes(45), &working, &[], 3).is_empty());
    }

    #[test]
    fn overlapping_visits_are_stepped_over_together() {
        let working = [span("08:00", "10:00")];
        let taken = [span("08:00", "08:30"), span("08:00", "09:15")];
        assert_eq!(next_free(at("07:00"), TimeDelta::minutes(30), &working, &taken, 1), [span("09:15", "09:45")]);
    }

    #[test]
    fn a_visit_without_length_has_no_place() {
        assert!(next_free(at("08:00"), TimeDelta::zero(), &[span("08:00", "10:00")], &[], 3).is_empty());
    }
}
