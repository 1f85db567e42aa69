//! A profile for one test, the clinic's database behind it, and the ways to break both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use balcao_keychain::{Keychain, names};
use balcao_tests::driver::Program;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

pub struct Place {
    pub driver: PathBuf,
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Result<Self> {
        let setting =
            |name: &str| std::env::var_os(name).with_context(|| format!("{name} is not set: use cargo xtask"));
        let folder = tempfile::Builder::new().prefix("balcao-window-").tempdir()?;
        // As root the database runs under another account, which must be able to pass.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        Ok(Self { driver: setting("BALCAO_DRIVER")?.into(), program: setting("BALCAO_PROGRAM")?.into(), folder })
    }

    pub fn program(&self) -> Program {
        Program { path: self.program.clone(), profile: self.profile(), postgres: None }
    }

    fn profile(&self) -> PathBuf {
        self.folder.path().join("Clínica do João")
    }

    fn postmaster(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.profile().join("postgres/postmaster.pid"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Pulls the database away, as a crash does.
    pub fn kill_database(&self) -> Result<()> {
        let pid = self.postmaster()?.first().context("no process in postmaster.pid")?.clone();
        kill(&pid)
    }

    /// Ends the program without giving it a say.
    pub fn kill_program(&self) -> Result<()> {
        for entry in std::fs::read_dir("/proc")? {
            let entry = entry?;
            let (Ok(program), Ok(line)) =
                (std::fs::read_link(entry.path().join("exe")), std::fs::read(entry.path().join("cmdline")))
            else {
                continue;
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            if program == self.program.canonicalize()? && line.contains(&*self.profile().to_string_lossy()) {
                return kill(&entry.file_name().to_string_lossy());
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
        let profile: Value = serde_json::from_slice(&std::fs::read(self.profile().join("profile.json"))?)?;
        let id = profile["id"].as_str().context("the profile has no id")?;
        let password = Keychain::system().get(&names::superuser_password(id)).await?;
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

fn kill(pid: &str) -> Result<()> {
    let status = Command::new("kill").args(["-9", pid]).status()?;
    if status.success() { Ok(()) } else { bail!("{pid} could not be killed") }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed half-way leaves a program and a database behind.
        let _ = self.kill_program();
        if Path::new(&self.profile()).exists() {
            let _ = self.kill_database();
        }
    }
}
