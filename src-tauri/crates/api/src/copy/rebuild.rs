//! Making the copy anew, at the wish of a person or after damage.

use std::sync::Arc;

use balcao_cache::{AllAttached, Cache, Draft, LogLine, Opened};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::NOTICE;
use super::files::remove_copy;
use super::types::{CopyNotice, ResetCopy};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::Profile;
use crate::session::Session;

/// Lines of the log that a new copy takes over from the one before it.
const CARRIED_LINES: u32 = 1_000;

/// What a new copy takes over from the one before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carried {
    /// How far back the copy reaches: the choice of the person at this computer.
    window: Option<String>,
    log: Vec<LogLine>,
    /// What was being written, by thread.
    drafts: Vec<(Uuid, Draft)>,
    /// Files beside it, with their bytes: at most [`balcao_cache::MOST_ATTACHED_BYTES`], for the moment that this takes.
    attached: AllAttached,
}

/// How a copy is opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening {
    /// The file was found to be damaged, whatever a quick check says.
    pub(crate) after_damage: bool,
    /// A person had it made anew, giving up so many writes.
    pub(crate) reset: Option<u32>,
    /// From the copy before, where there was one that could be read.
    pub(crate) carried: Option<Carried>,
}

impl Opening {
    /// Puts down what was done to open the copy: into its log, and for the person where something was the matter.
    pub(crate) async fn note(&self, opened: &Opened, now: DateTime<Utc>) -> Result<(), ApiError> {
        let cache = &opened.cache;
        // A copy that could be opened as it was has its log and its window still.
        if let Some(carried) = self.carried.as_ref().filter(|_| opened.set_aside.is_some() || self.reset.is_some()) {
            carried.put_into(cache).await?;
        }
        if let Some(lost) = self.reset {
            cache.log("copy_reset", &format!("lost={lost}")).await?;
        }
        if let Some(aside) = &opened.set_aside {
            let file = aside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let (salvaged, unreadable) = (opened.salvaged, opened.unreadable);
            tracing::warn!(salvaged, unreadable, "the copy could not be read and is made anew");
            let unread = unreadable.map_or("unknown".to_owned(), |number| number.to_string());
            cache.log("copy_set_aside", &format!("salvaged={salvaged} unreadable={unread} file={file}")).await?;
            let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
            let (writes_kept, writes_lost) = (count(salvaged), unreadable.map(count));
            let notice = CopyNotice { at: now, file, writes_kept, writes_lost };
            cache.set_state(NOTICE, &serde_json::to_string(&notice).map_err(ApiError::internal)?).await?;
        }
        Ok(())
    }
}

impl Carried {
    /// Reads what can be read.
    pub(crate) async fn from(cache: &Cache) -> Self {
        Self {
            window: cache.state("window").await.ok().flatten(),
            log: cache.log_page(None, CARRIED_LINES).await.unwrap_or_default(),
            drafts: cache.drafts().await.unwrap_or_default(),
            attached: cache.all_attached().await.unwrap_or_default(),
        }
    }

    /// Puts it into a copy that was just begun.
    pub(crate) async fn put_into(&self, cache: &Cache) -> Result<(), ApiError> {
        if let Some(window) = &self.window {
            cache.set_state("window", window).await?;
        }
        cache.keep_drafts(&self.drafts).await?;
        cache.take_over_attached(&self.attached).await?;
        Ok(cache.take_over_log(&self.log).await?)
    }
}

pub(crate) async fn reset_copy(desk: &Arc<Desk>, request: ResetCopy) -> Result<Session, ApiError> {
    let folder = &desk.options.profile_dir;
    let no_clinic = || ApiError::new("no_session", "no clinic is open");
    // Held until the file is gone: no screen can queue a write that was not counted.
    let mut slot = desk.clinic.write().await;
    let clinic = slot.as_ref().ok_or_else(no_clinic)?;
    let (waiting, parked) = clinic.cache.outbox_counts().await?;
    let lost = waiting + parked;
    if lost > 0 && !request.confirm_loss {
        return Err(ApiError::new("writes_wait", "writes that are not confirmed would be lost").about(lost.to_string()));
    }
    let profile = Profile::read(folder)?.ok_or_else(no_clinic)?;
    let carried = Carried::from(&clinic.cache).await;
    desk.closing();
    if let Some(clinic) = slot.take() {
        clinic.close().await;
    }
    let removed = remove_copy(folder);
    drop(slot);
    let opening = match &removed {
        Ok(()) => Opening { reset: Some(lost), carried: Some(carried), ..Opening::default() },
        // Something holds the file: it goes on as it was.
        Err(_) => Opening::default(),
    };
    desk.open_profile(profile, opening);
    removed.map(|()| desk.session())
}
