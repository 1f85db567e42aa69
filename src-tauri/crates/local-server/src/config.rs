//! What a start needs to know, and the settings every server is started with.

use std::path::PathBuf;
use std::time::Duration;

use balcao_keychain::{Keychain, Secret};

use crate::Binaries;

/// What [`LocalServer::start`](crate::LocalServer::start) needs to know.
#[derive(Clone)]
pub struct Config {
    /// The PostgreSQL to run.
    pub binaries: Binaries,
    /// The data folder; made when it is not there. Beside it, with its name and a suffix, stand a `.lock` file and,
    /// while the data folder is being made, an `.unfinished` folder.
    pub data_dir: PathBuf,
    /// Password of the superuser [`SUPERUSER`](crate::SUPERUSER).
    pub password: SuperuserPassword,
    /// Longest wait until the server answers, which after a crash includes replaying its log.
    pub patience: Duration,
}

impl Config {
    /// With the password in the keychain and five minutes of patience.
    pub fn new(binaries: Binaries, data_dir: impl Into<PathBuf>, keychain: Keychain, entry: impl Into<String>) -> Self {
        let password = SuperuserPassword::Keychain { keychain, entry: entry.into() };
        Self { binaries, data_dir: data_dir.into(), password, patience: Duration::from_secs(300) }
    }
}

/// Where the superuser's password comes from.
#[derive(Clone)]
pub enum SuperuserPassword {
    /// The caller keeps it.
    Given(Secret),
    /// An entry of the keychain. For a new data folder it is drawn at random and stored before the folder is made;
    /// for an existing one it must be there.
    Keychain {
        /// The keychain.
        keychain: Keychain,
        /// Name of the entry, see [`balcao_keychain::names::superuser_password`].
        entry: String,
    },
}

/// Settings of every start, besides the port. They go on the command line, so that an update of this program changes
/// them without touching the data folder. No value has a space: on Windows they pass through two shells.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    // Paths of sockets are limited to about 100 bytes, which a user's folder easily exceeds; Windows has none.
    ("unix_socket_directories", ""),
    ("max_connections", "200"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("lc_messages", "C"),
    ("logging_collector", "on"),
    ("log_directory", "log"),
    ("log_file_mode", "0600"),
    ("log_timezone", "UTC"),
    ("log_rotation_age", "1d"),
    ("log_rotation_size", "10MB"),
    // Patient data must not get into the log. Statements hold them, and so do the texts and details of errors
    // (`invalid input syntax … "Maria"`, `Key (phone)=(…) already exists`). Level `log` stands above `warning` and
    // `error`: it leaves out what a statement causes, which its sender is told anyway, and keeps what the server
    // says of itself.
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_statement", "none"),
    ("log_duration", "off"),
    ("log_min_duration_statement", "-1"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_autovacuum_min_duration", "-1"),
    ("log_checkpoints", "off"),
    ("log_lock_waits", "off"),
    ("log_temp_files", "-1"),
];
