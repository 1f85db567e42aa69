//! Starts one postmaster on one port and tells what became of it.

#[cfg(unix)]
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::binaries::Binaries;
use crate::command;
use crate::config::SETTINGS;
use crate::data_folder::DataFolder;
use crate::error::{LocalServerError, Result};
use crate::log::StartLog;
#[cfg(windows)]
use crate::postmaster::Postmaster;
use crate::process::Process;

/// A postmaster on its way up.
pub(crate) struct Launched {
    pub(crate) process: Process,
    pub(crate) port: u16,
    /// Ours to collect when it ends; none on Windows, where `pg_ctl` stands in between.
    pub(crate) child: Option<Child>,
    pub(crate) log: StartLog,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(LocalServerError::io("find a free port on", Path::new("127.0.0.1")))
}

/// Starts `postgres` itself: it stays our child, and its arguments reach it as they are.
#[cfg(unix)]
pub(crate) async fn launch(folder: &DataFolder, binaries: &Binaries, port: u16) -> Result<Launched> {
    let log = StartLog::begin(&folder.path, folder.account)?;
    let open = || OpenOptions::new().append(true).open(log.path()).map_err(LocalServerError::io("open", &log.path()));
    let mut command = Command::from(command::under(folder.account, binaries, "postgres"));
    command.arg("-D").arg(&folder.path).arg("-p").arg(port.to_string());
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.stdout(Stdio::from(open()?)).stderr(Stdio::from(open()?)).kill_on_drop(false);
    let program = binaries.program("postgres");
    let child = command.spawn().map_err(LocalServerError::io("run", &program))?;
    let process = child.id().and_then(|id| Process::new(id.try_into().ok()?));
    // An id is missing only once the child was waited for.
    let process = process.ok_or_else(|| LocalServerError::StartFailed { log: log.text() })?;
    Ok(Launched { process, port, child: Some(child), log })
}

/// Starts it through `pg_ctl`, which takes administrator's rights away from it: PostgreSQL refuses to run with them.
#[cfg(windows)]
pub(crate) async fn launch(folder: &DataFolder, binaries: &Binaries, port: u16) -> Result<Launched> {
    let log = StartLog::begin(&folder.path, folder.account)?;
    let mut options = format!("-p {port}");
    for (name, value) in SETTINGS {
        options.push_str(&format!(" -c {name}={value}"));
    }
    let mut command = Command::from(command::under(folder.account, binaries, "pg_ctl"));
    command.arg("start").arg("-W").arg("-s").arg("-D").arg(&folder.path).arg("-l").arg(log.path());
    // No pipes: the server inherits them, and reading them would end only with it.
    command.arg("-o").arg(options).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.map_err(LocalServerError::io("run", &binaries.program("pg_ctl")))?;
    for _ in 0..100 {
        if let Some(Postmaster { process, .. }) = Postmaster::running(&folder.path) {
            return Ok(Launched { process, port, child: None, log });
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(LocalServerError::StartFailed { log: crate::error::last_lines(&log.text()) })
}
