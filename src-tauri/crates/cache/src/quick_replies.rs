//! Texts that are sent often, and what is filled into them.

use sqlx::Row as _;
use uuid::Uuid;

use crate::{Cache, Result, RowState, row_state};

/// A text that is sent often.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct QuickReplyRow {
    pub id: Uuid,
    pub shortcut: String,
    pub title: String,
    pub body: String,
    pub state: RowState,
}

/// The next visit of a person. The instant is microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct NextVisitRow {
    pub starts_at: i64,
    pub service: Option<String>,
    pub professional: Option<String>,
}

impl Cache {
    /// The quick replies in use, by their short name.
    pub async fn quick_replies(&self) -> Result<Vec<QuickReplyRow>> {
        let rows = sqlx::query(concat!(
            "select q.id, q.shortcut, q.title, q.body, ",
            row_state!("q.id"),
            " as state from quick_replies q where q.active = 1 order by q.shortcut, q.id"
        ))
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .iter()
            .map(|row| QuickReplyRow {
                id: row.get(0),
                shortcut: row.get(1),
                title: row.get(2),
                body: row.get(3),
                state: RowState::from_rank(row.get(4)),
            })
            .collect())
    }

    /// The next visit of a person after an instant, as far as this computer knows.
    pub async fn next_visit(&self, contact_id: Uuid, after: i64) -> Result<Option<NextVisitRow>> {
        let row = sqlx::query(
            "select a.starts_at, s.name, p.name from appointments a
             left join services s on s.id = a.service_id left join professionals p on p.id = a.professional_id
             where a.contact_id = ? and a.starts_at > ? and a.status in ('scheduled', 'confirmed')
             order by a.starts_at, a.id limit 1",
        )
        .bind(contact_id)
        .bind(after)
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|row| NextVisitRow { starts_at: row.get(0), service: row.get(1), professional: row.get(2) }))
    }
}
