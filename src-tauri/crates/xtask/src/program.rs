//! Running other programs.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::ending::Running;
use crate::{progress, workspace};

/// What a program said, and whether it was satisfied.
pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) text: String,
}

/// A program to run, by default in the top folder of the repository.
pub(crate) struct Program {
    command: Command,
    line: String,
}

impl Program {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let line = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.current_dir(workspace::root()).stdin(Stdio::null());
        Self { command, line }
    }

    /// The cargo that runs this.
    pub(crate) fn cargo() -> Self {
        let mut cargo = Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.line = "cargo".to_owned();
        // Set for this program by the cargo that runs it; its children are on their own.
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
            cargo.command.env_remove(name);
        }
        cargo
    }

    /// A program that npm installed for the screens.
    pub(crate) fn of_ui(name: &str) -> Self {
        let npx = if cfg!(windows) { "npx.cmd" } else { "npx" };
        Self::new(npx).args(["--no-install", name]).dir(workspace::at("ui"))
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.line.push(' ');
        self.line.push_str(&argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, all: impl IntoIterator<Item = (N, V)>) -> Self {
        self.command.envs(all);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn dir(mut self, folder: PathBuf) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it where everything it says is seen.
    pub(crate) fn run(mut self) -> Result<()> {
        let status = Running::start(&mut self.command)?.wait()?;
        if !status.success() {
            bail!("`{}` failed ({status})", self.line);
        }
        Ok(())
    }

    /// Runs it; what it says is shown only when it fails.
    pub(crate) fn quiet(mut self) -> Result<()> {
        // Two chores may run at the same time.
        let log = tempfile::Builder::new().suffix(".log").tempfile_in(workspace::target("logs")?)?;
        let said = self.finish_into(log.path())?;
        if !said.ok {
            println!("{}", said.text);
            bail!("`{}` failed", self.line);
        }
        Ok(())
    }

    /// Runs it; what it says goes to a file and is returned.
    pub(crate) fn logged(mut self, log: &Path) -> Result<Said> {
        progress::say(format_args!("  {}", self.line));
        self.finish_into(log)
    }

    fn finish_into(&mut self, log: &Path) -> Result<Said> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        self.command.stdout(file.try_clone()?).stderr(file);
        let status = Running::start(&mut self.command)?.wait()?;
        let text = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
        Ok(Said { ok: status.success(), text })
    }

    /// Runs it and returns what it says on standard output; what it says on standard error is seen.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot start `{}`", self.line))?;
        if !output.status.success() {
            bail!("`{}` failed ({})", self.line, output.status);
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{}` does not speak UTF-8", self.line))
    }

    /// Starts it; it ends when the value is dropped.
    pub(crate) fn start(mut self) -> Result<Running> {
        Running::start(&mut self.command)
    }
}
