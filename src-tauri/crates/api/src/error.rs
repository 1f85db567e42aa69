//! The one error shape that crosses to the screens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An answer that is not the wanted one. Screens match `code` only and have their own words for each; `message` is for
/// people who read logs. No database text and no patient data is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct ApiError {
    /// Stable name in snake_case.
    pub code: String,
    /// One English sentence.
    pub message: String,
    /// What it is about (a field, an id), or where to find it in the log.
    pub reference: Option<String>,
}
