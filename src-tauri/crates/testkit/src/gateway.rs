//! Gateways to WhatsApp that are none: real HTTP and WebSocket on this computer, the ways of real ones, and a person at the
//! other end who is a test. What they do wrong is set while they run.

#![expect(clippy::result_large_err, reason = "a refusal is an answer like any other")]

pub mod cloud;
pub mod evolution;
pub(crate) mod listener;

pub use cloud::{CloudFault, FakeCloud};
pub use evolution::{Echo, FakeEvolution, Faults, Incoming, Mode, SendFault, Sent, Trace, What};
