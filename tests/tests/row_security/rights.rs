//! What each role may do with each table, as the catalogue has it, and as README.md tells it.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::breaches::World;

/// Rights of the six roles, in the order of the table's columns.
pub type Rights = Vec<String>;

/// For each table: `r` read, `a` add, `c` change, `d` delete; `*` some columns, `°` the own rows only; `–` nothing.
pub async fn in_catalogue(world: &mut World) -> Result<BTreeMap<String, Rights>> {
    let mut all = BTreeMap::new();
    for table in world.tables.clone() {
        let mut rights = Rights::new();
        for (role, desk) in &mut world.desks {
            let group = format!("balcao_{}", role.as_str());
            rights.push(of_role(&mut world.administrator, desk, &group, &table.name).await?);
        }
        all.insert(table.name, rights);
    }
    Ok(all)
}

async fn of_role(
    administrator: &mut PgConnection,
    desk: &mut PgConnection,
    group: &str,
    table: &str,
) -> Result<String> {
    let (reads, whole, adds, changes, own): (bool, bool, bool, bool, bool) = sqlx::query_as(
        "select has_any_column_privilege($1, t, 'select'), has_table_privilege($1, t, 'select'),
                has_any_column_privilege($1, t, 'insert'), has_any_column_privilege($1, t, 'update'),
                exists (select from pg_policies p where p.schemaname = 'app' and p.tablename = $2
                        and p.permissive = 'RESTRICTIVE' and p.cmd in ('ALL', 'SELECT') and $1 = any (p.roles))
         from (select ('app.' || quote_ident($2))::regclass::oid as t) as named",
    )
    .bind(group)
    .bind(table)
    .fetch_one(administrator)
    .await?;
    let delete = format!("select app.delete_row('{table}', '{}')", Uuid::new_v4());
    let deletes = sqlx::raw_sql(AssertSqlSafe(delete)).execute(desk).await.is_ok();
    let mut said = String::new();
    if reads {
        said.push('r');
        said.push_str(if whole { "" } else { "*" });
        said.push_str(if own { "°" } else { "" });
    }
    for (may, letter) in [(adds, 'a'), (changes, 'c'), (deletes, 'd')] {
        if may {
            said.push(letter);
        }
    }
    Ok(if said.is_empty() { "–".to_owned() } else { said })
}

/// The rows of README.md's table: names of tables in backticks, then a cell for each role.
pub fn in_readme(text: &str) -> BTreeMap<String, Rights> {
    let table = text.lines().skip_while(|line| !line.contains("| owner | admin |")).skip(2);
    let mut all = BTreeMap::new();
    for line in table.take_while(|line| line.starts_with('|')) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let names = cells.next().unwrap_or_default();
        let rights: Rights = cells.map(str::to_owned).collect();
        for name in names.split('`').skip(1).step_by(2) {
            all.insert(name.to_owned(), rights.clone());
        }
    }
    all
}
