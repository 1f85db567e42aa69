//! What tests and the sample clinic are made of.

#[cfg(feature = "gateway")]
pub mod bucket;
pub mod database;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod proxy;
pub mod sample;
