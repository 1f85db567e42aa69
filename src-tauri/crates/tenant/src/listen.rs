//! Hearing that something has changed, without hearing what.

use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::PgListener;
use tokio::time::timeout;

use crate::{Error, Result, Tenant};

/// How long silence is trusted before the connection must prove that it lives. A firewall that forgets an idle
/// connection tells neither side.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the proof may take.
const PROOF: Duration = Duration::from_secs(5);

/// Why a desk should pull now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Something of this clinic was committed.
    Notified,
    /// The connection was away and is back: what was said meanwhile is lost, so only a pull tells what happened.
    Reconnected,
}

/// Listens on the secret channel of the login's clinic, over a connection of its own.
#[derive(Debug)]
pub struct Listener {
    tenant: Tenant,
    listening: Option<PgListener>,
}

impl Listener {
    /// Starts to listen. Whatever is committed after this returns is heard.
    ///
    /// # Errors
    /// [`Error::LoginRevoked`] when the login has no clinic any more; else as any statement.
    pub async fn open(tenant: &Tenant) -> Result<Self> {
        let listening = Some(start(tenant).await?);
        Ok(Self { tenant: tenant.clone(), listening })
    }

    /// Waits for the next reason to pull. Several notifications that have already arrived are one. May be dropped
    /// half-way and called again without losing any.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] as soon as the connection is; calling again tries to have it back, so the caller decides
    /// how long to wait between.
    pub async fn recv(&mut self) -> Result<Wake> {
        loop {
            let Some(listening) = &mut self.listening else {
                self.listening = Some(start(&self.tenant).await?);
                return Ok(Wake::Reconnected);
            };
            let alive = match timeout(SILENCE, listening.try_recv()).await {
                Ok(Ok(Some(_))) => {
                    while listening.next_buffered().is_some() {}
                    return Ok(Wake::Notified);
                }
                Ok(Ok(None)) => false,
                Ok(Err(error)) => match Error::from(error) {
                    lost if lost.is_connection() => false,
                    other => {
                        self.listening = None;
                        return Err(other);
                    }
                },
                Err(_silence) => matches!(timeout(PROOF, listening.execute("select 1")).await, Ok(Ok(_))),
            };
            if !alive {
                // Said at once: whoever listens must know that nothing will be heard, before a new connection is tried.
                self.listening = None;
                return Err(Error::ConnectionLost);
            }
        }
    }
}

/// A pool for each attempt: a dead connection can hold its place in a pool until the system gives it up.
async fn start(tenant: &Tenant) -> Result<PgListener> {
    let mut listening = PgListener::connect_with(&tenant.dedicated_pool()).await?;
    listening.eager_reconnect(false);
    let channel: Option<String> = sqlx::query_scalar("select app.listen_channel()").fetch_one(&mut listening).await?;
    listening.listen(&channel.ok_or(Error::LoginRevoked)?).await?;
    Ok(listening)
}
