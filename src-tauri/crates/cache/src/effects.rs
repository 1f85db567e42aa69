//! What queued writes show before they are confirmed.

use std::collections::BTreeSet;

use balcao_domain::feed::Entity;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::enqueue::note;
use crate::shadow::{RowKey, Shadows};
use crate::values::id_list;
use crate::visible::Waiting;
use crate::{CacheChange, Error, Result, WriteKind};

/// What one operation shows on one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueuedEffect {
    pub operation_id: Uuid,
    pub entity: &'static Entity,
    pub entity_id: Uuid,
    pub write: Waiting,
}

impl QueuedEffect {
    /// The row.
    pub(crate) fn row(&self) -> RowKey {
        (self.entity.name, self.entity_id)
    }
}

/// The effects of some operations; of those that are not queued, none. Each queued operation has at least that on its own row.
pub(crate) async fn effects_of(connection: &mut SqliteConnection, operations: &[Uuid]) -> Result<Vec<QueuedEffect>> {
    let rows = sqlx::query(
        "select e.operation_id, e.entity, e.entity_id, e.fields, o.kind, o.state = 'parked',
             o.entity_id = e.entity_id and o.entity = e.entity
         from outbox o cross join effects e on e.operation_id = o.operation_id
         where o.operation_id in (select unhex(value) from json_each(?))",
    )
    .bind(id_list(operations.iter().copied()))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(QueuedEffect {
                operation_id: row.get(0),
                entity: Entity::named(row.get(1)).ok_or_else(|| Error::Shape("effects.entity".to_owned()))?,
                entity_id: row.get(2),
                write: Waiting {
                    kind: WriteKind::named(row.get(4))?,
                    own: row.get(6),
                    parked: row.get(5),
                    fields: serde_json::from_str(row.get(3)).map_err(|_| Error::Shape("effects.fields".to_owned()))?,
                },
            })
        })
        .collect()
}

/// Makes the rows of these effects again, and says what changed.
pub(crate) async fn show(connection: &mut SqliteConnection, effects: &[QueuedEffect]) -> Result<CacheChange> {
    Shadows::load(connection, &rows(effects)).await?.show(connection).await?;
    Ok(change(effects))
}

/// The rows of some effects.
pub(crate) fn rows(effects: &[QueuedEffect]) -> BTreeSet<RowKey> {
    effects.iter().map(QueuedEffect::row).collect()
}

/// What changes with these effects.
pub(crate) fn change(effects: &[QueuedEffect]) -> CacheChange {
    let mut change = CacheChange { outbox: true, ..CacheChange::default() };
    for effect in effects {
        note(&mut change, effect.entity, effect.entity_id, &effect.write.fields);
    }
    change
}
