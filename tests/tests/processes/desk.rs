//! A desk in a process of its own: the program without a window.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_tenant::provision::Connection;
use balcao_testkit::proxy::Proxy;
use balcao_tests::http;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Longest wait for what takes moments on a quiet machine.
pub const SOON: Duration = Duration::from_secs(60);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// The profile of a desk, which outlives the processes that open it.
pub struct Profile {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Profile {
    pub fn new() -> Result<Self> {
        let program = std::env::var_os("BALCAO_HEADLESS").context("BALCAO_HEADLESS is not set: use cargo xtask")?;
        let folder = tempfile::Builder::new().prefix("balcao-desk-").tempdir()?;
        Ok(Self { folder, program: program.into() })
    }

    /// Starts the program. It is not ready when this returns.
    pub fn spawn(&self) -> Result<Spawned> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.program);
        command.arg("--profile").arg(self.path()).arg("--token-file").arg(self.token_file());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        Ok(Spawned { child, token_file: self.token_file() })
    }

    /// Starts the program and waits until it answers.
    pub async fn start(&self) -> Result<Desk> {
        let mut spawned = self.spawn()?;
        let (address, token) = spawned.listening().await.with_context(|| self.last_words())?;
        Ok(Desk { address, token, spawned, log: self.log() })
    }

    /// Starts the program on an empty profile and connects it to a clinic through a line.
    pub async fn connect(&self, login: &Connection, line: &Proxy) -> Result<Desk> {
        let desk = self.start().await?;
        let (address, port) = (&login.address, line.port());
        let url = format!("postgres://{}@127.0.0.1:{port}/{}", address.user, address.database);
        desk.call("connect_clinic", json!({"address": url, "password": login.password})).await?;
        desk.until_ready().await?;
        desk.until_settled(SOON).await?;
        Ok(desk)
    }

    /// Files that a damaged copy was set aside as.
    pub fn set_aside(&self) -> Result<Vec<String>> {
        let names = std::fs::read_dir(self.path())?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(names.into_iter().filter(|name| name.contains("damaged")).collect())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    fn token_file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn last_words(&self) -> String {
        last_lines(&self.log())
    }
}

/// A process that was started, wherever it is with that; killed when it is dropped.
pub struct Spawned {
    child: Child,
    token_file: PathBuf,
}

impl Spawned {
    /// Where it listens, and what it wants to hear.
    pub async fn listening(&mut self) -> Result<(SocketAddr, String)> {
        let output = self.child.stdout.take().context("it has said where it listens already")?;
        let mut line = String::new();
        let mut output = BufReader::new(output);
        tokio::time::timeout(SOON, output.read_line(&mut line)).await.context("it does not say where it listens")??;
        let address = line.trim().strip_prefix("listening on http://").context("it did not start")?.parse()?;
        Ok((address, std::fs::read_to_string(&self.token_file)?))
    }

    /// Ends the process without giving it a say, and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("a desk could not be killed")
    }
}

/// A desk that answers.
pub struct Desk {
    pub address: SocketAddr,
    pub token: String,
    spawned: Spawned,
    log: PathBuf,
}

impl Desk {
    /// Runs a command. A refusal is an error here.
    pub async fn call(&self, command: &str, payload: Value) -> Result<Value> {
        let answer = http::call(self.address, &self.token, command, &payload).await?;
        answer.map_err(|refusal| anyhow::anyhow!("{command} was refused: {refusal}"))
    }

    /// Asks again until the answer fits; returns it and how long that took.
    pub async fn until(
        &self,
        what: &str,
        patience: Duration,
        command: &str,
        payload: Value,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(Value, Duration)> {
        let begun = Instant::now();
        loop {
            let answer = self.call(command, payload.clone()).await;
            match answer {
                Ok(answer) if fits(&answer) => return Ok((answer, begun.elapsed())),
                answer if begun.elapsed() > patience => {
                    let answer = answer.map(|answer| brief(&answer));
                    let status = self.call("get_status", json!({})).await;
                    let log = last_lines(&self.log);
                    bail!("{what} did not happen within {patience:?}: {answer:?}\n{status:?}\n{log}")
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    pub async fn until_ready(&self) -> Result<()> {
        self.until("opening the clinic", SOON, "get_session", json!({}), |session| session["state"] == "ready").await?;
        Ok(())
    }

    /// Waits until it is online and nothing waits to be sent; returns how many writes need a decision, and how long it
    /// took.
    pub async fn until_settled(&self, patience: Duration) -> Result<(u64, Duration)> {
        let (status, took) = self
            .until("sending everything", patience, "get_status", json!({}), |status| {
                status["connection"] == "online" && status["waiting"] == 0 && status["first_copy"].is_null()
            })
            .await?;
        Ok((status["needs_you"].as_u64().context("needs_you")?, took))
    }

    /// What the status line says of the connection.
    pub async fn until_connection(&self, wanted: &str, patience: Duration) -> Result<Duration> {
        let what = format!("the status {wanted}");
        let (_, took) = self
            .until(&what, patience, "get_status", json!({}), |status| status["connection"].as_str() == Some(wanted))
            .await?;
        Ok(took)
    }

    /// Ends the process without giving it a say, while somebody still waits for its answer.
    pub fn pull_away(&self) -> Result<()> {
        let process = self.spawned.child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
        let process = process.context("the desk ended by itself")?;
        Ok(rustix::process::kill_process(process, rustix::process::Signal::KILL)?)
    }

    /// Ends the process without giving it a say, and waits until it is gone.
    pub async fn kill(self) -> Result<()> {
        self.spawned.kill().await
    }
}

fn brief(answer: &Value) -> String {
    answer.to_string().chars().take(600).collect()
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
