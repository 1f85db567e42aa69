//! What the inbox is worked with.

use std::sync::Arc;

use balcao_cache::{Effect, NewOperation, WriteKind};
use balcao_domain::conversation::{SnoozeTime as Offered, snooze_times};
use balcao_domain::free_slots::{LONGEST_LEAD, USUAL_LEAD};
use balcao_domain::{file, wait};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::types::{BookingLead, FilesKept, InboxFrame, Named, SnoozeTime, SnoozeTimes, WaitLimits};
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::entity;
use crate::operations::Written;

/// Labels that are offered.
const MOST_LABELS: u32 = 100;

pub(crate) async fn get_inbox_frame(desk: &Arc<Desk>, _: Nothing) -> Result<InboxFrame, ApiError> {
    let clinic = desk.clinic().await?;
    let cache = &clinic.cache;
    let (members, channels, labels, settings) =
        tokio::try_join!(cache.people_at_work(), cache.channels(), cache.labels(MOST_LABELS), cache.inbox_settings())?;
    Ok(InboxFrame {
        me: clinic.me().await?,
        members: members.into_iter().map(|row| Named { id: row.id, name: row.name }).collect(),
        channels: channels.into_iter().map(|row| Named { id: row.id, name: row.name }).collect(),
        labels,
        limits: limits(settings.as_ref().map_or("", |(_, inbox)| inbox)),
        files_months: files_months(settings.as_ref().map_or("", |(_, inbox)| inbox)),
        booking_lead_minutes: booking_lead(settings.as_ref().map_or("", |(_, inbox)| inbox)),
    })
}

pub(crate) async fn get_snooze_times(desk: &Arc<Desk>, _: Nothing) -> Result<SnoozeTimes, ApiError> {
    let clinic = desk.clinic().await?;
    let times = snooze_times(clinic.cache.server_now().await?, clinic.time_zone().await?);
    let name = |time| match time {
        Offered::Hour => "hour",
        Offered::Afternoon => "afternoon",
        Offered::Tomorrow => "tomorrow",
        Offered::Monday => "monday",
    };
    Ok(SnoozeTimes {
        times: times.into_iter().map(|(time, at)| SnoozeTime { name: name(time).to_owned(), at }).collect(),
    })
}

pub(crate) async fn set_wait_limits(desk: &Arc<Desk>, request: WaitLimits) -> Result<Written, ApiError> {
    let WaitLimits { amber_minutes, red_minutes } = request;
    wait::WaitLimits { amber_minutes, red_minutes }.check()?;
    let limits = [("amber_minutes", json!(amber_minutes)), ("red_minutes", json!(red_minutes))];
    change_inbox(desk, limits).await
}

pub(crate) async fn set_files_kept(desk: &Arc<Desk>, request: FilesKept) -> Result<Written, ApiError> {
    if request.months > file::MOST_MONTHS {
        return Err(ApiError::new("bad_payload", "files are kept for a century at most, or always").about("months"));
    }
    change_inbox(desk, [("files_months", json!(request.months))]).await
}

pub(crate) async fn set_booking_lead(desk: &Arc<Desk>, request: BookingLead) -> Result<Written, ApiError> {
    if request.minutes > LONGEST_LEAD {
        return Err(ApiError::new("invalid_request", "this number is out of bounds").about("minutes"));
    }
    change_inbox(desk, [("lead_minutes", json!(request.minutes))]).await
}

/// Queues a change of how the clinic works in its inbox. What else is in there stays.
pub(super) async fn change_inbox(
    desk: &Desk,
    changed: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let settings = clinic.cache.inbox_settings().await?;
    let (id, inbox) = settings.ok_or_else(|| ApiError::new("still_copying", "the settings are not here yet"))?;
    let mut inbox: Map<String, Value> = serde_json::from_str(&inbox).unwrap_or_default();
    inbox.extend(changed.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action: "change_inbox",
        kind: WriteKind::Patch,
        effect: Effect {
            entity: entity("clinic_settings")?,
            entity_id: id,
            fields: Map::from_iter([("inbox".to_owned(), Value::Object(inbox))]),
        },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: id })
}

/// How many minutes before a visit it is still offered; the usual time where the settings say nothing that holds.
pub(crate) fn booking_lead(inbox: &str) -> u32 {
    let inbox: Value = serde_json::from_str(inbox).unwrap_or_default();
    let said = inbox.get("lead_minutes").and_then(Value::as_u64).and_then(|minutes| u32::try_from(minutes).ok());
    said.filter(|minutes| *minutes <= LONGEST_LEAD).unwrap_or(USUAL_LEAD)
}

/// What the settings say; the usual limits where they say nothing that holds.
fn limits(inbox: &str) -> WaitLimits {
    let inbox: Value = serde_json::from_str(inbox).unwrap_or_default();
    let minutes = |name: &str| inbox.get(name).and_then(Value::as_u64).and_then(|minutes| u32::try_from(minutes).ok());
    let usual = wait::WaitLimits::USUAL;
    let said = wait::WaitLimits {
        amber_minutes: minutes("amber_minutes").unwrap_or(usual.amber_minutes),
        red_minutes: minutes("red_minutes").unwrap_or(usual.red_minutes),
    };
    let holds = said.check().unwrap_or(usual);
    WaitLimits { amber_minutes: holds.amber_minutes, red_minutes: holds.red_minutes }
}

/// For how many months files are kept, as `app.age_media` has it.
fn files_months(inbox: &str) -> u32 {
    let inbox: Value = serde_json::from_str(inbox).unwrap_or_default();
    let chosen = inbox.get("files_months").and_then(Value::as_u64).and_then(|months| u32::try_from(months).ok());
    chosen.unwrap_or(file::USUAL_MONTHS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_say_nothing_are_the_usual_ones() {
        let usual = WaitLimits { amber_minutes: 30, red_minutes: 120 };
        for text in ["", "{}", "[]", r#"{"amber_minutes": 500, "red_minutes": 5}"#, r#"{"amber_minutes": "x"}"#] {
            assert_eq!(limits(text), usual, "{text}");
        }
        assert_eq!((files_months("{}"), files_months(r#"{"files_months": 0}"#)), (24, 0));
        for (text, minutes) in [("", 30), (r#"{"lead_minutes": 0}"#, 0), (r#"{"lead_minutes": 99999999}"#, 30)] {
            assert_eq!(booking_lead(text), minutes, "{text}");
        }
        let chosen = r#"{"amber_minutes": 5, "red_minutes": 15, "more": 1}"#;
        assert_eq!(limits(chosen), WaitLimits { amber_minutes: 5, red_minutes: 15 });
    }
}
