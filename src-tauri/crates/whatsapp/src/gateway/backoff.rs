//! How long to wait before the next connection.

use std::time::Duration;

/// The shortest and the longest wait.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that held for this long was a good one.
const GOOD_AFTER: Duration = Duration::from_secs(60);

/// Waits that double from a quarter of a second to half a minute, each drawn between half of itself and the whole, so
/// that the computers of a clinic do not all come back in the same moment.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// A connection ended. `held` is how long it was up, zero when it never was; `draw` is drawn evenly from 0 to 1.
    /// Says how long to wait.
    pub fn after(&mut self, held: Duration, draw: f64) -> Duration {
        if held >= GOOD_AFTER {
            self.failures = 0;
        }
        let whole = SHORTEST.saturating_mul(1 << self.failures.min(7)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(0.5 + draw.clamp(0.0, 1.0) / 2.0).max(SHORTEST)
    }

    /// Connections in a row that did not hold.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..10).map(|_| backoff.after(Duration::ZERO, 1.0).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn no_draw_leads_out_of_the_bounds() {
        let mut backoff = Backoff::default();
        for draw in [-1.0, 0.0, 0.3, 1.0, 9.0, f64::NAN.max(0.0)] {
            let wait = backoff.after(Duration::ZERO, draw);
            assert!((SHORTEST..=LONGEST).contains(&wait), "{wait:?}");
        }
    }

    #[test]
    fn a_connection_that_held_begins_anew_and_one_that_flaps_does_not() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.after(Duration::from_secs(3), 1.0);
        }
        assert_eq!(backoff.failures(), 5);
        assert_eq!(backoff.after(Duration::from_secs(3600), 1.0), SHORTEST);
    }
}
