//! `balcao-agent run`: the background work without a window, as a service does it.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use balcao_agent::background::{Background, Rhythm, Setup, Standing};
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_whatsapp::gateway::Timing;
use clap::Args;

use crate::desk::Desk;

/// Listens to the clinic's connections to WhatsApp and sends for it, whenever no other computer does, until it is ended.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    desk: Desk,
    /// Folder for events that the database does not have yet; the desk's own, where there is one.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How this computer is called, where the clinic has no name for it.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl Run {
    /// Works until the program is asked to end, or the login may not do it any more.
    pub async fn run(self) -> Result<()> {
        tracing_subscriber::fmt()
            .with_env_filter(
                tracing_subscriber::EnvFilter::builder()
                    .with_default_directive(tracing::Level::INFO.into())
                    .with_env_var("BALCAO_LOG")
                    .from_env_lossy(),
            )
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init();
        let end = end_requested().context("cannot listen for signals")?;
        let keychain = Keychain::system();
        let way = self.desk.way(&keychain, self.state)?;
        let background = Background::start(Setup {
            dial: way.dial,
            keychain,
            profile_id: way.profile_id,
            folder: way.folder,
            label: self.name.or_else(host_name).unwrap_or_else(|| "balcao-agent".to_owned()),
            clock: Clock::System,
            rhythm: Rhythm::default(),
            timing: Timing::default(),
        });
        let mut standing = background.standing();
        let ended_by_itself = async {
            let ended = standing.wait_for(|now| matches!(now, Standing::Ended { .. })).await;
            match ended.as_deref() {
                Ok(Standing::Ended { problem: Some(problem) }) => Some(*problem),
                _ => None,
            }
        };
        let problem = tokio::select! {
            problem = ended_by_itself => problem,
            () = end => None,
        };
        background.stop().await;
        match problem {
            Some(problem) => bail!("this login does no background work for the clinic: {problem}"),
            None => Ok(()),
        }
    }
}

fn host_name() -> Option<String> {
    Some(gethostname::gethostname().to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

#[cfg(unix)]
fn end_requested() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(windows)]
fn end_requested() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut close = tokio::signal::windows::ctrl_close()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}
