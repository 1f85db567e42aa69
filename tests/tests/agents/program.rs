//! `balcao-agent` in a process of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_tenant::provision::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Longest wait for what takes moments on a quiet machine.
pub const SOON: Duration = Duration::from_secs(60);

fn command(login: &Connection) -> Result<Command> {
    let program = std::env::var_os("BALCAO_AGENT").context("BALCAO_AGENT is not set: use cargo xtask")?;
    let mut command = Command::new(PathBuf::from(program));
    command.env("BALCAO_DATABASE_URL", login.address.to_url_with(login.password.as_deref()));
    command.stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

/// A computer that does the background work, or stands by. Killed when it is dropped.
pub struct Computer {
    running: Child,
    folder: tempfile::TempDir,
}

impl Computer {
    /// Begins to work, as a service does it.
    pub fn start(name: &str, login: &Connection) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("balcao-agent-").tempdir()?;
        let mut command = command(login)?;
        command.args(["run", "--name", name, "--state"]).arg(folder.path());
        command.stdout(Stdio::null()).stderr(File::create(folder.path().join("log"))?);
        Ok(Self { running: command.spawn().context("the agent does not start")?, folder })
    }

    /// Ends it without giving it a say.
    pub async fn kill(mut self) -> Result<()> {
        self.running.kill().await.context("the agent could not be killed")
    }

    /// Stops every thread of it where it stands, as a computer that falls asleep, or lets it go on.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        let process = self.running.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        Ok(kill_process(process.context("the agent ended by itself")?, signal)?)
    }

    /// The last that it said.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// What a command answered: how it ended, and all that it said.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub code: Option<i32>,
    /// What it said to other programs; null where it said nothing.
    pub json: Value,
    /// What it said to people.
    pub words: String,
}

/// Asks one thing, with this on standard input.
pub async fn ask(arguments: &[&str], typed: &str, login: &Connection) -> Result<Answer> {
    let mut command = command(login)?;
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().context("the command does not start")?;
    let mut input = running.stdin.take().context("it hears nothing")?;
    // One that refuses its arguments does not listen.
    input.write_all(typed.as_bytes()).await.ok();
    drop(input);
    let output = tokio::time::timeout(SOON, running.wait_with_output()).await.context("it does not end")??;
    let said = String::from_utf8(output.stdout)?;
    let json = if said.trim().is_empty() { Value::Null } else { serde_json::from_str(&said)? };
    Ok(Answer { code: output.status.code(), json, words: String::from_utf8(output.stderr)? })
}

/// A command that says one thing after another, each a line of JSON.
pub struct Telling {
    running: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Telling {
    pub fn start(arguments: &[&str], login: &Connection) -> Result<Self> {
        let mut command = command(login)?;
        command.args(arguments).stdout(Stdio::piped());
        let mut running = command.spawn().context("the command does not start")?;
        let lines = BufReader::new(running.stdout.take().context("it says nothing")?).lines();
        Ok(Self { running, lines })
    }

    /// The next thing that it says.
    pub async fn next(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(SOON, self.lines.next_line()).await.context("it falls silent")??;
        Ok(serde_json::from_str(&line.context("it ended")?)?)
    }

    /// How it ends.
    pub async fn end(mut self) -> Result<ExitStatus> {
        Ok(tokio::time::timeout(SOON, self.running.wait()).await.context("it does not end")??)
    }
}
