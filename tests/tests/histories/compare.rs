//! Whether a copy is the database, column by column.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use balcao_domain::feed::{ColumnKind, ENTITIES, Entity};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, SqliteConnection};
use uuid::Uuid;

use crate::clinic::now;
use crate::desk::HistoryDesk;

/// Rows by id; every value as a text that is the same for the same value on both sides.
type Rows = BTreeMap<Uuid, Vec<Option<String>>>;

/// How far back a copy must be whole. Histories have no row near the bound.
const WINDOW: TimeDelta = TimeDelta::days(90);

/// Compares all that a desk has with all that its login may see. Where something is queued for a row, what counts is what
/// the copy believes the database to have.
///
/// # Errors
/// A difference, in words.
pub async fn compare(desk: &HistoryDesk) -> Result<()> {
    let (mut file, mut database) = (desk.file().await?, desk.database().await?);
    for entity in ENTITIES {
        let there = of_database(&mut database, entity).await?;
        let mut here = of_copy(&mut file, entity).await?;
        for (id, row) in shadows(&mut file, entity).await? {
            match row {
                // Kept in sight from a database that is not the clinic's any more.
                Some(row) if row[1].as_deref() == Some("0") && !there.contains_key(&id) => here.remove(&id),
                Some(row) => here.insert(id, row),
                None => here.remove(&id),
            };
        }
        for (id, row) in &here {
            let Some(right) = there.get(id) else {
                bail!("{} {id} is in the copy and not in the database", entity.name)
            };
            for (index, (column, _)) in columns(entity).enumerate() {
                let (copied, stored) = (&row[index], &right[index]);
                ensure!(
                    copied == stored,
                    "{} {id}: {column} is {copied:?} in the copy and {stored:?} in the database",
                    entity.name
                );
            }
        }
        for (id, row) in &there {
            ensure!(here.contains_key(id) || is_outside(entity, row), "{} {id} is missing in the copy", entity.name);
        }
    }
    Ok(())
}

/// What a desk has written down about writes that are not confirmed: rows of the queue, of what it shows, of what stands
/// below.
pub async fn leftovers(desk: &HistoryDesk) -> Result<(i64, i64, i64)> {
    let mut file = desk.file().await?;
    let counts = sqlx::query(
        "select (select count(*) from outbox), (select count(*) from effects), (select count(*) from shadows)",
    );
    let row = counts.fetch_one(&mut file).await?;
    Ok((row.get(0), row.get(1), row.get(2)))
}

/// `id` and `version`, then the entity's columns.
fn columns(entity: &'static Entity) -> impl Iterator<Item = (&'static str, ColumnKind)> {
    let first = [("id", ColumnKind::Id), ("version", ColumnKind::Integer)];
    first.into_iter().chain(entity.columns.iter().map(|column| (column.name, column.kind)))
}

fn is_outside(entity: &'static Entity, row: &[Option<String>]) -> bool {
    let column = match entity.name {
        "messages" => "sent_at",
        "appointments" => "starts_at",
        _ => return false,
    };
    let at = columns(entity).position(|(name, _)| name == column).and_then(|index| row[index].as_ref()?.parse().ok());
    at.and_then(DateTime::<Utc>::from_timestamp_micros).is_some_and(|at| at < now() - WINDOW)
}

/// As the login of the connection sees it; nothing of what it may not see.
async fn of_database(database: &mut PgConnection, entity: &'static Entity) -> Result<Rows> {
    let list: Vec<String> = columns(entity)
        .map(|(name, kind)| match kind {
            ColumnKind::Instant => format!("(extract(epoch from {name}) * 1000000)::bigint::text"),
            ColumnKind::Boolean => format!("{name}::integer::text"),
            _ => format!("{name}::text"),
        })
        .collect();
    let sql = format!("select {} from app.{} where clinic_id = app.current_clinic()", list.join(", "), entity.name);
    let rows = match sqlx::query(AssertSqlSafe(sql)).fetch_all(database).await {
        Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some("42501") => return Ok(Rows::new()),
        rows => rows?,
    };
    rows.iter()
        .map(|row| {
            let values = columns(entity).enumerate();
            let values = values
                .map(|(index, (_, kind))| Ok(row.try_get::<Option<String>, _>(index)?.map(|text| plain(kind, text))));
            keyed(values.collect::<Result<_>>()?)
        })
        .collect()
}

async fn of_copy(file: &mut SqliteConnection, entity: &'static Entity) -> Result<Rows> {
    let list: Vec<&str> = columns(entity).map(|(name, _)| name).collect();
    let sql = format!("select {} from {}", list.join(", "), entity.name);
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(file).await?;
    rows.iter()
        .map(|row| {
            let value = |index: usize, kind: ColumnKind| -> Result<Option<String>> {
                Ok(match kind {
                    ColumnKind::Id => row.try_get::<Option<Uuid>, _>(index)?.map(|id| id.to_string()),
                    ColumnKind::Real => row.try_get::<Option<f64>, _>(index)?.map(|real| format!("{real:?}")),
                    ColumnKind::Integer | ColumnKind::Boolean | ColumnKind::Instant => {
                        row.try_get::<Option<i64>, _>(index)?.map(|number| number.to_string())
                    }
                    ColumnKind::Text | ColumnKind::Date | ColumnKind::Json => {
                        row.try_get::<Option<String>, _>(index)?.map(|text| plain(kind, text))
                    }
                })
            };
            keyed(columns(entity).enumerate().map(|(index, (_, kind))| value(index, kind)).collect::<Result<_>>()?)
        })
        .collect()
}

/// What the copy believes the database to have of rows that show something else.
async fn shadows(
    file: &mut SqliteConnection,
    entity: &'static Entity,
) -> Result<Vec<(Uuid, Option<Vec<Option<String>>>)>> {
    let rows =
        sqlx::query("select entity_id, row from shadows where entity = ?").bind(entity.name).fetch_all(file).await?;
    rows.iter()
        .map(|row| {
            let Some(text) = row.try_get::<Option<String>, _>(1)? else { return Ok((row.get(0), None)) };
            let object: Map<String, Value> = serde_json::from_str(&text).context("a shadow")?;
            let values = columns(entity).map(|(name, kind)| of_json(kind, object.get(name).unwrap_or(&Value::Null)));
            Ok((row.get(0), Some(values.collect::<Result<_>>()?)))
        })
        .collect()
}

fn keyed(values: Vec<Option<String>>) -> Result<(Uuid, Vec<Option<String>>)> {
    let id = values.first().and_then(|id| id.as_deref()).context("a row without id")?.parse()?;
    Ok((id, values))
}

fn of_json(kind: ColumnKind, value: &Value) -> Result<Option<String>> {
    Ok(match (kind, value) {
        (ColumnKind::Json, value) if !value.is_null() => Some(value.to_string()),
        (_, Value::Null) => None,
        (ColumnKind::Boolean, value) => Some(i32::from(value.as_bool().context("a boolean")?).to_string()),
        (ColumnKind::Real, value) => Some(format!("{:?}", value.as_f64().context("a number")?)),
        (ColumnKind::Instant, Value::String(text)) => {
            Some(DateTime::parse_from_rfc3339(text)?.timestamp_micros().to_string())
        }
        (kind, Value::String(text)) => Some(plain(kind, text.clone())),
        (_, value) => Some(value.to_string()),
    })
}

/// Numbers and documents have more than one spelling.
fn plain(kind: ColumnKind, text: String) -> String {
    match kind {
        ColumnKind::Json => serde_json::from_str::<Value>(&text).map_or(text, |value| value.to_string()),
        ColumnKind::Real => text.parse::<f64>().map_or(text, |real| format!("{real:?}")),
        _ => text,
    }
}
