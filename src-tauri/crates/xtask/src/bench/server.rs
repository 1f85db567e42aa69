//! The database of the bench: one that is given, or the embedded one on data that are kept under `target/bench`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_keychain::Secret;
use balcao_local_server::{Config, LocalServer, LocalServerError, SuperuserPassword};
use tokio::runtime::Runtime;

use crate::ending::{Guarded, Scratch};
use crate::{postgres, progress, workspace};

/// Setting with an administrator's URL of a server, as for the tests.
const GIVEN: &str = "BALCAO_TEST_DATABASE_URL";

/// Stopped when this is dropped, unless it was given.
pub(super) struct Server {
    url: String,
    kept: bool,
    embedded: Option<(Runtime, LocalServer, Guarded)>,
    _folder: Option<Scratch>,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        if let Some(url) = std::env::var(GIVEN).ok().filter(|url| !url.is_empty()) {
            return Ok(Self { url, kept: false, embedded: None, _folder: None });
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let folder = workspace::target("bench")?;
        match runtime.block_on(LocalServer::start(config(folder)?)) {
            Ok(server) => Ok(Self::of(runtime, server, None)),
            // As root, the database runs under an account that may not pass through the folders above.
            Err(LocalServerError::Unreachable { .. }) => {
                progress::say("the database cannot live under target/bench: it is made anew in a temporary folder");
                let folder = Scratch::new("bench")?;
                #[cfg(unix)]
                std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
                let server = runtime.block_on(LocalServer::start(config(folder.path().to_owned())?))?;
                Ok(Self::of(runtime, server, Some(folder)))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn of(runtime: Runtime, server: LocalServer, folder: Option<Scratch>) -> Self {
        let guarded = Guarded::process(server.process_id());
        let url = server.connection().admin_url("postgres").expose().to_owned();
        Self { url, kept: folder.is_none(), embedded: Some((runtime, server, guarded)), _folder: folder }
    }

    /// Address of the superuser, with the password.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether what is on it will be there for the next run.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((runtime, server, _guarded)) = self.embedded.take()
            && let Err(error) = runtime.block_on(server.stop())
        {
            eprintln!("the database of the bench was not stopped: {error}");
        }
    }
}

/// As careful with the disk as in a clinic: nothing of it is turned off.
fn config(folder: PathBuf) -> Result<Config> {
    Ok(Config {
        binaries: postgres::binaries()?,
        data_dir: folder.join("server"),
        password: SuperuserPassword::Given(password(&folder.join("password"))?),
        patience: Duration::from_secs(120),
    })
}

/// The one of an earlier run, or a new one. It guards a clinic that nobody lives in.
fn password(file: &std::path::Path) -> Result<Secret> {
    if let Ok(known) = std::fs::read_to_string(file) {
        return Ok(Secret::new(known));
    }
    let password = Secret::random(32)?;
    let mut options = std::fs::File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file).context("cannot keep the password of the database")?;
    std::io::Write::write_all(&mut file, password.expose().as_bytes())?;
    Ok(password)
}
