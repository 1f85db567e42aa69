//! What changed since a cursor.

use balcao_domain::feed::Entity;
use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::{FeedBatch, FeedPosition, FeedSender, copy_rows, deliver};
use crate::{Result, Tenant};

impl Tenant {
    /// Where the feed stands now.
    pub async fn feed_position(&self) -> Result<FeedPosition> {
        let mut connection = self.pool().acquire().await?;
        position(&mut connection).await
    }

    /// Reads, in one snapshot, everything that changed at or after `cursor`: deletions first, so that a row that came again
    /// under its old id stays. Returns where the next pull begins.
    pub async fn read_changes(&self, cursor: i64, out: &FeedSender) -> Result<FeedPosition> {
        let mut transaction = self.pool().begin_with("begin isolation level repeatable read read only").await?;
        let position = position(&mut transaction).await?;
        // One small query tells which tables are worth reading: mostly none.
        let changed = sqlx::query("select entity from app.changed_entities($1::text::xid8) as entity")
            .bind(cursor.to_string())
            .fetch_all(&mut *transaction)
            .await?;
        let changed: Vec<String> = changed.iter().map(|row| row.get(0)).collect();
        if changed.iter().any(|name| name == "tombstones") {
            read_deletions(&mut transaction, cursor, out).await?;
        }
        for entity in changed.iter().filter_map(|name| Entity::named(name)) {
            let filter = format!("where change_xid >= '{cursor}'::xid8 and clinic_id = (select app.current_clinic())");
            copy_rows(&mut transaction, entity, &filter, out).await?;
        }
        transaction.commit().await?;
        Ok(position)
    }

    /// Reads some rows of one entity again, for example after a write was given up.
    pub async fn read_rows(&self, entity: &'static Entity, ids: &[Uuid], out: &FeedSender) -> Result<()> {
        let mut connection = self.pool().acquire().await?;
        let ids = ids.iter().map(|id| format!("'{id}'::uuid")).collect::<Vec<_>>().join(", ");
        let filter = format!("where clinic_id = (select app.current_clinic()) and id in ({ids})");
        copy_rows(&mut connection, entity, &filter, out).await?;
        Ok(())
    }
}

async fn position(connection: &mut PgConnection) -> Result<FeedPosition> {
    let row = sqlx::query(
        "select app.feed_epoch() as epoch, pg_snapshot_xmin(pg_current_snapshot())::text as cursor,
                clock_timestamp() as server_time",
    )
    .fetch_one(connection)
    .await?;
    let cursor: String = row.get("cursor");
    Ok(FeedPosition {
        epoch: row.get::<Uuid, _>("epoch"),
        cursor: cursor.parse().map_err(|_| crate::Error::Protocol)?,
        server_time: row.get::<DateTime<Utc>, _>("server_time"),
    })
}

async fn read_deletions(connection: &mut PgConnection, cursor: i64, out: &FeedSender) -> Result<()> {
    let rows = sqlx::query(
        "select entity, id from app.tombstones
         where clinic_id = (select app.current_clinic()) and change_xid >= $1::text::xid8",
    )
    .bind(cursor.to_string())
    .fetch_all(connection)
    .await?;
    let deleted = rows
        .iter()
        .filter_map(|row| Some((Entity::named(row.get::<&str, _>("entity"))?, row.get::<Uuid, _>("id"))))
        .collect();
    deliver(out, FeedBatch::Deleted(deleted)).await
}
