//! The database's word on queued writes, and the lack of one.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use sqlx::Row as _;
use uuid::Uuid;

use crate::effects::{QueuedEffect, change, effects_of, rows};
use crate::outbox::LONGEST_DELAY_MICROS;
use crate::shadow::Shadows;
use crate::values::id_list;
use crate::{Cache, Result};

/// The database's word on one operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// It has the effect; this is the row's version now, where there is a row.
    Confirmed {
        /// Version of the row.
        version: Option<i64>,
    },
    /// It had the effect before, and the answer got lost. Rows that followed along may have been copied since then, and say
    /// more than was expected of them.
    ConfirmedBefore {
        /// Version of the row.
        version: Option<i64>,
    },
    /// It said no: a person decides.
    Parked {
        /// slot_taken, conflict, gone, not_permitted, duplicate, missing_reference, constraint, invalid, expired.
        reason: String,
        /// Values of others, by column.
        theirs: Map<String, Value>,
    },
}

impl Cache {
    /// Takes the database's word on some operations, all in one transaction. What was given up while it was on its way is
    /// passed over: the next pull brings what the database made of it.
    ///
    /// A power cut may take this back. The operations then go again, and are told "already", or no once more.
    pub async fn settle(&self, settlements: &[(Uuid, Settlement)]) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        let ids: Vec<Uuid> = settlements.iter().map(|(id, _)| *id).collect();
        let effects = effects_of(&mut transaction, &ids).await?;
        let mut shadows = Shadows::load(&mut transaction, &rows(&effects)).await?;
        let mut queued: BTreeMap<Uuid, Vec<&QueuedEffect>> = BTreeMap::new();
        for effect in &effects {
            queued.entry(effect.operation_id).or_default().push(effect);
        }
        let mut confirmed = Vec::new();
        for (id, settlement) in settlements {
            let Some(effects) = queued.remove(id) else { continue };
            match settlement {
                Settlement::Confirmed { version } => {
                    for effect in effects {
                        shadows.confirm(effect.row(), &effect.write, *version);
                    }
                    confirmed.push(*id);
                }
                Settlement::ConfirmedBefore { version } => {
                    for effect in effects.iter().filter(|effect| effect.write.own) {
                        shadows.confirm(effect.row(), &effect.write, *version);
                    }
                    confirmed.push(*id);
                }
                Settlement::Parked { reason, theirs } => {
                    if reason == "gone" {
                        effects
                            .iter()
                            .filter(|effect| effect.write.own)
                            .for_each(|effect| shadows.remove(effect.row()));
                    }
                    sqlx::query("update outbox set state = 'parked', reason = ?, theirs = ? where operation_id = ?")
                        .bind(reason.clone())
                        .bind(Value::Object(theirs.clone()).to_string())
                        .bind(*id)
                        .execute(&mut *transaction)
                        .await?;
                }
            }
        }
        sqlx::query("delete from outbox where operation_id in (select unhex(value) from json_each(?))")
            .bind(id_list(confirmed))
            .execute(&mut *transaction)
            .await?;
        shadows.show(&mut transaction).await?;
        transaction.commit().await?;
        self.announce(change(&effects));
        Ok(())
    }

    /// Nothing is known about these: they go again, not before the delay is over; a minute is the longest.
    pub async fn put_off(&self, operations: &[Uuid], delay: Duration) -> Result<()> {
        let delay =
            i64::try_from(delay.as_micros()).map_or(LONGEST_DELAY_MICROS, |micros| micros.min(LONGEST_DELAY_MICROS));
        let mut transaction = self.begin_repeatable().await?;
        sqlx::query("update outbox set not_before = ? where operation_id in (select unhex(value) from json_each(?))")
            .bind(self.clock.now().timestamp_micros() + delay)
            .bind(id_list(operations.iter().copied()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Nothing waits for its time any more: the way to the database is open again.
    pub async fn send_now(&self) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        sqlx::query("update outbox set not_before = 0 where not_before > 0").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The present on the server's clock, as far as it was heard last: what is compared or stored is told in it, so that a
    /// desk whose clock is wrong by hours does not put its words before their question. Before the database was ever reached
    /// it is this computer's own.
    pub async fn server_now(&self) -> Result<DateTime<Utc>> {
        let ahead = self.state("clock_ahead_micros").await?.and_then(|micros| micros.parse().ok());
        let now = self.clock.now();
        Ok(now.checked_sub_signed(TimeDelta::microseconds(ahead.unwrap_or(0))).unwrap_or(now))
    }

    /// Parks operations whose time is over. Returns how many. What the database may know of is sent all the same, so that
    /// nothing is called expired that has happened: the database compares the time itself.
    pub async fn park_expired(&self) -> Result<u64> {
        let rows = sqlx::query(
            "select operation_id from outbox
             where state = 'waiting' and expires_at < ? and attempts = 0 and seq > ?",
        )
        .bind(self.server_now().await?.timestamp_micros())
        .bind(self.left_by_another_run)
        .fetch_all(self.readers())
        .await?;
        let expired: Vec<(Uuid, Settlement)> = rows
            .iter()
            .map(|row| (row.get(0), Settlement::Parked { reason: "expired".to_owned(), theirs: Map::new() }))
            .collect();
        if !expired.is_empty() {
            self.settle(&expired).await?;
        }
        Ok(expired.len() as u64)
    }
}
