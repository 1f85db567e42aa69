//! Leaving a clinic: the sample that somebody has tried, or one that is worked for at another computer from now on. What is
//! going to be done is written down before it is begun, and every step can be done again.
//!
//! The computer that holds the clinic is left only by who can bring it back: everything is in a backup that was tried, and whoever
//! leaves has the words that open it. That is also how a clinic moves to a server, with the restore that follows.

use std::path::Path;
use std::sync::Arc;

use balcao_backup::{BackupError, Words};
use balcao_keychain::names;
use chrono::{DateTime, Utc};

use super::revocation::remove_journals;
use super::types::{LeaveClinic, Session};
use crate::clinic::OpenClinic;
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Leaving, Profile};

pub(crate) async fn leave_clinic(desk: &Arc<Desk>, wish: LeaveClinic) -> Result<Session, ApiError> {
    let _beginning = desk.beginning.lock().await;
    let folder = &desk.options.profile_dir;
    let no_clinic = || ApiError::new("no_session", "no clinic is open");
    let profile = Profile::read(folder)?.ok_or_else(no_clinic)?;
    if profile.is_unfinished() || profile.revoked.is_some() || profile.leaving.is_some() {
        return Err(ApiError::new("busy", "something else is to be finished first"));
    }
    let brought_back = match profile.kind {
        Kind::Local => {
            let taken_at = last_backup(desk, &wish.words.unwrap_or_default()).await?;
            // One that is being made reads from what is going to be removed.
            desk.backups.end().await;
            Some(taken_at)
        }
        _ => None,
    };
    // Held until nobody can write any more: no screen queues what was not counted.
    let mut slot = desk.clinic.write().await;
    let clinic = slot.as_ref().ok_or_else(no_clinic)?;
    let (waiting, parked) = clinic.cache.outbox_counts().await?;
    let lost = waiting + parked;
    if lost > 0 && !wish.confirm_loss {
        return Err(ApiError::new("writes_wait", "writes that are not confirmed would be lost").about(lost.to_string()));
    }
    // Nobody could tell it afterwards.
    if let Err(problem) = clinic.files.tell_exports().await {
        tracing::warn!(code = problem.code, "the audit is not told of files that were saved");
        return Err(ApiError::new("exports_untold", "the clinic is to be told first which files were saved here"));
    }
    if let Some(taken_at) = brought_back {
        clinic.keep_others_out().await;
        let kept = has_everything(clinic, taken_at).await;
        if kept.as_ref().is_ok_and(|kept| *kept) {
            tracing::info!("everything of the clinic is in its last backup");
        } else {
            // Others are let in again.
            desk.closing();
            if let Some(clinic) = slot.take() {
                clinic.close().await;
            }
            drop(slot);
            desk.open_profile(profile, Opening::default());
            return Err(kept.err().unwrap_or_else(backup_needed));
        }
    }
    let channels = clinic.cache.connections().await?.into_iter().map(|row| row.id).collect();
    desk.closing();
    desk.set_session(Session::preparing("leave", None));
    if let Some(clinic) = slot.take() {
        clinic.close().await;
    }
    drop(slot);
    // Now that nobody else writes it.
    let leaving = Profile { leaving: Some(Leaving { channels }), ..profile.clone() };
    if let Err(problem) = leaving.write(folder) {
        desk.open_profile(profile, Opening::default());
        return Err(problem);
    }
    desk.go_on_leaving(leaving);
    Ok(desk.session())
}

impl Desk {
    /// Removes in the background what is left of a clinic that is being left.
    pub(crate) fn go_on_leaving(self: &Arc<Self>, profile: Profile) {
        self.set_session(Session::preparing("leave", None));
        let desk = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = desk.remove_clinic(&profile).await {
                tracing::error!(code = problem.code, "something of the clinic is still to be removed");
                desk.set_session(Session::Failed { problem, has_profile: true });
            }
        });
    }

    async fn remove_clinic(&self, profile: &Profile) -> Result<(), ApiError> {
        tracing::info!("the clinic is left");
        // Without its key the copy is noise, wherever it has been copied to meanwhile.
        self.keychain.delete(&names::cache_key(&profile.id.to_string())).await?;
        remove_journals(&self.options.profile_dir)?;
        for channel in profile.leaving.iter().flat_map(|leaving| &leaving.channels) {
            self.keychain.delete(&names::gateway_key(&channel.to_string())).await?;
        }
        self.note_work(None);
        self.undo_setup(profile, None).await
    }
}

fn backup_needed() -> ApiError {
    ApiError::new("backup_needed", "a backup that was tried and has everything is needed first")
}

/// When the last backup that was tried was made; the words open it.
async fn last_backup(desk: &Desk, words: &str) -> Result<DateTime<Utc>, ApiError> {
    let series = Words::parse(words)?.series();
    let book = desk.backup_book();
    let (Some(folder), Some((_, tried))) = (book.folder, book.verified) else { return Err(backup_needed()) };
    let listing = tokio::task::spawn_blocking(move || balcao_backup::list(&folder));
    let backups = listing.await.map_err(ApiError::internal)??;
    let is_tried = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy() == tried);
    let last = backups.into_iter().find(|found| is_tried(&found.path)).ok_or_else(backup_needed)?;
    if last.manifest.series != series {
        return Err(BackupError::WrongWords.into());
    }
    Ok(last.manifest.taken_at)
}

/// Whether nothing was written since then. Nobody else can write any more.
async fn has_everything(clinic: &OpenClinic, since: DateTime<Utc>) -> Result<bool, ApiError> {
    let tenant = clinic.line.dial().await?;
    let written = tenant.is_written_since(since).await;
    tenant.close().await;
    Ok(!written?)
}

#[cfg(test)]
mod tests {
    use balcao_domain::clock::Clock;
    use balcao_keychain::{Keychain, Secret};
    use uuid::Uuid;

    use super::*;
    use crate::DeskOptions;

    const CHANNEL: Uuid = Uuid::from_u128(9);

    fn options(folder: &Path) -> DeskOptions {
        DeskOptions {
            profile_dir: folder.to_owned(),
            postgres_dir: None,
            export_dir: None,
            app_version: "test".to_owned(),
        }
    }

    #[tokio::test]
    async fn what_was_cut_short_is_finished_at_the_next_start_and_ends_at_the_first_run() {
        for done in 0..3 {
            let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
            let leaving = Some(Leaving { channels: vec![CHANNEL] });
            let profile = Profile { leaving, ..Profile::new(Uuid::from_u128(7), Kind::Remote) };
            profile.write(folder.path()).unwrap();
            let id = profile.id.to_string();
            let entries = [names::cache_key(&id), names::gateway_key(&CHANNEL.to_string()), names::lock(&id)];
            for entry in &entries[done..] {
                keychain.set(entry, &Secret::new("x")).await.unwrap();
            }
            std::fs::create_dir(folder.path().join("journal")).unwrap();
            for name in ["copy.db", "copy.db-wal", "copy.db.damaged-20261121T080000", "journal/1.events"] {
                std::fs::write(folder.path().join(name), "x").unwrap();
            }
            let desk = Desk::open_with(options(folder.path()), keychain.clone(), Clock::System).await.unwrap();
            let mut changes = desk.changes();
            while desk.session() != Session::FirstRun {
                changes.recv().await.unwrap();
            }
            for entry in &entries {
                assert!(keychain.get(entry).await.unwrap().is_none(), "{entry}");
            }
            let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(left, ["profile.lock"]);
        }
    }

    #[tokio::test]
    async fn the_computer_that_holds_the_clinic_is_left_by_nobody_who_could_not_bring_it_back() {
        let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
        let desk = Desk::open_with(options(folder.path()), keychain, Clock::System).await.unwrap();
        let words = Words::draw().unwrap().secret().expose().to_owned();
        let leave = async |words: Option<&str>| {
            let wish = LeaveClinic { confirm_loss: true, words: words.map(str::to_owned) };
            leave_clinic(&desk, wish).await.unwrap_err().code
        };
        assert_eq!(leave(None).await, "no_session");
        Profile::new(Uuid::from_u128(7), Kind::Local).write(folder.path()).unwrap();
        assert_eq!(leave(None).await, "backup_not_words");
        assert_eq!(leave(Some("um dois três")).await, "backup_not_words");
        assert_eq!(leave(Some(&words)).await, "backup_needed");
        assert!(Profile::read(folder.path()).unwrap().is_some_and(|profile| profile.leaving.is_none()));
    }
}
