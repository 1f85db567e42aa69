//! A clinic takes this computer's access away: nothing of it may stay here, and the person is told.
//!
//! What is going to be done is written down before it is begun, and every step can be done again: a crash at any moment
//! ends in the same state at the next start.

use std::path::Path;
use std::sync::Arc;

use balcao_keychain::{Keychain, names};

use super::types::Session;
use crate::commands::Nothing;
use crate::copy::remove_all;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::forget_arrival;
use crate::profile::{Kind, Profile, Revoked};

impl Desk {
    /// The database has said that the login of this time was taken away. Says whether that ends the session. On the
    /// computer that holds the database itself it does not: destroying a copy beside the original would protect nothing,
    /// and the way to the original would be lost with it.
    pub(crate) fn revoke(self: &Arc<Self>, time: u64) -> bool {
        let profile = match Profile::read(&self.options.profile_dir) {
            Ok(Some(profile)) if profile.kind == Kind::Remote => profile,
            _ => return false,
        };
        if self.closes(time) {
            let desk = self.clone();
            tokio::spawn(async move { desk.give_up_clinic(profile).await });
        }
        true
    }

    async fn give_up_clinic(&self, mut profile: Profile) {
        tracing::warn!("the clinic took this computer's access away; the copy is destroyed");
        let mut revoked = Revoked { clinic_name: String::new(), lost: 0, channels: Vec::new() };
        if let Some(clinic) = self.clinic.write().await.take() {
            // From here on nobody reads or writes: the count is the last one.
            let cache = clinic.fall_silent().await;
            if let Ok(Some(row)) = cache.clinic().await {
                revoked.clinic_name = row.name;
            }
            if let Ok((waiting, parked)) = cache.outbox_counts().await {
                revoked.lost = waiting + parked;
            }
            if let Ok(rows) = cache.connections().await {
                revoked.channels = rows.into_iter().map(|row| row.id).collect();
            }
            cache.close().await;
        }
        profile.revoked = Some(revoked);
        if profile.write(&self.options.profile_dir).is_err() {
            // A full disk: what is destroyed makes the room in which that can be said.
            let _ = remove_all(&self.options.profile_dir);
            if let Err(problem) = profile.write(&self.options.profile_dir) {
                tracing::error!(code = problem.code, "the profile cannot be written");
            }
        }
        self.finish_revocation(profile).await;
    }

    /// Destroys what is left, forgets where the clinic is, and says so. What cannot be destroyed now is tried again at the
    /// next start, and when the person takes note.
    pub(crate) async fn finish_revocation(&self, mut profile: Profile) {
        if let Err(problem) = destroy(&self.options.profile_dir, &self.keychain, &profile).await {
            tracing::error!(code = problem.code, "something of the copy is still to be destroyed");
        }
        profile.address = None;
        profile.unfinished = None;
        if let Err(problem) = profile.write(&self.options.profile_dir) {
            tracing::error!(code = problem.code, "the profile cannot be written");
        }
        self.forget_lock();
        self.note_work(None);
        let (clinic_name, lost) =
            profile.revoked.map(|revoked| (revoked.clinic_name, revoked.lost)).unwrap_or_default();
        self.set_session(Session::Revoked { clinic_name, lost });
    }
}

/// Back to first run, once nothing is left.
pub(crate) async fn acknowledge_revocation(desk: &Arc<Desk>, _: Nothing) -> Result<Session, ApiError> {
    if matches!(desk.session(), Session::Revoked { .. }) {
        if let Some(profile) = Profile::read(&desk.options.profile_dir)? {
            destroy(&desk.options.profile_dir, &desk.keychain, &profile).await?;
        }
        Profile::remove(&desk.options.profile_dir)?;
        desk.set_session(Session::FirstRun);
    }
    Ok(desk.session())
}

/// The key goes first: without it the file is noise, wherever it has been copied to meanwhile. Each part is tried,
/// whatever becomes of the others.
async fn destroy(folder: &Path, keychain: &Keychain, profile: &Profile) -> Result<(), ApiError> {
    let id = profile.id.to_string();
    let key = keychain.delete(&names::cache_key(&id)).await;
    let password = keychain.delete(&names::database_password(&id)).await;
    let arrived = forget_arrival(keychain, profile).await;
    let lock = keychain.delete(&names::lock(&id)).await;
    let journal = keychain.delete(&names::journal_key(&id)).await;
    let bucket = keychain.delete(&names::bucket_key(&id)).await;
    let mut gateways = Ok(());
    for channel in profile.revoked.iter().flat_map(|revoked| &revoked.channels) {
        gateways = gateways.and(keychain.delete(&names::gateway_key(&channel.to_string())).await);
    }
    let copy = remove_all(folder);
    remove_journals(folder)?;
    copy?;
    key?;
    lock?;
    journal?;
    bucket?;
    gateways?;
    arrived?;
    Ok(password?)
}

pub(super) fn remove_journals(folder: &Path) -> Result<(), ApiError> {
    match std::fs::remove_dir_all(Profile::journal_dir(folder)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ApiError::new("profile_not_writable", format!("the journals cannot be removed: {}", error.kind())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use balcao_domain::clock::Clock;
    use balcao_keychain::Secret;
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

    /// The program was killed after it wrote down what it was going to do, with so much of it done.
    async fn killed_after(steps: u32) -> (tempfile::TempDir, Keychain, Profile) {
        let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
        let revoked = Some(Revoked { clinic_name: "Boa Vista".to_owned(), lost: 4, channels: vec![CHANNEL] });
        let profile = Profile { revoked, ..Profile::new(Uuid::from_u128(7), Kind::Remote) };
        profile.write(folder.path()).unwrap();
        let id = profile.id.to_string();
        if steps < 1 {
            keychain.set(&names::cache_key(&id), &Secret::new("k")).await.unwrap();
        }
        if steps < 2 {
            keychain.set(&names::database_password(&id), &Secret::new("p")).await.unwrap();
        }
        keychain.set(&names::gateway_key(&CHANNEL.to_string()), &Secret::new("g")).await.unwrap();
        keychain.set(&names::journal_key(&id), &Secret::new("j")).await.unwrap();
        keychain.set(&names::bucket_key(&id), &Secret::new("b")).await.unwrap();
        std::fs::create_dir(folder.path().join("journal")).unwrap();
        std::fs::write(folder.path().join("journal/1.events"), "x").unwrap();
        for name in ["copy.db", "copy.db-wal", "copy.db.damaged-20261121T080000"].iter().skip(steps as usize) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        (folder, keychain, profile)
    }

    #[tokio::test]
    async fn a_crash_at_any_step_ends_in_the_same_state_and_is_told_until_someone_takes_note() {
        for steps in 0..4 {
            let (folder, keychain, profile) = killed_after(steps).await;
            for _start in 0..2 {
                let desk = Desk::open_with(options(folder.path()), keychain.clone(), Clock::System).await.unwrap();
                assert_eq!(desk.session(), Session::Revoked { clinic_name: "Boa Vista".to_owned(), lost: 4 });
                let id = profile.id.to_string();
                assert!(keychain.get(&names::cache_key(&id)).await.unwrap().is_none());
                assert!(keychain.get(&names::database_password(&id)).await.unwrap().is_none());
                assert!(keychain.get(&names::gateway_key(&CHANNEL.to_string())).await.unwrap().is_none());
                assert!(keychain.get(&names::journal_key(&id)).await.unwrap().is_none());
                assert!(keychain.get(&names::bucket_key(&id)).await.unwrap().is_none());
                assert!(!folder.path().join("journal").exists());
                let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
                assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("copy.db")), "{left:?}");
            }
            let desk = Desk::open_with(options(folder.path()), keychain.clone(), Clock::System).await.unwrap();
            assert_eq!(acknowledge_revocation(&desk, Nothing {}).await.unwrap(), Session::FirstRun);
            drop(desk);
            let desk = Desk::open_with(options(folder.path()), keychain, Clock::System).await.unwrap();
            assert_eq!(desk.session(), Session::FirstRun);
        }
    }

    #[tokio::test]
    async fn the_computer_that_holds_the_database_keeps_its_copy() {
        let (folder, keychain) = (tempfile::tempdir().unwrap(), Keychain::in_memory());
        let desk = Desk::open_with(options(folder.path()), keychain, Clock::System).await.unwrap();
        for (kind, ends) in [(Kind::Local, false), (Kind::Sample, false), (Kind::Remote, true)] {
            Profile::new(Uuid::from_u128(7), kind).write(folder.path()).unwrap();
            assert_eq!(desk.revoke(desk.time()), ends, "{kind:?}");
        }
    }
}
