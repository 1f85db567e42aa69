//! Who looks after the connections, and what is wrong with them: for every window of the clinic, from the copy.

use std::sync::Arc;

use balcao_cache::{ConnectionRow, HolderRow};
use chrono::{DateTime, TimeDelta, Utc};

use super::types::{ChannelAlarm, ChannelHealth, WorkHolder};
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::at;

/// A holder that lives says so once a minute; the copy may be a little behind.
const SILENT_FOR: TimeDelta = TimeDelta::minutes(3);

pub(crate) async fn get_channel_health(desk: &Arc<Desk>, _: Nothing) -> Result<ChannelHealth, ApiError> {
    let clinic = desk.clinic().await?;
    let (rows, holder, now) =
        tokio::try_join!(clinic.cache.connections(), clinic.cache.background_holder(), clinic.cache.server_now())?;
    let here = clinic.work.since();
    let in_use: Vec<_> =
        rows.into_iter().filter(|row| row.active && row.url.is_some() && row.instance.is_some()).collect();
    Ok(ChannelHealth {
        in_use: u32::try_from(in_use.len()).unwrap_or(u32::MAX),
        holder: holder.map(|row| shown(row, here, now)),
        alarms: alarms(&in_use),
    })
}

fn shown(row: HolderRow, here: Option<DateTime<Utc>>, now: DateTime<Utc>) -> WorkHolder {
    let (since, seen_at) = (at(row.since), at(row.seen_at));
    // What this computer knows of itself comes before what the copy says.
    let is_this = here.is_some();
    WorkHolder {
        name: row.label,
        since: here.unwrap_or(since),
        seen_at,
        is_working: is_this || (row.released_at.is_none() && now - seen_at < SILENT_FOR),
        is_this,
    }
}

/// Messages that WhatsApp says nothing about come first: nobody sees otherwise that they do not arrive.
fn alarms(in_use: &[ConnectionRow]) -> Vec<ChannelAlarm> {
    let alarm = |row: &ConnectionRow, code: &str, since: Option<i64>| ChannelAlarm {
        id: row.id,
        name: row.name.clone(),
        code: code.to_owned(),
        since: since.map(at),
    };
    let missing = in_use.iter().filter(|row| row.acks_missing_since.is_some());
    let missing = missing.map(|row| alarm(row, "acks_missing", row.acks_missing_since));
    let wrong = in_use.iter().filter_map(|row| Some(alarm(row, row.problem.as_deref()?, None)));
    missing.chain(wrong).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn connection(name: &str, problem: Option<&str>, acks_missing_since: Option<i64>) -> ConnectionRow {
        ConnectionRow {
            id: Uuid::nil(),
            name: name.to_owned(),
            kind: "evolution".to_owned(),
            url: None,
            instance: None,
            phone: None,
            status: "connected".to_owned(),
            active: true,
            settings: "{}".to_owned(),
            last_inbound_at: None,
            last_ack_at: None,
            acks_missing_since,
            last_sweep_at: None,
            unknown_outcomes: 0,
            problem: problem.map(str::to_owned),
            needs_pairing: false,
        }
    }

    #[test]
    fn messages_without_a_word_of_whatsapp_come_before_what_is_seen_anyway() {
        let rows =
            [connection("A", Some("not_connected"), None), connection("B", None, Some(1)), connection("C", None, None)];
        let told: Vec<_> = alarms(&rows).into_iter().map(|alarm| (alarm.name, alarm.code)).collect();
        let expected = [("B", "acks_missing"), ("A", "not_connected")];
        assert_eq!(told, expected.map(|(name, code)| (name.to_owned(), code.to_owned())));
    }

    #[test]
    fn a_holder_that_is_silent_or_has_stopped_does_not_work() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let row = |ago: TimeDelta, released: bool| HolderRow {
            label: "Recepção 1".to_owned(),
            since: (now - TimeDelta::hours(5)).timestamp_micros(),
            seen_at: (now - ago).timestamp_micros(),
            released_at: released.then(|| now.timestamp_micros()),
        };
        assert!(shown(row(TimeDelta::seconds(70), false), None, now).is_working);
        assert!(!shown(row(TimeDelta::minutes(4), false), None, now).is_working);
        assert!(!shown(row(TimeDelta::zero(), true), None, now).is_working);
        let here = shown(row(TimeDelta::minutes(4), false), Some(now), now);
        assert!(here.is_working && here.is_this && here.since == now, "a computer without a line knows it of itself");
    }
}
