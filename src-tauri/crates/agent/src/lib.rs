//! The background work that one computer does for a clinic, and the parts of the `balcao-agent` program.

pub mod background;
pub mod journal;
pub mod panics;
pub mod profile;
pub mod replay;
