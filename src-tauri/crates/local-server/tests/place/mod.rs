//! A folder for one test's server, a keychain for its password, and SQL through the bundled `psql`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use balcao_keychain::{Keychain, names};
use balcao_local_server::{Binaries, Config, Connection, LocalServer, Result, release};

pub struct Place {
    folder: tempfile::TempDir,
    pub keychain: Keychain,
    pub entry: String,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Temporary folders are closed to others, and as root the server runs under another account.
        #[cfg(unix)]
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self { folder, keychain: Keychain::in_memory(), entry: names::superuser_password("test") }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder().join("Clínica São João").join("dados locais")
    }

    pub fn config(&self) -> Config {
        Config::new(binaries(), self.data_dir(), self.keychain.clone(), &self.entry)
    }

    pub async fn start(&self) -> Result<LocalServer> {
        LocalServer::start(self.config()).await
    }
}

pub fn binaries() -> Binaries {
    release::find_or_fetch().unwrap()
}

/// The answer to a query, with `|` between columns.
pub fn query(connection: &Connection, sql: &str) -> String {
    let output = psql(connection, sql);
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn psql(connection: &Connection, sql: &str) -> Output {
    Command::new(binaries().program("psql"))
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", connection.host, "-U", connection.user])
        .args(["-p", &connection.port.to_string(), "-d", "postgres", "-c", sql])
        .env("PGPASSWORD", connection.password.expose())
        .output()
        .unwrap()
}

/// Numbers of all processes that work in the data folder, the postmaster among them.
#[cfg(target_os = "linux")]
pub fn processes_in(data_dir: &Path) -> Vec<u32> {
    let data_dir = data_dir.canonicalize().unwrap();
    let numbers =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|id: &u32| std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == data_dir)).collect()
}
