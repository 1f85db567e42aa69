//! Pure rules of a clinic's front desk: no I/O, no runtime, no database. Everything here is a value or a function of values.

pub mod appointment;
pub mod clock;
pub mod feed;
pub mod lead;
pub mod message;
pub mod phone;
pub mod refusal;
pub mod reply;
pub mod text;
pub mod working_hours;

pub use refusal::Refusal;
