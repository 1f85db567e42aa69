//! The data folder: whose it is, of which version, and that only one start works on it at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::beside::beside;
use crate::error::{LocalServerError, Result};

const MAJOR: &str = "18";

/// A data folder that may not exist yet, with everything above it in order.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) account: Account,
}

impl DataFolder {
    /// Makes the folders above it, and checks that the account of the server gets through.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(LocalServerError::io("find", path))?;
        let account = Account::of_server(&path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(LocalServerError::io("create", parent))?;
            account.check_passage(parent)?;
        }
        Ok(Self { path, account })
    }

    /// Whether there is a database of our version in it; `false` if it is missing or empty.
    ///
    /// # Errors
    /// [`LocalServerError::WrongDataVersion`], [`LocalServerError::NotOurs`]
    pub(crate) fn is_made(&self) -> Result<bool> {
        let file = self.path.join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(version) if version.trim() == MAJOR => Ok(true),
            Ok(version) => Err(LocalServerError::WrongDataVersion {
                data_dir: self.path.clone(),
                found: version.trim().to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.check_empty().map(|()| false),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(self.not_ours("it is not a folder")),
            Err(error) => Err(LocalServerError::io("read", &file)(error)),
        }
    }

    fn check_empty(&self) -> Result<()> {
        match fs::read_dir(&self.path).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.not_ours("it holds other files")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(LocalServerError::io("list", &self.path)(error)),
        }
    }

    /// Gives an existing folder to the account of the server, and to nobody else: PostgreSQL insists.
    pub(crate) fn secure(&self) -> Result<()> {
        restrict(&self.path)?;
        self.account.own(&self.path)
    }

    /// Waits until no other start works on this folder; the lock ends when the file is closed, or its process ends.
    pub(crate) async fn lock(&self, patience: Duration) -> Result<File> {
        let path = beside(&self.path, ".lock")?;
        let file = File::create(&path).map_err(LocalServerError::io("create", &path))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(LocalServerError::io("lock", &path)(error.into())),
            }
        }
    }

    pub(crate) fn not_ours(&self, reason: &str) -> LocalServerError {
        LocalServerError::NotOurs { data_dir: self.path.clone(), reason: reason.to_owned() }
    }
}

/// Closes a folder to everybody but its owner. On Windows the user's folders are closed already.
#[cfg(unix)]
pub(crate) fn restrict(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).map_err(LocalServerError::io("close", folder))
}

#[cfg(windows)]
pub(crate) fn restrict(_folder: &Path) -> Result<()> {
    Ok(())
}
