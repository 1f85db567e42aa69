//! The contract with the screens: one list of commands, their types, and what they do on this computer.
//!
//! A host (the window, the headless server) opens a [`Desk`], passes commands to [`call`] and forwards [`Desk::changes`].

pub mod agenda;
pub mod audit;
pub mod backup;
mod bindings;
pub mod booking;
pub mod bucket;
mod changes;
pub mod channels;
mod clinic;
mod commands;
pub mod copy;
mod desk;
pub mod drafts;
mod errand;
mod error;
pub mod inbox;
pub mod leads;
mod local_clinic;
pub mod lock;
pub mod media;
pub mod members;
pub mod notes;
pub mod notices;
pub mod operations;
mod payload;
pub mod preferences;
pub mod privacy;
mod profile;
pub mod quick_replies;
mod row_state;
pub mod search;
pub mod session;
pub mod setup;
pub mod sharing;
pub mod threads;
mod upkeep;
pub mod writing;

pub use balcao_agent::panics;
pub use bindings::typescript;
pub use changes::{Change, Destination, Topic};
pub use commands::{CommandInfo, Nothing, call, catalogue};
pub use desk::{Desk, DeskOptions};
pub use error::ApiError;
pub use row_state::RowState;
