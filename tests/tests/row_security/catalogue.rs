//! The tables of the schema as the catalogue has them, so that a new table is tested without being named.

use anyhow::Result;
use sqlx::{PgConnection, Row};

/// A table of schema `app`.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub references: Vec<Reference>,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub data_type: String,
    /// Neither null nor filled in by the database.
    pub must_be_given: bool,
    /// Computed by the database.
    pub generated: bool,
    /// The checks of this column alone, as SQL.
    pub checks: String,
}

/// A foreign key without the clinic, which is in every one of them.
#[derive(Debug, Clone)]
pub struct Reference {
    pub constraint: String,
    pub table: String,
    /// Column here, column there.
    pub columns: Vec<(String, String)>,
    /// Whether the clinic is part of the key on both sides.
    pub holds_clinic: bool,
}

impl Table {
    /// Columns that a statement may give a value to, without the two that say which row of whom it is.
    pub fn writable(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.generated)
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }

    /// Whether a value can be written into the column.
    pub fn takes(&self, column: &str) -> bool {
        self.writable().any(|c| c.name == column)
    }
}

/// Every table of schema `app`, referenced ones before those that refer to them.
pub async fn tables(administrator: &mut PgConnection) -> Result<Vec<Table>> {
    let names: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') order by 1",
    )
    .fetch_all(&mut *administrator)
    .await?;
    let mut waiting = Vec::new();
    for name in names {
        let (columns, references) = (columns(administrator, &name).await?, references(administrator, &name).await?);
        waiting.push(Table { name, columns, references });
    }
    let mut ordered: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|table| {
            table.references.iter().all(|r| r.table == table.name || ordered.iter().any(|done| done.name == r.table))
        });
        ordered.push(
            waiting.remove(ready.expect("tables that refer to one another in a circle need a rule of their own")),
        );
    }
    Ok(ordered)
}

async fn columns(administrator: &mut PgConnection, table: &str) -> Result<Vec<Column>> {
    let rows = sqlx::query(
        "select a.attname::text as name, format_type(a.atttypid, null) as data_type, a.attgenerated <> '' as generated,
                a.attnotnull and not a.atthasdef as must_be_given,
                coalesce((select string_agg(pg_get_constraintdef(k.oid), ' ') from pg_constraint k
                          where k.conrelid = a.attrelid and k.contype = 'c' and k.conkey = array[a.attnum]), '') as checks
         from pg_attribute a
         where a.attrelid = ('app.' || quote_ident($1))::regclass and a.attnum > 0 and not a.attisdropped
         order by a.attnum",
    )
    .bind(table)
    .fetch_all(administrator)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Column {
                name: row.try_get("name")?,
                data_type: row.try_get("data_type")?,
                must_be_given: row.try_get("must_be_given")?,
                generated: row.try_get("generated")?,
                checks: row.try_get("checks")?,
            })
        })
        .collect()
}

async fn references(administrator: &mut PgConnection, table: &str) -> Result<Vec<Reference>> {
    let rows = sqlx::query(
        "select k.conname::text as name, r.relname::text as target,
                array_agg(h.attname::text order by i) as here, array_agg(t.attname::text order by i) as there
         from pg_constraint k
         join pg_class r on r.oid = k.confrelid
         cross join generate_subscripts(k.conkey, 1) as i
         join pg_attribute h on h.attrelid = k.conrelid and h.attnum = k.conkey[i]
         join pg_attribute t on t.attrelid = k.confrelid and t.attnum = k.confkey[i]
         where k.contype = 'f' and k.conrelid = ('app.' || quote_ident($1))::regclass
         group by 1, 2 order by 1",
    )
    .bind(table)
    .fetch_all(administrator)
    .await?;
    rows.iter()
        .map(|row| {
            let (here, there): (Vec<String>, Vec<String>) = (row.try_get("here")?, row.try_get("there")?);
            let target: String = row.try_get("target")?;
            let is_clinic = |(h, t): &(String, String)| {
                h == "clinic_id" && (t == "clinic_id" || (target == "clinics" && t == "id"))
            };
            let pairs: Vec<_> = here.into_iter().zip(there).collect();
            Ok(Reference {
                constraint: row.try_get("name")?,
                holds_clinic: pairs.iter().any(is_clinic),
                columns: pairs.iter().filter(|pair| !is_clinic(pair)).cloned().collect(),
                table: target,
            })
        })
        .collect()
}
