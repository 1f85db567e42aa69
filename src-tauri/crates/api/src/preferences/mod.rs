//! Preferences of the person at this computer: a small file in the profile folder, and how far back it copies.

mod types;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use types::*;
pub(crate) use window::{get_copy_window, set_copy_window};

use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::keep;

const FILE: &str = "preferences.json";

pub(crate) async fn get_preferences(desk: &Arc<Desk>, _: Nothing) -> Result<Preferences, ApiError> {
    Ok(read(desk))
}

/// What the person has chosen.
pub(crate) fn read(desk: &Desk) -> Preferences {
    // A file that cannot be read costs a choice of colours, not a start.
    let text = std::fs::read(desk.options.profile_dir.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

pub(crate) async fn set_preferences(desk: &Arc<Desk>, wanted: Preferences) -> Result<Preferences, ApiError> {
    wanted.notifications.rule()?;
    keep(&desk.options.profile_dir, FILE, &wanted)?;
    desk.announce(BTreeSet::from([Topic::Preferences]), Vec::new());
    Ok(wanted)
}
