//! Messages that wait for their time.

use std::sync::Arc;

use balcao_domain::{Refusal, reply};
use chrono::SubsecRound as _;
use serde_json::json;

use super::patch;
use super::types::{ChangeScheduled, ScheduledChange};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{instant, object};
use crate::operations::Written;

pub(crate) async fn change_scheduled(desk: &Arc<Desk>, request: ChangeScheduled) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let (_, message) = clinic.cache.message(request.message_id).await?;
    // One that was called off is `failed` where the database knows of it, and as it was where it does not yet.
    let waits = message.status == "queued" || message.error_code.as_deref() == Some("cancelled");
    if message.scheduled_for.is_none() || !waits {
        return Err(Refusal::AlreadySent.into());
    }
    let now = clinic.cache.server_now().await?;
    let (fields, unchecked): (_, &'static [&'static str]) = match request.change {
        ScheduledChange::Reschedule { at } => {
            let at = reply::validate_time(at.trunc_subsecs(6), now)?;
            (json!({ "scheduled_for": instant(at) }), &[])
        }
        ScheduledChange::SendNow => (json!({ "scheduled_for": instant(now) }), &[]),
        // The database writes down its own time for it.
        ScheduledChange::Cancel => (json!({ "cancelled_at": instant(now) }), &["cancelled_at"]),
        ScheduledChange::Restore => (json!({ "cancelled_at": null }), &["cancelled_at"]),
    };
    let action = match request.change {
        ScheduledChange::Cancel | ScheduledChange::Restore => "call_off_message",
        ScheduledChange::Reschedule { .. } | ScheduledChange::SendNow => "reschedule_message",
    };
    patch(&clinic, action, "messages", request.message_id, object(fields), unchecked).await
}
