//! What is being done, and since when.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Prints one line with the seconds since the start.
pub(crate) fn say(text: impl Display) {
    println!("[{:>4} s] {text}", BEGUN.elapsed().as_secs());
}

/// Time since the start.
pub(crate) fn elapsed() -> Duration {
    BEGUN.elapsed()
}
