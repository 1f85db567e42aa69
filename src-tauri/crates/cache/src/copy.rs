//! Taking rows from the clinic's database into the copy.

use std::collections::HashSet;

use balcao_domain::feed::{Cell, ENTITIES, Entity};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::values::{bind, column_list, json_of};
use crate::{Cache, CacheChange, Result, shadow};

/// Rows written by one statement: enough to make the round trip to the engine's thread cheap, few enough to stay far below
/// the engine's limit of parameters.
const ROWS_PER_STATEMENT: usize = 64;

impl Cache {
    /// Takes rows of one table: `id`, `version`, then the entity's columns in their order. A row older than what stands
    /// here is passed over. Where this computer has queued writes, they are applied again over the new row.
    pub async fn take_rows<'a>(
        &self,
        entity: &'static Entity,
        rows: impl Iterator<Item = Vec<Cell<'a>>> + Send,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        let mut change = CacheChange::default();
        change.touch(entity.name);
        let shadowed: HashSet<Uuid> = sqlx::query("select entity_id from shadows where entity = ?")
            .bind(entity.name)
            .fetch_all(&mut *transaction)
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let conversation_column = match entity.name {
            "conversations" => Some(0),
            "messages" => entity.columns.iter().position(|c| c.name == "conversation_id").map(|index| index + 2),
            _ => None,
        };
        let mut pending = Vec::with_capacity(ROWS_PER_STATEMENT);
        for row in rows {
            if let Some(Cell::Id(id)) = conversation_column.and_then(|index| row.get(index)) {
                change.touch_conversation(*id);
            }
            match row.first() {
                Some(Cell::Id(id)) if shadowed.contains(id) => {
                    take_over_shadow(&mut transaction, entity, *id, &row).await?;
                }
                _ => pending.push(row),
            }
            if pending.len() == ROWS_PER_STATEMENT {
                upsert(&mut transaction, entity, std::mem::take(&mut pending)).await?;
            }
        }
        for row in pending {
            upsert(&mut transaction, entity, vec![row]).await?;
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }

    /// Removes rows that the database no longer has. Queued writes for them stay queued: the database will answer them.
    pub async fn take_deletions(&self, deleted: &[(&'static Entity, Uuid)]) -> Result<()> {
        let mut transaction = self.begin().await?;
        let mut change = CacheChange::default();
        for (entity, id) in deleted {
            change.touch(entity.name);
            let statement = format!("delete from {} where id = ?", entity.name);
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(*id).execute(&mut *transaction).await?;
            sqlx::query("update shadows set row = null where entity = ? and entity_id = ?")
                .bind(entity.name)
                .bind(*id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }

    /// Empties the copied tables before they are copied anew. What this computer has queued stays, and stays visible.
    pub async fn forget_copy(&self) -> Result<()> {
        let mut transaction = self.begin().await?;
        let mut change = CacheChange { many_conversations: true, ..CacheChange::default() };
        for entity in ENTITIES {
            change.touch(entity.name);
            let statement = format!(
                "delete from {0} where id not in (select entity_id from shadows where entity = '{0}')",
                entity.name
            );
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *transaction).await?;
        }
        // Versions of another epoch compare with nothing: the next row that comes is taken.
        sqlx::query("update shadows set row = json_set(row, '$.version', 0) where row is not null")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from sync_state where key in ('cursor', 'first_copy', 'epoch')")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }
}

async fn upsert(connection: &mut SqliteConnection, entity: &Entity, rows: Vec<Vec<Cell<'_>>>) -> Result<()> {
    let places = format!("({})", vec!["?"; entity.columns.len() + 2].join(","));
    let updates = entity.columns.iter().map(|c| format!("{0} = excluded.{0}", c.name)).collect::<Vec<_>>().join(", ");
    let statement = format!(
        "insert into {name} ({columns}) values {values}
         on conflict (id) do update set version = excluded.version, {updates} where excluded.version >= {name}.version",
        name = entity.name,
        columns = column_list(entity),
        values = vec![places.as_str(); rows.len()].join(","),
    );
    let mut arguments = SqliteArguments::default();
    for cell in rows.into_iter().flatten() {
        bind(&mut arguments, cell)?;
    }
    sqlx::query_with(sqlx::AssertSqlSafe(statement), arguments).execute(connection).await?;
    Ok(())
}

/// The new row becomes what the queued writes stand on, unless it is older than what they stand on already.
async fn take_over_shadow(
    connection: &mut SqliteConnection,
    entity: &'static Entity,
    id: Uuid,
    row: &[Cell<'_>],
) -> Result<()> {
    let mut object = serde_json::Map::new();
    for (index, cell) in row.iter().enumerate() {
        let (name, kind) = match index {
            0 => ("id", balcao_domain::feed::ColumnKind::Id),
            1 => ("version", balcao_domain::feed::ColumnKind::Integer),
            _ => (entity.columns[index - 2].name, entity.columns[index - 2].kind),
        };
        object.insert(name.to_owned(), json_of(kind, cell));
    }
    shadow::replace(connection, entity, id, &object).await?;
    shadow::rebuild(connection, entity, id).await
}
