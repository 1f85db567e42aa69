pub use types::*; mod types;
