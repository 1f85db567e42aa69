//! Tries: committed before anything leaves.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use super::Due;
use crate::connect::{answered, finish};
use crate::lease::{self, Fence};
use crate::{Result, Tenant};

/// A try of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The row.
    pub id: Uuid,
    /// The message.
    pub message: Uuid,
    /// The channel it goes through.
    pub channel: Uuid,
    /// Which try it is, from 1, since a person last decided.
    pub number: u32,
    /// When it began, by the clock of the database.
    pub started_at: DateTime<Utc>,
}

/// Whether a message may leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is written down that it does.
    Now(Attempt),
    /// Not any more: it was called off, put off, has gone, or asks too late how somebody liked it.
    NotAnyMore,
}

impl Tenant {
    /// Writes down that a message is being sent from now on.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]; then it must not be sent.
    pub async fn begin_attempt(&self, fence: Fence, channel: Uuid, due: &Due) -> Result<Begun> {
        self.ask(async |connection| {
            let mut transaction = answered(connection.begin()).await?;
            let begun = begin(&mut transaction, fence, channel, due).await;
            finish(transaction, begun).await
        })
        .await
    }

    /// Settles the tries that another computer, or this one before it began anew, has left half-way: what the gateway has
    /// spoken of has gone out, of the rest nobody knows. Returns how many. Nothing of the channel may be on its way here.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn recover_attempts(&self, fence: Fence, channel: Uuid) -> Result<u64> {
        self.ask(async |connection| {
            let mut transaction = answered(connection.begin()).await?;
            let recovered = recover(&mut transaction, fence, channel).await;
            finish(transaction, recovered).await
        })
        .await
    }
}

async fn begin(transaction: &mut PgConnection, fence: Fence, channel: Uuid, due: &Due) -> Result<Begun> {
    lease::hold(transaction, fence).await?;
    // The message before its job, as whoever calls it off.
    let question = sqlx::query_scalar(
        "select id from app.messages where clinic_id = (select app.current_clinic()) and id = $1 and status = 'queued'
         for no key update skip locked",
    );
    let waits: Option<Uuid> = answered(question.bind(due.message).fetch_optional(&mut *transaction)).await?;
    if waits.is_none() {
        return Ok(Begun::NotAnyMore);
    }
    let dropped = sqlx::query_scalar("select app.drop_late_question($1)").bind(due.message);
    if answered(dropped.fetch_one(&mut *transaction)).await? {
        return Ok(Begun::NotAnyMore);
    }
    let taken = sqlx::query_scalar(
        "update app.jobs set status = 'running', attempts = attempts + 1
         where clinic_id = (select app.current_clinic()) and id = (
             select id from app.jobs where clinic_id = (select app.current_clinic()) and id = $1 and status = 'queued'
               and run_at <= clock_timestamp() for update skip locked)
         returning attempts",
    );
    let tries: Option<i32> = answered(taken.bind(due.job).fetch_optional(&mut *transaction)).await?;
    let Some(tries) = tries else { return Ok(Begun::NotAnyMore) };
    let began = sqlx::query(
        "insert into app.message_attempts (clinic_id, message_id, attempt, fence, started_at)
         select app.current_clinic(), $1, 1 + coalesce(max(attempt), 0), $2, clock_timestamp()
         from app.message_attempts where clinic_id = (select app.current_clinic()) and message_id = $1
         returning id, started_at",
    );
    let began = answered(began.bind(due.message).bind(fence.number()).fetch_one(&mut *transaction)).await?;
    let leaves = sqlx::query(
        "update app.messages set status = 'sending', error_code = null, error_text = null,
                sent_at = case when scheduled_for is null then sent_at else clock_timestamp() end
         where clinic_id = (select app.current_clinic()) and id = $1",
    );
    answered(leaves.bind(due.message).execute(transaction)).await?;
    Ok(Begun::Now(Attempt {
        id: began.try_get("id")?,
        message: due.message,
        channel,
        number: u32::try_from(tries).unwrap_or(1),
        started_at: began.try_get("started_at")?,
    }))
}

async fn recover(transaction: &mut PgConnection, fence: Fence, channel: Uuid) -> Result<u64> {
    lease::hold(transaction, fence).await?;
    super::outcomes::lock_channel(transaction, channel).await?;
    let left = sqlx::query(
        "update app.message_attempts a
         set outcome = case when m.gateway_id is null then 'unknown' else 'accepted' end,
             gateway_id = m.gateway_id, finished_at = clock_timestamp()
         from app.messages m
         where a.clinic_id = (select app.current_clinic()) and a.outcome = 'running' and a.fence <= $2
           and m.clinic_id = a.clinic_id and m.id = a.message_id and m.channel_id = $1
         returning a.message_id, m.gateway_id is null as unknown",
    );
    let left = answered(left.bind(channel).bind(fence.number()).fetch_all(&mut *transaction)).await?;
    for row in &left {
        let unknown: bool = row.try_get("unknown")?;
        let message: Uuid = row.try_get("message_id")?;
        if unknown {
            let question = sqlx::query(
                "update app.messages set status = 'unknown' where clinic_id = (select app.current_clinic()) and id = $1",
            );
            answered(question.bind(message).execute(&mut *transaction)).await?;
        }
        let job = if unknown { "unknown" } else { "done" };
        super::outcomes::end_job(transaction, message, job, None).await?;
    }
    Ok(left.len() as u64)
}
