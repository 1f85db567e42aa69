//! Who else has a thread open, and who is writing in it: said by each desk to the others, kept by nobody, and over by itself.

mod table;
mod word;

pub use table::{Companion, Table};
pub use word::{Place, Word};
