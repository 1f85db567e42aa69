//! The way to the server: TCP, encryption, WebSocket.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, http};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use crate::gateway::{Distrust, GatewayError, Key};
use crate::tls;

/// Largest frame: a history, or a file where somebody lets the gateway put files into events.
const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// A connection, encrypted or not.
pub(crate) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// Frames both ways.
pub(crate) type Frames = WebSocketStream<Box<dyn Carrier>>;

/// Where to, with what key, and whom to trust.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// `ws://` or `wss://`.
    pub address: Url,
    /// The key, for the header `apikey`.
    pub key: Key,
    /// What is trusted.
    pub tls: Arc<ClientConfig>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoLine {
    /// It did not come to speaking.
    Failed(GatewayError),
    /// The server answered the question for a WebSocket with this HTTP status. 400 is what a refused key looks like, and a
    /// bad question as well.
    Answered(u16),
}

impl Line {
    /// Connects, within this time.
    pub(crate) async fn open(&self, within: Duration) -> Result<Frames, NoLine> {
        let late = |_| NoLine::Failed(GatewayError::Unreachable("it takes too long".to_owned()));
        let carrier = timeout(within, self.carrier()).await.map_err(late)?.map_err(NoLine::Failed)?;
        let late = |_| NoLine::Failed(GatewayError::Silent("it does not answer a request".to_owned()));
        timeout(within, self.upgrade(carrier)).await.map_err(late)?
    }

    async fn carrier(&self) -> Result<Box<dyn Carrier>, GatewayError> {
        let unreachable = |error: std::io::Error| GatewayError::Unreachable(error.kind().to_string());
        let host = self.address.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.address.port_or_known_default().unwrap_or(443);
        let plain = TcpStream::connect((host, port)).await.map_err(unreachable)?;
        plain.set_nodelay(true).map_err(unreachable)?;
        if self.address.scheme() != "wss" {
            return Ok(Box::new(plain));
        }
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| GatewayError::CertificateRefused(Distrust::OtherName))?;
        let encrypted = TlsConnector::from(self.tls.clone()).connect(name, plain).await;
        Ok(Box::new(encrypted.map_err(|error| match tls::distrust(&error) {
            Some(distrust) => GatewayError::CertificateRefused(distrust),
            None => unreachable(error),
        })?))
    }

    async fn upgrade(&self, carrier: Box<dyn Carrier>) -> Result<Frames, NoLine> {
        let setting = |_| NoLine::Failed(GatewayError::Setting("the address makes no request".to_owned()));
        let mut request: http::Request<()> = self.address.as_str().into_client_request().map_err(setting)?;
        request.headers_mut().insert("apikey", self.key.header());
        let limits =
            WebSocketConfig::default().max_frame_size(Some(MAX_FRAME_BYTES)).max_message_size(Some(MAX_FRAME_BYTES));
        match client_async_with_config(request, carrier, Some(limits)).await {
            Ok((frames, _)) => Ok(frames),
            Err(tungstenite::Error::Http(answer)) => Err(NoLine::Answered(answer.status().as_u16())),
            Err(tungstenite::Error::Io(error)) => Err(NoLine::Failed(GatewayError::Silent(error.kind().to_string()))),
            Err(_) => Err(NoLine::Failed(GatewayError::NotAGateway("it does not speak WebSocket"))),
        }
    }
}
