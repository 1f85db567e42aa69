//! Messages that may have gone out or not: they are looked for at the gateway, and what is not found is left to a person.

use std::time::Duration;

use balcao_domain::message::{ChatAddress, GatewayId};
use balcao_domain::phone::Phone;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Attempt, SendOutcome};
use crate::connect::answered;
use crate::lease::Fence;
use crate::{Result, Tenant};

/// A try without a known outcome.
#[derive(Clone, PartialEq)]
pub struct UnknownSend {
    /// The try.
    pub attempt: Attempt,
    /// Where it went; none where that is not known any more.
    pub chat: Option<ChatAddress>,
    /// text, image, …
    pub kind: String,
    /// Its words.
    pub body: String,
    /// When it was given up.
    pub finished_at: DateTime<Utc>,
}

// The words are a patient's.
impl std::fmt::Debug for UnknownSend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnknownSend").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl Tenant {
    /// Tries of a channel without a known outcome that ended within this time, oldest first.
    ///
    /// # Errors
    /// As any statement.
    pub async fn unknown_sends(&self, channel: Uuid, within: Duration) -> Result<Vec<UnknownSend>> {
        let rows = self.ask(async |connection| {
            let question = sqlx::query(
                // Message by message, behind a fence, as in the queue.
                "select a.id, a.message_id, a.attempt, a.started_at, a.finished_at, m.kind, m.body, c.chat_address, p.phone
                 from app.message_attempts a
                 join lateral (select * from app.messages m
                               where m.clinic_id = (select app.current_clinic()) and m.id = a.message_id offset 0) m on true
                 join app.conversations c on c.clinic_id = m.clinic_id and c.id = m.conversation_id
                 join app.contacts p on p.clinic_id = c.clinic_id and p.id = c.contact_id
                 where a.clinic_id = (select app.current_clinic()) and a.outcome = 'unknown' and m.channel_id = $1
                   and m.status = 'unknown' and m.gateway_id is null
                   and a.finished_at > clock_timestamp() - make_interval(secs => $2)
                 order by a.started_at, a.id",
            );
            answered(question.bind(channel).bind(within.as_secs_f64()).fetch_all(connection)).await
        });
        let rows = rows.await?;
        rows.iter()
            .map(|row| {
                let chat: Option<String> = row.try_get("chat_address")?;
                let phone: Option<String> = row.try_get("phone")?;
                Ok(UnknownSend {
                    attempt: Attempt {
                        id: row.try_get("id")?,
                        message: row.try_get("message_id")?,
                        channel,
                        number: u32::try_from(row.try_get::<i32, _>("attempt")?).unwrap_or(1),
                        started_at: row.try_get("started_at")?,
                    },
                    chat: chat
                        .as_deref()
                        .and_then(ChatAddress::new)
                        .or_else(|| Some(ChatAddress::of_phone(&Phone::from_e164(phone.as_deref()?)?))),
                    kind: row.try_get("kind")?,
                    body: row.try_get("body")?,
                    finished_at: row.try_get("finished_at")?,
                })
            })
            .collect()
    }

    /// Settles a try by what was found at the gateway that looks like it, oldest first: the first one that is no message
    /// known for itself. `false` when there is none.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn settle_unknown(&self, fence: Fence, attempt: &Attempt, found: &[GatewayId]) -> Result<bool> {
        let ids: Vec<&str> = found.iter().map(GatewayId::as_str).collect();
        let known: Vec<String> = self.ask(async |connection| known(connection, attempt.channel, &ids).await).await?;
        let Some(gateway_id) = found.iter().find(|id| !known.iter().any(|known| known == id.as_str())) else {
            return Ok(false);
        };
        let outcome = SendOutcome::Accepted { gateway_id: gateway_id.clone(), chat: None };
        self.record_outcome(fence, attempt, &outcome).await?;
        Ok(true)
    }
}

async fn known(connection: &mut PgConnection, channel: Uuid, ids: &[&str]) -> Result<Vec<String>> {
    let question = sqlx::query_scalar(
        "select gateway_id from app.messages
         where clinic_id = (select app.current_clinic()) and channel_id = $1 and gateway_id = any ($2)
         union select gateway_id from app.message_attempts
         where clinic_id = (select app.current_clinic()) and gateway_id = any ($2)",
    );
    answered(question.bind(channel).bind(ids).fetch_all(connection)).await
}
