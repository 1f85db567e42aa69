//! Bringing a clinic back from a backup: onto this computer, or into a PostgreSQL that is there already.
//!
//! The words are in the keyring before anything is begun, and until it is done the profile says what is being restored. On this
//! computer a restore that was interrupted goes on by itself: it begins anew each time, with an empty database. On a server it
//! would need the administrator's address, which is kept nowhere: the words are forgotten, and the next start says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use balcao_backup::{Progress, Restored, Step, Watch, Words};
use balcao_keychain::{Secret, names};
use balcao_tenant::provision::{Databases, RestoredClinic as Back};
use balcao_tenant::{Address, Tenant};
use tokio::sync::watch;
use uuid::Uuid;

use super::book::Book;
use super::run::{CANCELLED, open};
use super::types::{BackupContents, PeekBackup, RestoredClinic, StartRestore};
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::{DATABASE, EmbeddedServer};
use crate::profile::{Kind, Profile};
use crate::session::{Session, first_run};
use crate::setup::{CALLED_OFF, admin_url, forget_secrets};

pub(crate) async fn peek_backup(desk: &Arc<Desk>, wish: PeekBackup) -> Result<BackupContents, ApiError> {
    drop(first_run(desk).await?);
    let path = PathBuf::from(&wish.path);
    let archive = open(path.clone(), Words::parse(&wish.words)?).await?;
    let bytes = std::fs::metadata(&path).map(|found| found.len()).unwrap_or(0);
    Ok(BackupContents {
        clinic_name: archive.contents.clinics.join(", "),
        taken_at: archive.contents.taken_at,
        rows: archive.contents.rows() as f64,
        bytes: bytes as f64,
    })
}

/// What is wrong with the file or the words is said before anything is begun. Answers at once then; the session tells how far
/// it is.
pub(crate) async fn start_restore(desk: &Arc<Desk>, wish: StartRestore) -> Result<Session, ApiError> {
    let _beginning = first_run(desk).await?;
    let (path, words) = (PathBuf::from(&wish.backup.path), Words::parse(&wish.backup.words)?);
    let server = wish.server.as_ref().map(admin_url).transpose()?;
    open(path.clone(), words.clone()).await?;
    desk.forget_unfinished().await?;
    let kind = if server.is_some() { Kind::Remote } else { Kind::Local };
    let profile = Profile { restoring: Some(path), ..Profile::new(Uuid::new_v4(), kind) };
    // First the profile, which names the entries of the keyring: nothing is in there that nobody would ever look for.
    profile.write(&desk.options.profile_dir)?;
    if let Err(problem) = desk.keychain.set(&names::backup_words(&profile.id.to_string()), words.secret()).await {
        Profile::remove(&desk.options.profile_dir)?;
        return Err(problem.into());
    }
    match server {
        None => desk.open_profile(profile, Opening::default()),
        Some(admin) => {
            desk.setup.begin();
            desk.set_session(Session::preparing("connect", None));
            let desk_there = desk.clone();
            tokio::spawn(async move { desk_there.restore_on_server(profile, admin).await });
        }
    }
    Ok(desk.session())
}

impl Desk {
    /// Makes the database anew from the backup of the profile. Returns where the clinic is.
    pub(crate) async fn restore_here(
        self: &Arc<Self>,
        server: &EmbeddedServer,
        profile: &Profile,
        path: &Path,
    ) -> Result<Address, ApiError> {
        self.setup.go_on()?;
        self.set_session(Session::preparing("database", None));
        let maintenance = server.admin_url("postgres").await?;
        self.setup.go_on()?;
        let databases = Databases::at(maintenance.expose())?;
        // What an interrupted attempt has left. Its logins open nothing any more.
        if databases.remove_logins(DATABASE).await.is_err() {
            tracing::debug!("there are no logins of an earlier attempt");
        }
        databases.remove(DATABASE).await?;
        databases.create(DATABASE).await?;
        let admin = server.admin_url(DATABASE).await?;
        let (clinics, restored) = self.restore_into(profile, path, &admin, &server.binaries()?).await?;
        self.note_restored(path, profile, &restored, true).await?;
        Ok(clinics.owner.address)
    }

    async fn restore_on_server(self: Arc<Self>, profile: Profile, admin: Secret) {
        let path = profile.restoring.clone().unwrap_or_default();
        let outcome = async {
            let binaries = self.embedded_server(&profile).binaries()?;
            let (clinic, restored) = self.restore_into(&profile, &path, &admin, &binaries).await?;
            self.note_restored(&path, &profile, &restored, false).await?;
            Ok::<_, ApiError>(clinic.owner.address)
        };
        let outcome = outcome.await;
        self.setup.end();
        let folder = &self.options.profile_dir;
        match outcome {
            Ok(address) => {
                let profile = Profile { address: Some(address), restoring: None, ..profile };
                match profile.write(folder) {
                    Ok(()) => self.open_profile(profile, Opening::default()),
                    Err(problem) => self.set_session(Session::Failed { problem, has_profile: false }),
                }
            }
            Err(problem) => {
                tracing::warn!(code = problem.code, "the clinic could not be brought back");
                let forgotten = forget_secrets(&self.keychain, &profile).await.and_then(|()| Profile::remove(folder));
                let problem = forgotten.err().unwrap_or(problem);
                self.set_session(match problem.code.as_str() {
                    CALLED_OFF => Session::FirstRun,
                    _ => Session::Failed { problem, has_profile: false },
                });
            }
        }
    }

    /// What an interrupted restore onto a server has in the keyring goes; that there was one is told at the first run.
    pub(crate) async fn end_restore_on_server(&self, profile: Profile) -> Result<(), ApiError> {
        forget_secrets(&self.keychain, &profile).await?;
        Profile { address: None, ..profile }.write(&self.options.profile_dir)?;
        self.setup.end();
        self.set_session(Session::FirstRun);
        Ok(())
    }

    /// A restore on a server whose last answer was lost: the clinic is there, or nothing of it is. Says where it is.
    pub(crate) async fn restored_on_server(&self, profile: &Profile) -> Result<Option<Address>, ApiError> {
        let (Some(address), entry) = (&profile.address, names::database_password(&profile.id.to_string())) else {
            return Ok(None);
        };
        let Some(password) = self.keychain.get(&entry).await? else { return Ok(None) };
        match Tenant::connect(address, password.expose(), "balcao").await {
            Ok(tenant) => {
                tenant.close().await;
                Ok(Some(address.clone()))
            }
            Err(error) if error.is_connection() => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    async fn restore_into(
        self: &Arc<Self>,
        profile: &Profile,
        path: &Path,
        admin: &Secret,
        binaries: &balcao_local_server::Binaries,
    ) -> Result<(Back, Restored), ApiError> {
        self.set_session(Session::preparing("backup", None));
        let archive = open(path.to_owned(), self.backup_words(profile.id).await?).await?;
        let (sender, cancelled) = watch::channel(false);
        let desk = self.clone();
        let ear = tokio::spawn(async move {
            desk.setup.called_off().await;
            sender.send_replace(true);
        });
        let problem = std::sync::Mutex::new(None);
        let restored =
            balcao_backup::restore_when(binaries, &archive, admin, &self.restore_watch(cancelled), |clinics| {
                let problem = &problem;
                async move {
                    let kept = self.keep_restored(profile, &clinics).await.and_then(|()| self.setup.settle());
                    let may = kept.is_ok();
                    if let (Err(why), Ok(mut problem)) = (kept, problem.lock()) {
                        *problem = Some(why);
                    }
                    may
                }
            })
            .await;
        ear.abort();
        let none = || ApiError::internal("a backup without a clinic");
        match restored.map_err(ApiError::from) {
            Ok(Some(restored)) => {
                let clinic = restored.clinics.first().cloned().ok_or_else(none)?;
                Ok((clinic, restored))
            }
            Ok(None) => Err(problem.into_inner().ok().flatten().unwrap_or_else(none)),
            Err(problem) if problem.code == CANCELLED => Err(ApiError::new(CALLED_OFF, "the restore was called off")),
            Err(problem) => Err(problem),
        }
    }

    /// Kept before the clinic lasts: whatever happens then, this computer can enter what it brought back.
    async fn keep_restored(&self, profile: &Profile, clinics: &[Back]) -> Result<(), ApiError> {
        let owner = &clinics.first().ok_or_else(|| ApiError::internal("a backup without a clinic"))?.owner;
        let password = owner.password.clone().ok_or_else(|| ApiError::internal("a login without a password"))?;
        self.keychain.set(&names::database_password(&profile.id.to_string()), &Secret::new(password)).await?;
        Profile { address: Some(owner.address.clone()), ..profile.clone() }.write(&self.options.profile_dir)
    }

    /// On this computer backups go on as they were: in the same folder, under the same words.
    async fn note_restored(
        &self,
        path: &Path,
        profile: &Profile,
        restored: &Restored,
        here: bool,
    ) -> Result<(), ApiError> {
        let now = self.clock.now();
        let kept = self.keychain.get(&names::backup_words(&profile.id.to_string())).await?;
        let series = kept.and_then(|kept| Words::parse(kept.expose()).ok()).map(|words| words.series());
        let contents = &restored.contents;
        let book = Book {
            folder: path.parent().map(Path::to_owned).filter(|_| here),
            series: series.filter(|_| here),
            since: Some(now),
            restored: Some(RestoredClinic {
                at: now,
                taken_at: contents.taken_at,
                rows: contents.rows() as f64,
                tables: u32::try_from(contents.tables.len()).unwrap_or(u32::MAX),
            }),
            ..Book::default()
        };
        if !here {
            // Who looks after the server looks after its backups.
            self.keychain.delete(&names::backup_words(&profile.id.to_string())).await?;
        }
        book.write(&self.options.profile_dir)
    }

    fn restore_watch(self: &Arc<Self>, cancelled: watch::Receiver<bool>) -> Watch {
        let desk = Arc::downgrade(self);
        let told = move |Progress { step, done, total }| {
            let Some(desk) = desk.upgrade().filter(|desk| desk.setup.go_on().is_ok()) else { return };
            let fraction = total.filter(|total| *total > 0).map(|total| done as f64 / total as f64);
            // In steps of a hundredth: each is drawn.
            let fraction = fraction.map(|fraction| (fraction * 100.0).floor() / 100.0);
            desk.set_session(Session::preparing(
                match step {
                    Step::Rows => "restore",
                    Step::Finish => "restore_finish",
                    _ => "backup",
                },
                fraction,
            ));
        };
        Watch::new(told, cancelled)
    }
}
