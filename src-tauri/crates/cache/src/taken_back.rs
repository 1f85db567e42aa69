//! Giving operations up in a way that can be taken back for a moment.

use std::collections::BTreeSet;

use balcao_domain::feed::Entity;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::effects::{change, effects_of, rows};
use crate::shadow::{self, Shadows};
use crate::{Cache, Error, QueuedOperation, Result};

/// Operations that were given up, as they stood in the queue: the one that was meant, and what could not go without it.
pub struct GivenUp {
    operations: Vec<Kept>,
}

struct Kept {
    operation: QueuedOperation,
    parked: bool,
    /// Table, row and values as they are stored.
    effects: Vec<(String, Uuid, String)>,
}

impl std::fmt::Debug for GivenUp {
    /// What people wrote is in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GivenUp").field("operations", &self.operations.len()).finish_non_exhaustive()
    }
}

impl GivenUp {
    /// Whether this operation is the one that was meant, or one of those that went with it.
    pub fn holds(&self, operation_id: Uuid) -> bool {
        self.operations.iter().any(|kept| kept.operation.operation_id == operation_id)
    }
}

impl Cache {
    /// Gives an operation up as [`Cache::discard`] does, and keeps what is needed to take that back.
    pub async fn give_up(&self, operation_id: Uuid) -> Result<GivenUp> {
        let mut operations = vec![self.operation(operation_id).await?];
        operations.extend(self.dependents(operation_id).await?);
        let mut connection = self.readers().acquire().await?;
        let mut kept = Vec::with_capacity(operations.len());
        for operation in operations {
            let effects = sqlx::query("select entity, entity_id, fields from effects where operation_id = ?")
                .bind(operation.operation_id)
                .fetch_all(&mut *connection)
                .await?;
            kept.push(Kept {
                parked: operation.reason.is_some(),
                effects: effects.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(),
                operation,
            });
        }
        drop(connection);
        self.discard(operation_id).await?;
        Ok(GivenUp { operations: kept })
    }

    /// Puts operations back that were given up, behind what has been queued since. One that is there again stays as it is.
    pub async fn take_back(&self, given_up: &GivenUp) -> Result<()> {
        let mut transaction = self.begin().await?;
        for kept in &given_up.operations {
            insert(&mut transaction, kept).await?;
        }
        let ids: Vec<Uuid> = given_up.operations.iter().map(|kept| kept.operation.operation_id).collect();
        let effects = effects_of(&mut transaction, &ids).await?;
        let touched: BTreeSet<_> = rows(&effects);
        Shadows::load(&mut transaction, &touched).await?.show(&mut transaction).await?;
        let change = change(&effects);
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }
}

async fn insert(connection: &mut SqliteConnection, kept: &Kept) -> Result<()> {
    let operation = &kept.operation;
    let json = |map: &serde_json::Map<_, _>| serde_json::Value::Object(map.clone()).to_string();
    let inserted = sqlx::query(
        "insert or ignore into outbox (operation_id, action, entity, entity_id, kind, fields, base, depends_on, state,
             attempts, expires_at, reason, theirs, queued_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(operation.operation_id)
    .bind(operation.action.clone())
    .bind(operation.entity.clone())
    .bind(operation.entity_id)
    .bind(operation.kind.clone())
    .bind(json(&operation.fields))
    .bind(json(&operation.base))
    .bind(operation.depends_on)
    .bind(if kept.parked { "parked" } else { "waiting" })
    .bind(operation.attempts)
    .bind(operation.expires_at.map(|at| at.timestamp_micros()))
    .bind(operation.reason.clone())
    .bind(json(&operation.theirs))
    .bind(operation.queued_at.timestamp_micros())
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(());
    }
    for (name, id, fields) in &kept.effects {
        let entity = Entity::named(name).ok_or_else(|| Error::Shape("effects.entity".to_owned()))?;
        shadow::ensure(connection, entity, *id).await?;
        sqlx::query("insert into effects (operation_id, entity, entity_id, fields) values (?, ?, ?, ?)")
            .bind(operation.operation_id)
            .bind(name.clone())
            .bind(*id)
            .bind(fields.clone())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
