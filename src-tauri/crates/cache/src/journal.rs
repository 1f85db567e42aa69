//! Small facts about the copy, and the log of what happened to it.

use sqlx::Row as _;

use crate::{Cache, Result};

/// Lines of the log that are kept.
const KEPT_LINES: i64 = 5_000;

impl Cache {
    /// A small fact, by name.
    pub async fn state(&self, key: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("select value from sync_state where key = ?")
            .bind(key.to_owned())
            .fetch_optional(self.readers())
            .await?)
    }

    /// Keeps a small fact.
    pub async fn set_state(&self, key: &str, value: &str) -> Result<()> {
        sqlx::query("insert into sync_state values (?, ?) on conflict (key) do update set value = excluded.value")
            .bind(key.to_owned())
            .bind(value.to_owned())
            .execute(self.writer())
            .await?;
        Ok(())
    }

    /// Forgets a small fact.
    pub async fn clear_state(&self, key: &str) -> Result<()> {
        sqlx::query("delete from sync_state where key = ?").bind(key.to_owned()).execute(self.writer()).await?;
        Ok(())
    }

    /// Writes a line into the log. `detail` names operations and codes, never people.
    pub async fn log(&self, event: &str, detail: &str) -> Result<()> {
        sqlx::query("insert into sync_log (at, event, detail) values (?, ?, ?)")
            .bind(self.clock.now().timestamp_micros())
            .bind(event.to_owned())
            .bind(detail.to_owned())
            .execute(self.writer())
            .await?;
        sqlx::query("delete from sync_log where id <= (select max(id) from sync_log) - ?")
            .bind(KEPT_LINES)
            .execute(self.writer())
            .await?;
        Ok(())
    }

    /// The newest lines of the log, newest first: microseconds since 1970, event, detail.
    pub async fn recent_log(&self, lines: u32) -> Result<Vec<(i64, String, String)>> {
        let rows = sqlx::query("select at, event, detail from sync_log order by id desc limit ?")
            .bind(lines)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    }
}
