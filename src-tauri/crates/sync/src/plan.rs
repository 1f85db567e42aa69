//! Decisions without I/O: what an answer means for the queue, how long to wait, what an error says about the line.

use std::time::Duration;

use balcao_cache::Settlement;
use balcao_tenant::{Outcome, Verdict};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;

/// Operations sent in one round trip.
pub const BATCH: u32 = 1_000;

/// Between two looks while notifications work; they are a hint, this is the truth.
pub const POLL_WITH_LISTEN: Duration = Duration::from_secs(20);

/// Between two looks while they do not.
pub const POLL_WITHOUT_LISTEN: Duration = Duration::from_secs(3);

/// A clock that is off by less is not worth a word.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(90);

/// What the database's verdict on an operation means for the queue; `None` when it must be asked again.
pub fn settlement(outcome: &Outcome) -> Option<Settlement> {
    let parked = |reason: &str| Settlement::Parked { reason: reason.to_owned(), theirs: Map::new() };
    Some(match &outcome.verdict {
        Verdict::Busy => return None,
        Verdict::Applied => Settlement::Confirmed { version: outcome.version },
        Verdict::Already => Settlement::ConfirmedBefore { version: outcome.version },
        Verdict::Conflict { theirs } => Settlement::Parked { reason: "conflict".to_owned(), theirs: theirs.clone() },
        Verdict::Gone => parked("gone"),
        Verdict::Refused { reason, constraint } => parked(match constraint.as_deref() {
            Some("leads_loss_reason_required") => "loss_reason_required",
            Some("leads_one_open") => "duplicate",
            Some("messages_person_blocked") => "person_blocked",
            Some("messages_waits") => "already_sent",
            _ => reason,
        }),
    })
}

/// Whether it was about somebody who was erased: nobody decides about that one.
pub fn is_of_erased(settlement: &Settlement) -> bool {
    matches!(settlement, Settlement::Parked { reason, .. } if reason == "erased")
}

/// How long to wait before the next try: doubling from half a second to ten, spread so that desks that lost the same server
/// do not come back all at once. `roll` is a random number from 0 to 1.
pub fn back_off(failures: u32, roll: f64) -> Duration {
    let longest = 0.5 * f64::from(2_u32.pow(failures.min(5)));
    Duration::from_secs_f64(longest.min(10.0) * (0.5 + roll / 2.0))
}

/// By how many seconds this computer's clock is ahead, when that is worth a word.
pub fn clock_ahead(here: DateTime<Utc>, server: DateTime<Utc>) -> Option<f64> {
    let ahead = here - server;
    (ahead.abs() > CLOCK_TOLERANCE).then(|| ahead.as_seconds_f64())
}

/// By how much the time of day may run ahead of the steady clock before it counts as sleep; a clock set by hand does no harm.
const LEAP: TimeDelta = TimeDelta::seconds(15);

/// Whether the computer slept in between: the steady clock stood meanwhile, and the time of day went on.
pub fn slept(by_day: TimeDelta, steady: Duration) -> bool {
    TimeDelta::from_std(steady).is_ok_and(|steady| by_day - steady > LEAP)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome { operation_id: Uuid::nil(), verdict, version: Some(4) }
    }

    #[test]
    fn an_answer_that_got_lost_counts_as_done() {
        assert_eq!(settlement(&outcome(Verdict::Already)), Some(Settlement::ConfirmedBefore { version: Some(4) }));
    }

    #[test]
    fn a_conflict_keeps_what_the_others_wrote() {
        let theirs = json!({"starts_at": "2026-11-24T12:00:00Z"}).as_object().unwrap().clone();
        assert_eq!(
            settlement(&outcome(Verdict::Conflict { theirs: theirs.clone() })),
            Some(Settlement::Parked { reason: "conflict".to_owned(), theirs })
        );
    }

    #[test]
    fn a_row_that_someone_else_holds_is_asked_about_again() {
        assert_eq!(settlement(&outcome(Verdict::Busy)), None);
    }

    #[test]
    fn waiting_grows_and_stays_bounded() {
        assert!(back_off(0, 1.0) < back_off(3, 1.0));
        assert!(back_off(40, 1.0) <= Duration::from_secs(10));
        assert!(back_off(0, 0.0) >= Duration::from_millis(250));
    }

    #[test]
    fn a_clock_that_is_off_by_hours_is_told_and_one_by_seconds_is_not() {
        let server = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        assert_eq!(clock_ahead(server + TimeDelta::hours(3), server), Some(10_800.0));
        assert_eq!(clock_ahead(server - TimeDelta::hours(3), server), Some(-10_800.0));
        assert_eq!(clock_ahead(server + TimeDelta::seconds(5), server), None);
    }

    #[test]
    fn a_computer_that_slept_is_told_from_one_whose_time_goes_on_or_back() {
        let look = Duration::from_secs(5);
        assert!(slept(TimeDelta::minutes(40), look));
        assert!(!slept(TimeDelta::seconds(5), look));
        assert!(!slept(TimeDelta::hours(-3), look));
    }
}
