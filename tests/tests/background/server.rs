//! A PostgreSQL of one history alone, which ends and begins again under everybody who is connected.

use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_keychain::Secret;
use balcao_local_server::{Config, LocalServer, SuperuserPassword, release};
use balcao_testkit::proxy::Proxy;
use sqlx::{Connection as _, PgConnection};

/// Gone with all its data when it is dropped.
pub struct Server {
    running: Option<LocalServer>,
    config: Config,
    /// It has another port each time: this one stays.
    front: Proxy,
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("balcao-history-").tempdir()?;
        // As root the database runs under another account, which must be able to pass.
        #[cfg(unix)]
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let config = Config {
            binaries: tokio::task::spawn_blocking(release::find_or_fetch).await??,
            data_dir: folder.path().join("postgres"),
            password: SuperuserPassword::Given(Secret::random(32)?),
            patience: Duration::from_secs(60),
        };
        let running = LocalServer::start(config.clone()).await.context("the server does not start")?;
        let front = Proxy::to(running.connection().port).await?;
        let server = Self { running: Some(running), config, front, _folder: folder };
        // What it has written survives its own death; only that of the computer would want more.
        let mut admin = PgConnection::connect(&server.url()?).await?;
        sqlx::query("alter system set fsync = off").execute(&mut admin).await?;
        sqlx::query("select pg_reload_conf()").execute(&mut admin).await?;
        admin.close().await?;
        Ok(server)
    }

    /// The superuser's way to it, with the password; the same after a restart.
    pub fn url(&self) -> Result<String> {
        let connection = self.running.as_ref().context("the server is not running")?.connection();
        let url = connection.admin_url("postgres");
        Ok(url.expose().replace(&format!(":{}/", connection.port), &format!(":{}/", self.front.port())))
    }

    /// Ends it, orderly or as a power cut would, and starts it again.
    pub async fn restart(&mut self, orderly: bool) -> Result<()> {
        let running = self.running.take().context("the server is not running")?;
        if orderly {
            running.stop().await?;
        } else {
            running.kill().await?;
        }
        let running = LocalServer::start(self.config.clone()).await.context("the server does not start again")?;
        self.front.lead_to(running.connection().port);
        self.running = Some(running);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its own processes notice and end by themselves.
        #[cfg(unix)]
        if let Some(process) = self.running.as_ref().and_then(|server| i32::try_from(server.process_id()).ok())
            && let Some(process) = rustix::process::Pid::from_raw(process)
        {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}
