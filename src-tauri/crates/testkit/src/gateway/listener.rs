//! A server that can be stopped with everything it is in the middle of, and started again at the same address.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Breaks the connection that a request came over. Routes find it among the extensions of the request.
#[derive(Debug, Clone)]
pub(crate) struct Breaker(pub CancellationToken);

/// A listening server.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    /// What it proves itself with, where it encrypts.
    tls: Option<Arc<ServerConfig>>,
    running: Mutex<Option<CancellationToken>>,
}

impl Listener {
    /// Takes this address, or any port that is free where it is 0; with a certificate it speaks to nobody without encryption.
    pub(crate) async fn start(
        address: SocketAddr,
        router: &Router,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let this = Self { address: listener.local_addr()?, tls, running: Mutex::new(None) };
        this.serve(listener, router.clone());
        Ok(this)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it encrypts.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Stops at once: every connection breaks, new ones are refused.
    pub(crate) fn stop(&self) {
        if let Some(running) = self.running.lock().ok().and_then(|mut running| running.take()) {
            running.cancel();
        }
    }

    /// Starts again where it was.
    pub(crate) async fn start_again(&self, router: &Router) -> io::Result<()> {
        let listener = loop {
            match TcpListener::bind(self.address).await {
                // The one before may not be gone yet.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => tokio::task::yield_now().await,
                bound => break bound?,
            }
        };
        self.serve(listener, router.clone());
        Ok(())
    }

    fn serve(&self, listener: TcpListener, router: Router) {
        let stopping = CancellationToken::new();
        if let Ok(mut running) = self.running.lock() {
            *running = Some(stopping.clone());
        }
        let acceptor = self.tls.clone().map(TlsAcceptor::from);
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let accepted = tokio::select! {
                    () = stopping.cancelled() => break,
                    accepted = listener.accept() => accepted,
                };
                let Ok((stream, _)) = accepted else { continue };
                let breaker = CancellationToken::new();
                let routes = router.clone().layer(axum::Extension(Breaker(breaker.clone())));
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    match acceptor {
                        None => speak(stream, routes, &breaker).await,
                        Some(acceptor) => {
                            // Whoever is not convinced says nothing.
                            if let Ok(stream) = acceptor.accept(stream).await {
                                speak(stream, routes, &breaker).await;
                            }
                        }
                    }
                });
                while connections.try_join_next().is_some() {}
            }
            drop(listener);
            connections.shutdown().await;
        });
    }
}

/// Answers over one connection until it ends or is broken.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    routes: Router,
    breaker: &CancellationToken,
) {
    let service = TowerToHyperService::new(routes);
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::select! {
        () = breaker.cancelled() => {}
        _ = serving => {}
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}
