//! What tests and the sample clinic are made of.

pub mod database;
pub mod proxy;
pub mod sample;
