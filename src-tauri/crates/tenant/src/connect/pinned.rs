//! The way to a clinic that is shared on its own network: only the authority that the invitation named is trusted.
//!
//! The driver trusts the system's authorities beside the one it is given, and looks for the certificate's name in the address
//! it dials. Here neither will do: an address changes, and any certificate of any public authority must be refused. So TLS is
//! spoken here, and the driver speaks to a port of this computer that leads into it. The port is open to this computer's other
//! accounts as the clinic is to everybody in its network: whoever comes still has to log in.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use uuid::Uuid;

use super::probe::{Answer, ask, look_up};
use super::{Address, PATIENCE};
use crate::{Error, Result};

/// Who is trusted, and as whom.
#[derive(Clone)]
pub(super) struct Pin {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl Pin {
    /// # Errors
    /// [`Error::InvalidAddress`] when the text is no certificate.
    pub(super) fn new(ca_pem: &str, clinic_id: Uuid) -> Result<Self> {
        let unreadable = || Error::InvalidAddress { reason: "the clinic's certificate cannot be read" };
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|_| unreadable())?;
        roots.add(authority).map_err(|_| unreadable())?;
        let name = balcao_domain::network::server_name(clinic_id);
        let name = ServerName::try_from(name).map_err(|_| unreadable())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|_| unreadable())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self { name, config: Arc::new(config) })
    }

    /// Encrypts a connection on which the server has agreed to that.
    ///
    /// # Errors
    /// Those of the network and, in them, those of the TLS library.
    pub(super) async fn encrypt(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(self.config.clone()).connect(self.name.clone(), stream).await
    }
}

/// Dials, asks for encryption, and verifies who answers. Nothing is said yet.
async fn dial(address: &Address, pin: &Pin) -> Result<TlsStream<TcpStream>> {
    let (host, port) = (&address.host, address.port);
    let unreachable = || Error::Unreachable { host: host.clone(), port };
    let dialling = async {
        let mut stream = TcpStream::connect(&look_up(address).await?[..]).await.map_err(|_| unreachable())?;
        stream.set_nodelay(true).map_err(|_| unreachable())?;
        match ask(&mut stream).await.map_err(|_| unreachable())? {
            Answer::Encrypts => pin.encrypt(stream).await.map_err(|error| of_handshake(&error, address)),
            Answer::PlainOnly => Err(Error::TlsUnavailable),
            Answer::Busy => Err(Error::TooManyConnections),
            Answer::Stranger => Err(Error::NotPostgres { host: host.clone(), port }),
        }
    };
    timeout(PATIENCE, dialling).await.unwrap_or_else(|_| Err(unreachable()))
}

pub(super) fn of_handshake(error: &io::Error, address: &Address) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::CertificateRefused
        }
        // Versions or ciphers have nothing in common, or what answers is not TLS at all.
        Some(_) => Error::TlsUnavailable,
        None => Error::Unreachable { host: address.host.clone(), port: address.port },
    }
}

/// A port of this computer that leads to the clinic. Dropping it takes no more connections; those that are there stay.
pub(super) struct Tunnel {
    port: u16,
    failure: Arc<Mutex<Option<Error>>>,
    accepting: JoinHandle<()>,
}

impl Tunnel {
    /// # Errors
    /// [`Error::InvalidAddress`] when the pinned text is no certificate; [`Error::ConnectionLost`] when this computer has no
    /// port free. Nobody is dialled yet.
    pub(super) async fn to(address: &Address, pin: Pin) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|_| Error::ConnectionLost)?;
        let port = listener.local_addr().map_err(|_| Error::ConnectionLost)?.port();
        let failure = Arc::new(Mutex::new(None));
        let (address, noted) = (address.clone(), failure.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((driver, _)) = listener.accept().await else {
                    // No descriptor is free for a moment.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                };
                let (address, pin, noted) = (address.clone(), pin.clone(), noted.clone());
                tokio::spawn(async move {
                    let dialled = dial(&address, &pin).await;
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = dialled.as_ref().err().cloned();
                    if let Ok(clinic) = dialled {
                        // Both ends notice when it is over, and say what that means.
                        let _ = carry(driver, clinic).await;
                    }
                });
            }
        });
        Ok(Self { port, failure, accepting })
    }

    /// Turns the driver to this port.
    pub(super) fn lead(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.host("127.0.0.1").port(self.port).ssl_mode(PgSslMode::Disable)
    }

    /// Why the clinic was not reached when it was last dialled; the driver only knows that the port fell silent.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(mut driver: TcpStream, mut clinic: TlsStream<TcpStream>) -> io::Result<()> {
    driver.set_nodelay(true)?;
    copy_bidirectional(&mut driver, &mut clinic).await.map(drop)
}
