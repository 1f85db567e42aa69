//! Messages on their way out: whose turn it is, tries that are committed before anything leaves, and what became of them.
//!
//! A message is sent at most once for each decision of a person: a try whose outcome nobody knows is looked for at the gateway
//! and never simply repeated. Of one conversation one message is on its way at a time, in the order in which they were written.

mod attempts;
mod outcomes;
mod queue;
mod unknown;

pub use attempts::{Attempt, Begun};
pub use outcomes::SendOutcome;
pub use queue::{Due, NextDue, Quoted};
pub use unknown::UnknownSend;

use uuid::Uuid;

use crate::connect::answered;
use crate::{Result, Tenant};

impl Tenant {
    /// Sends a message again that failed, or that may have gone out or not. `false` when there is nothing to decide any more.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for a role that decides nothing about messages.
    pub async fn retry_message(&self, message: Uuid) -> Result<bool> {
        self.ask(async |connection| {
            answered(sqlx::query_scalar("select app.retry_message($1)").bind(message).fetch_one(connection)).await
        })
        .await
    }

    /// Settles that a message whose outcome was unknown has arrived. `false` when there is nothing to decide any more.
    ///
    /// # Errors
    /// As [`Tenant::retry_message`].
    pub async fn message_arrived(&self, message: Uuid) -> Result<bool> {
        self.ask(async |connection| {
            answered(sqlx::query_scalar("select app.message_arrived($1)").bind(message).fetch_one(connection)).await
        })
        .await
    }
}
