//! A profile for one test, the clinic's database behind it, and the ways to break both.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use balcao_keychain::{Keychain, names};
use balcao_tests::driver::{Driver, Program};
use balcao_tests::traces;
use balcao_tests::webdriver::Window;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

/// How long making a clinic may take.
const PREPARING: Duration = Duration::from_secs(180);

pub struct Place {
    pub driver: PathBuf,
    program: PathBuf,
    folder: tempfile::TempDir,
    profile: PathBuf,
    is_named: bool,
}

impl Place {
    pub fn new() -> Result<Self> {
        let setting =
            |name: &str| std::env::var_os(name).with_context(|| format!("{name} is not set: use cargo xtask"));
        let folder = tempfile::Builder::new().prefix("balcao-window-").tempdir()?;
        // As root the database runs under another account, which must be able to pass.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin)?;
        std::fs::create_dir(folder.path().join("home"))?;
        let opener = bin.join("xdg-open");
        std::fs::write(
            &opener,
            format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\n", opened(folder.path()).display()),
        )?;
        std::fs::set_permissions(opener, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let profile = folder.path().join("Clínica do João");
        Ok(Self {
            driver: setting("BALCAO_DRIVER")?.into(),
            program: setting("BALCAO_PROGRAM")?.into(),
            folder,
            profile,
            is_named: true,
        })
    }

    /// A home in which the program finds its profile by itself.
    pub fn at_home() -> Result<Self> {
        let mut place = Self::new()?;
        place.profile = place.home().join("data/br.com.balcao.desk");
        place.is_named = false;
        std::fs::create_dir(place.home().join("data"))?;
        Ok(place)
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn program(&self) -> Program {
        Program { path: self.program.clone(), profile: self.profile.clone(), postgres: None }
    }

    /// What the program is started with. Links are opened by a program that only writes them down.
    pub fn settings(&self) -> Result<Vec<(&'static str, OsString)>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.folder.path().join("bin")).chain(std::env::split_paths(&path));
        let mut settings = vec![("PATH", std::env::join_paths(folders)?), ("HOME", self.home().into())];
        if !self.is_named {
            settings.push(("XDG_DATA_HOME", self.home().join("data").into()));
        }
        Ok(settings)
    }

    /// Opens the window, with a driver of its own.
    pub async fn open(&self) -> Result<(Driver, Window)> {
        let driver = Driver::start_with(&self.driver, &self.settings()?).await?;
        let arguments = if self.is_named { self.program().arguments() } else { Vec::new() };
        let window = driver.open_with(&self.program, &arguments).await?;
        Ok((driver, window))
    }

    /// What the window had the system open.
    pub fn opened(&self) -> Vec<String> {
        let text = std::fs::read_to_string(opened(self.folder.path())).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// The secrets that the keyring has of this profile.
    pub async fn secrets(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in names::ALL {
            if let Some(secret) = Keychain::system().get(&entry(&self.id()?)).await? {
                found.push(secret.expose().to_owned());
            }
        }
        Ok(found)
    }

    /// Places where one of these texts can be read: what the program and the window's own engine keep, their logs, the home,
    /// and what the operating system tells about any process. The data folder of the database has people in it by right.
    pub fn whereabouts(&self, texts: &[String]) -> Result<Vec<String>> {
        let folders = [self.folder.path().to_owned()];
        Ok(traces::whereabouts(&folders, &[self.profile.join("postgres")], texts)?)
    }

    fn id(&self) -> Result<String> {
        let profile: Value = serde_json::from_slice(&std::fs::read(self.profile().join("profile.json"))?)?;
        Ok(profile["id"].as_str().context("the profile has no id")?.to_owned())
    }

    fn postmaster(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.profile.join("postgres/postmaster.pid"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Pulls the database away, as a crash does.
    pub fn kill_database(&self) -> Result<()> {
        let pid = self.postmaster()?.first().context("no process in postmaster.pid")?.clone();
        kill(&pid)
    }

    /// Ends the program without giving it a say, and waits until it is gone.
    pub async fn kill_program(&self) -> Result<()> {
        kill(&self.pid()?.to_string())?;
        self.wait_until_free().await
    }

    /// Asks the program to end, as the system does when the session is over, and waits until it has.
    pub async fn end_program(&self) -> Result<()> {
        let status = Command::new("kill").arg(self.pid()?.to_string()).status()?;
        anyhow::ensure!(status.success(), "the program could not be asked to end");
        self.wait_until_free().await
    }

    /// Number of the program's process.
    pub fn pid(&self) -> Result<u32> {
        let (program, folder) = (self.program.canonicalize()?, self.folder.path().to_string_lossy().into_owned());
        for entry in std::fs::read_dir("/proc")? {
            let process = entry?.path();
            let says = |what: &str| {
                let text = std::fs::read(process.join(what)).unwrap_or_default();
                String::from_utf8_lossy(&text).contains(&folder)
            };
            if std::fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program)
                && (says("cmdline") || says("environ"))
                && let Some(id) = process.file_name().and_then(|name| name.to_str()?.parse().ok())
            {
                return Ok(id);
            }
        }
        bail!("the program is not running")
    }

    /// Waits until nobody has the profile.
    pub async fn wait_until_free(&self) -> Result<()> {
        let lock = std::fs::File::open(self.profile().join("profile.lock"))?;
        for _ in 0..200 {
            if lock.try_lock().is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the profile is still in use")
    }

    /// The clinic's database, as its administrator: another login than the desk's.
    pub async fn database(&self) -> Result<PgConnection> {
        let password = Keychain::system().get(&names::superuser_password(&self.id()?)).await?;
        let port = self.postmaster()?.get(3).context("no port in postmaster.pid")?.parse()?;
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(balcao_local_server::SUPERUSER)
            .password(password.context("no password in the keyring")?.expose())
            .database("balcao");
        Ok(PgConnection::connect_with(&options).await?)
    }

    /// What the operations that the database has applied were about, in the order in which they were applied.
    pub async fn operations(&self) -> Result<Vec<String>> {
        let mut database = self.database().await?;
        let by_time = "select entity from app.applied_operations order by applied_at, operation_id";
        Ok(sqlx::query_scalar(by_time).fetch_all(&mut database).await?)
    }
}

/// What so many writes are about, made screen by screen.
pub fn once_and_in_order(writes: usize) -> Vec<String> {
    let round = ["messages", "appointments", "leads"];
    round.iter().cycle().take(writes).map(|entity| (*entity).to_owned()).collect()
}

/// Makes a clinic on this computer.
pub async fn make_clinic(window: &Window) -> Result<()> {
    window.wait_for("[data-testid=start-local]", Duration::from_secs(30)).await?;
    let wish = json!({
        "clinic_name": "Clínica Acácia", "owner_name": "Júlia Prado", "time_zone": "America/Sao_Paulo",
        "vertical": "human", "practice": {"hours": [], "professionals": [], "services": [], "rooms": []},
    });
    window.call("start_local_clinic", wish).await?;
    window.wait_until_ready(PREPARING).await?;
    window.wait_for("[data-testid=go-inbox]", Duration::from_secs(30)).await.map(drop)
}

/// Where the links are written down.
fn opened(folder: &Path) -> PathBuf {
    folder.join("opened")
}

fn kill(pid: &str) -> Result<()> {
    let status = Command::new("kill").args(["-9", pid]).status()?;
    if status.success() { Ok(()) } else { bail!("{pid} could not be killed") }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed half-way leaves a program and a database behind.
        let _ = self.pid().and_then(|pid| kill(&pid.to_string()));
        let _ = self.kill_database();
    }
}
