//! A term of office: what this computer may write with, and until when it may act.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use balcao_domain::clock::Clock;
use balcao_tenant::Fence;
use chrono::{DateTime, TimeDelta, Utc};

/// The clinic's background work in the hands of this computer.
#[derive(Debug)]
pub struct Term {
    fence: Fence,
    clock: Clock,
    until: Mutex<(Instant, DateTime<Utc>)>,
}

impl Term {
    /// Begins: asked for `asked` ago at most, for so long.
    pub fn new(fence: Fence, clock: Clock, asked: Asked, held_for: Duration) -> Self {
        let term = Self { fence, clock, until: Mutex::new((asked.instant, asked.time)) };
        term.renew(asked, held_for);
        term
    }

    /// What is written with.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// It was renewed.
    pub fn renew(&self, asked: Asked, held_for: Duration) {
        let time = TimeDelta::from_std(held_for).unwrap_or_default();
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = (asked.instant + held_for, asked.time + time);
    }

    /// Whether it surely lasts: by the clock that never goes back, and by the one that goes on while a computer sleeps.
    pub fn lasts(&self) -> bool {
        let (instant, time) = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        Instant::now() < instant && self.clock.now() < time
    }
}

/// When something was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    instant: Instant,
    time: DateTime<Utc>,
}

impl Asked {
    /// Now.
    pub fn now(clock: &Clock) -> Self {
        Self { instant: Instant::now(), time: clock.now() }
    }
}
