//! A clinic that is shared on its network, and computers that want in.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Result;
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_lan::{Authority, Front, FrontConfig, Limits};
use balcao_tenant::provision::Connection;
use balcao_tenant::{Address, Tenant, TlsMode};
use balcao_testkit::database::TestDatabase;
use uuid::Uuid;

/// Ports of the network change; of the server, too.
pub struct Shared {
    pub database: TestDatabase,
    pub front: Front,
    pub authority: Authority,
    /// Where the front looks for the server: 0 while it is not there.
    pub server_port: Arc<AtomicU16>,
}

impl Shared {
    pub async fn new() -> Result<Self> {
        Self::with(Limits::default(), Clock::System).await
    }

    pub async fn with(limits: Limits, clock: Clock) -> Result<Self> {
        let database = TestDatabase::fresh().await?;
        let authority = authority(database.clinic_id(), clock).await?;
        let server_port = Arc::new(AtomicU16::new(database.owner().address.port));
        let front = front(&authority, limits, &server_port, false).await?;
        Ok(Self { database, front, authority, server_port })
    }

    /// How a computer of the network knows the clinic as this login.
    pub fn address(&self, login: &Connection) -> Address {
        let tls = TlsMode::Pinned { ca_pem: self.authority.ca_pem().to_owned(), clinic_id: self.database.clinic_id() };
        Address { port: self.front.port(), tls, ..login.address.clone() }
    }

    pub async fn desk(&self, login: &Connection) -> balcao_tenant::Result<Tenant> {
        enter(&self.address(login), login).await
    }
}

pub async fn enter(address: &Address, login: &Connection) -> balcao_tenant::Result<Tenant> {
    Tenant::connect(address, login.password.as_deref().unwrap_or_default(), "balcao-test").await
}

/// A new authority, as of a computer of its own.
pub async fn authority(clinic_id: Uuid, clock: Clock) -> Result<Authority> {
    let folder = tempfile::tempdir()?;
    Ok(Authority::open_or_create(&Keychain::in_memory(), "test", folder.path(), clinic_id, clock).await?)
}

pub async fn front(authority: &Authority, limits: Limits, port: &Arc<AtomicU16>, announce: bool) -> Result<Front> {
    let port = port.clone();
    let config =
        FrontConfig { listen: (Ipv4Addr::UNSPECIFIED, 0).into(), clinic_id: authority.clinic_id(), limits, announce };
    let now = move || {
        let port = port.load(Ordering::SeqCst);
        async move { (port != 0).then_some(port) }
    };
    Ok(Front::start(config, authority.clone(), now).await?)
}
