//! What happened in histories, in numbers: those in which nothing happens prove nothing.

use std::fmt;
use std::ops::AddAssign;

use crate::desk::Ended;
use crate::ledger::{Fate, Ledger};

/// Counts over histories.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    histories: u32,
    confirmed: u32,
    refused: u32,
    given_up: u32,
    lost_with_database: u32,
    broken: u32,
    killed: u32,
    restored: u32,
    written: u32,
    erased: u32,
}

impl Tally {
    /// A step of an engine ended.
    pub fn engine(&mut self, ended: Ended) {
        match ended {
            Ended::Well => {}
            Ended::Broken => self.broken += 1,
            Ended::Killed => self.killed += 1,
        }
    }

    /// Somebody else wrote.
    pub fn written(&mut self) {
        self.written += 1;
    }

    /// Somebody was to be forgotten.
    pub fn erased(&mut self) {
        self.erased += 1;
    }

    /// The database became an earlier one.
    pub fn restored(&mut self) {
        self.restored += 1;
    }

    /// A history is over.
    pub fn ended(&mut self, ledger: &Ledger) {
        self.histories += 1;
        for made in &ledger.made {
            self.refused += u32::from(made.was_parked);
            match made.fate {
                Fate::Confirmed => self.confirmed += 1,
                Fate::GivenUp { .. } => self.given_up += 1,
                Fate::LostWithDatabase => self.lost_with_database += 1,
                Fate::Queued => {}
            }
        }
    }

    /// Whether everything that makes a history hard has happened.
    pub fn is_worth_something(&self) -> bool {
        let Self { confirmed, refused, given_up, broken, killed, written, .. } = *self;
        [confirmed, refused, given_up, broken, killed, written].iter().all(|count| *count > 0)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.histories += more.histories;
        self.confirmed += more.confirmed;
        self.refused += more.refused;
        self.given_up += more.given_up;
        self.lost_with_database += more.lost_with_database;
        self.broken += more.broken;
        self.killed += more.killed;
        self.restored += more.restored;
        self.written += more.written;
        self.erased += more.erased;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, confirmed, refused, given_up, lost_with_database, .. } = self;
        let Self { broken, killed, restored, written, erased, .. } = self;
        write!(
            out,
            "{histories} histories: {confirmed} writes confirmed, {refused} refused, {given_up} given up, \
             {lost_with_database} lost by a restore; {written} by others; {erased} people to be forgotten; {broken} broken \
             lines, {killed} deaths, {restored} restores"
        )
    }
}
