//! A clinic on a server of its own, which a test may kill.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use balcao_keychain::Secret;
use balcao_local_server::{Config, LocalServer, SuperuserPassword, release};
use balcao_tenant::Role;
use balcao_tenant::provision::{self, Connection, Databases, NewMember};
use balcao_testkit::database::clinic_request;
use balcao_testkit::sample::{self, Plan, Size};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

const DATABASE: &str = "clinica";

/// Ends with all its data when it is dropped.
pub struct Clinic {
    server: Option<LocalServer>,
    config: Config,
    id: Uuid,
    /// Login of the owner.
    pub owner: Connection,
    _folder: tempfile::TempDir,
}

impl Clinic {
    /// Makes one with the small sample in it.
    pub async fn make() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("balcao-processes-").tempdir()?;
        // As root the database runs under another account, which must be able to pass.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let config = Config {
            binaries: tokio::task::spawn_blocking(release::find_or_fetch).await??,
            data_dir: folder.path().join("postgres"),
            password: SuperuserPassword::Given(Secret::random(32)?),
            patience: Duration::from_secs(60),
        };
        let server = LocalServer::start(config.clone()).await.context("the server did not start")?;
        Databases::at(server.connection().admin_url("postgres").expose())?.create(DATABASE).await?;
        let admin = server.connection().admin_url(DATABASE);
        let made = provision::provision(admin.expose(), &clinic_request("Clínica Boa Vista")).await?;
        #[allow(clippy::disallowed_methods, reason = "the sample is drawn around the day of the test")]
        let now = chrono::Utc::now();
        let time_zone = chrono_tz::America::Sao_Paulo;
        let today = now.with_timezone(&time_zone).date_naive();
        let plan = Plan { seed: 1, size: Size::Small, today, now, time_zone };
        sample::load(admin.expose(), made.clinic_id, &plan, |_| ()).await?;
        Ok(Self { server: Some(server), config, id: made.clinic_id, owner: made.owner, _folder: folder })
    }

    /// Someone else at the counter, with a login.
    pub async fn add_attendant(&self) -> Result<Connection> {
        let member = NewMember { name: "Bia".to_owned(), email: None, role: Role::Attendant };
        Ok(provision::add_login(&self.admin_url()?, self.id, &member).await?)
    }

    /// Where the server listens now.
    pub fn port(&self) -> Result<u16> {
        Ok(self.server()?.connection().port)
    }

    /// Pulls the server away, with the processes of its sessions or leaving those behind.
    pub async fn kill(&mut self, with_sessions: bool) -> Result<()> {
        if with_sessions {
            let server = self.server.take().context("the server was killed already")?;
            return server.kill().await.context("the server did not die");
        }
        let killed = end(self.server()?.process_id());
        self.server = None;
        ensure!(killed, "the server could not be killed");
        Ok(())
    }

    /// Starts the server again; it listens on another port then.
    pub async fn start_again(&mut self) -> Result<()> {
        let server = LocalServer::start(self.config.clone()).await.context("the server did not start again")?;
        ensure!(!server.was_adopted(), "the server had survived");
        self.server = Some(server);
        Ok(())
    }

    /// Somebody who looks at the database from outside.
    pub async fn outsider(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.admin_url()?).await?)
    }

    fn admin_url(&self) -> Result<String> {
        Ok(self.server()?.connection().admin_url(DATABASE).expose().to_owned())
    }

    fn server(&self) -> Result<&LocalServer> {
        self.server.as_ref().context("the server is not running")
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        // Its own processes notice and end by themselves.
        if let Some(server) = &self.server {
            end(server.process_id());
        }
    }
}

fn end(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::kill_process(process, rustix::process::Signal::KILL).is_ok())
}
