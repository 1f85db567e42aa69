//! Values between JSON, the feed and SQLite.

use balcao_domain::feed::{Cell, ColumnKind, Entity};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Row as _, SqliteConnection};
use uuid::Uuid;

use crate::{Error, Result};

/// Rows written by one statement: enough to make the round trip to the engine's thread cheap, few enough to stay far below
/// the engine's limit of parameters.
pub(crate) const ROWS_PER_STATEMENT: usize = 64;

/// Appends a value to the arguments of a statement.
pub(crate) fn bind(arguments: &mut SqliteArguments, cell: Cell<'_>) -> Result<()> {
    match cell {
        Cell::Null => arguments.add(None::<i64>),
        Cell::Integer(value) => arguments.add(value),
        Cell::Real(value) => arguments.add(value),
        Cell::Text(value) => arguments.add(value.into_owned()),
        Cell::Id(value) => arguments.add(value),
    }
    .map_err(|_| Error::Shape("argument".to_owned()))
}

/// Reads a JSON value as the column stores it.
pub(crate) fn cell_of(entity: &Entity, column: &str, value: &Value) -> Result<Cell<'static>> {
    let wrong = || Error::Shape(format!("{}.{column}", entity.name));
    let kind = entity.kind_of(column).ok_or_else(wrong)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let text = || value.as_str().ok_or_else(wrong);
    Ok(match kind {
        ColumnKind::Id => Cell::Id(Uuid::parse_str(text()?).map_err(|_| wrong())?),
        ColumnKind::Text | ColumnKind::Date => Cell::Text(text()?.to_owned().into()),
        ColumnKind::Integer => Cell::Integer(value.as_i64().ok_or_else(wrong)?),
        ColumnKind::Real => Cell::Real(value.as_f64().ok_or_else(wrong)?),
        ColumnKind::Boolean => Cell::Integer(value.as_bool().ok_or_else(wrong)?.into()),
        ColumnKind::Instant => {
            Cell::Integer(DateTime::parse_from_rfc3339(text()?).map_err(|_| wrong())?.timestamp_micros())
        }
        ColumnKind::Json => Cell::Text(value.to_string().into()),
    })
}

/// Writes a stored value as JSON.
pub(crate) fn json_of(kind: ColumnKind, cell: &Cell<'_>) -> Value {
    match (kind, cell) {
        (_, Cell::Null) => Value::Null,
        (ColumnKind::Boolean, Cell::Integer(value)) => Value::Bool(*value != 0),
        (ColumnKind::Instant, Cell::Integer(micros)) => rfc3339(*micros),
        (_, Cell::Integer(value)) => Value::from(*value),
        (_, Cell::Real(value)) => Value::from(*value),
        (ColumnKind::Json, Cell::Text(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        (_, Cell::Text(text)) => Value::from(text.as_ref()),
        (_, Cell::Id(id)) => Value::from(id.to_string()),
    }
}

fn rfc3339(micros: i64) -> Value {
    instant(micros).to_rfc3339_opts(SecondsFormat::Micros, true).into()
}

/// Microseconds since 1970 as an instant; what no calendar reaches becomes 1970.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// `id, version` and the entity's columns, separated by commas.
pub(crate) fn column_list(entity: &Entity) -> String {
    let mut list = "id, version".to_owned();
    for column in entity.columns {
        list.push_str(", ");
        list.push_str(column.name);
    }
    list
}

/// Reads one copied row as a JSON object, `id` and `version` included.
pub(crate) async fn read_row(
    connection: &mut SqliteConnection,
    entity: &Entity,
    id: Uuid,
) -> Result<Option<Map<String, Value>>> {
    let statement = format!("select {} from {} where id = ?", column_list(entity), entity.name);
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let mut object = Map::new();
    let kinds = [("id", ColumnKind::Id), ("version", ColumnKind::Integer)];
    for (index, (name, kind)) in kinds.into_iter().chain(entity.columns.iter().map(|c| (c.name, c.kind))).enumerate() {
        let cell = match kind {
            ColumnKind::Id => row.get::<Option<Uuid>, _>(index).map(Cell::Id),
            ColumnKind::Text | ColumnKind::Date | ColumnKind::Json => {
                row.get::<Option<String>, _>(index).map(|text| Cell::Text(text.into()))
            }
            ColumnKind::Integer | ColumnKind::Boolean | ColumnKind::Instant => {
                row.get::<Option<i64>, _>(index).map(Cell::Integer)
            }
            ColumnKind::Real => row.get::<Option<f64>, _>(index).map(Cell::Real),
        };
        object.insert(name.to_owned(), json_of(kind, &cell.unwrap_or(Cell::Null)));
    }
    Ok(Some(object))
}

/// Writes whole copied rows, whatever versions stand there.
pub(crate) async fn write_rows(
    connection: &mut SqliteConnection,
    entity: &Entity,
    rows: &[(Uuid, Map<String, Value>)],
) -> Result<()> {
    let mut cells = Vec::with_capacity(rows.len());
    for (id, object) in rows {
        let mut row = vec![Cell::Id(*id), Cell::Integer(object.get("version").and_then(Value::as_i64).unwrap_or(0))];
        for column in entity.columns {
            row.push(cell_of(entity, column.name, object.get(column.name).unwrap_or(&Value::Null))?);
        }
        cells.push(row);
    }
    write_cells(connection, entity, cells, "").await
}

/// Writes rows of `id`, `version` and the entity's columns, over those that stand there and meet the condition. By the
/// hundred in few statements; the rest one by one, so that there are only two statements to be prepared.
pub(crate) async fn write_cells(
    connection: &mut SqliteConnection,
    entity: &Entity,
    rows: Vec<Vec<Cell<'_>>>,
    condition: &str,
) -> Result<()> {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let count = if rows.len() >= ROWS_PER_STATEMENT { ROWS_PER_STATEMENT } else { 1 };
        let mut arguments = SqliteArguments::default();
        for cell in rows.by_ref().take(count).flatten() {
            bind(&mut arguments, cell)?;
        }
        let source = format!("values {}", vec![format!("({})", places(entity)); count].join(","));
        let statement = writing(entity, &source, condition);
        sqlx::query_with(sqlx::AssertSqlSafe(statement), arguments).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The statement that writes what `source` is, over those rows that stand there and meet the condition.
pub(crate) fn writing(entity: &Entity, source: &str, condition: &str) -> String {
    let updates = entity.columns.iter().map(|c| format!("{0} = excluded.{0}", c.name)).collect::<Vec<_>>().join(", ");
    format!(
        "insert into {} ({}) {source} on conflict (id) do update set version = excluded.version, {updates} {condition}",
        entity.name,
        column_list(entity),
    )
}

/// The condition of a row that comes from the database: what stands here is not newer.
pub(crate) fn newer(entity: &Entity) -> String {
    format!("where excluded.version >= {}.version", entity.name)
}

/// Places for the cells of a row.
pub(crate) fn places(entity: &Entity) -> String {
    vec!["?"; entity.columns.len() + 2].join(",")
}

/// Removes copied rows.
pub(crate) async fn delete_rows(connection: &mut SqliteConnection, entity: &Entity, ids: Vec<Uuid>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let statement = format!("delete from {} where id in (select unhex(value) from json_each(?))", entity.name);
    sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id_list(ids)).execute(connection).await?;
    Ok(())
}

/// Ids as one argument of a statement: `select unhex(value) from json_each(?)` makes rows of them.
pub(crate) fn id_list(ids: impl IntoIterator<Item = Uuid>) -> String {
    let quoted: Vec<String> = ids.into_iter().map(|id| format!("\"{}\"", id.simple())).collect();
    format!("[{}]", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_survives_the_way_to_the_copy_and_back() {
        let entity = Entity::named("appointments").unwrap();
        for (column, value) in [
            ("starts_at", json!("2026-11-24T17:30:00.123456Z")),
            ("squeezed_in", json!(true)),
            ("patient_id", json!("0190b2c4-0000-7000-8000-000000000001")),
            ("notes", json!("dor há 3 dias 😖")),
            ("room_id", json!(null)),
        ] {
            let cell = cell_of(entity, column, &value).unwrap();
            assert_eq!(json_of(entity.kind_of(column).unwrap(), &cell), value, "{column}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_shape_is_refused_with_the_name_of_its_column() {
        let entity = Entity::named("appointments").unwrap();
        let error = cell_of(entity, "starts_at", &json!("ontem")).unwrap_err();
        assert!(matches!(error, Error::Shape(column) if column == "appointments.starts_at"));
        assert!(cell_of(entity, "no_such_column", &json!(1)).is_err());
    }
}
