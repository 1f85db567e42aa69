//! What every row on a screen says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Whether what a row shows is already in the clinic's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// The database has it.
    Confirmed,
    /// Kept on this computer, waiting to be sent.
    Pending,
    /// Refused by the database: a person decides.
    Parked,
}
