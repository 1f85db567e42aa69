//! Rows that show something the database does not have yet.
//!
//! A row with queued writes has a shadow: the database's last known version of it. What the screens read is the shadow with
//! the effects of the queued writes applied in order. When the last of them is confirmed or given up, the shadow goes.

use std::collections::{BTreeMap, BTreeSet};

use balcao_domain::feed::Entity;
use serde_json::{Map, Value};
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::values::{ROWS_PER_STATEMENT, delete_rows, id_list, read_row, write_rows};
use crate::visible::{self, Waiting, visible};
use crate::{Error, Result, WriteKind};

/// A copied row: its table and its id.
pub(crate) type RowKey = (&'static str, Uuid);

/// Remembers what the database has, before the first queued write changes the row.
pub(crate) async fn ensure(connection: &mut SqliteConnection, entity: &Entity, id: Uuid) -> Result<()> {
    let known: bool = sqlx::query_scalar("select exists (select 1 from shadows where entity = ? and entity_id = ?)")
        .bind(entity.name.to_owned())
        .bind(id)
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        let row = read_row(connection, entity, id).await?;
        sqlx::query("insert into shadows (entity, entity_id, row) values (?, ?, ?)")
            .bind(entity.name.to_owned())
            .bind(id)
            .bind(row.map(|row| Value::Object(row).to_string()))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// The shadows of some rows, as one transaction works on them: read at once, changed in memory, written at once.
pub(crate) struct Shadows(BTreeMap<RowKey, Shadow>);

struct Shadow {
    /// `None`: the database does not have the row.
    stands: Option<Map<String, Value>>,
    changed: bool,
}

impl Shadows {
    /// Reads those of the rows that have a shadow.
    pub(crate) async fn load(connection: &mut SqliteConnection, rows: &BTreeSet<RowKey>) -> Result<Self> {
        let mut shadows = BTreeMap::new();
        for (entity, ids) in by_entity(rows.iter().copied()) {
            let found = sqlx::query(
                "select entity_id, row from shadows
                 where entity = ? and entity_id in (select unhex(value) from json_each(?))",
            )
            .bind(entity)
            .bind(id_list(ids))
            .fetch_all(&mut *connection)
            .await?;
            for row in found {
                let stands = row.get::<Option<String>, _>(1).map(|text| serde_json::from_str(&text)).transpose();
                let stands = stands.map_err(|_| Error::Shape("shadows.row".to_owned()))?;
                shadows.insert((entity, row.get(0)), Shadow { stands, changed: false });
            }
        }
        Ok(Self(shadows))
    }

    /// A newer version arrived from the database.
    pub(crate) fn replace(&mut self, row: RowKey, arrived: Map<String, Value>) {
        self.change(row, |_, stands| visible::replace(stands, arrived));
    }

    /// The database does not have the row.
    pub(crate) fn remove(&mut self, row: RowKey) {
        self.change(row, |_, stands| *stands = None);
    }

    /// The database has done a write. `version` is the version of the write's own row there, where there is a row.
    pub(crate) fn confirm(&mut self, row: RowKey, write: &Waiting, version: Option<i64>) {
        self.change(row, |entity, stands| visible::confirm(entity, stands, write, version));
    }

    fn change(&mut self, row: RowKey, change: impl FnOnce(&'static Entity, &mut Option<Map<String, Value>>)) {
        if let (Some(shadow), Some(entity)) = (self.0.get_mut(&row), Entity::named(row.0)) {
            change(entity, &mut shadow.stands);
            shadow.changed = true;
        }
    }

    /// Writes what was changed, makes the visible rows again, and forgets the shadows of rows for which nothing waits.
    pub(crate) async fn show(mut self, connection: &mut SqliteConnection) -> Result<()> {
        for (name, ids) in by_entity(self.0.keys().copied().collect::<Vec<_>>().into_iter()) {
            let entity = Entity::named(name).ok_or_else(|| Error::Shape("shadows.entity".to_owned()))?;
            let mut waiting = waiting(connection, name, &ids, None).await?;
            let (mut shown, mut gone, mut settled, mut changed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for id in ids {
                let Some(shadow) = self.0.remove(&(name, id)) else { continue };
                let waiting = waiting.remove(&id).unwrap_or_default();
                match visible(entity, shadow.stands.as_ref(), &waiting) {
                    Some(row) => shown.push((id, row)),
                    None => gone.push(id),
                }
                if waiting.is_empty() {
                    settled.push(id);
                } else if shadow.changed {
                    changed.push((id, shadow.stands));
                }
            }
            write_shadows(connection, name, changed).await?;
            write_rows(connection, entity, &shown).await?;
            delete_rows(connection, entity, gone).await?;
            sqlx::query(
                "delete from shadows where entity = ? and entity_id in (select unhex(value) from json_each(?))",
            )
            .bind(name)
            .bind(id_list(settled))
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

/// Writes shadows that are there already, many with one statement.
async fn write_shadows(
    connection: &mut SqliteConnection,
    entity: &'static str,
    shadows: Vec<(Uuid, Option<Map<String, Value>>)>,
) -> Result<()> {
    let mut shadows = shadows.into_iter();
    while shadows.len() > 0 {
        let count = if shadows.len() >= ROWS_PER_STATEMENT { ROWS_PER_STATEMENT } else { 1 };
        let statement = format!(
            "insert into shadows (entity, entity_id, row) values {} on conflict do update set row = excluded.row",
            vec!["(?, ?, ?)"; count].join(", "),
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
        for (id, stands) in shadows.by_ref().take(count) {
            query = query.bind(entity).bind(id).bind(stands.map(|row| Value::Object(row).to_string()));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// What a row would show without one of its queued writes; it has a shadow.
pub(crate) async fn without(
    connection: &mut SqliteConnection,
    entity: &'static Entity,
    id: Uuid,
    operation: Uuid,
) -> Result<Option<Map<String, Value>>> {
    let key = (entity.name, id);
    let stands =
        Shadows::load(connection, &BTreeSet::from([key])).await?.0.remove(&key).and_then(|shadow| shadow.stands);
    let waiting = waiting(connection, entity.name, &[id], Some(operation)).await?.remove(&id).unwrap_or_default();
    Ok(visible(entity, stands.as_ref(), &waiting))
}

/// What waits for some rows of one table, in order, but for one operation.
async fn waiting(
    connection: &mut SqliteConnection,
    entity: &'static str,
    ids: &[Uuid],
    except: Option<Uuid>,
) -> Result<BTreeMap<Uuid, Vec<Waiting>>> {
    // The order of the join is said: few rows are asked for, and many writes may wait.
    let rows = sqlx::query(
        "select e.entity_id, e.fields, o.kind, o.state = 'parked', o.entity_id = e.entity_id and o.entity = e.entity
         from effects e cross join outbox o on o.operation_id = e.operation_id
         where e.entity_id in (select unhex(value) from json_each(?)) and e.entity = ? and o.operation_id is not ?
         order by o.seq",
    )
    .bind(id_list(ids.iter().copied()))
    .bind(entity)
    .bind(except)
    .fetch_all(connection)
    .await?;
    let mut waiting: BTreeMap<Uuid, Vec<Waiting>> = BTreeMap::new();
    for row in rows {
        waiting.entry(row.get(0)).or_default().push(Waiting {
            kind: WriteKind::named(row.get(2))?,
            own: row.get(4),
            parked: row.get(3),
            fields: serde_json::from_str(row.get(1)).map_err(|_| Error::Shape("effects.fields".to_owned()))?,
        });
    }
    Ok(waiting)
}

fn by_entity(rows: impl Iterator<Item = RowKey>) -> BTreeMap<&'static str, Vec<Uuid>> {
    let mut entities: BTreeMap<&'static str, Vec<Uuid>> = BTreeMap::new();
    for (entity, id) in rows {
        entities.entry(entity).or_default().push(id);
    }
    entities
}
