//! What becomes of queued writes: confirmed, put off, parked, tried again, given up.

use std::time::Duration;

use balcao_domain::feed::Entity;
use serde_json::{Map, Value};
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::outbox::{note, read_operation};
use crate::{Cache, CacheChange, Error, Result, shadow};

/// The database's word on one operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// It has the effect; this is the row's version now, where there is a row.
    Confirmed {
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
    /// Takes the database's word on some operations, all in one transaction.
    pub async fn settle(&self, settlements: &[(Uuid, Settlement)]) -> Result<()> {
        let mut transaction = self.begin().await?;
        let mut change = CacheChange { outbox: true, ..CacheChange::default() };
        for (operation_id, settlement) in settlements {
            settle_one(&mut transaction, *operation_id, settlement, &mut change).await?;
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }

    /// Nothing is known about these: they go again, not before the delay is over.
    pub async fn put_off(&self, operations: &[Uuid], delay: Duration) -> Result<()> {
        let not_before = self.clock.now() + delay;
        let mut transaction = self.begin().await?;
        for operation_id in operations {
            sqlx::query("update outbox set not_before = ? where operation_id = ?")
                .bind(not_before.timestamp_micros())
                .bind(*operation_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Nothing waits for its time any more: the way to the database is open again.
    pub async fn send_now(&self) -> Result<()> {
        sqlx::query("update outbox set not_before = 0 where not_before > 0").execute(self.writer()).await?;
        Ok(())
    }

    /// Parks operations whose time is over. Returns how many.
    pub async fn park_expired(&self) -> Result<u64> {
        let now = self.clock.now().timestamp_micros();
        let rows = sqlx::query("select operation_id from outbox where state = 'waiting' and expires_at < ?")
            .bind(now)
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

    /// Sends a parked operation again, with other values where given. It now stands on what the others wrote, so that it
    /// goes over it: that is what the person chose.
    pub async fn retry(&self, operation_id: Uuid, changed: &Map<String, Value>) -> Result<()> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("select * from outbox where operation_id = ? and state = 'parked'")
            .bind(operation_id)
            .fetch_one(&mut *transaction)
            .await?;
        let mut operation = read_operation(&row)?;
        operation.base.extend(operation.theirs.clone());
        operation.fields.extend(changed.clone());
        let fields = Value::Object(operation.fields.clone()).to_string();
        sqlx::query(
            "update outbox set state = 'waiting', attempts = 0, not_before = 0, reason = null, theirs = null, fields = ?,
                 base = ? where operation_id = ?",
        )
        .bind(fields.clone())
        .bind(Value::Object(operation.base).to_string())
        .bind(operation_id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("update effects set fields = ? where operation_id = ? and entity_id = ?")
            .bind(fields)
            .bind(operation_id)
            .bind(operation.entity_id)
            .execute(&mut *transaction)
            .await?;
        let mut change = CacheChange { outbox: true, ..CacheChange::default() };
        for (entity, id, fields) in effects_of(&mut transaction, operation_id).await? {
            shadow::rebuild(&mut transaction, entity, id).await?;
            note(&mut change, entity, id, &fields);
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }

    /// Gives an operation up: the screens show the database's values again.
    pub async fn discard(&self, operation_id: Uuid) -> Result<()> {
        let mut transaction = self.begin().await?;
        let effects = effects_of(&mut transaction, operation_id).await?;
        let deleted = sqlx::query("delete from outbox where operation_id = ?")
            .bind(operation_id)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if deleted == 0 {
            return Err(Error::NotFound);
        }
        let mut change = CacheChange { outbox: true, ..CacheChange::default() };
        for (entity, id, fields) in effects {
            shadow::rebuild(&mut transaction, entity, id).await?;
            note(&mut change, entity, id, &fields);
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }
}

async fn settle_one(
    connection: &mut SqliteConnection,
    operation_id: Uuid,
    settlement: &Settlement,
    change: &mut CacheChange,
) -> Result<()> {
    let own_row: Option<Uuid> = sqlx::query_scalar("select entity_id from outbox where operation_id = ?")
        .bind(operation_id)
        .fetch_optional(&mut *connection)
        .await?;
    // Given up by the person while it was on its way: the next pull brings what the database made of it.
    let Some(own_row) = own_row else { return Ok(()) };
    let effects = effects_of(connection, operation_id).await?;
    match settlement {
        Settlement::Confirmed { version } => {
            for (entity, id, fields) in &effects {
                let version = if *id == own_row { *version } else { None };
                shadow::confirm(connection, entity, *id, fields, version).await?;
            }
            sqlx::query("delete from outbox where operation_id = ?")
                .bind(operation_id)
                .execute(&mut *connection)
                .await?;
        }
        Settlement::Parked { reason, theirs } => {
            sqlx::query("update outbox set state = 'parked', reason = ?, theirs = ? where operation_id = ?")
                .bind(reason.clone())
                .bind(Value::Object(theirs.clone()).to_string())
                .bind(operation_id)
                .execute(&mut *connection)
                .await?;
        }
    }
    for (entity, id, fields) in effects {
        shadow::rebuild(connection, entity, id).await?;
        note(change, entity, id, &fields);
    }
    Ok(())
}

async fn effects_of(
    connection: &mut SqliteConnection,
    operation_id: Uuid,
) -> Result<Vec<(&'static Entity, Uuid, Map<String, Value>)>> {
    let rows = sqlx::query("select entity, entity_id, fields from effects where operation_id = ?")
        .bind(operation_id)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let entity = Entity::named(row.get(0)).ok_or_else(|| Error::Shape("effects.entity".to_owned()))?;
            let fields = serde_json::from_str(row.get(2)).map_err(|_| Error::Shape("effects.fields".to_owned()))?;
            Ok((entity, row.get(1), fields))
        })
        .collect()
}
