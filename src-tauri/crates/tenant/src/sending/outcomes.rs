//! What became of a try.

use std::time::Duration;

use balcao_domain::message::{ChatAddress, GatewayId};
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use super::Attempt;
use crate::connect::{answered, finish};
use crate::ingest::adopt;
use crate::lease::{self, Fence};
use crate::{Error, Result, Tenant};

/// A message that could not leave for this long is not wanted any more without being asked: hours later it may be wrong.
const KEPT_TRYING: &str = "12 hours";

/// What is known after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The gateway took it.
    Accepted {
        /// Its id from now on.
        gateway_id: GatewayId,
        /// The chat as WhatsApp really calls it.
        chat: Option<ChatAddress>,
    },
    /// It was not taken, and will not be.
    Refused {
        /// Why, as a code.
        code: &'static str,
        /// The gateway's words, without numbers of people.
        text: String,
    },
    /// It may have gone out or not.
    Unknown {
        /// The last that was heard.
        text: String,
    },
    /// It did not leave, and tries again after a while.
    NotSent {
        /// Why, as a code.
        code: &'static str,
        /// After how long.
        wait: Duration,
    },
}

impl Tenant {
    /// Writes down what became of a try.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]: whoever has taken over has found the try half-way.
    pub async fn record_outcome(&self, fence: Fence, attempt: &Attempt, outcome: &SendOutcome) -> Result<()> {
        self.ask(async |connection| {
            let mut transaction = answered(connection.begin()).await?;
            let recorded = record(&mut transaction, fence, attempt, outcome).await;
            finish(transaction, recorded).await
        })
        .await
    }
}

/// Everything that is stored of one channel is stored one after another.
pub(super) async fn lock_channel(transaction: &mut PgConnection, channel: Uuid) -> Result<Uuid> {
    let question =
        sqlx::query_scalar("select clinic_id from app.channels where id = $1 for no key update").bind(channel);
    let clinic: Option<Uuid> = answered(question.fetch_optional(transaction)).await?;
    clinic.ok_or(Error::InvalidRequest { field: "channel", reason: "the clinic has no such channel" })
}

async fn record(transaction: &mut PgConnection, fence: Fence, attempt: &Attempt, outcome: &SendOutcome) -> Result<()> {
    lease::hold(transaction, fence).await?;
    let clinic = lock_channel(transaction, attempt.channel).await?;
    // An echo may have told before the answer did; then there is nothing left to find out.
    let question = sqlx::query_scalar(
        "select gateway_id is not null from app.messages where clinic_id = $1 and id = $2 for no key update",
    );
    let told: Option<bool> =
        answered(question.bind(clinic).bind(attempt.message).fetch_optional(&mut *transaction)).await?;
    // Erased meanwhile.
    let Some(told) = told else { return Ok(()) };
    match outcome {
        SendOutcome::Accepted { gateway_id, chat } => {
            if !told {
                adopt(transaction, clinic, attempt.channel, attempt.message, gateway_id, None).await?;
            }
            end_attempt(transaction, attempt, "accepted", Some(gateway_id), None, None).await?;
            if let Some(chat) = chat {
                learn_chat(transaction, attempt.message, chat).await?;
            }
            end_job(transaction, attempt.message, "done", None).await
        }
        // The gateway has spoken of it: it went out, whatever was heard of the try.
        _ if told => {
            end_attempt(transaction, attempt, "accepted", None, None, None).await?;
            end_job(transaction, attempt.message, "done", None).await
        }
        SendOutcome::Refused { code, text } => {
            end_attempt(transaction, attempt, "refused", None, Some(code), Some(text)).await?;
            mark(transaction, attempt.message, "failed", Some(code), Some(text)).await?;
            end_job(transaction, attempt.message, "failed", Some(code)).await
        }
        SendOutcome::Unknown { text } => {
            end_attempt(transaction, attempt, "unknown", None, Some("unknown"), Some(text)).await?;
            mark(transaction, attempt.message, "unknown", Some("unknown"), Some(text)).await?;
            end_job(transaction, attempt.message, "unknown", None).await
        }
        SendOutcome::NotSent { code, wait } => {
            end_attempt(transaction, attempt, "not_sent", None, Some(code), None).await?;
            put_off(transaction, attempt.message, code, *wait).await
        }
    }
}

async fn end_attempt(
    transaction: &mut PgConnection,
    attempt: &Attempt,
    outcome: &str,
    gateway_id: Option<&GatewayId>,
    code: Option<&str>,
    text: Option<&str>,
) -> Result<()> {
    let question = sqlx::query(
        "update app.message_attempts set outcome = $2, gateway_id = coalesce($3, gateway_id), error_code = $4, error_text = $5,
                finished_at = clock_timestamp()
         where clinic_id = (select app.current_clinic()) and id = $1",
    );
    let question =
        question.bind(attempt.id).bind(outcome).bind(gateway_id.map(GatewayId::as_str)).bind(code).bind(text);
    answered(question.execute(transaction)).await.map(|_| ())
}

async fn mark(
    transaction: &mut PgConnection,
    message: Uuid,
    status: &str,
    code: Option<&str>,
    text: Option<&str>,
) -> Result<()> {
    let question = sqlx::query(
        "update app.messages set status = $2, error_code = $3, error_text = $4
         where clinic_id = (select app.current_clinic()) and id = $1",
    );
    answered(question.bind(message).bind(status).bind(code).bind(text).execute(transaction)).await.map(|_| ())
}

pub(super) async fn end_job(
    transaction: &mut PgConnection,
    message: Uuid,
    status: &str,
    error: Option<&str>,
) -> Result<()> {
    let question = sqlx::query(
        "update app.jobs set status = $2, last_error = $3, finished_at = clock_timestamp()
         where clinic_id = (select app.current_clinic()) and kind = 'send_message' and dedupe_key = $1::text",
    );
    answered(question.bind(message).bind(status).bind(error).execute(transaction)).await.map(|_| ())
}

/// It waits again, unless it has done so for too long, or the clinic has blocked the person meanwhile.
async fn put_off(transaction: &mut PgConnection, message: Uuid, code: &str, wait: Duration) -> Result<()> {
    let question = sqlx::query(sqlx::AssertSqlSafe(format!(
        "select exists (
             select from app.message_attempts a join app.jobs j on j.clinic_id = a.clinic_id and j.dedupe_key = a.message_id::text
             where a.clinic_id = m.clinic_id and a.message_id = m.id and j.kind = 'send_message' and a.started_at >= j.created_at
               and a.started_at < clock_timestamp() - interval '{KEPT_TRYING}') as too_old,
             p.status = 'blocked' as blocked
         from app.messages m
         join app.conversations c on c.clinic_id = m.clinic_id and c.id = m.conversation_id
         join app.contacts p on p.clinic_id = c.clinic_id and p.id = c.contact_id
         where m.clinic_id = (select app.current_clinic()) and m.id = $1"
    )));
    let row = answered(question.bind(message).fetch_one(&mut *transaction)).await?;
    let (too_old, blocked): (bool, bool) = (row.try_get("too_old")?, row.try_get("blocked")?);
    if too_old || blocked {
        let code = if blocked { "person_blocked" } else { code };
        mark(transaction, message, "failed", Some(code), None).await?;
        return end_job(transaction, message, "failed", Some(code)).await;
    }
    mark(transaction, message, "queued", Some(code), None).await?;
    let question = sqlx::query(
        "update app.jobs set status = 'queued', run_at = clock_timestamp() + make_interval(secs => $2), last_error = $3
         where clinic_id = (select app.current_clinic()) and kind = 'send_message' and dedupe_key = $1::text",
    );
    answered(question.bind(message).bind(wait.as_secs_f64()).bind(code).execute(transaction)).await.map(|_| ())
}

/// Where nobody has written from yet, an answer goes where the gateway says that the message went.
async fn learn_chat(transaction: &mut PgConnection, message: Uuid, chat: &ChatAddress) -> Result<()> {
    let question = sqlx::query(
        "update app.conversations c set chat_address = $2 from app.messages m
         where m.clinic_id = (select app.current_clinic()) and m.id = $1 and c.clinic_id = m.clinic_id
           and c.id = m.conversation_id and c.chat_address is null",
    );
    answered(question.bind(message).bind(chat.as_str()).execute(transaction)).await.map(|_| ())
}
