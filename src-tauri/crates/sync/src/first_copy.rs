//! The first copy: nearest first, resumable.

use balcao_cache::{Cache, read_window, written_window};
use balcao_domain::window::Window;
use balcao_tenant::{STAGES, StageKey};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::pull::{Unwritten, stream};
use crate::{Progress, Remote, Result, Status};

/// Where a first copy stands. Kept in the copy itself, so that an interruption costs one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    cursor: i64,
    /// Chosen when the copy began: one that is chosen meanwhile counts afterwards.
    window: Window,
    stage: usize,
    after: Option<StageKey>,
    done: u64,
    total: u64,
}

/// Makes the first copy, or goes on with it. Returns the cursor of the first pull, taken before the first row was read:
/// whatever changes meanwhile comes with that pull.
pub(crate) async fn first_copy<R: Remote>(remote: &R, cache: &Cache, status: &watch::Sender<Status>) -> Result<i64> {
    let mut place = match cache.state("first_copy").await?.and_then(|text| Place::read(&text)) {
        Some(place) => place,
        None => {
            let (cursor, window) = (remote.position().await?.cursor, cache.window().await?);
            let total = remote.copy_size(&window).await.unwrap_or(0);
            Place { cursor, window, stage: 0, after: None, done: 0, total }
        }
    };
    let (begun, total) = (tokio::time::Instant::now(), place.total);
    if place.done == 0 {
        cache.log("first_copy_begun", &format!("rows={total}")).await?;
    } else {
        cache.log("first_copy_resumed", &format!("done={} rows={total}", place.done)).await?;
    }
    tell(status, &place);
    // What was read is written while the next piece is read, together with where the copy stands then.
    let mut read: Option<(Unwritten, Place)> = None;
    loop {
        let stage = STAGES.get(place.stage);
        let writing = async {
            if let Some((rows, place)) = read.take() {
                rows.write(cache, &[("first_copy", &place.write())]).await?;
                tell(status, &place);
            }
            Ok::<_, crate::Error>(())
        };
        let Some(stage) = stage else {
            writing.await?;
            break;
        };
        let reading = stream(
            cache,
            |_| (),
            |out| async move { remote.read_stage(stage, &place.window, place.after, &out).await },
        );
        let (piece, written) = tokio::join!(reading, writing);
        written?;
        match piece {
            Ok((end, written, unwritten)) => {
                place.done += written + unwritten.rows();
                place.after = end.next;
                if end.next.is_none() {
                    place.stage += 1;
                }
                read = Some((unwritten, place));
            }
            // A role that may not read a table works without it.
            Err(crate::Error::Tenant(balcao_tenant::Error::NotPermitted)) => {
                place.stage += 1;
                place.after = None;
                read = Some((Unwritten::default(), place));
            }
            Err(error) => return Err(error),
        }
    }
    cache.window_copied(&place.window, remote.position().await?.server_time).await?;
    cache.set_state("cursor", &place.cursor.to_string()).await?;
    cache.clear_state("first_copy").await?;
    cache.log("first_copy_done", &format!("rows={} seconds={}", place.done, begun.elapsed().as_secs())).await?;
    status.send_modify(|status| status.first_copy = None);
    Ok(place.cursor)
}

/// How far the copy is, for whoever waits for it.
fn tell(status: &watch::Sender<Status>, place: &Place) {
    let Some(stage) = STAGES.get(place.stage) else { return };
    let usable_from = STAGES.iter().position(|stage| stage.usable_after).map_or(0, |index| index + 1);
    let progress = Progress {
        entity: stage.entity,
        done: place.done,
        total: place.total.max(place.done),
        usable: place.stage >= usable_from,
    };
    status.send_modify(|status| status.first_copy = Some(progress));
}

impl Place {
    fn write(&self) -> String {
        json!({
            "cursor": self.cursor,
            "window": written_window(&self.window),
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
            window: read_window(&value["window"])?,
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
            let window = Window { message_days: 30, appointment_days: 0 };
            let place = Place { cursor: 99, window, stage: 3, after, done: 20_000, total: 30_000 };
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        assert_eq!(Place::read("{}"), None);
    }
}
