//! Decisions without I/O: what an answer means for the queue, how long to wait, what an error says about the line.

use std::time::Duration;

use balcao_cache::Settlement;
use balcao_tenant::{Outcome, Verdict};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;

/// Operations sent in one round trip.
pub const BATCH: u32 = 100;

/// Between two looks while notifications work; they are a hint, this is the truth.
pub const POLL_WITH_LISTEN: Duration = Duration::from_secs(20);

/// Between two looks while they do not.
pub const POLL_WITHOUT_LISTEN: Duration = Duration::from_secs(3);

/// A clock that is off by less is not worth a word.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(90);

/// What the database's verdict on an operation means for the queue.
pub fn settlement(outcome: &Outcome) -> Settlement {
    let parked = |reason: &str| Settlement::Parked { reason: reason.to_owned(), theirs: Map::new() };
    match &outcome.verdict {
        Verdict::Applied | Verdict::Already => Settlement::Confirmed { version: outcome.version },
        Verdict::Conflict { theirs } => Settlement::Parked { reason: "conflict".to_owned(), theirs: theirs.clone() },
        Verdict::Gone => parked("gone"),
        Verdict::Refused { reason, constraint } => parked(match constraint.as_deref() {
            Some("leads_loss_reason_required") => "loss_reason_required",
            Some("leads_one_open") => "duplicate",
            _ => reason,
        }),
    }
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
        assert_eq!(settlement(&outcome(Verdict::Already)), Settlement::Confirmed { version: Some(4) });
    }

    #[test]
    fn a_conflict_keeps_what_the_others_wrote() {
        let theirs = json!({"starts_at": "2026-11-24T12:00:00Z"}).as_object().unwrap().clone();
        assert_eq!(
            settlement(&outcome(Verdict::Conflict { theirs: theirs.clone() })),
            Settlement::Parked { reason: "conflict".to_owned(), theirs }
        );
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
}
