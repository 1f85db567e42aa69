//! A running server, and how it ends.

use std::time::{Duration, Instant};

use tokio::process::Child;

use crate::binaries::Binaries;
use crate::config::Config;
use crate::connection::Connection;
use crate::data_folder::DataFolder;
use crate::error::{LocalServerError, Result};
use crate::handshake::{self, Answer};
use crate::process::{Process, Shutdown};
use crate::start;

/// The embedded PostgreSQL, running.
///
/// Dropping it leaves the server running: sessions of other programs go on, and the next [`LocalServer::start`] on the
/// same folder takes it over. Call [`LocalServer::stop`] when the program ends.
#[derive(Debug)]
pub struct LocalServer {
    pub(crate) binaries: Binaries,
    pub(crate) folder: DataFolder,
    pub(crate) process: Process,
    /// `None` if the server is not our child.
    pub(crate) child: Option<Child>,
    pub(crate) connection: Connection,
    pub(crate) adopted: bool,
}

impl LocalServer {
    /// Makes the data folder if there is none, starts the server if it is not running, and waits until it takes
    /// sessions. A server that an earlier run of the program left behind is adopted; what a crash left behind is put
    /// in order. Two starts on one folder wait for each other and get the same server.
    ///
    /// # Errors
    /// [`LocalServerError`]
    pub async fn start(config: Config) -> Result<Self> {
        start::start(config).await
    }

    /// Where it listens, and the superuser's credentials.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The PostgreSQL it runs from, for its other programs such as `pg_dump`.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Process number of the postmaster.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it was running before [`LocalServer::start`].
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// Whether it takes sessions at this moment.
    pub async fn is_ready(&self) -> bool {
        handshake::log_in(self.connection.port, &self.connection.password).await == Answer::Ready
    }

    /// Ends all sessions, writes everything and ends the server, within 30 seconds; after that it is ended at once,
    /// and the next start replays its log. A server that has ended already is fine.
    ///
    /// # Errors
    /// [`LocalServerError::StopFailed`] if it is still there ten seconds later.
    pub async fn stop(mut self) -> Result<()> {
        for (shutdown, patience) in [(Shutdown::Fast, 30), (Shutdown::Immediate, 10)] {
            self.tell(shutdown).await;
            if self.ends_within(Duration::from_secs(patience)).await {
                return Ok(());
            }
            tracing::warn!(pid = self.process.id(), ?shutdown, "PostgreSQL did not stop in time");
        }
        Err(LocalServerError::StopFailed { pid: self.process.id() })
    }

    /// Ends it as a power cut would, for tests of what survives that.
    ///
    /// # Errors
    /// [`LocalServerError::StopFailed`] if it is still there ten seconds later.
    pub async fn kill(mut self) -> Result<()> {
        if self.runs() {
            self.process.kill_with_children();
        }
        let ended = self.ends_within(Duration::from_secs(10)).await;
        if ended { Ok(()) } else { Err(LocalServerError::StopFailed { pid: self.process.id() }) }
    }

    async fn ends_within(&mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        while self.runs() {
            if begun.elapsed() > patience {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// The number of a child stays taken until it is collected; that of any other process may go to a stranger, so it
    /// is looked at again each time.
    pub(crate) fn runs(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.process.serves(&self.folder.path),
        }
    }

    #[cfg(unix)]
    pub(crate) async fn tell(&mut self, shutdown: Shutdown) {
        if self.runs() {
            self.process.signal(shutdown);
        }
    }

    #[cfg(windows)]
    pub(crate) async fn tell(&mut self, shutdown: Shutdown) {
        let mode = match shutdown {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        let command = crate::command::under(self.folder.account, &self.binaries, "pg_ctl");
        let mut command = tokio::process::Command::from(command);
        command.args(["stop", "-W", "-s", "-m", mode, "-D"]).arg(&self.folder.path);
        // Whether it worked shows in the process.
        let _ = command.status().await;
    }
}
