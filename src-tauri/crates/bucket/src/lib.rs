//! A bucket of S3-compatible storage, for the files of a clinic that its database need not hold.
//!
//! Whoever owns the bucket sees noise under random names: [`FileKey`] seals a file before it leaves, and its key stays in the
//! clinic's database. The wire is `object_store`'s; the line is our own ([`Bucket`]), so that what is trusted and how long
//! anything is waited for are the same as everywhere else in the program.

mod carrier;
mod key;
mod place;
mod seal;
mod store;
mod trial;
mod trouble;

pub use key::{BadKey, BucketKey};
pub use place::{BadPlace, Place};
pub use seal::{FileKey, KEY_BYTES};
pub use store::{Bucket, Timing};
pub use trial::{Found, TrialStep};
pub use trouble::Trouble;
