//! What a table holds, as two numbers that do not depend on the order of its rows: how many, and a sum of their digests.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::admin::quoted;
use crate::Result;

/// One table and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    /// Schema and name, as in `app.contacts`.
    pub table: String,
    /// How many rows.
    pub rows: i64,
    /// Sum of the first 16 hexadecimal digits of every row's SHA-256, as a decimal number.
    pub digest: String,
}

/// Rows are compared as text, so how values are written must not depend on anybody's settings. Holds to the end of the
/// transaction.
pub(super) async fn pin_formats(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'iso_8601';
         set local extra_float_digits = 3; set local bytea_output = 'hex'; set local xmloption = 'content';
         set local search_path = pg_catalog",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Every table of the clinics.
pub(super) async fn of_all(connection: &mut PgConnection) -> Result<Vec<TableDigest>> {
    let tables: Vec<(String, String)> = sqlx::query(
        "select n.nspname::text as schema, c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'r' and n.nspname in ('app', 'internal') order by 1, 2",
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| Ok((row.try_get("schema")?, row.try_get("name")?)))
    .collect::<Result<_>>()?;
    let mut found = Vec::with_capacity(tables.len());
    for (schema, name) in tables {
        let sql = format!(
            "select count(*) as rows, coalesce(sum((
                'x' || substr(encode(sha256(convert_to(t::text, 'UTF8')), 'hex'), 1, 16))::bit(64)::bigint::numeric), 0)::text as digest
             from {}.{} t",
            quoted(&schema),
            quoted(&name)
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        found.push(TableDigest {
            table: format!("{schema}.{name}"),
            rows: row.try_get("rows")?,
            digest: row.try_get("digest")?,
        });
    }
    Ok(found)
}
