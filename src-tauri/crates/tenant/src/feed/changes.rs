//! What changed since a cursor.

use std::collections::BTreeMap;

use balcao_domain::feed::Entity;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{BATCH_ROWS, FeedBatch, FeedPosition, FeedSender, RowBatch, columns, deliver, read_rows};
use crate::connect::{LARGE_ANSWER, answered, within};
use crate::{Error, Result, Tenant};

/// Changed rows of a table that come with the answer that tells of them. More are read by themselves, in a form that is
/// quicker to read.
const FEW_ROWS: i32 = 64;

impl Tenant {
    /// Where the feed stands now.
    pub async fn feed_position(&self) -> Result<FeedPosition> {
        // Nothing is at or after the end of time.
        let question = sqlx::query("select * from app.feed_since('18446744073709551615'::xid8)");
        position(
            &self
                .ask(async |connection| answered(question.fetch_optional(connection)).await)
                .await?
                .ok_or(Error::LoginUnknown)?,
        )
    }

    /// Reads everything that changed at or after `cursor`: deletions first, so that a row that came again under its old id
    /// stays. Returns where the next pull begins.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] also when the server falls silent in the middle. What was delivered by then is true, and
    /// comes again with the next call.
    pub async fn read_changes(&self, cursor: i64, out: &FeedSender) -> Result<FeedPosition> {
        let mut turn = self.turn().await?;
        // Mostly nothing has changed, or a row or two, and one small question is all there is to it.
        let question = sqlx::query("select entity, rows from app.changes_since($1::text::xid8, $2)")
            .bind(cursor.to_string())
            .bind(FEW_ROWS);
        let answer = answered(question.fetch_all(turn.connection())).await?;
        let (position, changed) = answer.split_first().ok_or(Error::LoginUnknown)?;
        let position: Place = told(position)?.ok_or(Error::Protocol)?;
        for row in changed {
            let name: &str = row.try_get("entity")?;
            match (name, Entity::named(name)) {
                ("tombstones", _) => {
                    let gone = match told(row)? {
                        Some(gone) => gone,
                        None => read_deletions(turn.connection(), cursor).await?,
                    };
                    tell_deletions(turn.connection(), gone, out).await?;
                }
                (_, Some(entity)) => match told::<Vec<Map<String, Value>>>(row)? {
                    Some(rows) => {
                        let mut batch = RowBatch::empty(entity);
                        rows.iter().try_for_each(|row| batch.push_object(row))?;
                        deliver(out, FeedBatch::Rows(batch)).await?;
                    }
                    None => read_changed(turn.connection(), entity, cursor, out).await?,
                },
                (_, None) => {}
            }
        }
        turn.end(Ok(FeedPosition { epoch: position.epoch, cursor: position.place, server_time: position.server_time }))
    }

    /// Reads some rows of one entity again, for example after a write was given up.
    pub async fn read_rows(&self, entity: &'static Entity, ids: &[Uuid], out: &FeedSender) -> Result<()> {
        let ids = ids.iter().map(|id| format!("'{id}'::uuid")).collect::<Vec<_>>().join(", ");
        let filter = format!("where clinic_id = (select app.current_clinic()) and id in ({ids})");
        read_rows(self.turn().await?, entity, &filter, out).await?;
        Ok(())
    }
}

/// Over a statement that stays prepared: the same few tables change all day, a row or two at a time.
async fn read_changed(
    connection: &mut PgConnection,
    entity: &'static Entity,
    cursor: i64,
    out: &FeedSender,
) -> Result<()> {
    let statement = format!(
        "select {} from app.{} where change_xid >= $1::text::xid8 and clinic_id = (select app.current_clinic())",
        columns(entity),
        entity.name
    );
    let mut rows = sqlx::query(AssertSqlSafe(statement)).bind(cursor.to_string()).fetch(connection);
    let mut batch = RowBatch::empty(entity);
    while let Some(row) = within(LARGE_ANSWER, rows.try_next()).await? {
        batch.push(&row)?;
        if batch.len() == BATCH_ROWS {
            deliver(out, FeedBatch::Rows(std::mem::replace(&mut batch, RowBatch::empty(entity)))).await?;
        }
    }
    if !batch.is_empty() {
        deliver(out, FeedBatch::Rows(batch)).await?;
    }
    Ok(())
}

fn position(row: &PgRow) -> Result<FeedPosition> {
    Ok(FeedPosition {
        epoch: row.try_get::<Uuid, _>("epoch")?,
        cursor: row.try_get::<i64, _>("place")?,
        server_time: row.try_get::<DateTime<Utc>, _>("server_time")?,
    })
}

async fn read_deletions(connection: &mut PgConnection, cursor: i64) -> Result<Vec<(String, Uuid)>> {
    let rows = answered(
        sqlx::query(
            "select entity, id from app.tombstones
             where clinic_id = (select app.current_clinic()) and change_xid >= $1::text::xid8",
        )
        .bind(cursor.to_string())
        .fetch_all(connection),
    )
    .await?;
    rows.iter().map(|row| Ok((row.try_get("entity")?, row.try_get("id")?))).collect()
}

/// Tells what is gone, and then what of it is there all the same. A row that came back did so in a later transaction, but
/// that may have begun before the one that took it away and have the smaller id. With the cursor between the two, held there
/// by a third, each pull tells of the deletion again and of the row no more.
async fn tell_deletions(connection: &mut PgConnection, gone: Vec<(String, Uuid)>, out: &FeedSender) -> Result<()> {
    let gone: Vec<_> = gone.into_iter().filter_map(|(entity, id)| Some((Entity::named(&entity)?, id))).collect();
    let mut tables: BTreeMap<&str, (&'static Entity, Vec<Uuid>)> = BTreeMap::new();
    for (entity, id) in &gone {
        tables.entry(entity.name).or_insert_with(|| (entity, Vec::new())).1.push(*id);
    }
    deliver(out, FeedBatch::Deleted(gone)).await?;
    for (entity, ids) in tables.into_values() {
        let statement = format!(
            "select {} from app.{} where clinic_id = (select app.current_clinic()) and id = any($1)",
            columns(entity),
            entity.name
        );
        for ids in ids.chunks(BATCH_ROWS) {
            let there = sqlx::query(AssertSqlSafe(statement.as_str())).bind(ids).fetch_all(&mut *connection);
            let mut batch = RowBatch::empty(entity);
            within(LARGE_ANSWER, there).await?.iter().try_for_each(|row| batch.push(row))?;
            if !batch.is_empty() {
                deliver(out, FeedBatch::Rows(batch)).await?;
            }
        }
    }
    Ok(())
}

/// Where the feed stands, in an answer with rows.
#[derive(Deserialize)]
struct Place {
    epoch: Uuid,
    place: i64,
    server_time: DateTime<Utc>,
}

/// What the answer tells of a table; `None` where it is to be read by itself.
fn told<T: DeserializeOwned + Send + Unpin + 'static>(row: &PgRow) -> Result<Option<T>> {
    let told: Option<Json<T>> = row.try_get("rows")?;
    Ok(told.map(|json| json.0))
}
