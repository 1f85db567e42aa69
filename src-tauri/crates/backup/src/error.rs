//! What can go wrong with a backup, said so that a person knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use balcao_local_server::LocalServerError;

/// A result of this crate.
pub type Result<T, E = BackupError> = std::result::Result<T, E>;

/// Why a backup was not made, verified or restored. Texts name folders, files and tables, never what is in them.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder is not there: renamed, or its disk is not plugged in.
    #[error("the folder {} is not there", folder.display())]
    FolderMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing can be written there.
    #[error("nothing can be written to {}", folder.display())]
    FolderNotWritable {
        /// The folder.
        folder: PathBuf,
    },
    /// No space is left there.
    #[error("the disk that holds {} is full", folder.display())]
    FolderFull {
        /// The folder.
        folder: PathBuf,
    },
    /// What was typed is not twelve words of the list.
    #[error("these are not twelve recovery words")]
    NotWords {
        /// Which word is not in the list, from 1 on; `None` when their number or their order is wrong.
        unknown: Option<usize>,
    },
    /// The words are well formed and do not open this file.
    #[error("the recovery words do not open this backup")]
    WrongWords,
    /// The file is none of this program's backups.
    #[error("{} is not a backup of this program", file.display())]
    NotABackup {
        /// The file.
        file: PathBuf,
    },
    /// The file has been cut off or altered.
    #[error("the backup {} is damaged", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// A newer program has made it.
    #[error("the backup is of version {found}, this program only knows {known}")]
    Newer {
        /// Version of the schema in the backup.
        found: i64,
        /// Version of this program.
        known: i64,
    },
    /// A table holds something else after the restore than before the backup.
    #[error("the table {table} does not hold the same after the restore")]
    Differs {
        /// Schema and name.
        table: String,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// The last lines of what it said.
        said: String,
    },
    /// The person called it off.
    #[error("the work was called off")]
    Cancelled,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomNumbers,
    /// The embedded server.
    #[error(transparent)]
    Server(#[from] LocalServerError),
    /// The database.
    #[error(transparent)]
    Database(#[from] balcao_tenant::Error),
    /// The operating system refused something else.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl BackupError {
    /// A stable name in snake case, for screens and command lines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FolderMissing { .. } => "backup_folder_missing",
            Self::FolderNotWritable { .. } => "backup_folder_not_writable",
            Self::FolderFull { .. } => "backup_folder_full",
            Self::NotWords { .. } => "backup_not_words",
            Self::WrongWords => "backup_wrong_words",
            Self::NotABackup { .. } => "backup_not_a_backup",
            Self::Damaged { .. } => "backup_damaged",
            Self::Newer { .. } => "backup_newer",
            Self::Differs { .. } => "backup_differs",
            Self::Program { .. } => "backup_program_failed",
            Self::Cancelled => "cancelled",
            Self::Server(LocalServerError::DiskFull { .. }) => "disk_full",
            Self::Server(_) => "server_start_failed",
            Self::Database(error) => error.code(),
            Self::NoRandomNumbers | Self::Io { .. } => "backup_failed",
        }
    }

    /// Whether trying again without anybody changing anything cannot help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Server(error) => error.is_permanent(),
            Self::Database(error) => error.is_permanent(),
            Self::Program { .. } | Self::Io { .. } | Self::Cancelled => false,
            // A disk is plugged in again, a folder is emptied.
            Self::FolderMissing { .. } | Self::FolderNotWritable { .. } | Self::FolderFull { .. } => false,
            _ => true,
        }
    }

    /// For `map_err`: what was being done to which file in a folder of backups.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| {
            let folder = path.parent().map_or_else(|| path.clone(), Path::to_owned);
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::FolderFull { folder },
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::FolderNotWritable { folder }
                }
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if !folder.is_dir() => {
                    Self::FolderMissing { folder }
                }
                _ => Self::Io { doing, path, source },
            }
        }
    }
}
