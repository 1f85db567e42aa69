//! The first copy: nearest first, resumable.

use balcao_cache::Cache;
use balcao_tenant::{STAGES, StageKey, Tenant};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::pull::stream;
use crate::{Progress, Result, Status};

/// Where a first copy stands. Kept in the copy itself, so that an interruption costs one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    cursor: i64,
    stage: usize,
    after: Option<StageKey>,
    done: u64,
    total: u64,
}

/// Makes the first copy, or goes on with it. Returns the cursor of the first pull, taken before the first row was read:
/// whatever changes meanwhile comes with that pull.
pub(crate) async fn first_copy(tenant: &Tenant, cache: &Cache, status: &watch::Sender<Status>) -> Result<i64> {
    let mut place = match cache.state("first_copy").await?.and_then(|text| Place::read(&text)) {
        Some(place) => place,
        None => Place {
            cursor: tenant.feed_position().await?.cursor,
            stage: 0,
            after: None,
            done: 0,
            total: tenant.first_copy_size().await.unwrap_or(0),
        },
    };
    let usable_from = STAGES.iter().position(|stage| stage.usable_after).map_or(0, |index| index + 1);
    while let Some(stage) = STAGES.get(place.stage) {
        let progress = Progress {
            entity: stage.entity,
            done: place.done,
            total: place.total.max(place.done),
            usable: place.stage >= usable_from,
        };
        status.send_modify(|status| status.first_copy = Some(progress));
        match stream(cache, |out| async move { tenant.read_stage(stage, place.after, &out).await }).await {
            Ok((end, rows)) => {
                place.done += rows;
                place.after = end.next;
                if end.next.is_none() {
                    place.stage += 1;
                }
            }
            // A role that may not read a table works without it.
            Err(crate::Error::Tenant(balcao_tenant::Error::NotPermitted)) => {
                place.stage += 1;
                place.after = None;
            }
            Err(error) => return Err(error),
        }
        cache.set_state("first_copy", &place.write()).await?;
    }
    cache.set_state("cursor", &place.cursor.to_string()).await?;
    cache.clear_state("first_copy").await?;
    status.send_modify(|status| status.first_copy = None);
    Ok(place.cursor)
}

impl Place {
    fn write(&self) -> String {
        json!({
            "cursor": self.cursor,
            "stage": self.stage,
            "after_id": self.after.map(|key| key.id),
            "after_micros": self.after.and_then(|key| key.sent_at_micros),
            "done": self.done,
            "total": self.total,
        })
        .to_string()
    }

    fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let after = value["after_id"].as_str().and_then(|id| id.parse().ok());
        Some(Self {
            cursor: value["cursor"].as_i64()?,
            stage: usize::try_from(value["stage"].as_u64()?).ok()?,
            after: after.map(|id| StageKey { id, sent_at_micros: value["after_micros"].as_i64() }),
            done: value["done"].as_u64()?,
            total: value["total"].as_u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_down() {
        for after in [None, Some(StageKey { id: uuid::Uuid::from_u128(5), sent_at_micros: Some(-7) })] {
            let place = Place { cursor: 99, stage: 3, after, done: 20_000, total: 30_000 };
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        assert_eq!(Place::read("{}"), None);
    }
}
