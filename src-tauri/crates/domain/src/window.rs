//! How far back the copy on one computer goes.

use chrono::{DateTime, TimeDelta, Utc};

/// How far back a first copy goes, in days before now. 0 means everything. What is older is fetched when someone asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Messages.
    pub message_days: u32,
    /// Visits; those to come are always copied.
    pub appointment_days: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self { message_days: 90, appointment_days: 90 }
    }
}

impl Window {
    /// The instant from which on messages are copied, seen from `now`; `None` when all of them are.
    pub fn messages_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        days_before(self.message_days, now)
    }

    /// The instant from which on visits are copied, seen from `now`; `None` when all of them are.
    pub fn appointments_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        days_before(self.appointment_days, now)
    }
}

/// A number of days that reaches back beyond every calendar means everything, as 0 does.
fn days_before(days: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if days == 0 {
        return None;
    }
    now.checked_sub_signed(TimeDelta::try_days(i64::from(days))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_days_mean_everything_and_others_that_many_days() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let window = Window { message_days: 0, appointment_days: 30 };
        assert_eq!(window.messages_from(now), None);
        assert_eq!(window.appointments_from(now), Some(now - TimeDelta::days(30)));
        assert_eq!(Window { message_days: u32::MAX, ..window }.messages_from(now), None);
    }

    #[test]
    fn ninety_days_unless_someone_chose_otherwise() {
        assert_eq!(Window::default(), Window { message_days: 90, appointment_days: 90 });
    }
}
