//! How many tests passed, failed and were skipped, as their runners say.

use std::fmt;
use std::ops::AddAssign;

use serde_json::Value;

/// Sums over runners.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// One thing that went wrong.
    pub(crate) const FAILURE: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// Whether anything was tried.
    pub(crate) fn is_empty(self) -> bool {
        self.passed + self.failed == 0
    }

    /// From what `cargo test` says: a line per test program.
    pub(crate) fn of_cargo(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
            let number = |word: &str| {
                let before = line.split(';').find_map(|part| part.trim().strip_suffix(word))?;
                before.split_whitespace().last()?.parse().ok()
            };
            all += Self {
                passed: number(" passed").unwrap_or(0),
                failed: number(" failed").unwrap_or(0),
                skipped: number(" ignored").unwrap_or(0),
            };
        }
        all
    }

    /// From the JSON report of vitest.
    pub(crate) fn of_vitest(report: &Value) -> Option<Self> {
        Some(Self {
            passed: report["numPassedTests"].as_u64()?,
            failed: report["numFailedTests"].as_u64()?,
            skipped: report["numPendingTests"].as_u64()? + report["numTodoTests"].as_u64().unwrap_or(0),
        })
    }

    /// From the JSON report of Playwright. A test that passed only when it was repeated counts as failed.
    pub(crate) fn of_playwright(report: &Value) -> Option<Self> {
        let stats = &report["stats"];
        Some(Self {
            passed: stats["expected"].as_u64()?,
            failed: stats["unexpected"].as_u64()? + stats["flaky"].as_u64()?,
            skipped: stats["skipped"].as_u64()?,
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(out, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_test_programs_are_added() {
        let text = "running 2 tests\n\
                    test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s\n\
                    test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n";
        assert_eq!(Counts::of_cargo(text), Counts { passed: 16, failed: 2, skipped: 1 });
        assert!(Counts::of_cargo("error: could not compile").is_empty());
    }

    #[test]
    fn reports_of_the_screens_are_read() {
        let vitest = serde_json::json!({"numPassedTests": 5, "numFailedTests": 1, "numPendingTests": 2});
        assert_eq!(Counts::of_vitest(&vitest), Some(Counts { passed: 5, failed: 1, skipped: 2 }));
        let playwright = serde_json::json!({"stats": {"expected": 7, "unexpected": 1, "flaky": 1, "skipped": 0}});
        assert_eq!(Counts::of_playwright(&playwright), Some(Counts { passed: 7, failed: 2, skipped: 0 }));
        assert_eq!(Counts::of_playwright(&serde_json::json!({})), None);
    }

    #[test]
    fn the_summary_names_skipped_tests_only_when_there_are_some() {
        assert_eq!(Counts { passed: 3, failed: 0, skipped: 0 }.to_string(), "3 passed, 0 failed");
        assert_eq!(Counts { passed: 3, failed: 1, skipped: 2 }.to_string(), "3 passed, 1 failed, 2 skipped");
    }
}
