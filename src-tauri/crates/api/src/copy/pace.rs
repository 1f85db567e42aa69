//! How long the first copy will still take.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Rows are counted over this long.
const WINDOW: Duration = Duration::from_secs(20);

/// Before this nothing is said: the first rows come in a burst.
const SHORTEST: Duration = Duration::from_secs(2);

/// What was heard longer ago than this says nothing about now.
const STALE: Duration = Duration::from_secs(10);

/// Weight of what was just measured against what was expected.
const FRESH: f64 = 0.3;

/// Watches rows arrive.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    heard: VecDeque<(Instant, u64)>,
    /// Seconds that were left, and when that was said.
    left: Option<(Instant, f64)>,
}

impl Pace {
    /// So many rows of so many are here now; nothing when no first copy is being made.
    pub(crate) fn observe(&mut self, at: Instant, progress: Option<(u64, u64)>) {
        let Some((done, total)) = progress else {
            *self = Self::default();
            return;
        };
        if self.heard.back().is_some_and(|(last, before)| done < *before || at.duration_since(*last) > STALE) {
            // Begun anew, or gone on after an interruption: what was measured before is of another line.
            *self = Self::default();
        }
        if self.heard.back().is_none_or(|(_, before)| *before != done) {
            self.heard.push_back((at, done));
        }
        while self.heard.len() > 2 && at.duration_since(self.heard[0].0) > WINDOW {
            self.heard.pop_front();
        }
        let Some((since, before)) = self.heard.front().copied() else { return };
        let span = at.duration_since(since);
        if span < SHORTEST || done == before {
            return;
        }
        let measured = total.saturating_sub(done) as f64 * span.as_secs_f64() / (done - before) as f64;
        let expected = self.left.map(|(said, left)| (left - at.duration_since(said).as_secs_f64()).max(0.0));
        let left = expected.map_or(measured, |expected| expected + (measured - expected) * FRESH);
        self.left = Some((at, left));
    }

    /// Seconds left, about; nothing while nothing can be said.
    pub(crate) fn seconds_left(&self, at: Instant) -> Option<f64> {
        let (said, left) = self.left?;
        let since = at.duration_since(said);
        (since <= STALE).then(|| (left - since.as_secs_f64()).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of 10,000 rows at so many rows in each half second.
    fn pouring(pace: &mut Pace, start: Instant, from: u64, each: u64, halves: u32) -> (Instant, u64) {
        let (mut at, mut done) = (start, from);
        for _ in 0..halves {
            at += Duration::from_millis(500);
            done += each;
            pace.observe(at, Some((done, 10_000)));
        }
        (at, done)
    }

    #[test]
    fn a_steady_copy_is_done_when_it_was_said() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (at, done) = pouring(&mut pace, start, 0, 100, 20);
        let left = pace.seconds_left(at).unwrap();
        let truth = (10_000 - done) as f64 / 200.0;
        assert!((left - truth).abs() < truth * 0.1, "{left} for {truth}");
    }

    #[test]
    fn nothing_is_said_before_there_is_something_to_measure() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (at, _) = pouring(&mut pace, start, 0, 100, 3);
        assert_eq!(pace.seconds_left(at), None);
    }

    #[test]
    fn rows_of_an_earlier_try_do_not_make_it_look_fast() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (at, done) = pouring(&mut pace, start, 8_000, 10, 12);
        let truth = (10_000 - done) as f64 / 20.0;
        let left = pace.seconds_left(at).unwrap();
        assert!((left - truth).abs() < truth * 0.1, "{left} for {truth}");
    }

    #[test]
    fn a_line_that_gets_slow_is_noticed() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (at, done) = pouring(&mut pace, start, 0, 200, 20);
        let (at, done) = pouring(&mut pace, at, done, 10, 60);
        let truth = (10_000 - done) as f64 / 20.0;
        let left = pace.seconds_left(at).unwrap();
        assert!((left - truth).abs() < truth * 0.2, "{left} for {truth}");
    }

    #[test]
    fn a_line_that_is_silent_is_not_promised_anything() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (at, done) = pouring(&mut pace, start, 0, 100, 20);
        assert!(pace.seconds_left(at).is_some());
        assert_eq!(pace.seconds_left(at + Duration::from_secs(11)), None);
        pace.observe(at + Duration::from_secs(60), Some((done + 1, 10_000)));
        assert_eq!(pace.seconds_left(at + Duration::from_secs(60)), None, "it begins to measure again");
        pace.observe(at + Duration::from_secs(61), None);
        assert_eq!(pace.seconds_left(at + Duration::from_secs(61)), None);
    }
}
