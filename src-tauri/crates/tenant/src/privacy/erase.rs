//! Forgetting a person.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::connect::{answered, within};
use crate::{Result, Tenant};

/// A thread of years, and every event of the gateway is looked through for its addresses.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why a person is forgotten. A word and not a text: a text would name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// They asked for it.
    Request,
    /// They took back that they agreed.
    Consent,
    /// What their data was kept for is over.
    Ended,
    /// They were written down by mistake.
    Mistake,
    /// Another one.
    Other,
}

/// What would go, and what would stay.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ErasurePreview {
    /// What the person is called.
    pub name: String,
    /// When they were erased before.
    pub erased_at: Option<DateTime<Utc>>,
    /// Names of patients that go with them.
    pub patients: Vec<String>,
    /// Names of patients that stay, because somebody else comes with them, too.
    pub patients_kept: Vec<String>,
    /// Telephone numbers and other addresses.
    pub addresses: u32,
    /// Messages, in so many conversations.
    pub messages: u32,
    /// Conversations.
    pub conversations: u32,
    /// Visits that stay without a text.
    pub visits: u32,
    /// Among them those that are still to come, which are cancelled.
    pub visits_ahead: u32,
    /// Open leads, which go.
    pub leads_open: u32,
    /// Closed leads, which stay without a text.
    pub leads_closed: u32,
    /// Entries of the waiting list.
    pub waiting_list: u32,
    /// Entries of the audit that stay without what was in them.
    pub audit_entries: u32,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Messages that are gone.
    pub messages: u32,
    /// Visits that stayed without a text.
    pub visits_kept: u32,
    /// Visits to come that were cancelled.
    pub visits_cancelled: u32,
    /// Events of the gateway that say nothing any more.
    pub gateway_events: u32,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Request, Self::Consent, Self::Ended, Self::Mistake, Self::Other];

    /// Its name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Consent => "consent",
            Self::Ended => "ended",
            Self::Mistake => "mistake",
            Self::Other => "other",
        }
    }

    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl Tenant {
    /// What forgetting a person would take away and leave; `None` when there is no such person.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for everybody but owner and admins.
    pub async fn preview_erasure(&self, person: Uuid) -> Result<Option<ErasurePreview>> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.preview_erasure($1)").bind(person);
        let answer: Result<Option<Json<ErasurePreview>>> = answered(question.fetch_one(turn.connection())).await;
        Ok(turn.end(answer)?.map(|Json(preview)| preview))
    }

    /// Forgets a person, in one transaction. Doing it again does no harm. `None` when there is no such person.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for everybody but owner and admins. After [`crate::Error::ConnectionLost`] the preview
    /// tells whether it was done.
    pub async fn erase_person(&self, person: Uuid, reason: Reason) -> Result<Option<Erased>> {
        let mut turn = self.turn().await?;
        // Left half-way the connection is dropped, and everything is as it was.
        let limit = format!("begin; set local statement_timeout = '{}s'", PATIENCE.as_secs());
        answered(sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(turn.connection())).await?;
        let question = sqlx::query_scalar("select app.erase_contact($1, $2)").bind(person).bind(reason.as_str());
        let done: Option<Json<Erased>> = within(PATIENCE, question.fetch_one(turn.connection())).await?;
        let kept = answered(sqlx::raw_sql("commit").execute(turn.connection())).await;
        turn.end(kept.map(|_| done.map(|Json(done)| done)))
    }

    /// Who was erased, for the list that is kept beside the backups: ids and times, as the restoration takes them.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for everybody but owner and admins.
    pub async fn erasures(&self) -> Result<serde_json::Value> {
        self.ask(async |connection| {
            answered(sqlx::query_scalar("select app.list_erasures()").fetch_one(connection)).await
        })
        .await
    }
}
