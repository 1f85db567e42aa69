//! The queue of writes: safe on this computer the moment a person lets go of the button.

use balcao_domain::feed::Entity;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};
use uuid::Uuid;

use crate::values::{instant, read_row};
use crate::{Cache, CacheChange, Error, Result, shadow};

/// A row that an operation changes on the screens, and the columns it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Table.
    pub entity: &'static Entity,
    /// Row.
    pub entity_id: Uuid,
    /// Values by column, as JSON.
    pub fields: Map<String, Value>,
}

/// A write to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOperation {
    /// Makes a repetition harmless; version 7, so that ids tell the order.
    pub operation_id: Uuid,
    /// What the person did: send_message, move_appointment, move_lead.
    pub action: &'static str,
    /// Whether the row is made or changed.
    pub insert: bool,
    /// The row it is about: what is sent.
    pub effect: Effect,
    /// Rows that the database will change along with it: what is only shown.
    pub followers: Vec<Effect>,
    /// Columns that are written whatever stands there: nobody contradicts anybody in them.
    pub unchecked: &'static [&'static str],
    /// After this instant it is not sent any more but parked as expired.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether an operation waits or needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationState {
    /// Will be sent.
    Waiting,
    /// Was refused.
    Parked,
}

impl OperationState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Parked => "parked",
        }
    }
}

/// A queued write.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedOperation {
    /// Its id.
    pub operation_id: Uuid,
    /// What the person did.
    pub action: String,
    /// Table.
    pub entity: String,
    /// Row.
    pub entity_id: Uuid,
    /// insert, patch or delete.
    pub kind: String,
    /// Wanted values by column.
    pub fields: Map<String, Value>,
    /// Values the person saw.
    pub base: Map<String, Value>,
    /// Tries so far.
    pub attempts: u32,
    /// Why it is parked.
    pub reason: Option<String>,
    /// Values of others it met.
    pub theirs: Map<String, Value>,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
}

impl Cache {
    /// Changes what the screens show and queues the write, in one transaction. A change of a row whose last queued change
    /// was never sent folds into it; folded back to what the database has, both disappear. Returns the operation that now
    /// stands for the change, or `None` when nothing is left to be sent.
    pub async fn enqueue(&self, new: NewOperation) -> Result<Option<Uuid>> {
        let mut transaction = self.begin().await?;
        let id = fold_or_insert(&mut transaction, &new, self.clock.now()).await?;
        let mut change = CacheChange { outbox: true, ..CacheChange::default() };
        for effect in std::iter::once(&new.effect).chain(&new.followers) {
            shadow::rebuild(&mut transaction, effect.entity, effect.entity_id).await?;
            note(&mut change, effect.entity, effect.entity_id, &effect.fields);
        }
        transaction.commit().await?;
        self.announce(change);
        Ok(id)
    }

    /// The next operations that may be sent, oldest first: of each row only the first, and none before its time. Counts the
    /// try before it is made.
    pub async fn take_due(&self, limit: u32) -> Result<Vec<QueuedOperation>> {
        let now = self.clock.now().timestamp_micros();
        let mut transaction = self.begin().await?;
        let rows = sqlx::query(
            "select * from outbox o where state = 'waiting' and not_before <= ?1
             and not exists (select 1 from outbox earlier where earlier.entity_id = o.entity_id and earlier.seq < o.seq)
             and (depends_on is null or not exists (select 1 from outbox d where d.operation_id = o.depends_on))
             order by seq limit ?2",
        )
        .bind(now)
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await?;
        let due = rows.iter().map(read_operation).collect::<Result<Vec<_>>>()?;
        for operation in &due {
            sqlx::query("update outbox set attempts = attempts + 1 where operation_id = ?")
                .bind(operation.operation_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(due)
    }

    /// How many operations wait, and how many need a person.
    pub async fn outbox_counts(&self) -> Result<(u32, u32)> {
        let row = sqlx::query(
            "select count(*) filter (where state = 'waiting'), count(*) filter (where state = 'parked') from outbox",
        )
        .fetch_one(self.readers())
        .await?;
        Ok((row.get(0), row.get(1)))
    }

    /// Operations in a state, oldest first, at most 500.
    pub async fn operations(&self, state: OperationState) -> Result<Vec<QueuedOperation>> {
        let rows = sqlx::query("select * from outbox where state = ? order by seq limit 500")
            .bind(state.as_str())
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read_operation).collect()
    }

    /// One operation.
    pub async fn operation(&self, operation_id: Uuid) -> Result<QueuedOperation> {
        let row = sqlx::query("select * from outbox where operation_id = ?")
            .bind(operation_id)
            .fetch_one(self.readers())
            .await?;
        read_operation(&row)
    }
}

async fn fold_or_insert(
    connection: &mut SqliteConnection,
    new: &NewOperation,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>> {
    for effect in std::iter::once(&new.effect).chain(&new.followers) {
        shadow::ensure(connection, effect.entity, effect.entity_id).await?;
    }
    let seen = read_row(connection, new.effect.entity, new.effect.entity_id).await?;
    if !new.insert && seen.is_none() {
        return Err(Error::NotFound);
    }
    let base: Map<String, Value> = match &seen {
        Some(row) if !new.insert => new
            .effect
            .fields
            .keys()
            .filter(|column| !new.unchecked.contains(&column.as_str()))
            .filter_map(|column| Some((column.clone(), row.get(column)?.clone())))
            .collect(),
        _ => Map::new(),
    };
    let last = sqlx::query("select * from outbox where entity_id = ? order by seq desc limit 1")
        .bind(new.effect.entity_id)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(last) = last.as_ref().map(read_operation).transpose()?
        && last.kind == "patch"
        && !new.insert
        && last.action == new.action
        && (last.attempts == 0 || last.reason.is_some())
    {
        return fold(connection, last, new, base).await;
    }
    sqlx::query(
        "insert into outbox (operation_id, action, entity, entity_id, kind, fields, base, expires_at, queued_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(new.operation_id)
    .bind(new.action)
    .bind(new.effect.entity.name)
    .bind(new.effect.entity_id)
    .bind(if new.insert { "insert" } else { "patch" })
    .bind(Value::Object(new.effect.fields.clone()).to_string())
    .bind(Value::Object(base).to_string())
    .bind(new.expires_at.map(|at| at.timestamp_micros()))
    .bind(now.timestamp_micros())
    .execute(&mut *connection)
    .await?;
    write_effects(connection, new.operation_id, new).await?;
    Ok(Some(new.operation_id))
}

/// The earlier change was never sent, or was refused and left no trace: it takes the new values and keeps what the person
/// saw first. One that was refused goes again, over what the others wrote: the person has seen that and decided anew.
async fn fold(
    connection: &mut SqliteConnection,
    last: QueuedOperation,
    new: &NewOperation,
    base: Map<String, Value>,
) -> Result<Option<Uuid>> {
    let mut fields = last.fields;
    fields.extend(new.effect.fields.clone());
    let mut seen_first = base;
    seen_first.extend(last.base);
    seen_first.extend(last.theirs);
    if fields
        .iter()
        .filter(|(column, _)| !new.unchecked.contains(&column.as_str()))
        .all(|(column, value)| seen_first.get(column) == Some(value))
    {
        sqlx::query("delete from outbox where operation_id = ?").bind(last.operation_id).execute(connection).await?;
        return Ok(None);
    }
    sqlx::query(
        "update outbox set fields = ?, base = ?, state = 'waiting', attempts = 0, not_before = 0, reason = null, theirs = null
         where operation_id = ?",
    )
        .bind(Value::Object(fields.clone()).to_string())
        .bind(Value::Object(seen_first).to_string())
        .bind(last.operation_id)
        .execute(&mut *connection)
        .await?;
    let folded = NewOperation { effect: Effect { fields, ..new.effect.clone() }, ..new.clone() };
    write_effects(connection, last.operation_id, &folded).await?;
    Ok(Some(last.operation_id))
}

async fn write_effects(connection: &mut SqliteConnection, operation_id: Uuid, new: &NewOperation) -> Result<()> {
    for effect in std::iter::once(&new.effect).chain(&new.followers) {
        sqlx::query(
            "insert into effects (operation_id, entity, entity_id, fields) values (?, ?, ?, ?)
             on conflict do update set fields = excluded.fields",
        )
        .bind(operation_id)
        .bind(effect.entity.name)
        .bind(effect.entity_id)
        .bind(Value::Object(effect.fields.clone()).to_string())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Notes what a queued write touches.
pub(crate) fn note(change: &mut CacheChange, entity: &'static Entity, id: Uuid, fields: &Map<String, Value>) {
    change.touch(entity.name);
    let conversation = match entity.name {
        "conversations" => Some(id),
        "messages" => fields.get("conversation_id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok()),
        _ => None,
    };
    if let Some(conversation) = conversation {
        change.touch_conversation(conversation);
    }
}

pub(crate) fn read_operation(row: &SqliteRow) -> Result<QueuedOperation> {
    let object = |column: &str| -> Result<Map<String, Value>> {
        match row.get::<Option<String>, _>(column) {
            Some(text) => serde_json::from_str(&text).map_err(|_| Error::Shape(format!("outbox.{column}"))),
            None => Ok(Map::new()),
        }
    };
    Ok(QueuedOperation {
        operation_id: row.get("operation_id"),
        action: row.get("action"),
        entity: row.get("entity"),
        entity_id: row.get("entity_id"),
        kind: row.get("kind"),
        fields: object("fields")?,
        base: object("base")?,
        attempts: row.get("attempts"),
        reason: row.get("reason"),
        theirs: object("theirs")?,
        queued_at: instant(row.get("queued_at")),
    })
}

/// What could be read of an operation in a damaged file.
pub(crate) struct Salvaged {
    operation: QueuedOperation,
    state: String,
    effects: Vec<(String, Uuid, String)>,
}

/// Reads what it can of a damaged file's outbox; what it cannot read is not there.
pub(crate) async fn salvage(options: &SqliteConnectOptions) -> Vec<Salvaged> {
    let Ok(mut connection) = options.connect().await else { return Vec::new() };
    let Ok(rows) = sqlx::query("select * from outbox order by seq").fetch_all(&mut connection).await else {
        return Vec::new();
    };
    let mut salvaged = Vec::with_capacity(rows.len());
    for row in &rows {
        let Ok(operation) = read_operation(row) else { continue };
        let effects = sqlx::query("select entity, entity_id, fields from effects where operation_id = ?")
            .bind(operation.operation_id)
            .fetch_all(&mut connection)
            .await
            .unwrap_or_default();
        salvaged.push(Salvaged {
            state: row.get("state"),
            effects: effects.iter().map(|effect| (effect.get(0), effect.get(1), effect.get(2))).collect(),
            operation,
        });
    }
    salvaged
}

/// Puts a salvaged operation into a new file. Its rows are shown again when the copy has them.
pub(crate) async fn insert_salvaged(connection: &mut SqliteConnection, salvaged: &Salvaged) -> Result<()> {
    let operation = &salvaged.operation;
    sqlx::query(
        "insert into outbox (operation_id, action, entity, entity_id, kind, fields, base, state, attempts, reason, theirs,
             queued_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(operation.operation_id)
    .bind(operation.action.clone())
    .bind(operation.entity.clone())
    .bind(operation.entity_id)
    .bind(operation.kind.clone())
    .bind(Value::Object(operation.fields.clone()).to_string())
    .bind(Value::Object(operation.base.clone()).to_string())
    .bind(salvaged.state.clone())
    .bind(operation.attempts)
    .bind(operation.reason.clone())
    .bind(Value::Object(operation.theirs.clone()).to_string())
    .bind(operation.queued_at.timestamp_micros())
    .execute(&mut *connection)
    .await?;
    for (entity, entity_id, fields) in &salvaged.effects {
        sqlx::query("insert or ignore into shadows (entity, entity_id, row) values (?, ?, null)")
            .bind(entity.clone())
            .bind(*entity_id)
            .execute(&mut *connection)
            .await?;
        sqlx::query("insert into effects (operation_id, entity, entity_id, fields) values (?, ?, ?, ?)")
            .bind(operation.operation_id)
            .bind(entity.clone())
            .bind(*entity_id)
            .bind(fields.clone())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
