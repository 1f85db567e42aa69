//! What listens to the network in place of the embedded server.

mod carry;
mod greeting;
mod login;
mod places;
mod refusal;
mod startup;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use rustls::version::TLS13;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::authority::Authority;
use crate::certificate::Shown;
use crate::nearby::{Announcement, Scope};
use crate::{Error, Result};
use places::Places;

/// How PostgreSQL's protocol is called within TLS.
const PROTOCOL: &[u8] = b"postgresql";

/// How long connections may take to say goodbye when the front stops.
const GOODBYE: Duration = Duration::from_secs(3);

/// Where and how a front listens.
#[derive(Debug, Clone)]
pub struct FrontConfig {
    /// Usually every IPv4 address of this computer and [`crate::DEFAULT_PORT`]; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The clinic, by whose id it is found.
    pub clinic_id: Uuid,
    /// How much it lets in.
    pub limits: Limits,
    /// Whether the clinic is announced by name on the network.
    pub announce: bool,
}

/// How much a front lets in, so that no computer of the network can take the place of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections that may be logged in at once. The server has room for more, for this computer itself.
    pub connections: usize,
    /// The same for one address.
    pub connections_each: usize,
    /// Connections that may be on their way in at once.
    pub arriving: usize,
    /// The same for one address.
    pub arriving_each: usize,
    /// Time until a connection must be logged in.
    pub patience: Duration,
    /// Bytes that a connection may send until it is.
    pub bytes_before_login: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 120,
            connections_each: 24,
            arriving: 48,
            arriving_each: 12,
            patience: Duration::from_secs(15),
            bytes_before_login: 32 * 1024,
        }
    }
}

/// A connection that is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guest {
    /// Where it comes from.
    pub address: IpAddr,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The listening front. Dropping it stops it without waiting.
pub struct Front {
    port: u16,
    places: Arc<Places>,
    announcement: Option<Announcement>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

type Port = Pin<Box<dyn Future<Output = Option<u16>> + Send>>;

/// What every connection of a front shares.
pub(crate) struct House {
    places: Arc<Places>,
    limits: Limits,
    tls: TlsAcceptor,
    authority: Authority,
    database: Box<dyn Fn() -> Port + Send + Sync>,
}

impl Front {
    /// Starts to listen. `database` says on which port of this computer's loopback the embedded server listens now, `None`
    /// while it does not; it is asked for each connection.
    ///
    /// That the clinic cannot be announced does not keep the front from listening, see [`Front::is_announced`].
    ///
    /// # Errors
    /// [`Error::PortTaken`], [`Error::PortRefused`], [`Error::Listen`].
    pub async fn start<F, P>(config: FrontConfig, authority: Authority, database: F) -> Result<Self>
    where
        F: Fn() -> P + Send + Sync + 'static,
        P: Future<Output = Option<u16>> + Send + 'static,
    {
        let asked = config.listen.port();
        let listener = TcpListener::bind(config.listen).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Error::PortTaken { port: asked },
            io::ErrorKind::PermissionDenied => Error::PortRefused { port: asked },
            _ => Error::Listen(error),
        })?;
        let port = listener.local_addr().map_err(Error::Listen)?.port();
        let places = Arc::new(Places::new(config.limits));
        let house = Arc::new(House {
            places: places.clone(),
            limits: config.limits,
            tls: TlsAcceptor::from(Arc::new(tls(authority.clone())?)),
            authority,
            database: Box::new(move || Box::pin(database())),
        });
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(listener, house, stopping.clone(), tasks.clone()));
        let announcement = if config.announce {
            Announcement::begin(Scope::NETWORK, config.clinic_id, port)
                .inspect_err(|error| tracing::warn!(%error, "the clinic is not announced on the network"))
                .ok()
        } else {
            None
        };
        Ok(Self { port, places, announcement, stopping, tasks })
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the clinic is announced by name on the network.
    pub fn is_announced(&self) -> bool {
        self.announcement.is_some()
    }

    /// The connections that are logged in, the oldest first.
    pub fn guests(&self) -> Vec<Guest> {
        self.places.guests()
    }

    /// Their number, for a screen that follows it.
    pub fn changed(&self) -> watch::Receiver<usize> {
        self.places.changed()
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        self.announcement = None;
        self.stopping.cancel();
        self.tasks.close();
        // What does not end by itself is no longer waited for: its streams are gone with the program or the network.
        let _ = tokio::time::timeout(GOODBYE, self.tasks.wait()).await;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("port", &self.port).finish_non_exhaustive()
    }
}

/// TLS 1.3 and nothing older, with whatever certificate is fresh when a desk comes.
fn tls(authority: Authority) -> Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shown::of(authority)));
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(config)
}

async fn accept(listener: TcpListener, house: Arc<House>, stopping: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                // Too many from there, or at all: closed without a word, before it costs anything.
                let Some(arrival) = house.places.arrive(peer.ip().to_canonical()) else { continue };
                let (house, stopping) = (house.clone(), stopping.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stopping.cancelled() => {}
                        // Whatever goes wrong on one connection ends that one, and its own side sees it.
                        ended = serve(socket, arrival, &house) => if let Err(error) = ended {
                            tracing::debug!(kind = %error.kind(), "a connection from the network ended");
                        }
                    }
                });
            }
            // No descriptor is free, or the caller has already gone.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(socket: TcpStream, arrival: places::Arrival, house: &House) -> io::Result<()> {
    socket.set_nodelay(true)?;
    keep_alive(&socket)?;
    let admitted = tokio::time::timeout(house.limits.patience, login::admit(socket, arrival, house)).await;
    match admitted.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
        Some(admitted) => carry::carry(admitted).await,
        None => Ok(()),
    }
}

/// A desk that was switched off says nothing; its place must not stay taken.
fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    let rhythm = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    socket2::SockRef::from(socket).set_tcp_keepalive(&rhythm)
}

#[cfg(test)]
mod tests;
