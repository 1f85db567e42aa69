//! At least one row of each clinic in every table, made from what the catalogue says of the table.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::catalogue::{Column, Table};

/// Values that the catalogue does not give away: table, column, SQL.
const BY_HAND: &[(&str, &str, &str)] = &[
    ("working_hours", "ends_minute", "600"),
    ("buckets", "endpoint", "'https://s3.example.com'"),
    ("buckets", "bucket", "'clinica'"),
    ("media_objects", "key", "decode(repeat('00', 32), 'hex')"),
];

/// Adds to each table that has no row of the clinic.
pub async fn seed(administrator: &mut PgConnection, tables: &[Table], clinic: Uuid) -> Result<()> {
    for table in tables {
        if count(administrator, &table.name, clinic).await? == 0 {
            let sql = insert(table, clinic);
            sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                .execute(&mut *administrator)
                .await
                .with_context(|| format!("table {} needs a value by hand: {sql}", table.name))?;
        }
        assert!(count(administrator, &table.name, clinic).await? > 0, "{} has no row of the clinic", table.name);
    }
    Ok(())
}

/// How many rows the clinic has, as seen by someone who sees all.
pub async fn count(administrator: &mut PgConnection, table: &str, clinic: Uuid) -> Result<i64> {
    let sql = format!("select count(*) from app.{table} where clinic_id = $1");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(clinic).fetch_one(administrator).await?)
}

fn insert(table: &Table, clinic: Uuid) -> String {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for column in table.writable() {
        let value = if column.name == "clinic_id" {
            Some(format!("'{clinic}'::uuid"))
        } else {
            referred(table, column, clinic).or_else(|| column.must_be_given.then(|| value(table, column)))
        };
        if let Some(value) = value {
            names.push(column.name.clone());
            values.push(value);
        }
    }
    format!("insert into app.{} ({}) values ({})", table.name, names.join(", "), values.join(", "))
}

/// A row of the same clinic that the column may refer to.
fn referred(table: &Table, column: &Column, clinic: Uuid) -> Option<String> {
    table.references.iter().find_map(|reference| {
        let (_, there) = reference.columns.iter().find(|(here, _)| *here == column.name)?;
        let from = &reference.table;
        Some(format!("(select {there} from app.{from} where clinic_id = '{clinic}' order by {there} limit 1)"))
    })
}

fn value(table: &Table, column: &Column) -> String {
    if let Some((_, _, sql)) = BY_HAND.iter().find(|(t, c, _)| *t == table.name && *c == column.name) {
        return (*sql).to_owned();
    }
    match &*column.data_type {
        "text" => match column.checks.split_once("ARRAY['") {
            Some((_, allowed)) => format!("'{}'", allowed.split('\'').next().unwrap_or_default()),
            None => "'x'".to_owned(),
        },
        "uuid" => "gen_random_uuid()".to_owned(),
        "integer" | "bigint" | "double precision" => match column.checks.split_once(">= ") {
            Some((_, least)) => least.chars().take_while(char::is_ascii_digit).collect(),
            None => "1".to_owned(),
        },
        "timestamp with time zone" if column.name.starts_with("ends") => "now() + interval '1 hour'".to_owned(),
        "timestamp with time zone" => "now()".to_owned(),
        "date" => "current_date".to_owned(),
        "boolean" => "false".to_owned(),
        "jsonb" => "'{}'".to_owned(),
        "bytea" => "'\\x00'".to_owned(),
        other => format!("'a value of type {other} by hand'"),
    }
}
