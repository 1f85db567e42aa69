//! Whether a backup is good, found out by restoring it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use balcao_keychain::Secret;
use balcao_local_server::{Binaries, Config, LocalServer, SuperuserPassword};
use balcao_tenant::provision::Databases;

use crate::archive::Archive;
use crate::error::{BackupError, Result};
use crate::restore::rehearse;
use crate::watch::{Step, Watch};

/// Names of the folders that a database is tried in begin with this.
const PREFIX: &str = "balcao-verify-";

/// Restores the backup into a database that is made for it inside `scratch` and thrown away: a folder on this computer,
/// for what stands there meanwhile is as readable as the clinic's own database.
///
/// # Errors
/// [`BackupError`]
pub async fn verify(binaries: &Binaries, archive: &Archive, scratch: &Path, watch: &Watch) -> Result<()> {
    archive.check(watch).await?;
    watch.tell(Step::Scratch, 0, None);
    sweep(scratch);
    let failed = |error| BackupError::io("create", scratch)(error);
    fs::create_dir_all(scratch).map_err(failed)?;
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(scratch).map_err(failed)?;
    // As root the server runs under another account, which has to get through. The data folder itself is closed.
    #[cfg(unix)]
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).map_err(failed)?;
    let password = Secret::random(24).map_err(|_| BackupError::NoRandomNumbers)?;
    let config = Config {
        binaries: binaries.clone(),
        data_dir: folder.path().join("data"),
        password: SuperuserPassword::Given(password),
        patience: Duration::from_secs(120),
    };
    watch.check()?;
    // Some seconds, and not called off half-way: a server that nobody has in hand would be nobody's to end.
    let server = LocalServer::start(config).await?;
    let outcome = rehearse_in(&server, binaries, archive, watch).await;
    // Nothing in it is to be kept.
    let ended = server.kill().await;
    outcome?;
    Ok(ended?)
}

async fn rehearse_in(server: &LocalServer, binaries: &Binaries, archive: &Archive, watch: &Watch) -> Result<()> {
    let databases = Databases::at(server.connection().admin_url("postgres").expose())?;
    databases.create("rehearsal").await?;
    rehearse(binaries, archive, &server.connection().admin_url("rehearsal"), watch).await
}

/// Removes what an interrupted run left. Its server, if it still runs, ends by itself when it misses its files.
pub fn sweep(scratch: &Path) {
    let Ok(entries) = fs::read_dir(scratch) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX)) {
            let _ = fs::remove_dir_all(path);
        }
    }
}
