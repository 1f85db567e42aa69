//! Which backups stay.

use std::collections::HashSet;
use std::fs;
use std::hash::Hash;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{BackupError, Result};
use crate::folder::{self, Found};

/// Of how many days, weeks and months the last backup stays. The newest one always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Days.
    pub daily: u32,
    /// Weeks.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 12 }
    }
}

impl Keep {
    /// For each of the times, which are newest first, whether its backup stays.
    pub(crate) fn stays(self, times: &[DateTime<Utc>]) -> Vec<bool> {
        let mut stays = vec![false; times.len()];
        last_of(times, &mut stays, self.daily, |time| time.date_naive());
        last_of(times, &mut stays, self.weekly, |time| time.iso_week());
        last_of(times, &mut stays, self.monthly, |time| (time.year(), time.month()));
        if let Some(newest) = stays.first_mut() {
            *newest = true;
        }
        stays
    }
}

/// The newest one of each of the last so many days (weeks, months) that have one.
fn last_of<P: Eq + Hash>(times: &[DateTime<Utc>], stays: &mut [bool], many: u32, period: impl Fn(&DateTime<Utc>) -> P) {
    let mut seen = HashSet::new();
    for (time, stays) in times.iter().zip(stays) {
        if seen.len() < many as usize && seen.insert(period(time)) {
            *stays = true;
        }
    }
}

/// Removes the backups of a series that no longer stay, and never `verified`, the last one that is known to be good.
/// Returns what was removed.
///
/// # Errors
/// [`BackupError::FolderMissing`], [`BackupError::FolderNotWritable`]
pub fn rotate(folder: &Path, series: &str, keep: Keep, verified: Option<&Path>) -> Result<Vec<PathBuf>> {
    let ours: Vec<Found> = folder::list(folder)?.into_iter().filter(|found| found.manifest.series == series).collect();
    let times: Vec<DateTime<Utc>> = ours.iter().map(|found| found.manifest.taken_at).collect();
    let mut removed = Vec::new();
    for (found, stays) in ours.into_iter().zip(keep.stays(&times)) {
        if stays || verified == Some(&found.path) {
            continue;
        }
        // The manifest last: a backup that is still there can be told from a stranger's.
        fs::remove_file(&found.path).map_err(BackupError::io("remove", &found.path))?;
        let manifest = folder::manifest_path(&found.path);
        fs::remove_file(&manifest).map_err(BackupError::io("remove", &manifest))?;
        removed.push(found.path);
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn every(hours: i64, count: i32) -> Vec<DateTime<Utc>> {
        let newest: DateTime<Utc> = "2026-11-21T22:00:00Z".parse().unwrap();
        (0..count).map(|index| newest - TimeDelta::hours(hours) * index).collect()
    }

    #[test]
    fn seven_days_four_weeks_and_twelve_months_stay_of_two_years_of_days() {
        let times = every(24, 730);
        let stays = Keep::default().stays(&times);
        let kept: Vec<_> = times.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(time, _)| *time).collect();
        // Seven days, of which the newest is this week's and this month's, and one more is last week's.
        assert!(kept.len() <= 7 + 4 + 12, "{}", kept.len());
        assert_eq!(&kept[..7], &times[..7]);
        let months: HashSet<_> = kept.iter().map(|time| (time.year(), time.month())).collect();
        assert_eq!(months.len(), 12);
        assert_eq!(kept.last().unwrap().date_naive().to_string(), "2025-12-31", "the last one of the oldest month");
    }

    #[test]
    fn of_many_backups_of_one_day_the_last_one_stays() {
        let times = every(1, 20);
        let stays = Keep { daily: 2, weekly: 0, monthly: 0 }.stays(&times);
        assert_eq!(stays.iter().filter(|stays| **stays).count(), 1, "all of them are of one day");
        assert!(stays[0]);
    }

    #[test]
    fn the_newest_stays_whatever_was_chosen() {
        let stays = Keep { daily: 0, weekly: 0, monthly: 0 }.stays(&every(24, 3));
        assert_eq!(stays, [true, false, false]);
    }

    #[test]
    fn after_a_long_pause_old_days_count_as_days() {
        let mut times = every(24, 3);
        times.extend(every(24, 3).into_iter().map(|time| time - TimeDelta::days(400)));
        let stays = Keep { daily: 5, weekly: 0, monthly: 0 }.stays(&times);
        assert_eq!(stays, [true, true, true, true, true, false]);
    }
}
