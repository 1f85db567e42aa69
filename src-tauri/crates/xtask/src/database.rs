//! Databases for the tests: the PostgreSQL that the program carries along, and the oldest one that is supported.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_keychain::Secret;
use balcao_local_server::{Config, LocalServer, SuperuserPassword};
use tokio::runtime::Runtime;

use crate::ending::{Guarded, Running, Scratch};
use crate::program::Program;
use crate::{postgres, system};

/// Where Debian puts the oldest PostgreSQL that is supported.
const OLDEST: &str = "/usr/lib/postgresql/15/bin";

/// A server that is gone, with all its data, when this is dropped.
pub(crate) struct Embedded {
    runtime: Runtime,
    server: Option<LocalServer>,
    _guarded: Guarded,
    _folder: Scratch,
}

impl Embedded {
    /// Starts the PostgreSQL that the program carries along, without the care for power cuts that makes it slow.
    pub(crate) fn start() -> Result<Self> {
        let binaries = postgres::binaries()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let folder = open_folder_in_memory("database")?;
        let server = runtime.block_on(LocalServer::start(Config {
            binaries: binaries.clone(),
            data_dir: folder.path().join("data"),
            password: SuperuserPassword::Given(Secret::random(32)?),
            patience: Duration::from_secs(120),
        }))?;
        let guarded = Guarded::process(server.process_id());
        let embedded = Self { runtime, server: Some(server), _guarded: guarded, _folder: folder };
        Program::new(binaries.program("psql"))
            .args(["-X", "-q", "-c", "alter system set fsync = off", "-c", "select pg_reload_conf()", "-d"])
            .arg(embedded.url())
            .quiet()?;
        Ok(embedded)
    }

    /// Address of the superuser, with the password.
    pub(crate) fn url(&self) -> String {
        let url = self.server.as_ref().map(|server| server.connection().admin_url("postgres"));
        url.map(|url| url.expose().to_owned()).unwrap_or_default()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(server) = self.server.take()
            && let Err(error) = self.runtime.block_on(server.stop())
        {
            eprintln!("the database of the tests was not stopped: {error}");
        }
    }
}

/// The oldest supported server; gone, with all its data, when this is dropped.
pub(crate) struct Oldest {
    _server: Running,
    _folder: Scratch,
    port: u16,
    password: Secret,
}

impl Oldest {
    /// Starts it; `None` where it is not installed.
    pub(crate) fn start() -> Result<Option<Self>> {
        let bin = PathBuf::from(OLDEST);
        if !bin.join("postgres").is_file() {
            return Ok(None);
        }
        let folder = open_folder_in_memory("database-15")?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let account = account();
        #[cfg(unix)]
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&data, Some(user), Some(group))?;
        }
        let password = Secret::random(32)?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, password.expose())?;
        let mut initdb = command(&bin.join("initdb"), folder.path(), account);
        initdb.args([
            "--auth=scram-sha-256",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        initdb.arg("--pwfile").arg(&password_file).arg("-D").arg(&data).stdout(Stdio::null());
        anyhow::ensure!(initdb.status()?.success(), "PostgreSQL 15 could not make a data folder");

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut server = command(&bin.join("postgres"), folder.path(), account);
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        server.args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200"]);
        server.stdout(log.try_clone()?).stderr(log);
        let started = Self { _server: Running::start(&mut server)?, _folder: folder, port, password };
        for _ in 0..200 {
            let mut ready = Command::new(bin.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            if ready.status().context("cannot start pg_isready")?.success() {
                return Ok(Some(started));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("PostgreSQL 15 did not start within 10 seconds")
    }

    /// Address of the superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password.expose(), self.port)
    }
}

/// A folder that the account of a server can pass through.
pub(crate) fn open_folder(purpose: &str) -> Result<Scratch> {
    open(Scratch::new(purpose)?)
}

/// The same in memory: each test has a database of its own, of hundreds of files.
fn open_folder_in_memory(purpose: &str) -> Result<Scratch> {
    open(Scratch::in_memory(purpose)?)
}

fn open(folder: Scratch) -> Result<Scratch> {
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    Ok(folder)
}

/// The account a server runs under when this runs as root, which PostgreSQL refuses.
fn account() -> Option<(u32, u32)> {
    if !system::is_root() {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = accounts.lines().find(|line| line.starts_with("postgres:"))?.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn command(program: &Path, folder: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    #[cfg(unix)]
    if let Some((user, group)) = account {
        use std::os::unix::process::CommandExt as _;
        command.uid(user).gid(group);
    }
    #[cfg(not(unix))]
    let _ = account;
    command
}
