//! What is known about the backups of this computer: what was chosen, which ones were tried and how that went. A small file
//! in the folder of the profile; no secret and nobody's name is in it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use balcao_backup::Keep;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::types::{BackupWish, RestoredClinic};
use crate::error::ApiError;
use crate::profile::keep;

const FILE: &str = "backups.json";

/// Half past twelve: the computer is on, and the counter is quiet.
const NOON: u32 = 12 * 60 + 30;

/// After an attempt that came to nothing: a disk is plugged in again, a folder is emptied.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Book {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) at_minute: u32,
    pub(crate) keep: Keep,
    pub(crate) warn_after_days: u32,
    /// Which words are in use.
    pub(crate) series: Option<String>,
    /// Since when the clinic is on this computer, as far as is known: before it nobody is warned.
    pub(crate) since: Option<DateTime<Utc>>,
    /// When one was last made or was to be made.
    pub(crate) attempted_at: Option<DateTime<Utc>>,
    /// When one was last made.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// When one was last tried and good, and its file.
    pub(crate) verified: Option<(DateTime<Utc>, String)>,
    /// Why the last attempt came to nothing.
    pub(crate) problem: Option<ApiError>,
    /// What became of the trial of a backup, by the name of its file.
    pub(crate) trials: BTreeMap<String, Trial>,
    /// How many were forgotten when the list of them was last put beside the backups, in which folder, and for which words.
    pub(crate) erasures: Option<(usize, PathBuf, String)>,
    /// The clinic was brought back here, and nobody has taken note yet.
    pub(crate) restored: Option<RestoredClinic>,
}

/// A backup was restored to see whether it is good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) at: DateTime<Utc>,
    /// Why it is not.
    pub(crate) problem: Option<ApiError>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            folder: None,
            at_minute: NOON,
            keep: Keep::default(),
            warn_after_days: 3,
            series: None,
            since: None,
            attempted_at: None,
            made_at: None,
            verified: None,
            problem: None,
            trials: BTreeMap::new(),
            erasures: None,
            restored: None,
        }
    }
}

impl Book {
    /// Reads it. One that cannot be read costs choices that are made again, not a start.
    pub(crate) fn read(profile: &Path) -> Self {
        match std::fs::read(profile.join(FILE)) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, "what was known about the backups cannot be read");
                Self::default()
            }),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::warn!(kind = %error.kind(), "what was known about the backups cannot be read");
                }
                Self::default()
            }
        }
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, profile: &Path) -> Result<(), ApiError> {
        keep(profile, FILE, self)
    }

    /// Removes it: the clinic is here no more.
    pub(crate) fn remove(profile: &Path) {
        // It says nothing without a clinic.
        let _ = std::fs::remove_file(profile.join(FILE));
    }

    pub(crate) fn wish(&self) -> BackupWish {
        BackupWish {
            folder: self.folder.as_ref().map(|folder| folder.display().to_string()),
            at_minute: self.at_minute,
            daily: self.keep.daily,
            weekly: self.keep.weekly,
            monthly: self.keep.monthly,
            warn_after_days: self.warn_after_days,
        }
    }

    /// Whether everything is chosen that is needed to make one.
    pub(crate) fn is_set_up(&self) -> bool {
        self.folder.is_some() && self.series.is_some()
    }

    /// Whether one is to be made now. What was to be made while the computer was off is made as soon as it is on.
    pub(crate) fn is_due(&self, now: DateTime<Utc>, zone: Tz) -> bool {
        let Some(last) = self.last_time(now, zone).filter(|_| self.is_set_up()) else { return false };
        // A clock that was set back leaves moments to come behind it, which say nothing.
        let after = |moment: Option<DateTime<Utc>>| moment.is_some_and(|moment| moment >= last && moment <= now);
        if after(self.made_at) {
            return false;
        }
        !after(self.attempted_at) || self.attempted_at.is_some_and(|attempted| now - attempted >= AGAIN)
    }

    /// When the next one is made.
    pub(crate) fn next_at(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        if !self.is_set_up() {
            return None;
        }
        if self.is_due(now, zone) {
            return Some(now);
        }
        let today = now.with_timezone(&zone).date_naive();
        [Some(today), today.checked_add_days(Days::new(1))]
            .into_iter()
            .flatten()
            .filter_map(|day| self.on(day, zone))
            .find(|at| *at > now)
    }

    /// When one was last to be made, by the clock on the wall.
    fn last_time(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&zone).date_naive();
        [Some(today), today.checked_sub_days(Days::new(1))]
            .into_iter()
            .flatten()
            .filter_map(|day| self.on(day, zone))
            .find(|at| *at <= now)
    }

    /// The chosen minute of a day; an hour that a change of the clocks leaves out is told an hour later.
    fn on(&self, day: chrono::NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(self.at_minute * 60, 0)?;
        let wall = day.and_time(time);
        let at = zone.from_local_datetime(&wall).earliest();
        at.or_else(|| zone.from_local_datetime(&(wall + TimeDelta::hours(1))).earliest())
            .map(|at| at.with_timezone(&Utc))
    }

    /// Whether there has been no good backup for longer than was chosen.
    pub(crate) fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        let last = self.verified.as_ref().map(|(at, _)| *at).max(self.since);
        last.is_some_and(|last| now - last > TimeDelta::days(self.warn_after_days.into()))
    }

    /// A backup was made.
    pub(crate) fn made(&mut self, now: DateTime<Utc>) {
        self.attempted_at = Some(now);
        self.made_at = Some(now);
        self.problem = None;
    }

    /// One was not made; without a problem, because somebody called it off.
    pub(crate) fn failed(&mut self, problem: Option<ApiError>, now: DateTime<Utc>) {
        self.attempted_at = Some(now);
        self.problem = problem;
    }

    /// One was tried.
    pub(crate) fn tried(&mut self, file: String, problem: Option<ApiError>, now: DateTime<Utc>) {
        if problem.is_none() {
            self.verified = Some((now, file.clone()));
        }
        self.problem = problem.clone();
        self.trials.insert(file, Trial { at: now, problem });
    }

    /// Forgets what was tried of files that are gone.
    pub(crate) fn forget_all_but(&mut self, files: &[String]) {
        self.trials.retain(|file, _| files.contains(file));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}:00-03:00").parse().unwrap()
    }

    fn book() -> Book {
        Book { folder: Some("/media/disk".into()), series: Some("1".into()), ..Book::default() }
    }

    #[test]
    fn one_is_made_a_day_at_the_chosen_time_or_as_soon_as_the_computer_is_on() {
        let mut book = book();
        assert!(book.is_due(at("2026-11-21T08:00"), ZONE), "yesterday's was never made");
        book.made(at("2026-11-21T08:01"));
        assert!(!book.is_due(at("2026-11-21T12:29"), ZONE));
        assert_eq!(book.next_at(at("2026-11-21T12:29"), ZONE), Some(at("2026-11-21T12:30")));
        assert!(book.is_due(at("2026-11-21T12:30"), ZONE));
        book.made(at("2026-11-21T12:30"));
        assert!(!book.is_due(at("2026-11-21T18:00"), ZONE));
        assert_eq!(book.next_at(at("2026-11-21T18:00"), ZONE), Some(at("2026-11-22T12:30")));
        assert!(book.is_due(at("2026-11-25T09:00"), ZONE), "it was off for days");
    }

    #[test]
    fn nothing_is_due_before_a_folder_and_words_are_there() {
        for book in [Book { folder: None, ..book() }, Book { series: None, ..book() }] {
            assert!(!book.is_due(at("2026-11-21T13:00"), ZONE));
            assert_eq!(book.next_at(at("2026-11-21T13:00"), ZONE), None);
        }
    }

    #[test]
    fn what_came_to_nothing_is_tried_again_after_an_hour() {
        let mut book = book();
        book.failed(Some(ApiError::new("backup_folder_missing", "gone")), at("2026-11-21T12:31"));
        assert!(!book.is_due(at("2026-11-21T13:00"), ZONE));
        assert!(book.is_due(at("2026-11-21T13:31"), ZONE));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_backups() {
        let mut book = book();
        book.made(at("2031-01-01T12:30"));
        assert!(book.is_due(at("2026-11-21T13:00"), ZONE));
    }

    #[test]
    fn the_owner_is_warned_after_so_many_days_without_a_good_one() {
        let mut book = Book { since: Some(at("2026-11-01T08:00")), ..book() };
        assert!(!book.is_overdue(at("2026-11-04T08:00")), "a new clinic has the same days");
        assert!(book.is_overdue(at("2026-11-04T08:01")));
        book.made(at("2026-11-10T12:30"));
        assert!(book.is_overdue(at("2026-11-10T13:00")), "one that was not tried does not count");
        book.tried("a".into(), Some(ApiError::new("backup_damaged", "damaged")), at("2026-11-10T13:00"));
        assert!(book.is_overdue(at("2026-11-10T13:00")));
        book.tried("b".into(), None, at("2026-11-10T13:00"));
        assert!(!book.is_overdue(at("2026-11-13T13:00")));
        assert!(book.is_overdue(at("2026-11-13T13:01")));
    }

    #[test]
    fn the_file_is_read_as_it_was_written_and_a_damaged_one_is_no_reason_not_to_start() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Book::read(folder.path()), Book::default());
        let mut book = book();
        book.tried("a".into(), Some(ApiError::new("backup_damaged", "damaged")), at("2026-11-10T13:00"));
        book.write(folder.path()).unwrap();
        assert_eq!(Book::read(folder.path()), book);
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(Book::read(folder.path()), Book::default());
    }
}
