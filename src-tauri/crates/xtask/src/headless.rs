//! The program without a window, on a profile of its own.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::ending::{Running, Scratch};
use crate::{database, workspace};

/// Ends, with its profile, when it is dropped.
pub(crate) struct Headless {
    /// Where it listens.
    pub(crate) url: String,
    /// What it wants to hear.
    pub(crate) token: String,
    _running: Running,
    _folder: Scratch,
}

impl Headless {
    /// Starts it on an empty profile, with the built screens; what it says goes to a file.
    pub(crate) fn start(screens: &Path, log: &Path, env: Vec<(&'static str, OsString)>) -> Result<Self> {
        let folder = database::open_folder("profile")?;
        let token = folder.path().join("token");
        let mut command = Command::new(workspace::built("balcao-headless"));
        command.arg("--profile").arg(folder.path().join("profile"));
        command.arg("--token-file").arg(&token).arg("--ui").arg(screens);
        command.envs(env).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut running = Running::start(&mut command)?;
        let mut line = String::new();
        let output = running.child().stdout.take().context("the program says nothing")?;
        BufReader::new(output).read_line(&mut line)?;
        let said = || format!("the program without a window did not start, see {}", log.display());
        let url = line.trim().strip_prefix("listening on ").with_context(said)?.to_owned();
        Ok(Self { url, token: std::fs::read_to_string(&token)?, _running: running, _folder: folder })
    }
}
