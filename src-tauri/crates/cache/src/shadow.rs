//! Rows that show something the database does not have yet.
//!
//! A row with queued writes has a shadow: the database's last known version of it. What the screens read is the shadow with
//! the effects of the queued writes applied in order. When the last of them is confirmed or given up, the shadow goes.

use balcao_domain::feed::Entity;
use serde_json::{Map, Value};
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::values::{read_row, write_row};
use crate::{Error, Result};

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

/// A newer version arrived from the database.
pub(crate) async fn replace(
    connection: &mut SqliteConnection,
    entity: &Entity,
    id: Uuid,
    row: &Map<String, Value>,
) -> Result<()> {
    sqlx::query(
        "update shadows set row = ?3 where entity = ?1 and entity_id = ?2
         and (row is null or json_extract(row, '$.version') <= json_extract(?3, '$.version'))",
    )
    .bind(entity.name.to_owned())
    .bind(id)
    .bind(Value::Object(row.clone()).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The database has confirmed some columns: they are part of what it has now. `version` is the row's version there, where
/// the operation was about this row.
pub(crate) async fn confirm(
    connection: &mut SqliteConnection,
    entity: &Entity,
    id: Uuid,
    fields: &Map<String, Value>,
    version: Option<i64>,
) -> Result<()> {
    let Some(row) = read(connection, entity, id).await? else { return Ok(()) };
    // A row that is not in the database any more does not come back because of a secondary effect.
    if row.is_none() && version.is_none() {
        return Ok(());
    }
    let mut row = row.unwrap_or_default();
    let known = row.get("version").and_then(Value::as_i64).unwrap_or(0);
    if version.is_some_and(|version| version < known) {
        return Ok(());
    }
    row.extend(fields.clone());
    row.insert("version".to_owned(), version.unwrap_or(known).into());
    sqlx::query("update shadows set row = ? where entity = ? and entity_id = ?")
        .bind(Value::Object(row).to_string())
        .bind(entity.name.to_owned())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the visible row again: the shadow, then every effect that is still queued, in order. A parked operation keeps its
/// own row as the person left it, and lets go of the rows that would only have followed.
pub(crate) async fn rebuild(connection: &mut SqliteConnection, entity: &'static Entity, id: Uuid) -> Result<()> {
    let Some(row) = read(connection, entity, id).await? else { return Ok(()) };
    let effects = sqlx::query(
        "select e.fields from effects e join outbox o on o.operation_id = e.operation_id
         where e.entity = ? and e.entity_id = ? and (o.state = 'waiting' or o.entity_id = e.entity_id) order by o.seq",
    )
    .bind(entity.name)
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    let mut visible = row.clone();
    for effect in &effects {
        let fields: Map<String, Value> =
            serde_json::from_str(effect.get(0)).map_err(|_| Error::Shape("effects.fields".to_owned()))?;
        visible.get_or_insert_default().extend(fields);
    }
    match visible {
        Some(visible) => write_row(connection, entity, id, &visible).await?,
        None => {
            let statement = format!("delete from {} where id = ?", entity.name);
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).execute(&mut *connection).await?;
        }
    }
    if effects.is_empty() {
        sqlx::query("delete from shadows where entity = ? and entity_id = ?")
            .bind(entity.name)
            .bind(id)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Outer `None`: the row has no shadow. Inner `None`: the database does not have the row.
async fn read(
    connection: &mut SqliteConnection,
    entity: &Entity,
    id: Uuid,
) -> Result<Option<Option<Map<String, Value>>>> {
    let found = sqlx::query("select row from shadows where entity = ? and entity_id = ?")
        .bind(entity.name.to_owned())
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let Some(text) = found.get::<Option<String>, _>(0) else { return Ok(Some(None)) };
    serde_json::from_str(&text).map(|row| Some(Some(row))).map_err(|_| Error::Shape("shadows.row".to_owned()))
}
