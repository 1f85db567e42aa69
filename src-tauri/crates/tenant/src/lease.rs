//! Who does the clinic's background work: one computer at a time, by the clock of the database.
//!
//! A take-over raises the fence. Every transaction of the background work begins with [`hold`], which refuses an older one: a
//! computer that slept, or was cut off, writes nothing any more once another has begun.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::connect::{answered, finish};
use crate::{Error, Result, Tenant};

/// The one lease there is.
const BACKGROUND: &str = "background";

/// The number of a term of office. The newest one may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(i64);

/// What a computer asks for.
#[derive(Debug, Clone, Copy)]
pub struct Bid<'a> {
    /// Drawn by the computer each time it begins to ask.
    pub holder: Uuid,
    /// How the computer is called, where the database has no name for it.
    pub label: &'a str,
    /// For how long, from a tenth of a second to a minute.
    pub held_for: Duration,
}

/// Who has the background work.
#[derive(Debug, Clone, PartialEq)]
pub enum Tenure {
    /// Who asks, for as long as was asked for.
    Held {
        /// To write with.
        fence: Fence,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Another computer.
    Elsewhere {
        /// How it is called.
        label: String,
        /// Since when.
        since: DateTime<Utc>,
        /// When it may be asked for again with success, unless it is renewed.
        free_in: Duration,
    },
}

impl Tenant {
    /// Takes the background work, or renews it.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a login that is neither the owner's nor an agent's; else as any statement.
    pub async fn take_lease(&self, bid: &Bid<'_>) -> Result<Tenure> {
        let row = self.ask(async |connection| {
            let question = sqlx::query(
                "select held, fence, holder_label, held_since, free_in from app.take_lease($1, $2, $3, $4)",
            );
            let milliseconds = i32::try_from(bid.held_for.as_millis()).unwrap_or(i32::MAX);
            let question = question.bind(BACKGROUND).bind(bid.holder).bind(bid.label).bind(milliseconds);
            answered(question.fetch_one(connection)).await
        });
        let row = row.await?;
        let since = row.try_get("held_since")?;
        if row.try_get("held")? {
            return Ok(Tenure::Held { fence: Fence(row.try_get("fence")?), since });
        }
        let free_in: f64 = row.try_get("free_in")?;
        Ok(Tenure::Elsewhere {
            label: row.try_get("holder_label")?,
            since,
            free_in: Duration::try_from_secs_f64(free_in).unwrap_or_default(),
        })
    }

    /// Gives the background work back at once. Nothing happens when it was lost before.
    ///
    /// # Errors
    /// As any statement.
    pub async fn release_lease(&self, fence: Fence) -> Result<()> {
        self.ask(async |connection| {
            let question = sqlx::query("select app.release_lease($1, $2)").bind(BACKGROUND).bind(fence.0);
            answered(question.execute(connection)).await.map(|_| ())
        })
        .await
    }

    /// Says something in a transaction of the background work. Others wait for the lease as long as it takes.
    pub(crate) async fn under<T>(
        &self,
        fence: Fence,
        word: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        self.ask(async |connection| {
            let mut transaction = answered(connection.begin()).await?;
            let said = match hold(&mut transaction, fence).await {
                Ok(()) => word(&mut transaction).await,
                Err(error) => Err(error),
            };
            finish(transaction, said).await
        })
        .await
    }
}

impl Fence {
    /// As the database has it.
    pub(crate) fn number(self) -> i64 {
        self.0
    }
}

/// Refuses a transaction whose fence is not the newest, and keeps a take-over waiting until it has ended.
///
/// # Errors
/// [`Error::LeaseLost`]
pub(crate) async fn hold(transaction: &mut PgConnection, fence: Fence) -> Result<()> {
    let question = sqlx::query("select app.hold_lease($1, $2)").bind(BACKGROUND).bind(fence.0);
    answered::<_, Error>(async { Ok(question.execute(transaction).await?) }).await.map(|_| ())
}
