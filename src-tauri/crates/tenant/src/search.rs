//! Search among the messages that a desk's copy does not go back to.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use uuid::Uuid;

use crate::connect::answered;
use crate::feed::CALENDAR_END;
use crate::{Result, Tenant};

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMessage {
    /// The message.
    pub id: Uuid,
    /// Its conversation.
    pub conversation_id: Uuid,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// Its text.
    pub body: String,
}

/// Where messages are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Sent before this instant.
    pub before: DateTime<Utc>,
    /// And from this one on.
    pub from: Option<DateTime<Utc>>,
    /// In this conversation.
    pub conversation: Option<Uuid>,
}

impl Tenant {
    /// Messages that hold these words in any of their forms, newest first.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for whoever does not see the inbox.
    pub async fn search_messages(&self, words: &str, scope: Scope, limit: u32) -> Result<Vec<FoundMessage>> {
        let mut turn = self.turn().await?;
        let question = sqlx::query(
            "select id, conversation_id, sent_at, body
             from app.search_messages($1, $2, $3, coalesce($4::timestamptz, '-infinity'), $5)",
        )
        .bind(words)
        .bind(within_calendar(scope.before))
        .bind(i32::try_from(limit).unwrap_or(i32::MAX))
        .bind(scope.from.map(within_calendar))
        .bind(scope.conversation);
        let answer = answered(question.fetch_all(turn.connection())).await;
        let rows = turn.end(answer)?;
        Ok(rows
            .iter()
            .map(|row| FoundMessage {
                id: row.get(0),
                conversation_id: row.get(1),
                sent_at: row.get(2),
                body: row.get(3),
            })
            .collect())
    }
}

/// The instant, or the end of what the server can be asked about.
fn within_calendar(at: DateTime<Utc>) -> DateTime<Utc> {
    let end = |micros| DateTime::from_timestamp_micros(micros).unwrap_or(at);
    at.clamp(end(-CALENDAR_END), end(CALENDAR_END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_calendar_of_the_server_is_asked_about_as_its_end() {
        let ends =
            [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC].map(|at| within_calendar(at).timestamp_micros());
        assert_eq!(ends, [-CALENDAR_END, CALENDAR_END]);
        let now = DateTime::from_timestamp(1_795_000_000, 5).unwrap();
        assert_eq!(within_calendar(now), now);
    }
}
