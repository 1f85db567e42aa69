//! How fast a connection sends. WhatsApp bans numbers that write as no person does, so the pace is a person's: somebody
//! reads, types for as long as the words take, and begins the next one after a breath. Every draw comes from the caller.

use std::time::Duration;

/// Messages of one day, where a connection has no cap of its own.
pub const DAILY_CAP: u32 = 1_000;

/// Milliseconds that a character takes: some 300 a minute.
const PER_CHARACTER: f64 = 45.0;

/// Waits after a message that did not leave: from two seconds, doubling, to two minutes.
const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How a connection behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As somebody who has other things to do.
    #[default]
    Calm,
    /// As somebody who does nothing else.
    Brisk,
    /// At once: for gateways that ban nobody, and for tests.
    None,
}

impl Pace {
    /// Every pace.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Brisk, Self::None];

    /// Its name in the settings of a connection.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Brisk => "brisk",
            Self::None => "none",
        }
    }

    /// The pace of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pace| pace.name() == name)
    }

    /// How long "is typing" is shown before a text of so many characters; `draw` is drawn evenly from 0 to 1.
    pub fn typing(self, characters: usize, draw: f64) -> Duration {
        let (least, most) = match self {
            Self::Calm => (1_200.0, 9_000.0),
            Self::Brisk => (600.0, 3_500.0),
            Self::None => return Duration::ZERO,
        };
        #[allow(clippy::cast_precision_loss, reason = "no text is that long")]
        let taken = (characters as f64 * PER_CHARACTER).clamp(least, most);
        Duration::from_secs_f64(spread(taken, draw) / 1_000.0)
    }

    /// From one message to the beginning of the next, whoever gets it.
    pub fn breath(self, draw: f64) -> Duration {
        let middle = match self {
            Self::Calm => 2_400.0,
            Self::Brisk => 800.0,
            Self::None => return Duration::ZERO,
        };
        Duration::from_secs_f64(spread(middle, draw) / 1_000.0)
    }
}

/// How long a message waits that did not leave, after so many tries.
pub fn put_off(tries: u32, draw: f64) -> Duration {
    let whole = SHORTEST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(6)).min(LONGEST_WAIT);
    Duration::from_secs_f64(spread(whole.as_secs_f64(), draw))
}

/// A third more or less.
fn spread(middle: f64, draw: f64) -> f64 {
    middle * (2.0 / 3.0 + draw.clamp(0.0, 1.0) * 2.0 / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_typed_longer_up_to_a_limit() {
        let typed = |characters| Pace::Calm.typing(characters, 0.5);
        assert!(typed(2) < typed(80), "nobody types eighty letters as fast as two");
        assert_eq!(typed(1_000), typed(60_000), "nobody waits for minutes");
        assert!(Pace::Brisk.typing(80, 0.5) < typed(80));
    }

    #[test]
    fn no_two_waits_are_alike_and_none_leaves_its_bounds() {
        for draw in [0.0, 0.25, 0.75, 1.0, 7.0] {
            let breath = Pace::Calm.breath(draw);
            assert!((Duration::from_millis(1_600)..=Duration::from_millis(3_200)).contains(&breath), "{breath:?}");
        }
        assert_ne!(Pace::Calm.breath(0.1), Pace::Calm.breath(0.2));
        assert_eq!(Pace::None.breath(0.3) + Pace::None.typing(9, 0.3), Duration::ZERO);
    }

    #[test]
    fn what_did_not_leave_waits_longer_each_time_up_to_minutes() {
        let waits: Vec<_> = (1..10).map(|tries| put_off(tries, 0.5)).collect();
        assert!(waits.is_sorted() && waits[0] == SHORTEST_WAIT && waits[8] == LONGEST_WAIT, "{waits:?}");
    }

    #[test]
    fn names_lead_back_to_their_pace() {
        assert!(Pace::ALL.into_iter().all(|pace| Pace::from_name(pace.name()) == Some(pace)));
        assert_eq!(Pace::from_name("frantic"), None);
    }
}
