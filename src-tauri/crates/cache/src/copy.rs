//! Taking rows from the clinic's database into the copy.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use balcao_domain::feed::{Cell, ColumnKind, ENTITIES, Entity};
use serde_json::{Map, Value};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use crate::journal::keep;
use crate::shadow::Shadows;
use crate::values::{ROWS_PER_STATEMENT, delete_rows, json_of, newer, write_cells};
use crate::{Cache, CacheChange, Result};

/// What comes from the database in one go: all of it becomes visible at once, with how far the copy is after it, or none.
#[derive(Debug)]
pub struct Taking<'c> {
    cache: &'c Cache,
    transaction: Transaction<'static, Sqlite>,
    /// Whether anything at all is queued here.
    shadows: bool,
    change: CacheChange,
}

impl Taking<'_> {
    /// Takes rows of one table: `id`, `version`, then the entity's columns in their order. A row older than what stands
    /// here is passed over. Where this computer has queued writes, they are applied again over the new row.
    pub async fn rows<'a>(
        &mut self,
        entity: &'static Entity,
        rows: impl Iterator<Item = Vec<Cell<'a>>> + Send,
    ) -> Result<()> {
        let (transaction, change) = (&mut self.transaction, &mut self.change);
        change.touch(entity.name);
        let mut shadowed: HashSet<Uuid> = HashSet::new();
        if self.shadows {
            let rows = sqlx::query("select entity_id from shadows where entity = ?").bind(entity.name);
            shadowed.extend(rows.fetch_all(&mut **transaction).await?.iter().map(|row| row.get::<Uuid, _>(0)));
        }
        let newer = newer(entity);
        let mut pending = Vec::with_capacity(ROWS_PER_STATEMENT);
        let mut over_shadows = Vec::new();
        for row in rows {
            change.touch_row(entity, &row);
            match row.first() {
                Some(Cell::Id(id)) if shadowed.contains(id) => {
                    over_shadows.push(((entity.name, *id), object(entity, &row)))
                }
                _ => pending.push(row),
            }
            if pending.len() == ROWS_PER_STATEMENT {
                self.cache.give_way().await;
                write_cells(transaction, entity, std::mem::take(&mut pending), &newer).await?;
            }
        }
        write_cells(transaction, entity, pending, &newer).await?;
        if !over_shadows.is_empty() {
            let keys = over_shadows.iter().map(|(key, _)| *key).collect();
            let mut shadows = Shadows::load(transaction, &keys).await?;
            for (key, row) in over_shadows {
                shadows.replace(key, row);
            }
            shadows.show(transaction).await?;
        }
        Ok(())
    }

    /// Removes rows that the database no longer has. Queued writes for them stay queued: the database will answer them.
    pub async fn deletions(&mut self, deleted: &[(&'static Entity, Uuid)]) -> Result<()> {
        let (transaction, change) = (&mut self.transaction, &mut self.change);
        let mut tables: BTreeMap<&'static str, (&'static Entity, Vec<Uuid>)> = BTreeMap::new();
        for (entity, id) in deleted {
            change.touch(entity.name);
            tables.entry(entity.name).or_insert_with(|| (entity, Vec::new())).1.push(*id);
        }
        for (entity, ids) in tables.into_values() {
            delete_rows(transaction, entity, ids).await?;
        }
        let keys: BTreeSet<_> = deleted.iter().map(|(entity, id)| (entity.name, *id)).collect();
        let mut shadows = Shadows::load(transaction, &keys).await?;
        for key in keys {
            shadows.remove(key);
        }
        shadows.show(transaction).await?;
        Ok(())
    }

    /// Makes it all visible, and keeps small facts about the copy with it: how far it goes, when it was confirmed.
    pub async fn commit(mut self, place: &[(&str, &str)]) -> Result<()> {
        keep(&mut self.transaction, place).await?;
        self.transaction.commit().await?;
        self.cache.announce(self.change);
        Ok(())
    }
}

impl Cache {
    /// Begins to take what comes from the database. Dropped without [`Taking::commit`], nothing was taken.
    pub async fn take(&self) -> Result<Taking<'_>> {
        let mut transaction = self.begin_repeatable().await?;
        // Asked of the file, which may be open a second time: whoever makes one has to wait for this transaction.
        let shadows = sqlx::query_scalar("select exists (select 1 from shadows)").fetch_one(&mut *transaction).await?;
        Ok(Taking { cache: self, transaction, shadows, change: CacheChange::default() })
    }

    /// Empties the copied tables before they are copied anew. What this computer has queued stays, and stays visible.
    pub async fn forget_copy(&self) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        let mut change = CacheChange { many_conversations: true, ..CacheChange::default() };
        for entity in ENTITIES {
            change.touch(entity.name);
            let statement = format!(
                "delete from {0} where id not in (select entity_id from shadows where entity = '{0}')",
                entity.name
            );
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *transaction).await?;
        }
        // Versions of another epoch compare with nothing: the next row that comes is taken. A row that does not come goes
        // with the last write that waits for it.
        sqlx::query("update shadows set row = json_set(row, '$.version', 0) where row is not null")
            .execute(&mut *transaction)
            .await?;
        crate::older::forget(&mut transaction).await?;
        sqlx::query("delete from sync_state where key in ('cursor', 'first_copy', 'epoch')")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.announce(change);
        Ok(())
    }
}

/// A row of the feed as shadows keep it.
fn object(entity: &Entity, row: &[Cell<'_>]) -> Map<String, Value> {
    let columns = [("id", ColumnKind::Id), ("version", ColumnKind::Integer)];
    let columns = columns.into_iter().chain(entity.columns.iter().map(|column| (column.name, column.kind)));
    columns.zip(row).map(|((name, kind), cell)| (name.to_owned(), json_of(kind, cell))).collect()
}
