//! The clinic's database for the other computers of its network, without any hosting.
//!
//! The embedded PostgreSQL never leaves loopback. A [`Front`] on the same computer listens to the network in its place: it
//! speaks PostgreSQL's first words, then TLS 1.3 with a certificate of the clinic's own [`Authority`], lets nobody past but
//! the logins of clinics, and carries their bytes to the server, whose port changes with each start. Desks trust that
//! authority and no other, because their invitation said so; so it does not matter at which address they find the clinic, and
//! the names that [`find`] asks for on the network need no trust.

mod addresses;
mod authority;
mod certificate;
mod error;
mod front;
mod nearby;

pub use addresses::own_addresses;
pub use authority::Authority;
pub use error::{Error, Result};
pub use front::{Front, FrontConfig, Guest, Limits};
pub use nearby::find;

/// The port of the network on which a clinic is found unless a person has chosen another.
pub const DEFAULT_PORT: u16 = 55_320;
