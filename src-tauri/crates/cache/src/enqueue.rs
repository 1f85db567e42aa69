//! A person's write enters the queue, and the screens show it at once.

use std::collections::BTreeSet;

use balcao_domain::feed::Entity;
use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::attached;
use crate::effects::effects_of;
use crate::fold::{self, Folded};
use crate::media::put_outgoing;
use crate::outbox::read_operation;
use crate::shadow::{self, RowKey, Shadows};
use crate::values::{delete_rows, read_row, write_rows};
use crate::visible::{Waiting, visible};
use crate::{Cache, CacheChange, Effect, Error, NewOperation, OutgoingMedia, QueuedOperation, Result, WriteKind};

impl Cache {
    /// Changes what the screens show and queues the write, in one transaction. A change of a row whose last queued change
    /// was never sent folds into it; folded back to what the database has, both disappear. Returns the operation that now
    /// stands for the change, or `None` when nothing is left to be sent.
    pub async fn enqueue(&self, new: NewOperation) -> Result<Option<Uuid>> {
        self.enqueue_both(new, None).await
    }

    /// The same, with the file of a message.
    pub(crate) async fn enqueue_both(
        &self,
        new: NewOperation,
        file: Option<(&OutgoingMedia, Option<Uuid>)>,
    ) -> Result<Option<Uuid>> {
        let mut transaction = self.begin().await?;
        if let Some((file, attached)) = file {
            put_outgoing(&mut transaction, file, self.clock.now().timestamp_micros()).await?;
            if let Some(attached) = attached {
                attached::remove(&mut transaction, attached).await?;
            }
        }
        for effect in effects(&new) {
            shadow::ensure(&mut transaction, effect.entity, effect.entity_id).await?;
        }
        let mut touched = BTreeSet::new();
        let id = self.fold_or_append(&mut transaction, &new, &mut touched).await?;
        let mut change = CacheChange { outbox: true, ..CacheChange::default() };
        for effect in effects(&new) {
            note(&mut change, effect.entity, effect.entity_id, &effect.fields);
        }
        if !touched.is_empty() {
            touched.extend(effects(&new).map(|effect| (effect.entity.name, effect.entity_id)));
            touched.iter().for_each(|(entity, _)| change.touch(entity));
            Shadows::load(&mut transaction, &touched).await?.show(&mut transaction).await?;
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(id)
    }

    /// Takes back that a row was made here, where the database knows nothing of it yet, or has refused it. Says whether it did:
    /// what may have been sent has to be undone there.
    pub async fn withdraw(&self, entity: &'static Entity, id: Uuid) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let row = Effect { entity, entity_id: id, fields: Map::new() };
        let made = self.last_unsent(&mut transaction, &row).await?;
        let Some(made) = made.filter(|last| last.kind == WriteKind::Insert.as_str()) else { return Ok(false) };
        if has_dependents(&mut transaction, made.operation_id).await? {
            return Ok(false);
        }
        let mut touched = BTreeSet::new();
        remove(&mut transaction, made.operation_id, &mut touched).await?;
        let mut change = CacheChange { outbox: true, ..CacheChange::default() };
        touched.iter().for_each(|(entity, _)| change.touch(entity));
        Shadows::load(&mut transaction, &touched).await?.show(&mut transaction).await?;
        transaction.commit().await?;
        self.announce(change);
        Ok(true)
    }

    /// Puts the write into the queue, alone or as one with what waits for its row. `touched` gets the rows that have to be
    /// made again because earlier writes of them changed; the rows of a write that only comes last are made here.
    async fn fold_or_append(
        &self,
        connection: &mut SqliteConnection,
        new: &NewOperation,
        touched: &mut BTreeSet<RowKey>,
    ) -> Result<Option<Uuid>> {
        let seen = read_row(connection, new.effect.entity, new.effect.entity_id).await?;
        if new.kind != WriteKind::Insert && seen.is_none() {
            return Err(Error::NotFound);
        }
        let mut base = fold::base(new, &seen.unwrap_or_default());
        while let Some(last) = self.last_unsent(connection, &new.effect).await? {
            let wanted_again = last.kind == WriteKind::Delete.as_str() && last.reason.is_some();
            if new.kind == WriteKind::Delete || (new.kind == WriteKind::Patch && wanted_again) {
                if has_dependents(connection, last.operation_id).await? {
                    break;
                }
                // What was never sent need not be, when the row is to go; and a refused delete gives way to what the person
                // decided after looking at the row again.
                if last.kind == WriteKind::Patch.as_str() {
                    let first: Vec<_> = last.base.into_iter().chain(last.theirs).collect();
                    base.extend(first.into_iter().filter(|(column, _)| !new.unchecked.contains(&column.as_str())));
                }
                remove(connection, last.operation_id, touched).await?;
                if last.kind == WriteKind::Insert.as_str() {
                    return Ok(None);
                }
                continue;
            }
            let Effect { entity, entity_id, .. } = &new.effect;
            let beneath = shadow::without(connection, entity, *entity_id, last.operation_id).await?.unwrap_or_default();
            match fold::fold(&last, new, base.clone(), &beneath) {
                None => break,
                Some(Folded::Nothing) => {
                    remove(connection, last.operation_id, touched).await?;
                    return Ok(None);
                }
                Some(Folded::One { fields, base }) => {
                    touched.insert((new.effect.entity.name, new.effect.entity_id));
                    rewrite(connection, &last, new, fields, base).await?;
                    return Ok(Some(last.operation_id));
                }
            }
        }
        append(connection, new, base, self.clock.now().timestamp_micros()).await?;
        if touched.is_empty() {
            for effect in effects(new) {
                show_last(connection, new, effect).await?;
            }
        }
        Ok(Some(new.operation_id))
    }

    /// The last queued write of a row, if the database knows nothing of it.
    async fn last_unsent(&self, connection: &mut SqliteConnection, row: &Effect) -> Result<Option<QueuedOperation>> {
        let last = sqlx::query("select * from outbox where entity_id = ? and entity = ? order by seq desc limit 1")
            .bind(row.entity_id)
            .bind(row.entity.name)
            .fetch_optional(connection)
            .await?;
        let last = last.as_ref().map(read_operation).transpose()?;
        Ok(last.filter(|last| !self.may_have_been_sent(last)))
    }
}

fn effects(new: &NewOperation) -> impl Iterator<Item = &Effect> {
    std::iter::once(&new.effect).chain(&new.followers)
}

async fn has_dependents(connection: &mut SqliteConnection, operation_id: Uuid) -> Result<bool> {
    let found = sqlx::query_scalar("select exists (select 1 from outbox where depends_on = ?)").bind(operation_id);
    Ok(found.fetch_one(connection).await?)
}

async fn remove(connection: &mut SqliteConnection, operation_id: Uuid, touched: &mut BTreeSet<RowKey>) -> Result<()> {
    for effect in effects_of(connection, &[operation_id]).await? {
        touched.insert(effect.row());
    }
    sqlx::query("delete from outbox where operation_id = ?").bind(operation_id).execute(connection).await?;
    Ok(())
}

async fn append(
    connection: &mut SqliteConnection,
    new: &NewOperation,
    base: Map<String, Value>,
    now_micros: i64,
) -> Result<()> {
    sqlx::query(
        "insert into outbox (operation_id, action, entity, entity_id, kind, fields, base, depends_on, expires_at, queued_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(new.operation_id)
    .bind(new.action)
    .bind(new.effect.entity.name)
    .bind(new.effect.entity_id)
    .bind(new.kind.as_str())
    .bind(Value::Object(new.effect.fields.clone()).to_string())
    .bind(Value::Object(base).to_string())
    .bind(new.depends_on)
    .bind(new.expires_at.map(|at| at.timestamp_micros()))
    .bind(now_micros)
    .execute(&mut *connection)
    .await?;
    for effect in effects(new) {
        write_effect(connection, new.operation_id, effect, effect.fields.clone()).await?;
    }
    Ok(())
}

/// The earlier write becomes both: it goes again from the beginning.
async fn rewrite(
    connection: &mut SqliteConnection,
    last: &QueuedOperation,
    new: &NewOperation,
    fields: Map<String, Value>,
    base: Map<String, Value>,
) -> Result<()> {
    sqlx::query(
        "update outbox set fields = ?, base = ?, expires_at = ?, state = 'waiting', attempts = 0, not_before = 0,
             reason = null, theirs = null
         where operation_id = ?",
    )
    .bind(Value::Object(fields.clone()).to_string())
    .bind(Value::Object(base).to_string())
    .bind(new.expires_at.map(|at| at.timestamp_micros()))
    .bind(last.operation_id)
    .execute(&mut *connection)
    .await?;
    write_effect(connection, last.operation_id, &new.effect, fields).await?;
    for follower in &new.followers {
        write_effect(connection, last.operation_id, follower, follower.fields.clone()).await?;
    }
    Ok(())
}

async fn write_effect(
    connection: &mut SqliteConnection,
    operation_id: Uuid,
    effect: &Effect,
    fields: Map<String, Value>,
) -> Result<()> {
    sqlx::query(
        "insert into effects (operation_id, entity, entity_id, fields) values (?, ?, ?, ?)
         on conflict do update set fields = excluded.fields",
    )
    .bind(operation_id)
    .bind(effect.entity.name)
    .bind(effect.entity_id)
    .bind(Value::Object(fields).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Shows a write that comes after all others of its row: what is shown already is what it changes. So the cost does not grow
/// with the number of writes that wait for the same conversation.
async fn show_last(connection: &mut SqliteConnection, new: &NewOperation, effect: &Effect) -> Result<()> {
    let Effect { entity, entity_id, fields } = effect;
    let own = (effect.entity.name, effect.entity_id) == (new.effect.entity.name, new.effect.entity_id);
    let waiting = [Waiting { kind: new.kind, own, parked: false, fields: fields.clone() }];
    let shown = read_row(connection, entity, *entity_id).await?;
    match visible(entity, shown.as_ref(), &waiting) {
        Some(row) => write_rows(connection, entity, &[(*entity_id, row)]).await,
        None => delete_rows(connection, entity, vec![*entity_id]).await,
    }
}

/// Notes what a queued write touches.
pub(crate) fn note(change: &mut CacheChange, entity: &'static Entity, id: Uuid, fields: &Map<String, Value>) {
    change.touch(entity.name);
    let conversation = match entity.name {
        "conversations" => Some(id),
        "messages" | "mentions" => {
            fields.get("conversation_id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok())
        }
        _ => None,
    };
    if let Some(conversation) = conversation {
        change.touch_conversation(conversation);
    }
}
