//! Two contacts that are one person: joined, and taken apart again.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use uuid::Uuid;

use crate::connect::answered;
use crate::{Result, Tenant};

/// A merge that can still be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The merge.
    pub id: Uuid,
    /// What the absorbed one was called; empty where no name was known.
    pub name: String,
    /// Their number.
    pub phone: Option<String>,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// Who did it.
    pub member_id: Option<Uuid>,
}

impl Tenant {
    /// Moves everything of `absorbed` to `keep`, in one transaction; the id of the merge. `None` when one of them is not there.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for whoever does not work at the counter. A constraint `contact_merges_two_leads` where
    /// both have an open lead in one pipeline, `contact_merges_gone` where one went into another or was erased.
    pub async fn merge_people(&self, keep: Uuid, absorbed: Uuid) -> Result<Option<Uuid>> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.merge_contacts($1, $2)").bind(keep).bind(absorbed);
        let answer = answered(question.fetch_one(turn.connection())).await;
        turn.end(answer)
    }

    /// Takes a merge apart; `false` when there is none, or it is too long ago.
    ///
    /// # Errors
    /// As above.
    pub async fn undo_merge(&self, merge: Uuid) -> Result<bool> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.undo_merge($1)").bind(merge);
        let answer = answered(question.fetch_one(turn.connection())).await;
        turn.end(answer)
    }

    /// Who was joined to a person and can still be taken apart, newest first.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for whoever does not work at the counter.
    pub async fn merges_of(&self, person: Uuid) -> Result<Vec<Merge>> {
        let mut turn = self.turn().await?;
        let question = sqlx::query("select id, name, phone, merged_at, member_id from app.merges_of($1)").bind(person);
        let answer = answered(question.fetch_all(turn.connection())).await;
        let rows = turn.end(answer)?;
        Ok(rows
            .iter()
            .map(|row| Merge {
                id: row.get(0),
                name: row.get(1),
                phone: row.get(2),
                merged_at: row.get(3),
                member_id: row.get(4),
            })
            .collect())
    }
}
