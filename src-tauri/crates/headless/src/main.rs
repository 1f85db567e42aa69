//! `balcao-headless`: a desk without a window.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use balcao_api::{Desk, DeskOptions};
use balcao_headless::{Host, Loopback, Token, serve};
use clap::Parser;

/// Serves the commands of a desk on a loopback address, for development and tests.
#[derive(Parser)]
struct Options {
    /// Folder of the profile; made when it is absent.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// Loopback address and port; port 0 takes a free one, and the line on standard output says which.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: Loopback,
    /// File with the token; made when it is absent.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Folder with the built screens, shown at `/`.
    #[arg(long, value_name = "DIR")]
    ui: Option<PathBuf>,
    /// Folder with the PostgreSQL that a clinic on this computer runs on.
    #[arg(long, value_name = "DIR")]
    postgres: Option<PathBuf>,
    /// Folder for files that a person asks for; without it, the downloads or documents of the account.
    #[arg(long, value_name = "DIR")]
    exports: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    balcao_api::panics::keep_to_the_place();
    let options = Options::parse();
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
    let token = Token::load_or_make(&options.token_file)?;
    let listener = options.listen.bind().await?;
    let desk = Desk::open(DeskOptions {
        profile_dir: options.profile,
        postgres_dir: options.postgres,
        export_dir: options.exports.or_else(dirs::download_dir).or_else(dirs::document_dir),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
    .await?;

    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let end = end_requested().context("cannot listen for signals")?;
    let served = serve(listener, Host::new(desk.clone(), token, options.ui), end).await;
    desk.close().await;
    served
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
