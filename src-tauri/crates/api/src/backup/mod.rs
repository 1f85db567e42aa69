//! Backups of the clinic that is on this computer: where, when, under which words; made, tried, listed; and bringing a clinic
//! back from one. What is chosen and what became of each is in the book (`backups.json`), the words are in the keyring.

mod book;
mod erasures;
mod places;
mod restore;
mod run;
mod types;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use balcao_backup::Found;
use balcao_keychain::names;

use self::book::Book;
pub(crate) use self::erasures::keep_erasures;
pub(crate) use self::places::list_folders;
pub(crate) use self::restore::{peek_backup, start_restore};
pub(crate) use self::run::{Backups, Turn};
pub use self::types::*;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

pub(crate) async fn get_backup(desk: &Arc<Desk>, _: Nothing) -> Result<BackupState, ApiError> {
    let profile = desk.local_profile()?;
    // Before the book: what has ended by now stands in it.
    let running = desk.backups.progress();
    let book = desk.backup_book();
    let kept = desk.keychain.get(&names::backup_words(&profile.id.to_string())).await?;
    let zone = desk.clinic().await?.time_zone().await?;
    let folder = book.folder.clone();
    let data = crate::profile::Profile::server_dir(&desk.options.profile_dir);
    // Disks that sleep take seconds to answer.
    let looking = tokio::task::spawn_blocking(move || match folder {
        Some(folder) => (places::on_one_disk(&folder, &data), balcao_backup::list(&folder)),
        None => (false, Ok(Vec::new())),
    });
    let (same_disk, listed) = looking.await.map_err(ApiError::internal)?;
    let (found, folder_problem) = match listed {
        Ok(found) => (found, None),
        Err(error) => (Vec::new(), Some(error.into())),
    };
    // Words that the keyring lost are drawn anew; until then nothing is made.
    let has_words = kept.is_some() && book.series.is_some();
    Ok(BackupState {
        has_words,
        wish: book.wish(),
        same_disk,
        next_at: book.next_at(desk.clock.now(), zone).filter(|_| has_words),
        verified_at: book.verified.as_ref().map(|(at, _)| *at),
        running,
        problem: book.problem.clone(),
        backups: found.into_iter().map(|found| row(&book, found)).collect(),
        folder_problem,
    })
}

/// Forgets what is known about backups: the clinic is not here any more.
pub(crate) fn forget(profile: &std::path::Path) {
    Book::remove(profile);
}

fn row(book: &Book, found: Found) -> BackupRow {
    let file = run::name_of(&found.path);
    let trial = book.trials.get(&file);
    let state = match trial {
        None => "made",
        Some(trial) if trial.problem.is_none() => "verified",
        Some(_) => "failed",
    };
    BackupRow {
        taken_at: found.manifest.taken_at,
        bytes: found.manifest.bytes as f64,
        rows: found.manifest.rows as f64,
        state: state.to_owned(),
        tried_at: trial.map(|trial| trial.at),
        problem: trial.and_then(|trial| trial.problem.clone()),
        opens: book.series.as_ref() == Some(&found.manifest.series),
        file,
    }
}

pub(crate) async fn get_backup_health(desk: &Arc<Desk>, _: Nothing) -> Result<BackupHealth, ApiError> {
    let book = desk.backup_book();
    let here = desk.local_profile().is_ok();
    Ok(BackupHealth {
        overdue: here && book.is_overdue(desk.clock.now()),
        verified_at: book.verified.as_ref().map(|(at, _)| *at),
        restored: book.restored,
    })
}

pub(crate) async fn dismiss_restored(desk: &Arc<Desk>, request: Nothing) -> Result<BackupHealth, ApiError> {
    desk.note_backup(|book| book.restored = None)?;
    get_backup_health(desk, request).await
}

pub(crate) async fn draw_backup_words(desk: &Arc<Desk>, _: Nothing) -> Result<RecoveryWords, ApiError> {
    desk.local_profile()?;
    desk.backups.drawn.draw()
}

pub(crate) async fn confirm_backup_words(desk: &Arc<Desk>, typed: ConfirmWords) -> Result<BackupState, ApiError> {
    let profile = desk.local_profile()?;
    let words = desk.backups.drawn.confirm(&typed)?;
    desk.remember_words(profile.id).await?;
    desk.keychain.set(&names::backup_words(&profile.id.to_string()), words.secret()).await?;
    desk.note_backup(|book| {
        book.series = Some(words.series());
        // The first one under these words is made as soon as there is time for it.
        book.made_at = None;
        book.attempted_at = None;
    })?;
    desk.backups.drawn.forget();
    get_backup(desk, Nothing {}).await
}

pub(crate) async fn change_backup(desk: &Arc<Desk>, wish: BackupWish) -> Result<BackupState, ApiError> {
    desk.local_profile()?;
    for (value, bounds, field) in [
        (wish.at_minute, 0..=1_439, "at_minute"),
        (wish.daily, 1..=60, "daily"),
        (wish.weekly, 0..=60, "weekly"),
        (wish.monthly, 0..=120, "monthly"),
        (wish.warn_after_days, 1..=60, "warn_after_days"),
    ] {
        if !bounds.contains(&value) {
            return Err(ApiError::new("invalid", "this number is out of bounds").about(field));
        }
    }
    let folder = wish.folder.map(PathBuf::from);
    if let Some(folder) = folder.clone() {
        let data = desk.options.profile_dir.clone();
        let looking = tokio::task::spawn_blocking(move || {
            if !folder.is_absolute() {
                return Err(ApiError::new("backup_folder_missing", "there is no such folder"));
            }
            if folder.starts_with(&data) {
                let inside = "a backup inside the folder of the clinic would be lost with it";
                return Err(ApiError::new("backup_folder_inside", inside));
            }
            Ok(balcao_backup::usable(&folder)?)
        });
        looking.await.map_err(ApiError::internal)??;
    }
    desk.note_backup(|book| {
        if book.folder != folder {
            // What is wrong with the folder before is nobody's trouble any more, and this one has none yet.
            (book.problem, book.attempted_at, book.made_at) = (None, None, None);
        }
        book.folder = folder;
        book.at_minute = wish.at_minute;
        book.keep = balcao_backup::Keep { daily: wish.daily, weekly: wish.weekly, monthly: wish.monthly };
        book.warn_after_days = wish.warn_after_days;
    })?;
    get_backup(desk, Nothing {}).await
}

/// Answers at once; the state tells how far it is.
pub(crate) async fn start_backup(desk: &Arc<Desk>, _: Nothing) -> Result<BackupState, ApiError> {
    desk.local_profile()?;
    let (turn, there) = (Turn::begin(desk, "make")?, desk.clone());
    begun(desk, async move { there.back_up(turn).await }).await
}

/// Likewise.
pub(crate) async fn verify_backup(desk: &Arc<Desk>, wish: VerifyBackup) -> Result<BackupState, ApiError> {
    desk.local_profile()?;
    let (turn, there) = (Turn::begin(desk, "verify")?, desk.clone());
    begun(desk, async move { there.verify_backup(turn, &wish.file).await }).await
}

/// What becomes of the work is in the book.
async fn begun(
    desk: &Arc<Desk>,
    work: impl Future<Output = Result<(), ApiError>> + Send + 'static,
) -> Result<BackupState, ApiError> {
    tokio::spawn(work);
    get_backup(desk, Nothing {}).await
}

pub(crate) async fn cancel_backup(desk: &Arc<Desk>, request: Nothing) -> Result<BackupState, ApiError> {
    desk.backups.call_off();
    get_backup(desk, request).await
}
