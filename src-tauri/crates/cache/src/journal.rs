//! Small facts about the copy, and the log of what happened to it.

use chrono::{DateTime, Utc};
use sqlx::{Row as _, SqliteConnection};

use crate::values::instant;
use crate::{Cache, Result};

/// Lines of the log that are kept.
const KEPT_LINES: i64 = 5_000;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Grows with each line.
    pub id: i64,
    /// When it was written, by this computer's clock.
    pub at: DateTime<Utc>,
    /// What happened, as a stable name.
    pub event: String,
    /// Numbers and codes that belong to it.
    pub detail: String,
}

impl Cache {
    /// A small fact, by name.
    pub async fn state(&self, key: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("select value from sync_state where key = ?")
            .bind(key.to_owned())
            .fetch_optional(self.readers())
            .await?)
    }

    /// Keeps a small fact that a person has chosen: safe when this returns, also from a power cut.
    pub async fn set_state(&self, key: &str, value: &str) -> Result<()> {
        let mut transaction = self.begin().await?;
        keep(&mut transaction, &[(key, value)]).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps small facts about the copy, all of them or none: how far it goes, when it was confirmed. After a power cut the
    /// copy may be back where it was some moments before, and these facts with it.
    pub async fn save_place(&self, facts: &[(&str, &str)]) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        keep(&mut transaction, facts).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets a small fact.
    pub async fn clear_state(&self, key: &str) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        sqlx::query("delete from sync_state where key = ?").bind(key.to_owned()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a line into the log. `detail` names operations and codes, never people.
    pub async fn log(&self, event: &str, detail: &str) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        sqlx::query("insert into sync_log (at, event, detail) values (?, ?, ?)")
            .bind(self.clock.now().timestamp_micros())
            .bind(event.to_owned())
            .bind(detail.to_owned())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from sync_log where id <= (select max(id) from sync_log) - ?")
            .bind(KEPT_LINES)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// A page of the log, newest first: the lines before the line `before`, or the newest ones.
    pub async fn log_page(&self, before: Option<i64>, lines: u32) -> Result<Vec<LogLine>> {
        let rows = sqlx::query("select id, at, event, detail from sync_log where id < ? order by id desc limit ?")
            .bind(before.unwrap_or(i64::MAX))
            .bind(lines)
            .fetch_all(self.readers())
            .await?;
        Ok(rows
            .iter()
            .map(|row| LogLine { id: row.get(0), at: instant(row.get(1)), event: row.get(2), detail: row.get(3) })
            .collect())
    }

    /// Takes over the log of a copy that was before this one; the lines come newest first, as [`Cache::log_page`] gives
    /// them.
    pub async fn take_over_log(&self, lines: &[LogLine]) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        for line in lines.iter().rev() {
            sqlx::query("insert into sync_log (at, event, detail) values (?, ?, ?)")
                .bind(line.at.timestamp_micros())
                .bind(line.event.clone())
                .bind(line.detail.clone())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Keeps small facts.
pub(crate) async fn keep(connection: &mut SqliteConnection, facts: &[(&str, &str)]) -> Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let mut query = sqlx::query(sqlx::AssertSqlSafe(keeping(facts, "where true")));
    for (key, value) in facts {
        query = query.bind((*key).to_owned()).bind((*value).to_owned());
    }
    query.execute(connection).await?;
    Ok(())
}

/// The statement that keeps so many facts where the condition holds.
pub(crate) fn keeping(facts: &[(&str, &str)], condition: &str) -> String {
    let places = vec!["(?, ?)"; facts.len()].join(", ");
    format!(
        "insert into sync_state select * from (values {places}) {condition}
         on conflict (key) do update set value = excluded.value"
    )
}
