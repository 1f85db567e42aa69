//! The program without a window on a profile of its own, and what it leaves on this computer.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_keychain::{Keychain, names};
use balcao_local_server::release;
use balcao_tests::{http, traces};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Longest wait for what takes seconds on a quiet machine.
const SOON: Duration = Duration::from_secs(120);

/// A profile; what runs on it is ended with it.
pub struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    postgres: PathBuf,
}

impl Place {
    pub async fn new() -> Result<Self> {
        let program = std::env::var_os("BALCAO_HEADLESS").context("BALCAO_HEADLESS is not set: use cargo xtask")?;
        let folder = tempfile::Builder::new().prefix("balcao-setup-").tempdir()?;
        // As root the database runs under another account, which must be able to pass.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let binaries = tokio::task::spawn_blocking(release::find_or_fetch).await??;
        let place = Self { folder, program: program.into(), postgres: binaries.root().to_owned() };
        std::fs::create_dir(place.temporary())?;
        // For everybody, as such a folder is.
        std::fs::set_permissions(place.temporary(), std::os::unix::fs::PermissionsExt::from_mode(0o1777))?;
        Ok(place)
    }

    pub async fn start(&self) -> Result<Program> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let token = self.folder.path().join("token");
        let mut command = Command::new(&self.program);
        command.arg("--profile").arg(self.profile()).arg("--token-file").arg(&token);
        command.arg("--postgres").arg(&self.postgres).env("BALCAO_LOG", "debug").env("TMPDIR", self.temporary());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let output = child.stdout.take().context("it has no output")?;
        let mut line = String::new();
        tokio::time::timeout(SOON, BufReader::new(output).read_line(&mut line)).await??;
        let address = line.trim().strip_prefix("listening on http://").context("it did not start")?.parse()?;
        Ok(Program { child, address, token: std::fs::read_to_string(token)? })
    }

    pub fn profile(&self) -> PathBuf {
        self.folder.path().join("Clínica do João")
    }

    /// A folder beside the profile, such as a disk that was plugged in.
    pub fn beside(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Where its programs put what they need for a moment.
    pub fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The id under which the keyring keeps the secrets of the profile.
    pub fn id(&self) -> Result<String> {
        let text = std::fs::read(self.profile().join("profile.json"))?;
        let profile: Value = serde_json::from_slice(&text)?;
        Ok(profile["id"].as_str().context("the profile has no id")?.to_owned())
    }

    /// The secrets that the keyring has for this id, with the names of their entries.
    pub async fn secrets(&self, id: &str) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for entry in names::ALL {
            if let Some(secret) = Keychain::system().get(&entry(id)).await? {
                found.push((entry(id), secret.expose().to_owned()));
            }
        }
        Ok(found)
    }

    /// The embedded database, as its administrator.
    pub async fn database(&self) -> Result<PgConnection> {
        let password = Keychain::system().get(&names::superuser_password(&self.id()?)).await?;
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.postmaster(3)?.parse()?)
            .username(balcao_local_server::SUPERUSER)
            .password(password.context("no password in the keyring")?.expose())
            .database("balcao");
        Ok(PgConnection::connect_with(&options).await?)
    }

    fn postmaster(&self, line: usize) -> Result<String> {
        let text = std::fs::read_to_string(self.profile().join("postgres/postmaster.pid"))?;
        Ok(text.lines().nth(line).context("postmaster.pid is short")?.trim().to_owned())
    }

    /// What stands in the folder of the profile.
    pub fn left(&self) -> Result<Vec<String>> {
        let entries = std::fs::read_dir(self.profile())?;
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<std::io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// Command lines of the processes that name the profile, but for the program itself.
    pub fn processes(&self) -> Result<Vec<String>> {
        let profile = self.profile().to_string_lossy().into_owned();
        let lines = traces::of_processes("cmdline")?;
        Ok(lines.into_iter().filter(|line| line.contains(&profile) && !line.contains("--token-file")).collect())
    }

    /// Places where one of these texts can be read: files of the profile, its log, backups and temporary files, and what the
    /// operating system tells about any process. Patients' names stand in the data folder of the database by right.
    pub fn whereabouts(&self, texts: &[String], with_database: bool) -> Result<Vec<String>> {
        let database = if with_database { Vec::new() } else { vec![self.profile().join("postgres")] };
        Ok(traces::whereabouts(&[self.folder.path().to_owned()], &database, texts)?)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(pid) = self.postmaster(0) {
            let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        }
    }
}

/// A running program; killed when it is dropped.
pub struct Program {
    child: Child,
    address: SocketAddr,
    token: String,
}

impl Program {
    pub async fn call(&self, command: &str, payload: Value) -> Result<Value> {
        let answer = http::call(self.address, &self.token, command, &payload).await?;
        answer.map_err(|refusal| anyhow::anyhow!("{command} was refused: {refusal}"))
    }

    /// Number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Asks until the answer is as wanted.
    pub async fn until_answer(&self, command: &str, payload: Value, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let answer = self.call(command, payload.clone()).await;
            match answer {
                Ok(answer) if fits(&answer) => return Ok(answer),
                other if begun.elapsed() > SOON => bail!("{command} never answered as wanted: {other:?}"),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Waits until the session is as wanted; one that failed instead is an error.
    pub async fn until(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let session = self.call("get_session", json!({})).await?;
            if fits(&session) {
                return Ok(session);
            }
            if session["state"] == "failed" || begun.elapsed() > SOON {
                bail!("{what} did not come: {session}");
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    pub async fn until_ready(&self) -> Result<()> {
        self.until("ready", |session| session["state"] == "ready").await.map(|_| ())
    }

    /// Waits until the set-up is at a step, or past it.
    pub async fn until_step(&self, step: &str) -> Result<()> {
        self.until(step, |session| session["step"] == step || session["state"] == "ready").await.map(|_| ())
    }

    /// Ends it without giving it a say.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("the program could not be killed")
    }
}

/// Whether this path is there.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
