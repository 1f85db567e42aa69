//! What the inbox is worked with.

use std::sync::Arc;

use balcao_cache::{Effect, NewOperation, WriteKind};
use balcao_domain::conversation::{SnoozeTime as Offered, snooze_times};
use balcao_domain::wait;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::types::{InboxFrame, Named, SnoozeTime, SnoozeTimes, WaitLimits};
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
    let clinic = desk.clinic().await?;
    let settings = clinic.cache.inbox_settings().await?;
    let (id, inbox) = settings.ok_or_else(|| ApiError::new("still_copying", "the settings are not here yet"))?;
    // What else is in there stays.
    let mut inbox: Map<String, Value> = serde_json::from_str(&inbox).unwrap_or_default();
    inbox.insert("amber_minutes".to_owned(), json!(amber_minutes));
    inbox.insert("red_minutes".to_owned(), json!(red_minutes));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_say_nothing_are_the_usual_ones() {
        let usual = WaitLimits { amber_minutes: 30, red_minutes: 120 };
        for text in ["", "{}", "[]", r#"{"amber_minutes": 500, "red_minutes": 5}"#, r#"{"amber_minutes": "x"}"#] {
            assert_eq!(limits(text), usual, "{text}");
        }
        let chosen = r#"{"amber_minutes": 5, "red_minutes": 15, "more": 1}"#;
        assert_eq!(limits(chosen), WaitLimits { amber_minutes: 5, red_minutes: 15 });
    }
}
