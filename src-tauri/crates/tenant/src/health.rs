//! How the clinic's connections are doing, as the computer that looks after them finds it. Every desk copies it, so a row is
//! written only when it says something new.

use std::time::Duration;

use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::channels::state_name;
use crate::connect::{answered, finish};
use crate::lease::{self, Fence};
use crate::{Result, Tenant};

/// Longer ago than this a missing word of WhatsApp is no alarm any more but a fact.
const ALARM_FOR: &str = "1 day";

impl Tenant {
    /// Notes that everything from `from` to before `until` was swept. What is known to be here reaches up to `until` only where
    /// nothing lies between.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn note_sweep(
        &self,
        fence: Fence,
        channel: Uuid,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<()> {
        self.ask(async |connection| {
            let note = sqlx::query(
                "update app.channels set last_sweep_at = clock_timestamp(),
                        swept_until = case when swept_until is null or $2 <= swept_until then greatest(swept_until, $3)
                                           else swept_until end
                 where clinic_id = (select app.current_clinic()) and id = $1",
            );
            write(connection, fence, note.bind(channel).bind(from).bind(until)).await
        })
        .await
    }

    /// Notes up to where the events of a relay are stored.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn note_position(&self, fence: Fence, channel: Uuid, position: u64) -> Result<()> {
        self.ask(async |connection| {
            let note = sqlx::query(
                "update app.channels set stream_position = $2
                 where clinic_id = (select app.current_clinic()) and id = $1 and coalesce(stream_position, -1) < $2",
            );
            write(connection, fence, note.bind(channel).bind(i64::try_from(position).unwrap_or(i64::MAX))).await
        })
        .await
    }

    /// Notes what is wrong with a connection, as a code of lower-case letters and `_`, or that nothing is.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn note_problem(&self, fence: Fence, channel: Uuid, problem: Option<&str>) -> Result<()> {
        self.ask(async |connection| {
            let note = sqlx::query(
                "update app.channels set problem = $2
                 where clinic_id = (select app.current_clinic()) and id = $1 and problem is distinct from $2",
            );
            write(connection, fence, note.bind(channel).bind(problem)).await
        })
        .await
    }

    /// Notes how the gateway says that the connection is.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn note_link(
        &self,
        fence: Fence,
        channel: Uuid,
        state: ConnectionState,
        phone: Option<&Phone>,
        needs_pairing: bool,
    ) -> Result<()> {
        self.ask(async |connection| {
            let note = sqlx::query(
                "update app.channels set status = $2, phone = coalesce($3, phone), needs_pairing = $4
                 where clinic_id = (select app.current_clinic()) and id = $1
                   and (status, needs_pairing) is distinct from ($2, $4)",
            );
            let note = note.bind(channel).bind(state_name(state)).bind(phone.map(Phone::as_str)).bind(needs_pairing);
            write(connection, fence, note).await
        })
        .await
    }

    /// Looks for messages that the gateway took this long ago and WhatsApp has said nothing about, and notes since when.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]
    pub async fn note_missing_acks(&self, fence: Fence, channel: Uuid, patience: Duration) -> Result<()> {
        self.ask(async |connection| {
            let note = sqlx::query(sqlx::AssertSqlSafe(format!(
                "update app.channels c set acks_missing_since = missing.since
                 from (select min(a.finished_at) as since
                       from app.messages m join app.message_attempts a on a.clinic_id = m.clinic_id and a.message_id = m.id
                       where m.clinic_id = (select app.current_clinic()) and m.channel_id = $1 and m.direction = 'outbound'
                         and m.status = 'sending' and m.gateway_id is not null and a.outcome = 'accepted'
                         and a.finished_at between clock_timestamp() - interval '{ALARM_FOR}'
                                               and clock_timestamp() - make_interval(secs => $2)) missing
                 where c.clinic_id = (select app.current_clinic()) and c.id = $1
                   and c.acks_missing_since is distinct from missing.since"
            )));
            write(connection, fence, note.bind(channel).bind(patience.as_secs_f64())).await
        })
        .await
    }
}

/// One statement under the fence.
async fn write(
    connection: &mut PgConnection,
    fence: Fence,
    note: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
) -> Result<()> {
    let mut transaction = answered(connection.begin()).await?;
    let written = async {
        lease::hold(&mut transaction, fence).await?;
        answered(note.execute(&mut *transaction)).await.map(|_| ())
    };
    let written = written.await;
    finish(transaction, written).await
}
