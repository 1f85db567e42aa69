//! The drivers that stand between a test and the window.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hyper::Method;
use serde_json::json;

use crate::http;
use crate::webdriver::Window;

/// The program and what it is started with.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program itself.
    pub path: PathBuf,
    /// Folder of its profile.
    pub profile: PathBuf,
    /// Folder of the PostgreSQL for a clinic on this computer.
    pub postgres: Option<PathBuf>,
}

impl Program {
    /// The arguments it is started with.
    pub fn arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut arguments = vec!["--profile".to_owned(), text(&self.profile)];
        if let Some(postgres) = &self.postgres {
            arguments.extend(["--postgres".to_owned(), text(postgres)]);
        }
        arguments
    }
}

/// `tauri-driver` with the web view's own driver behind it; both end when this is dropped.
pub struct Driver {
    child: Child,
    address: SocketAddr,
}

impl Driver {
    /// Starts them on free ports.
    ///
    /// # Errors
    /// The program is not there, or does not answer within 20 seconds.
    pub async fn start(program: &Path) -> Result<Self> {
        Self::start_with(program, &[]).await
    }

    /// The same with settings of the environment, which the window gets too.
    ///
    /// # Errors
    /// As [`Driver::start`].
    pub async fn start_with(program: &Path, settings: &[(&str, OsString)]) -> Result<Self> {
        let (port, native) = (free_port()?, free_port()?);
        let mut command = Command::new(program);
        command.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // The drivers pass signals on to nobody, so they are ended as a group.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let driver = Self { child, address: (Ipv4Addr::LOCALHOST, port).into() };
        let begun = Instant::now();
        while http::send(driver.address, Method::GET, "/status", None).await.is_err() {
            if begun.elapsed() > Duration::from_secs(20) {
                bail!("{} does not answer", program.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(driver)
    }

    /// Opens the program's window. A driver has one window at a time.
    ///
    /// # Errors
    /// The program ended, or its page was not there in time.
    pub async fn open(&self, program: &Program) -> Result<Window> {
        self.open_with(&program.path, &program.arguments()).await
    }

    /// The same with any arguments.
    ///
    /// # Errors
    /// As [`Driver::open`].
    pub async fn open_with(&self, program: &Path, arguments: &[String]) -> Result<Window> {
        let options = json!({"application": program, "args": arguments});
        Window::open(self.address, json!({"alwaysMatch": {"tauri:options": options}})).await
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // They may be gone already, which is what was wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
