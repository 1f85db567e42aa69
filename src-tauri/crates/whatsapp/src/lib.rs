//! WhatsApp gateways: what they put on the wire, turned into the words of `balcao-domain`, and the wire itself.
//!
//! [`gateway`] connects, listens, sweeps and sends, over the Evolution API (2.3.x, with what is known of older and newer
//! ones) or Meta's Cloud API. What comes of it is JSON, and every function that reads it takes any JSON at all: what is
//! missing, of another shape or unknown becomes a value that says so, never an error and never a panic.
//!
//! The walk of one event: [`scrub`] takes the secrets out, [`digest`] makes a repetition visible, [`parse`] says what it
//! means.

mod address;
mod cloud_api;
mod content;
mod context;
mod digest;
mod event;
mod evolution;
pub mod gateway;
mod lenient;
mod message;
mod protocol;
mod rest;
mod scrub;
mod socket;
mod status;
mod tls;

pub use digest::digest;
pub use event::{canonical_name, instance, parse};
pub use scrub::scrub;
