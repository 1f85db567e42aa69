//! How long a person may wait before it is shown.

use crate::Refusal;

/// Minutes after which a wait is amber, and red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitLimits {
    /// Amber from here on.
    pub amber_minutes: u32,
    /// Red from here on.
    pub red_minutes: u32,
}

/// A week: nobody waits that long on purpose.
const LONGEST: u32 = 7 * 24 * 60;

impl WaitLimits {
    /// What holds where a clinic has chosen nothing.
    pub const USUAL: Self = Self { amber_minutes: 30, red_minutes: 120 };

    /// Refuses limits that cannot be told apart, or that nobody reaches.
    ///
    /// # Errors
    /// [`Refusal::LimitsDisordered`].
    pub fn check(self) -> Result<Self, Refusal> {
        let Self { amber_minutes, red_minutes } = self;
        if amber_minutes == 0 || amber_minutes >= red_minutes || red_minutes > LONGEST {
            return Err(Refusal::LimitsDisordered);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amber_comes_before_red_and_both_can_be_reached() {
        let limits = |amber_minutes, red_minutes| WaitLimits { amber_minutes, red_minutes }.check();
        assert_eq!(WaitLimits::USUAL.check(), Ok(WaitLimits::USUAL));
        for (amber, red) in [(0, 5), (5, 5), (10, 5), (5, LONGEST + 1)] {
            assert_eq!(limits(amber, red), Err(Refusal::LimitsDisordered), "{amber} {red}");
        }
        assert!(limits(1, LONGEST).is_ok());
    }
}
