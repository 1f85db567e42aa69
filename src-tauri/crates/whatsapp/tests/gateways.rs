//! What is said over the wire, with a gateway that is not one: one program, since each further one is linked anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod any_frames;
mod any_json;
mod cloud;
mod events;
mod history;
mod listening;
mod recorded;
mod sending;
mod setting_up;
mod sweeping;
mod wire;
