//! A client of socket.io, as far as a gateway needs one: Engine.IO 4 over WebSocket, text and binary events, one
//! namespace. The published ones lose binary events, and most real messages are such.
//!
//! What a frame means is decided without any I/O, in [`packet`], [`assembly`] and [`session`]; [`line`] and [`listening`]
//! carry it over the network.

mod assembly;
mod line;
mod listening;
mod packet;
mod session;

pub(crate) use line::{Line, NoLine};
pub(crate) use listening::listen;
