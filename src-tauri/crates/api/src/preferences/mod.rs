//! Preferences of the person at this computer: a small file in the profile folder.

mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use types::*;

use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

const FILE: &str = "preferences.json";

pub(crate) async fn get_preferences(desk: &Arc<Desk>, _: Nothing) -> Result<Preferences, ApiError> {
    // A file that cannot be read costs a choice of colours, not a start.
    let text = std::fs::read(desk.options.profile_dir.join(FILE)).unwrap_or_default();
    Ok(serde_json::from_slice(&text).unwrap_or_default())
}

pub(crate) async fn set_preferences(desk: &Arc<Desk>, wanted: Preferences) -> Result<Preferences, ApiError> {
    let text = serde_json::to_vec_pretty(&wanted).map_err(ApiError::internal)?;
    std::fs::write(desk.options.profile_dir.join(FILE), text).map_err(|error| {
        ApiError::new("profile_not_writable", format!("preferences cannot be kept: {}", error.kind()))
    })?;
    desk.announce(BTreeSet::from([Topic::Preferences]), Vec::new());
    Ok(wanted)
}
