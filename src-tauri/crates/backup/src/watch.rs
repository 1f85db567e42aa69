//! How somebody follows work that takes minutes, and calls it off.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{BackupError, Result};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Looking at what is there.
    Look,
    /// Copying out of the database; counted in bytes of the file.
    Copy,
    /// Reading the file for damage; counted in bytes.
    Read,
    /// Starting a database to try the backup in.
    Scratch,
    /// Copying into a database; counted in rows.
    Rows,
    /// Constraints, indexes and the comparison.
    Finish,
}

impl Step {
    /// Name in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Copy => "copy",
            Self::Read => "read",
            Self::Scratch => "scratch",
            Self::Rows => "rows",
            Self::Finish => "finish",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
}

/// Hears of progress and says when to stop. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    told: Arc<dyn Fn(Progress) + Send + Sync>,
    cancel: watch::Receiver<bool>,
}

impl Watch {
    /// `cancel` turning true calls the work off.
    pub fn new(told: impl Fn(Progress) + Send + Sync + 'static, cancel: watch::Receiver<bool>) -> Self {
        Self { told: Arc::new(told), cancel }
    }

    /// Nobody looks on, nobody calls it off.
    pub fn silent() -> Self {
        Self::new(|_| (), watch::channel(false).1)
    }

    pub(crate) fn tell(&self, step: Step, done: u64, total: Option<u64>) {
        (self.told)(Progress { step, done, total });
    }

    pub(crate) fn check(&self) -> Result<()> {
        if *self.cancel.borrow() { Err(BackupError::Cancelled) } else { Ok(()) }
    }

    /// The work, unless it is called off before it is done: then it is dropped where it stands.
    pub(crate) async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut cancel = self.cancel.clone();
        let cancelled = async move {
            if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
                // Nobody is left who could.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            outcome = work => outcome,
            () = cancelled => Err(BackupError::Cancelled),
        }
    }
}
