//! The copy on this computer: how far it is, what happened to it, making it anew.

mod events;
mod export;
mod files;
mod mending;
mod pace;
mod rebuild;
mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

use balcao_cache::LogLine;

pub use events::EVENTS;
pub(crate) use export::{export_folder, export_sync_log, new_place, not_written, save_new};
pub(crate) use files::remove_all;
pub(crate) use pace::Pace;
pub(crate) use rebuild::{Opening, reset_copy};
pub use types::*;

use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

/// Longest page of the log.
const LONGEST_PAGE: u32 = 500;

/// Name of the fact that keeps what the person is to be told about the copy.
pub(crate) const NOTICE: &str = "copy_notice";

pub(crate) async fn get_copy(desk: &Arc<Desk>, _: Nothing) -> Result<CopyState, ApiError> {
    let clinic = desk.clinic().await?;
    // A notice that a newer program wrote costs its words, not the screen.
    let notice = clinic.cache.state(NOTICE).await?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(CopyState { notice })
}

pub(crate) async fn dismiss_copy_notice(desk: &Arc<Desk>, _: Nothing) -> Result<CopyState, ApiError> {
    desk.clinic().await?.cache.clear_state(NOTICE).await?;
    desk.announce(BTreeSet::from([Topic::Status]), Vec::new());
    Ok(CopyState { notice: None })
}

pub(crate) async fn list_sync_log(desk: &Arc<Desk>, request: ListSyncLog) -> Result<SyncLog, ApiError> {
    let clinic = desk.clinic().await?;
    let limit = request.limit.clamp(1, LONGEST_PAGE);
    let mut lines = clinic.cache.log_page(request.before.map(i64::from), limit + 1).await?;
    let has_more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    Ok(SyncLog { lines: lines.into_iter().map(line).collect(), has_more })
}

fn line(line: LogLine) -> SyncLogLine {
    SyncLogLine {
        id: u32::try_from(line.id).unwrap_or(u32::MAX),
        at: line.at,
        facts: events::facts(&line.event, &line.detail),
        event: events::name(&line.event).to_owned(),
    }
}
