//! A server of our own, started, killed and updated: one program, since each further one is linked anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod place;
mod starting;
mod surviving;
mod updating;
