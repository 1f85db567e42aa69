//! Hours of the day in which nothing is said.

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::Refusal;

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// From one minute of the day to just before another, by the clinic's clock; past midnight where the end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes since midnight, to 1439.
    pub from_minute: u32,
    /// Minutes since midnight, to 1439.
    pub until_minute: u32,
}

impl QuietHours {
    /// Refuses hours that are none, or all.
    ///
    /// # Errors
    /// [`Refusal::QuietHoursEmpty`].
    pub fn check(self) -> Result<Self, Refusal> {
        if self.from_minute >= DAY || self.until_minute >= DAY || self.from_minute == self.until_minute {
            return Err(Refusal::QuietHoursEmpty);
        }
        Ok(self)
    }

    /// Whether it is quiet now.
    pub fn hold(self, now: DateTime<Utc>, zone: Tz) -> bool {
        let wall = now.with_timezone(&zone);
        let minute = wall.hour() * 60 + wall.minute();
        let Self { from_minute, until_minute } = self;
        if from_minute <= until_minute {
            (from_minute..until_minute).contains(&minute)
        } else {
            minute >= from_minute || minute < until_minute
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        ZONE.with_ymd_and_hms(2026, 11, 23, hour, minute, 30).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn a_night_goes_past_midnight() {
        let night = QuietHours { from_minute: 19 * 60, until_minute: 7 * 60 + 30 };
        for (hour, minute, quiet) in
            [(18, 59, false), (19, 0, true), (23, 59, true), (0, 0, true), (7, 29, true), (7, 30, false)]
        {
            assert_eq!(night.hold(at(hour, minute), ZONE), quiet, "{hour}:{minute}");
        }
    }

    #[test]
    fn a_lunch_break_lies_within_the_day() {
        let lunch = QuietHours { from_minute: 12 * 60, until_minute: 13 * 60 };
        assert!(lunch.hold(at(12, 0), ZONE) && !lunch.hold(at(13, 0), ZONE) && !lunch.hold(at(3, 0), ZONE));
    }

    #[test]
    fn hours_that_are_none_or_no_time_of_a_day_are_refused() {
        for (from_minute, until_minute) in [(60, 60), (DAY, 60), (60, DAY)] {
            assert_eq!(QuietHours { from_minute, until_minute }.check(), Err(Refusal::QuietHoursEmpty));
        }
        assert!(QuietHours { from_minute: 0, until_minute: DAY - 1 }.check().is_ok());
    }
}
