//! When the queue wants to be looked at again.

use std::time::Duration;

use chrono::TimeDelta;

use crate::outbox::LONGEST_DELAY_MICROS;
use crate::{Cache, Result};

impl Cache {
    /// How long until an operation that was put off may be sent, or one expires; `None` when none does. What has become due
    /// meanwhile is due at once, unless it is not its turn.
    pub async fn due_in(&self) -> Result<Option<Duration>> {
        let now = self.clock.now().timestamp_micros();
        let next: Option<i64> = sqlx::query_scalar(
            "select min(wait) from (
                 select max(min(not_before) - ?1, 0) as wait from outbox_in_turn
                 where not_before > 0 and not_before <= ?1 + ?2
                 union all
                 select min(expires_at) - ?3 from outbox where state = 'waiting' and expires_at >= ?3)",
        )
        .bind(now)
        .bind(LONGEST_DELAY_MICROS)
        .bind(self.server_now().await?.timestamp_micros())
        .fetch_one(self.readers())
        .await?;
        Ok(next.map(|wait| TimeDelta::microseconds(wait + 1).to_std().unwrap_or_default()))
    }
}
