//! How far back a sweep goes. WhatsApp's time says when a message was sent, not when the gateway got it: what comes late lies
//! behind every watermark, so that an occasion on which that may have happened reaches far.

use chrono::{DateTime, TimeDelta, Utc};

/// Why there is a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// This program begins to listen.
    Started,
    /// The gateway is connected to WhatsApp again.
    Opened,
    /// The line to the gateway broke at this instant, and is mended.
    Dropped(DateTime<Utc>),
    /// It is time for a small one.
    Light,
    /// It is night.
    Deep,
}

/// What may be missing after a start or a new connection of the gateway.
const FAR: TimeDelta = TimeDelta::hours(72);
/// What may be missing besides what was emitted while nobody listened.
const NEAR: TimeDelta = TimeDelta::minutes(10);
/// What the night looks at.
const NIGHT: TimeDelta = TimeDelta::days(7);

/// Where a sweep begins: as far back as its occasion asks, and never behind what is known to be here.
pub fn begins(occasion: Occasion, now: DateTime<Utc>, swept_until: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let asked = match occasion {
        Occasion::Started | Occasion::Opened => now - FAR,
        Occasion::Dropped(at) => at.min(now) - NEAR,
        Occasion::Light => now - NEAR,
        Occasion::Deep => now - NIGHT,
    };
    // Before the first sweep nothing is known.
    asked.min(swept_until.unwrap_or(now - FAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap() + TimeDelta::hours(hour)
    }

    #[test]
    fn a_start_and_a_new_connection_reach_three_days_back() {
        for occasion in [Occasion::Started, Occasion::Opened] {
            assert_eq!(begins(occasion, at(0), Some(at(-1))), at(-72));
        }
    }

    #[test]
    fn a_broken_line_reaches_ten_minutes_behind_the_break() {
        assert_eq!(begins(Occasion::Dropped(at(-2)), at(0), Some(at(-1))), at(-2) - NEAR);
        assert_eq!(begins(Occasion::Dropped(at(5)), at(0), Some(at(0))), at(0) - NEAR, "a clock that was put back");
    }

    #[test]
    fn nothing_is_left_out_behind_what_is_known() {
        for occasion in [Occasion::Light, Occasion::Dropped(at(0)), Occasion::Opened, Occasion::Deep] {
            assert_eq!(begins(occasion, at(0), Some(at(-500))), at(-500), "{occasion:?}");
            assert!(begins(occasion, at(0), None) <= at(-72), "{occasion:?}");
        }
    }
}
