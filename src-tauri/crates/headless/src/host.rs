//! What listens, and how it ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use balcao_api::Desk;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::token::Token;
use crate::{access, calls, events, notices, screens};

/// Longest body of a call, in bytes: the largest file that is sent, in base64, and what stands around it.
const LONGEST_BODY: usize = 45 * 1024 * 1024;

/// An address that only this computer can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback(SocketAddr);

/// The text is no address with a port, or other computers could reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotLoopback;

impl std::fmt::Display for NotLoopback {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("only a loopback address with a port is accepted, such as 127.0.0.1:0")
    }
}

impl std::error::Error for NotLoopback {}

impl FromStr for Loopback {
    type Err = NotLoopback;

    fn from_str(text: &str) -> Result<Self, NotLoopback> {
        let address: SocketAddr = text.parse().map_err(|_| NotLoopback)?;
        if address.ip().is_loopback() { Ok(Self(address)) } else { Err(NotLoopback) }
    }
}

impl Loopback {
    /// Starts to listen; port 0 takes a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn bind(self) -> Result<TcpListener> {
        TcpListener::bind(self.0).await.with_context(|| format!("cannot listen on {}", self.0))
    }
}

/// What the requests share.
#[derive(Debug, Clone)]
pub struct Host {
    pub(crate) desk: Arc<Desk>,
    pub(crate) token: Token,
    pub(crate) screens: Option<PathBuf>,
    pub(crate) ending: CancellationToken,
}

impl Host {
    /// A host for this desk; `screens` is a folder of built screens to show to a browser.
    pub fn new(desk: Arc<Desk>, token: Token, screens: Option<PathBuf>) -> Self {
        Self { desk, token, screens, ending: CancellationToken::new() }
    }

    fn router(&self) -> Router {
        let commands = Router::new()
            .route("/call", post(calls::call))
            .route("/commands", get(calls::commands))
            .route("/events", get(events::events))
            .route("/notices", get(notices::notices))
            .route("/notices/open", post(notices::open))
            .layer(middleware::from_fn_with_state(self.clone(), access::knows_the_token));
        let all = match &self.screens {
            Some(folder) => commands.merge(screens::screens(folder)),
            None => commands,
        };
        all.layer(DefaultBodyLimit::max(LONGEST_BODY))
            .layer(middleware::from_fn(access::addressed_to_loopback))
            .with_state(self.clone())
    }
}

/// Answers until `end` is over; then running calls are finished, event streams are closed, and it returns. The desk is
/// left open.
///
/// # Errors
/// The listener broke.
pub async fn serve(listener: TcpListener, host: Host, end: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let ending = host.ending.clone();
    let end = async move {
        end.await;
        ending.cancel();
    };
    axum::serve(listener, host.router()).with_graceful_shutdown(end).await.context("the listener broke")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_others_can_reach_are_refused() {
        for address in ["0.0.0.0:80", "192.168.0.4:80", "[::]:80", "127.0.0.1", "localhost:80", ""] {
            assert_eq!(address.parse::<Loopback>(), Err(NotLoopback), "{address}");
        }
        for address in ["127.0.0.1:0", "[::1]:80"] {
            assert!(address.parse::<Loopback>().is_ok(), "{address}");
        }
    }
}
