//! From a configuration to a server that takes sessions.

use std::time::{Duration, Instant};

use balcao_keychain::Secret;

use crate::binaries::Binaries;
use crate::config::{Config, SuperuserPassword};
use crate::connection::Connection;
use crate::data_folder::DataFolder;
use crate::error::{LocalServerError, Result, last_lines, speaks_of_a_full_disk};
use crate::handshake::{self, Answer};
use crate::initdb;
use crate::launch::{free_port, launch};
use crate::local_server::LocalServer;
use crate::log::StartLog;
use crate::postmaster::{Postmaster, disarm_stale_file};
use crate::process::Shutdown;

const PASSWORD_BYTES: usize = 32;

/// Starts that fail for a passing reason: the port was taken in the meantime, children of a crashed server are still
/// ending, the server to adopt has just ended.
const ATTEMPTS: u32 = 50;

const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn start(config: Config) -> Result<LocalServer> {
    let Config { binaries, data_dir, password, patience } = config;
    let folder = DataFolder::open(&data_dir)?;
    for needed in [binaries.bin(), binaries.program("postgres"), binaries.root().join("share")] {
        folder.account.check_reach(&needed)?;
    }
    let _lock = folder.lock(patience).await?;
    let password = open_or_make(&folder, &binaries, &password).await?;
    let deadline = Instant::now() + patience;
    for _ in 0..ATTEMPTS {
        let attempt = Attempt { folder: &folder, binaries: &binaries, password: &password, deadline };
        let server = match Postmaster::running(&folder.path) {
            Some(postmaster) => attempt.adopt(postmaster).await?,
            None => attempt.launch().await?,
        };
        if let Some(server) = server {
            return Ok(server);
        }
        tokio::time::sleep(PAUSE * 4).await;
    }
    Err(LocalServerError::StartFailed { log: format!("{ATTEMPTS} attempts were in vain") })
}

/// The password of the data folder, which is made if there is none.
async fn open_or_make(folder: &DataFolder, binaries: &Binaries, source: &SuperuserPassword) -> Result<Secret> {
    let made = folder.is_made()?;
    let password = match source {
        SuperuserPassword::Given(password) => password.clone(),
        SuperuserPassword::Keychain { keychain, entry } if made => {
            let found = keychain.get(entry).await?;
            found.ok_or_else(|| LocalServerError::PasswordLost { entry: entry.clone() })?
        }
        // Stored before it is used: a database whose password nobody has is of no use.
        SuperuserPassword::Keychain { keychain, entry } => keychain.get_or_create_random(entry, PASSWORD_BYTES).await?,
    };
    if !made {
        tracing::info!("making a new PostgreSQL data folder");
        initdb::make(folder, binaries, &password).await?;
    }
    Ok(password)
}

struct Attempt<'a> {
    folder: &'a DataFolder,
    binaries: &'a Binaries,
    password: &'a Secret,
    deadline: Instant,
}

impl Attempt<'_> {
    /// `None` if the server has ended, so that another one can be started.
    async fn adopt(&self, postmaster: Postmaster) -> Result<Option<LocalServer>> {
        loop {
            // The port comes into the file some time after the process number.
            let port = Postmaster::read(&self.folder.path).and_then(|postmaster| postmaster.port);
            let answer = match port {
                Some(port) => handshake::log_in(port, self.password).await,
                None => Answer::Silence,
            };
            match (port, answer) {
                (Some(port), Answer::Ready) => {
                    tracing::info!(pid = postmaster.process.id(), port, "adopted the running PostgreSQL");
                    return Ok(Some(LocalServer { adopted: true, ..self.server(postmaster.process, port) }));
                }
                (_, Answer::Stranger) => return Err(self.wrong_password()),
                _ if !postmaster.process.serves(&self.folder.path) => return Ok(None),
                _ if Instant::now() > self.deadline => {
                    let log = format!("process {} runs but does not answer", postmaster.process.id());
                    return Err(LocalServerError::StartFailed { log });
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// `None` if it failed for a passing reason.
    async fn launch(&self) -> Result<Option<LocalServer>> {
        self.folder.secure()?;
        disarm_stale_file(&self.folder.path)?;
        let launched = launch(self.folder, self.binaries, free_port()?).await?;
        let mut server = LocalServer { child: launched.child, ..self.server(launched.process, launched.port) };
        loop {
            let answer = handshake::log_in(launched.port, self.password).await;
            // Another program may have taken the port and be the one that answered; then ours ends.
            if !server.runs() {
                return self.explain(&launched.log);
            }
            match answer {
                Answer::Ready => {
                    tracing::info!(pid = server.process_id(), port = launched.port, "PostgreSQL is running");
                    return Ok(Some(server));
                }
                Answer::Stranger if self.listens(launched.port) => {
                    server.stop().await?;
                    return Err(self.wrong_password());
                }
                _ if Instant::now() > self.deadline => {
                    server.tell(Shutdown::Immediate).await;
                    return Err(LocalServerError::StartFailed {
                        log: format!("it did not become ready in time\n{}", last_lines(&launched.log.text())),
                    });
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Whether the server itself says that it has got this port.
    fn listens(&self, port: u16) -> bool {
        Postmaster::running(&self.folder.path).is_some_and(|postmaster| postmaster.port == Some(port))
    }

    fn explain(&self, log: &StartLog) -> Result<Option<LocalServer>> {
        // The last two are told while processes of a server that was killed are still ending.
        const PASSING: &[&str] = &[
            "could not bind",
            "could not create any TCP/IP sockets",
            "shared memory block",
            "lock file \"postmaster.pid\" already exists",
        ];
        let text = log.text();
        if speaks_of_a_full_disk(&text) {
            return Err(LocalServerError::DiskFull { path: self.folder.path.clone() });
        }
        if PASSING.iter().any(|reason| text.contains(reason)) {
            return Ok(None);
        }
        Err(LocalServerError::StartFailed { log: last_lines(&text) })
    }

    fn server(&self, process: crate::process::Process, port: u16) -> LocalServer {
        LocalServer {
            binaries: self.binaries.clone(),
            folder: self.folder.clone(),
            process,
            child: None,
            connection: Connection::new(port, self.password.clone()),
            adopted: false,
        }
    }

    fn wrong_password(&self) -> LocalServerError {
        self.folder.not_ours("its superuser has another password than the one kept for it")
    }
}
