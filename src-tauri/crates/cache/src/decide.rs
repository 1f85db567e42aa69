//! What a person decides about queued writes: again, or given up.

use balcao_domain::feed::Entity;
use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::effects::{effects_of, show};
use crate::fold::stand_on;
use crate::outbox::read_operation;
use crate::values::id_list;
use crate::{Cache, Error, QueuedOperation, Result, WriteKind};

/// An operation and everything that cannot go without it: what depends on it, and what was done later to a row that it makes.
const WITH_DEPENDENTS: &str = "
    with recursive taken (operation_id) as (
        select operation_id from outbox where operation_id = ?1
        union
        select o.operation_id from taken t join outbox o on o.depends_on = t.operation_id
        union
        select o.operation_id from taken t
        join outbox made on made.operation_id = t.operation_id and made.kind = 'insert'
        join outbox o on o.entity_id = made.entity_id and o.entity = made.entity and o.seq > made.seq
    )
    select * from outbox where operation_id in (select operation_id from taken) order by seq";

impl Cache {
    /// Sends a parked operation again, with other values where given. It now stands on what the others wrote, so that it
    /// goes over it: that is what the person chose.
    pub async fn retry(&self, operation_id: Uuid, changed: &Map<String, Value>) -> Result<()> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("select * from outbox where operation_id = ? and state = 'parked'")
            .bind(operation_id)
            .fetch_one(&mut *transaction)
            .await?;
        let mut operation = read_operation(&row)?;
        let mut seen = operation.fields.clone();
        seen.retain(|column, _| changed.contains_key(column));
        later_stand_on(&mut transaction, &operation, seen, changed).await?;
        operation.base.extend(operation.theirs.clone());
        operation.fields.extend(changed.clone());
        let fields = Value::Object(operation.fields.clone()).to_string();
        sqlx::query(
            "update outbox set state = 'waiting', attempts = 0, not_before = 0, expires_at = null, reason = null,
                 theirs = null, fields = ?, base = ? where operation_id = ?",
        )
        .bind(fields.clone())
        .bind(Value::Object(operation.base).to_string())
        .bind(operation_id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("update effects set fields = ? where operation_id = ? and entity = ? and entity_id = ?")
            .bind(fields)
            .bind(operation_id)
            .bind(operation.entity)
            .bind(operation.entity_id)
            .execute(&mut *transaction)
            .await?;
        let effects = effects_of(&mut transaction, &[operation_id]).await?;
        let change = show(&mut transaction, &effects).await?;
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }

    /// Gives an operation up: the screens show the database's values again. What cannot go without it is given up with it,
    /// and returned, in the order in which it was queued.
    pub async fn discard(&self, operation_id: Uuid) -> Result<Vec<QueuedOperation>> {
        let mut transaction = self.begin().await?;
        let rows = sqlx::query(WITH_DEPENDENTS).bind(operation_id).fetch_all(&mut *transaction).await?;
        let mut given_up = rows.iter().map(read_operation).collect::<Result<Vec<_>>>()?;
        if given_up.is_empty() {
            return Err(Error::NotFound);
        }
        let ids: Vec<Uuid> = given_up.iter().map(|operation| operation.operation_id).collect();
        let effects = effects_of(&mut transaction, &ids).await?;
        sqlx::query("delete from outbox where operation_id in (select unhex(value) from json_each(?))")
            .bind(id_list(ids))
            .execute(&mut *transaction)
            .await?;
        for operation in given_up.iter().rev().filter(|operation| operation.kind == WriteKind::Patch.as_str()) {
            later_stand_on(&mut transaction, operation, operation.fields.clone(), &operation.base).await?;
        }
        let change = show(&mut transaction, &effects).await?;
        transaction.commit().await?;
        self.announce(change);
        given_up.retain(|operation| operation.operation_id != operation_id);
        Ok(given_up)
    }

    /// What would be given up together with an operation, in the order in which it was queued.
    pub async fn dependents(&self, operation_id: Uuid) -> Result<Vec<QueuedOperation>> {
        let rows = sqlx::query(WITH_DEPENDENTS).bind(operation_id).fetch_all(self.readers()).await?;
        let mut operations = rows.iter().map(read_operation).collect::<Result<Vec<_>>>()?;
        operations.retain(|operation| operation.operation_id != operation_id);
        Ok(operations)
    }
}

/// Later writes of the row were decided in the sight of this one. What they compare with the database is put right: values
/// that this one would have written would otherwise look like another person's.
async fn later_stand_on(
    connection: &mut SqliteConnection,
    operation: &QueuedOperation,
    mut seen: Map<String, Value>,
    then: &Map<String, Value>,
) -> Result<()> {
    let Some(entity) = Entity::named(&operation.entity).filter(|_| !seen.is_empty()) else { return Ok(()) };
    let rows = sqlx::query("select * from outbox where entity_id = ? and entity = ? and seq > ? order by seq")
        .bind(operation.entity_id)
        .bind(operation.entity.clone())
        .bind(operation.seq)
        .fetch_all(&mut *connection)
        .await?;
    for row in &rows {
        let mut later = read_operation(row)?;
        if stand_on(entity, &mut later, &mut seen, then) {
            sqlx::query("update outbox set base = ? where operation_id = ?")
                .bind(Value::Object(later.base).to_string())
                .bind(later.operation_id)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
