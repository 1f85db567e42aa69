//! A server of the Evolution API 2.3.7, as far as a client can tell: keys, instances, the socket with its text and binary
//! frames, what is stored and how it is paged, sending with every known way to fail.

mod books;
mod faults;
mod frames;
mod routes;
mod scene;
mod sending;
mod sockets;
mod stored;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use rustls::ServerConfig;

pub use books::{Link, Sent};
pub use faults::{Echo, Faults, Mode, SendFault, Trace};
pub use scene::{Incoming, What};

pub(in crate::gateway) use faults::take;

use super::listener::Listener;
use books::Books;

/// The key that opens everything.
pub const GLOBAL_KEY: &str = "global-key-of-the-fake";

/// The server. Dropping it stops it.
pub struct FakeEvolution {
    shared: Arc<Shared>,
    router: Router,
    listener: Listener,
}

/// What the routes and the test share.
struct Shared {
    books: Mutex<Books>,
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        // A test that failed while it held the lock has told so already.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeEvolution {
    /// Starts on any free port of this computer, without instances.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts at this address.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_at(address: SocketAddr) -> io::Result<Self> {
        Self::start_with(address, None).await
    }

    /// Starts on any free port of this computer and encrypts everything with this certificate.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start_encrypted(certificate: Arc<ServerConfig>) -> io::Result<Self> {
        Self::start_with(SocketAddr::from(([127, 0, 0, 1], 0)), Some(certificate)).await
    }

    async fn start_with(address: SocketAddr, certificate: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let shared = Arc::new(Shared { books: Mutex::new(Books::default()) });
        let router = routes::router(shared.clone());
        let listener = Listener::start(address, &router, certificate).await?;
        Ok(Self { shared, router, listener })
    }

    /// Its address, as a person would type it.
    pub fn url(&self) -> String {
        match self.listener.is_encrypted() {
            // By the name that a certificate has.
            true => format!("https://localhost:{}", self.listener.address().port()),
            false => format!("http://{}", self.listener.address()),
        }
    }

    /// Changes what goes wrong from now on.
    pub fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.books().faults);
    }

    /// Stops it: every connection breaks, and nobody answers. What happens meanwhile is stored, as when the phone brings
    /// it later, and emitted to nobody.
    pub fn stop(&self) {
        self.shared.books().sockets.break_all();
        self.listener.stop();
    }

    /// Starts it again where it was. Namespaces of instances are gone until something happens.
    ///
    /// # Errors
    /// When the port was taken meanwhile.
    pub async fn start_again(&self) -> io::Result<()> {
        self.shared.books().forget_namespaces();
        self.listener.start_again(&self.router).await
    }

    /// Breaks every socket; new ones are let in.
    pub fn drop_sockets(&self) {
        self.shared.books().sockets.break_all();
    }

    /// Keeps every socket open and says nothing over it any more, not even a ping.
    pub fn fall_silent(&self) {
        self.shared.books().sockets.silence_all();
    }

    /// Sockets that are let into a namespace now.
    pub fn listeners(&self) -> usize {
        self.shared.books().sockets.listeners()
    }

    /// Sends this text frame over every socket, whatever it means.
    pub fn throw_text(&self, frame: &str) {
        self.shared.books().sockets.throw_text(frame);
    }

    /// The same with a binary frame.
    pub fn throw_binary(&self, frame: &[u8]) {
        self.shared.books().sockets.throw_binary(frame);
    }

    /// Everything that really went out to people, in order, also where the answer said something else.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.books().sent.clone()
    }

    /// The calls that were made: method and path, in order.
    pub fn calls(&self) -> Vec<String> {
        self.shared.books().calls.clone()
    }
}
