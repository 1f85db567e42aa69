//! Pure rules of a clinic's front desk: no I/O, no runtime, no database. Everything here is a value or a function of values.

pub mod appointment;
pub mod clock;
pub mod conversation;
pub mod feed;
pub mod file;
pub mod free_slots;
pub mod lead;
pub mod message;
pub mod network;
pub mod note;
pub mod notification;
pub mod pacing;
pub mod phone;
pub mod presence;
pub mod quick_reply;
pub mod refusal;
pub mod reply;
pub mod satisfaction;
pub mod text;
pub mod wait;
pub mod window;
pub mod working_hours;

pub use refusal::Refusal;
