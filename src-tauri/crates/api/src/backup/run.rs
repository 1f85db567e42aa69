//! Making a backup and trying it, one at a time, whoever asks: a person, or the time of day.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use balcao_backup::{Archive, BackupError, Progress, Step, Watch, Words};
use tokio::sync::watch;

use super::book::Book;
use super::types::BackupProgress;
use super::words::Drawn;
use crate::changes::Topic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::EmbeddedServer;
use crate::profile::{Kind, Profile};

/// Between two words to the screens.
const TOLD: Duration = Duration::from_millis(300);

/// Longest wait for work that was called off.
const LEAVING: Duration = Duration::from_secs(8);

/// The backups of a desk.
#[derive(Debug, Default)]
pub(crate) struct Backups {
    pub(super) drawn: Drawn,
    running: Mutex<Option<Running>>,
    /// Held while the book is changed.
    writing: Mutex<()>,
}

#[derive(Debug)]
struct Running {
    progress: BackupProgress,
    told: Instant,
    cancel: watch::Sender<bool>,
}

impl Backups {
    pub(super) fn progress(&self) -> Option<BackupProgress> {
        self.running().as_ref().map(|running| running.progress.clone())
    }

    /// Whether one is under way.
    pub(crate) fn is_running(&self) -> bool {
        self.running().is_some()
    }

    /// Calls off what is under way, as soon as it can be left.
    pub(crate) fn call_off(&self) {
        if let Some(running) = self.running().as_ref() {
            running.cancel.send_replace(true);
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, doing: &str) -> Result<watch::Receiver<bool>, ApiError> {
        let mut running = self.running();
        if running.is_some() {
            return Err(ApiError::new("backup_running", "a backup is being made or tried"));
        }
        let (cancel, cancelled) = watch::channel(false);
        *running = Some(Running { progress: progress(doing, Step::Look, 0, None), told: Instant::now(), cancel });
        Ok(cancelled)
    }

    /// Calls off what is under way and waits until it is over, for some seconds at most.
    pub(crate) async fn end(&self) {
        self.call_off();
        let begun = Instant::now();
        while self.is_running() && begun.elapsed() < LEAVING {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn progress(doing: &str, step: Step, done: u64, total: Option<u64>) -> BackupProgress {
    BackupProgress {
        doing: doing.to_owned(),
        step: step.as_str().to_owned(),
        fraction: total.filter(|total| *total > 0).map(|total| (done as f64 / total as f64).min(1.0)),
        bytes: (step == Step::Copy).then_some(done as f64),
    }
}

/// The one piece of work that is under way: over when it is dropped, whatever became of it.
pub(crate) struct Turn {
    desk: Arc<Desk>,
    cancelled: watch::Receiver<bool>,
}

impl Turn {
    /// `doing` is what the state says: make or verify.
    ///
    /// # Errors
    /// `backup_running` while another one is under way.
    pub(crate) fn begin(desk: &Arc<Desk>, doing: &str) -> Result<Self, ApiError> {
        let cancelled = desk.backups.begin(doing)?;
        desk.tell_backups();
        Ok(Self { desk: desk.clone(), cancelled })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.desk.backups.running() = None;
        self.desk.tell_backups();
    }
}

/// What the work needs.
struct Tools {
    server: Arc<EmbeddedServer>,
    words: Words,
    folder: PathBuf,
}

impl Desk {
    /// Reads what is known about the backups.
    pub(crate) fn backup_book(&self) -> Book {
        Book::read(&self.options.profile_dir)
    }

    /// Changes what is known about the backups, and tells the screens.
    pub(crate) fn note_backup(&self, change: impl FnOnce(&mut Book)) -> Result<Book, ApiError> {
        let writing = self.backups.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = self.backup_book();
        change(&mut book);
        book.write(&self.options.profile_dir)?;
        drop(writing);
        self.tell_backups();
        Ok(book)
    }

    pub(super) fn tell_backups(&self) {
        self.announce(std::collections::BTreeSet::from([Topic::Backup]), Vec::new());
    }

    /// Makes a backup, tries it, and removes the ones that need not stay. What comes of it is in the book and in the log.
    pub(crate) async fn back_up(self: &Arc<Self>, turn: Turn) -> Result<(), ApiError> {
        let cancelled = turn.cancelled.clone();
        let made = async {
            let tools = self.backup_tools().await?;
            let admin = tools.server.admin_url(crate::local_clinic::DATABASE).await?;
            let (binaries, watch) = (tools.server.binaries()?, self.watch("make", cancelled.clone()));
            let now = self.clock.now();
            let made = balcao_backup::make(&binaries, &admin, &tools.folder, &tools.words, now, &watch).await?;
            Ok::<_, ApiError>((tools, made))
        };
        let (tools, made) = match made.await {
            Ok(made) => made,
            Err(problem) => {
                let called_off = problem.code == CANCELLED;
                let event = if called_off { "backup_called_off" } else { "backup_failed" };
                self.note_failure(event, &problem).await;
                let now = self.clock.now();
                self.note_backup(|book| book.failed((!called_off).then(|| problem.clone()), now))?;
                return Err(problem);
            }
        };
        let (rows, bytes) = (made.manifest.rows, made.manifest.bytes);
        let now = self.clock.now();
        self.note_backup(|book| book.made(now))?;
        self.log_upkeep("backup_made", &format!("rows={rows} bytes={bytes}")).await;
        self.note_what_left(rows, bytes).await;
        let tried = self.try_backup(&tools, &made.path, cancelled).await;
        if tried.is_ok() {
            self.remove_old(&tools, &made.path).await;
        }
        drop(turn);
        tried
    }

    /// Tries a backup of the folder by restoring it.
    pub(super) async fn verify_backup(self: &Arc<Self>, turn: Turn, file: &str) -> Result<(), ApiError> {
        let cancelled = turn.cancelled.clone();
        let found = async {
            let tools = self.backup_tools().await?;
            let found = balcao_backup::list(&tools.folder)?.into_iter().find(|found| name_of(&found.path) == file);
            let missing = || ApiError::new("not_found", "there is no such backup");
            Ok::<_, ApiError>((tools, found.ok_or_else(missing)?.path))
        };
        let tried = match found.await {
            Ok((tools, path)) => self.try_backup(&tools, &path, cancelled).await,
            Err(problem) => {
                self.note_backup(|book| book.problem = Some(problem.clone()))?;
                Err(problem)
            }
        };
        drop(turn);
        tried
    }

    async fn try_backup(
        self: &Arc<Self>,
        tools: &Tools,
        path: &Path,
        cancelled: watch::Receiver<bool>,
    ) -> Result<(), ApiError> {
        let watch = self.watch("verify", cancelled);
        let scratch = self.scratch();
        let tried = async {
            let archive = open(path.to_owned(), tools.words.clone()).await?;
            balcao_backup::verify(&tools.server.binaries()?, &archive, &scratch, &watch).await?;
            Ok::<_, ApiError>(())
        };
        let tried = tried.await;
        // Empty by now; gone, it is in nobody's way.
        let _ = std::fs::remove_dir(&scratch);
        let now = self.clock.now();
        match &tried {
            Err(problem) if problem.code == CANCELLED => self.log_upkeep("backup_called_off", "").await,
            Err(problem) => self.note_failure("backup_not_good", problem).await,
            Ok(()) => self.log_upkeep("backup_verified", "").await,
        }
        // One that was called off is neither good nor bad.
        if !tried.as_ref().is_err_and(|problem| problem.code == CANCELLED) {
            let problem = tried.as_ref().err().cloned();
            self.note_backup(|book| book.tried(name_of(path), problem, now))?;
        }
        tried
    }

    async fn remove_old(&self, tools: &Tools, verified: &Path) {
        let book = self.backup_book();
        let removed = balcao_backup::rotate(&tools.folder, &tools.words.series(), book.keep, Some(verified))
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "old backups could not be removed");
                Vec::new()
            });
        if !removed.is_empty() {
            self.log_upkeep("backups_removed", &format!("count={}", removed.len())).await;
        }
        if let Ok(left) = balcao_backup::list(&tools.folder) {
            let left: Vec<String> = left.iter().map(|found| name_of(&found.path)).collect();
            // Costs nothing when it does not work.
            let _ = self.note_backup(|book| book.forget_all_but(&left));
        }
    }

    async fn backup_tools(&self) -> Result<Tools, ApiError> {
        let profile = self.local_profile()?;
        let folder = self.backup_book().folder;
        let folder = folder.ok_or_else(|| ApiError::new("backup_no_folder", "no folder was chosen for backups"))?;
        let words = self.backup_words(profile.id).await?;
        let server = self.clinic().await?.server.clone();
        Ok(Tools { server: server.ok_or_else(not_here)?, words, folder })
    }

    /// The profile of a clinic that is on this computer, and no sample.
    pub(crate) fn local_profile(&self) -> Result<Profile, ApiError> {
        let profile = Profile::read(&self.options.profile_dir)?;
        profile.filter(|profile| profile.kind == Kind::Local && !profile.is_unfinished()).ok_or_else(not_here)
    }

    /// Where databases are tried; removed with the rest of the embedded server, should it be.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.options.profile_dir.join("postgres.trial")
    }

    fn watch(self: &Arc<Self>, doing: &'static str, cancelled: watch::Receiver<bool>) -> Watch {
        let desk = Arc::downgrade(self);
        let told = move |Progress { step, done, total }| {
            let Some(desk) = desk.upgrade() else { return };
            let tell = desk.backups.running().as_mut().is_some_and(|running| {
                let another = running.progress.step != step.as_str() || running.progress.doing != doing;
                running.progress = progress(doing, step, done, total);
                let tell = another || running.told.elapsed() > TOLD;
                if tell {
                    running.told = Instant::now();
                }
                tell
            });
            if tell {
                desk.tell_backups();
            }
        };
        Watch::new(told, cancelled)
    }

    async fn note_failure(&self, event: &str, problem: &ApiError) {
        tracing::warn!(code = problem.code, "{event}");
        self.log_upkeep(event, &format!("code={}", problem.code)).await;
    }

    /// A line for the log of what happened here. That it cannot be written stops nothing.
    pub(crate) async fn log_upkeep(&self, event: &str, detail: &str) {
        if let Ok(clinic) = self.clinic().await
            && let Err(error) = clinic.cache.log(event, detail).await
        {
            tracing::warn!(%error, "the log could not be written");
        }
    }

    /// A copy of everything has left the database: the audit says so.
    async fn note_what_left(&self, rows: u64, bytes: u64) {
        let Ok(dialling) = self.clinic().await.map(|clinic| clinic.line.dial()) else { return };
        let Ok(tenant) = dialling.await else { return };
        if let Err(error) = tenant.record_backup(rows, bytes).await {
            tracing::warn!(%error, "the audit could not be told of a backup");
        }
        tenant.close().await;
    }
}

/// Code of what a person called off.
pub(super) const CANCELLED: &str = "cancelled";

/// Opens a backup; deriving the key takes a moment of a processor.
pub(super) async fn open(path: PathBuf, words: Words) -> Result<Archive, ApiError> {
    let opening = tokio::task::spawn_blocking(move || Archive::open(&path, &words));
    Ok(opening.await.map_err(ApiError::internal)??)
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn not_here() -> ApiError {
    ApiError::new("backup_not_here", "the clinic's database is not on this computer")
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        let problem = Self::new(error.code(), error.to_string());
        match error {
            BackupError::FolderMissing { folder }
            | BackupError::FolderNotWritable { folder }
            | BackupError::FolderFull { folder } => problem.about(folder.display().to_string()),
            BackupError::NotABackup { file } | BackupError::Damaged { file } => problem.about(name_of(&file)),
            BackupError::NotWords { unknown: Some(at) } => problem.about(at.to_string()),
            BackupError::Differs { table } => problem.about(table),
            BackupError::Server(error) => error.into(),
            _ => problem,
        }
    }
}
