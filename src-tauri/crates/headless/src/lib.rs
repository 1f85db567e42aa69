//! The commands of the desk over HTTP, for development and tests: the same list and the same handlers as in the window.
//!
//! ```text
//! POST /call      {cmd, payload} ──► the answer, or {code, message, reference}
//! GET  /commands  name, request and response JSON schema of each command
//! GET  /events    the change stream as server-sent events
//! GET  /notices   what a window would show outside itself, likewise; POST /notices/open is the click on it
//! GET  /…         the screens, when a folder of them is given; the only thing that needs no token
//! ```
//!
//! It listens on a loopback address only, answers only requests that were addressed to one (a web page elsewhere cannot
//! reach it through a name of its own), and wants the token of a file that only its owner can read.

mod access;
mod answer;
mod calls;
mod events;
mod host;
mod notices;
mod screens;
mod token;

pub use host::{Host, Loopback, NotLoopback, serve};
pub use token::Token;
