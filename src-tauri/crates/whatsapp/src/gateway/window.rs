//! A time that is swept, and what came of it.

use chrono::{DateTime, Utc};

use super::WireEvent;

/// A time from its first instant to before its last, in whole seconds: finer than that no gateway tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First second, since 1970.
    from: i64,
    /// The second after the last.
    to: i64,
}

impl Window {
    /// Everything from `from` to before `to`; seconds that are only partly within count whole.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let end = to.timestamp() + i64::from(to.timestamp_subsec_nanos() > 0);
        Self { from: from.timestamp(), to: end.max(from.timestamp()) }
    }

    /// First second that is meant.
    pub fn first_second(self) -> i64 {
        self.from
    }

    /// Last second that is meant.
    pub fn last_second(self) -> i64 {
        self.to - 1
    }

    /// Seconds in it.
    pub fn seconds(self) -> i64 {
        self.to - self.from
    }

    /// Its two halves, the later one first; `None` where it cannot be divided.
    pub(crate) fn halves(self) -> Option<[Self; 2]> {
        let middle = self.from + self.seconds() / 2;
        (self.seconds() > 1).then_some([Self { from: middle, ..self }, Self { to: middle, ..self }])
    }
}

/// Some of what a sweep found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Each message as an event of its own, and the status of each of ours as one after it; the same again gives the same
    /// events. A message of ours that WhatsApp may not have yet comes as the echo of its sending.
    pub events: Vec<WireEvent>,
}

/// What a sweep has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Different ids that were found.
    pub distinct: usize,
    /// Rows the gateway said it has in the window, repetitions among them.
    pub total: usize,
    /// Rows that repeat an id or have none.
    pub repeated: usize,
    /// Questions that were asked.
    pub questions: u32,
    pub(crate) done: bool,
    pub(crate) short: bool,
}

impl Tally {
    /// A sweep of what needs none.
    pub(crate) const NOTHING_TO_DO: Self =
        Self { distinct: 0, total: 0, repeated: 0, questions: 0, done: true, short: false };
    pub(crate) const BEGINNING: Self = Self { done: false, ..Self::NOTHING_TO_DO };

    /// Whether everything that the gateway has in the window was handed out: then a watermark may move to its end.
    pub fn is_complete(&self) -> bool {
        self.done && !self.short && self.distinct + self.repeated == self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(milliseconds).unwrap()
    }

    #[test]
    fn seconds_that_are_partly_within_count_whole() {
        let window = Window::new(at(1_500), at(3_001));
        assert_eq!((window.first_second(), window.last_second(), window.seconds()), (1, 3, 3));
        assert_eq!(Window::new(at(5_000), at(2_000)).seconds(), 0, "an end before the beginning");
    }

    #[test]
    fn halves_meet_and_a_second_has_none() {
        let window = Window::new(at(0), at(5_000));
        let [later, earlier] = window.halves().unwrap();
        assert_eq!((earlier.first_second(), earlier.last_second()), (0, 1));
        assert_eq!((later.first_second(), later.last_second()), (2, 4));
        assert_eq!(Window::new(at(0), at(1_000)).halves(), None);
    }
}
