//! How a desk's connections reach the server: straight, or through the tunnel to a clinic on its own network.

use std::sync::Arc;

use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use super::pinned::{Pin, Tunnel};
use super::{Address, TlsMode, open, options};
use crate::Result;

/// What a desk dials with. It has to be kept for as long as connections may be opened.
#[derive(Clone)]
pub(crate) struct Way {
    options: PgConnectOptions,
    tunnel: Option<Arc<Tunnel>>,
}

impl Way {
    /// # Errors
    /// [`crate::Error::InvalidAddress`] when a pinned certificate cannot be read. Nobody is dialled yet.
    pub(crate) async fn to(address: &Address, password: &str, application: &str) -> Result<Self> {
        let options = options(address, password, application);
        match &address.tls {
            TlsMode::Pinned { ca_pem, clinic_id } => {
                let tunnel = Tunnel::to(address, Pin::new(ca_pem, *clinic_id)?).await?;
                Ok(Self { options: tunnel.lead(options), tunnel: Some(Arc::new(tunnel)) })
            }
            _ => Ok(Self { options, tunnel: None }),
        }
    }

    /// Opens one connection and says precisely why not.
    pub(crate) async fn open(&self, address: &Address) -> Result<PgConnection> {
        let opened = open(address, &self.options).await;
        opened.map_err(|error| self.tunnel.as_ref().and_then(|tunnel| tunnel.failure()).unwrap_or(error))
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}
