//! What WhatsApp gateways put on the wire, turned into the words of `balcao-domain`.
//!
//! The one gateway here is the Evolution API (events of 2.3.x, with what is known of older and newer ones). Every
//! function takes any JSON at all: what is missing, of another shape or unknown becomes a value that says so, never an
//! error and never a panic.
//!
//! The walk of one event: [`scrub`] takes the secrets out, [`digest`] makes a repetition visible, [`parse`] says what it
//! means.

mod address;
mod content;
mod context;
mod digest;
mod event;
mod lenient;
mod message;
mod protocol;
mod scrub;
mod status;

pub use digest::digest;
pub use event::{canonical_name, instance, parse};
pub use scrub::scrub;
