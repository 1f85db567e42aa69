//! The server's own log, in `log/` of the data folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::account::Account;
use crate::error::{LocalServerError, Result};

/// Holds what is said before the server opens its log file, and is begun anew at each start.
const START_LOG: &str = "start.log";

/// How long a log file is kept after its last line.
const KEPT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The log of one attempt to start.
pub(crate) struct StartLog {
    folder: PathBuf,
    begun: SystemTime,
}

impl StartLog {
    /// Begins a new attempt, and removes log files that are too old.
    pub(crate) fn begin(data_dir: &Path, account: Account) -> Result<Self> {
        let folder = data_dir.join("log");
        fs::create_dir_all(&folder).map_err(LocalServerError::io("create", &folder))?;
        let start_log = folder.join(START_LOG);
        let file = File::create(&start_log).map_err(LocalServerError::io("create", &start_log))?;
        // The clock of the file system, which is what the files are compared with.
        let begun =
            file.metadata().and_then(|file| file.modified()).map_err(LocalServerError::io("read", &start_log))?;
        account.own(&folder)?;
        account.own(&start_log)?;
        let log = Self { folder, begun };
        log.remove_old();
        Ok(log)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(START_LOG)
    }

    /// All that was said since the attempt began.
    pub(crate) fn text(&self) -> String {
        let mut files: Vec<_> = self.files().filter(|(_, modified)| *modified >= self.begun).collect();
        files.sort_by_key(|(_, modified)| *modified);
        let mut text = String::new();
        for (path, _) in files {
            // A file that cannot be read adds nothing; this text is itself for explaining a failure.
            text.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()));
        }
        text
    }

    fn remove_old(&self) {
        for (path, modified) in self.files() {
            if self.begun.duration_since(modified).is_ok_and(|age| age > KEPT) {
                // It is tried again at the next start.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn files(&self) -> impl Iterator<Item = (PathBuf, SystemTime)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?)))
    }
}
