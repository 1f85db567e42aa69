//! What a damaged file still holds: the queue, row by row, and the little else that cannot be copied again.

use std::collections::{BTreeMap, BTreeSet};

use balcao_domain::feed::Entity;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use crate::attached::{self, AllAttached};
use crate::drafts;
use crate::effects::{effects_of, show};
use crate::media;
use crate::outbox::read_operation;
use crate::{Cache, Draft, Error, OutgoingMedia, QueuedOperation, Result, WriteKind};

/// Places of the queue that are tried one by one where no list of them is whole.
const MOST_TRIES: i64 = 5_000;

/// Name of the fact of what was exported and the clinic's audit has not been told yet.
pub const UNTOLD_EXPORTS: &str = "untold_exports";

/// Facts that nobody else has: what a person has chosen, and what the audit is still to be told.
const CHOSEN: &str = "select key, value from sync_state where key in ('window', 'untold_exports')";

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Queued writes by their place in the queue.
    operations: BTreeMap<i64, Salvaged>,
    /// How many more there were; `None` where nothing says how many there were.
    pub unreadable: Option<usize>,
    facts: Vec<(String, String)>,
    drafts: Vec<(Uuid, Draft)>,
    attached: AllAttached,
    /// Files that nobody else has, and since when they wait.
    files: Vec<(OutgoingMedia, i64)>,
}

#[derive(Debug)]
struct Salvaged {
    operation: QueuedOperation,
    state: String,
    effects: Vec<(String, Uuid, String)>,
}

/// A damaged file. The engine refuses a connection that has met a page it cannot decrypt, so that after each failure another
/// one is opened.
struct Damaged {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
}

/// Reads what can be read of the file at the path of `options`, which is not changed.
pub(crate) async fn read(options: SqliteConnectOptions) -> Found {
    // A file that is shorter than it says is opened all the same under this setting.
    let options = options.read_only(true).foreign_keys(false).pragma("writable_schema", "on");
    let mut file = Damaged { options, connection: None };
    let mut found = Found::default();
    let (places, whole) = file.places().await;
    for place in &places {
        if let Some(salvaged) = file.operation(*place).await {
            found.operations.insert(*place, salvaged);
        }
    }
    found.unreadable = whole.then(|| places.len() - found.operations.len());
    found.facts =
        file.rows(CHOSEN).await.0.iter().filter_map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect();
    found.drafts = file.rows(drafts::ALL).await.0.iter().filter_map(|row| drafts::read(row).ok()).collect();
    let attached = file.rows(attached::ALL).await.0;
    let mut pieces = Vec::new();
    for id in attached.iter().filter_map(|row| row.try_get(1).ok()) {
        pieces.extend(file.rows_about(attached::PIECES, Some(id)).await.0);
    }
    found.attached = AllAttached::of(&attached, &pieces);
    found.files = file.rows(media::OUTGOING).await.0.iter().filter_map(|row| media::read(row).ok()).collect();
    if let Some(connection) = file.connection {
        let _ = connection.close().await;
    }
    found
}

impl Found {
    /// How many queued writes were read.
    pub(crate) fn salvaged(&self) -> usize {
        self.operations.len()
    }
}

impl Damaged {
    async fn connection(&mut self) -> Option<&mut SqliteConnection> {
        if self.connection.is_none() {
            self.connection = self.options.connect().await.ok();
        }
        self.connection.as_mut()
    }

    /// The rows up to the first that cannot be read, and whether these are all.
    async fn rows(&mut self, statement: &'static str) -> (Vec<SqliteRow>, bool) {
        self.rows_about(statement, None).await
    }

    /// The same of a statement that asks about something.
    async fn rows_about(&mut self, statement: &'static str, about: Option<Uuid>) -> (Vec<SqliteRow>, bool) {
        use futures_util::StreamExt as _;
        let Some(connection) = self.connection().await else { return (Vec::new(), false) };
        let mut query = sqlx::query(statement);
        if let Some(about) = about {
            query = query.bind(about);
        }
        let mut stream = query.fetch(connection);
        let mut rows = Vec::new();
        let mut whole = true;
        while let Some(row) = stream.next().await {
            match row {
                Ok(row) => rows.push(row),
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        drop(stream);
        if !whole {
            self.connection = None;
        }
        (rows, whole)
    }

    /// The places of the queue, by every way there is to them: the table and its indexes, each from both ends. And whether one
    /// of these ways was whole.
    async fn places(&mut self) -> (BTreeSet<i64>, bool) {
        let mut places = BTreeSet::new();
        let mut by_table = [None, None];
        for (way, statement) in [
            "select seq from outbox not indexed order by seq",
            "select seq from outbox not indexed order by seq desc",
            "select seq from outbox indexed by outbox_by_state order by state, seq",
            "select seq from outbox indexed by outbox_by_state order by state desc, seq desc",
            "select seq from outbox indexed by outbox_by_row order by entity_id, seq",
            "select seq from outbox indexed by outbox_by_row order by entity_id desc, seq desc",
            "select seq from outbox indexed by sqlite_autoindex_outbox_1 order by operation_id",
            "select seq from outbox indexed by sqlite_autoindex_outbox_1 order by operation_id desc",
        ]
        .into_iter()
        .enumerate()
        {
            let (rows, whole) = self.rows(statement).await;
            places.extend(rows.iter().filter_map(|row| row.try_get::<i64, _>(0).ok()));
            if whole {
                return (places, true);
            }
            if let Some(end) = by_table.get_mut(way) {
                *end = rows.last().and_then(|row| row.try_get(0).ok());
            }
        }
        // Between the two ends there may be pages that no list leads to.
        let from = by_table[0].unwrap_or(0) + 1;
        let newest: Option<i64> = self
            .rows("select seq from sqlite_sequence where name = 'outbox'")
            .await
            .0
            .first()
            .and_then(|row| row.try_get(0).ok());
        let until = by_table[1].map(|end| end - 1).or(newest).unwrap_or(0);
        for place in (from..=until).rev().take(usize::try_from(MOST_TRIES).unwrap_or(0)) {
            if self.operation(place).await.is_some() {
                places.insert(place);
            }
        }
        (places, false)
    }

    /// One queued write, as far as it can be read: without its effects they are made again of what it wants.
    async fn operation(&mut self, place: i64) -> Option<Salvaged> {
        let connection = self.connection().await?;
        let row = sqlx::query("select * from outbox where seq = ?").bind(place).fetch_optional(connection).await;
        let Ok(row) = row else {
            self.connection = None;
            return None;
        };
        let row = row?;
        let operation = read_operation(&row).ok()?;
        let state: String = row.try_get("state").ok()?;
        Entity::named(&operation.entity)?;
        WriteKind::named(&operation.kind).ok()?;
        let effects = match self.connection().await {
            Some(connection) => {
                sqlx::query("select entity, entity_id, fields from effects where operation_id = ?")
                    .bind(operation.operation_id)
                    .fetch_all(connection)
                    .await
            }
            None => Ok(Vec::new()),
        };
        if effects.is_err() {
            self.connection = None;
        }
        let mut effects: Vec<(String, Uuid, String)> = effects
            .unwrap_or_default()
            .iter()
            .filter_map(|row| Some((row.try_get::<String, _>(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?)))
            .filter(|(entity, ..)| Entity::named(entity).is_some())
            .collect();
        let own = (&operation.entity, operation.entity_id);
        if !effects.iter().any(|(entity, id, _)| (entity, *id) == own) {
            let fields = Value::Object(operation.fields.clone()).to_string();
            effects.push((operation.entity.clone(), operation.entity_id, fields));
        }
        Some(Salvaged { operation, state, effects })
    }
}

impl Cache {
    /// Puts what was found into this new file, all of it or nothing.
    pub(crate) async fn restore(&self, found: &Found) -> Result<()> {
        let mut transaction = self.begin().await?;
        for salvaged in found.operations.values() {
            insert(&mut transaction, salvaged).await?;
        }
        for (file, queued_at) in &found.files {
            media::put_outgoing(&mut transaction, file, *queued_at).await?;
        }
        transaction.commit().await?;
        for (key, value) in &found.facts {
            self.set_state(key, value).await?;
        }
        self.keep_drafts(&found.drafts).await?;
        self.take_over_attached(&found.attached).await?;
        // What is new is shown at once; what changes a row, when the row comes. If a value cannot be shown, that is no reason
        // to lose the others: it is sent, and seen in the list of what waits.
        match self.show_all().await {
            Err(Error::Shape(_) | Error::Engine(_)) => Ok(()),
            shown => shown,
        }
    }

    async fn show_all(&self) -> Result<()> {
        let mut transaction = self.begin().await?;
        let ids: Vec<Uuid> =
            sqlx::query_scalar("select operation_id from outbox order by seq").fetch_all(&mut *transaction).await?;
        let effects = effects_of(&mut transaction, &ids).await?;
        show(&mut transaction, &effects).await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn insert(connection: &mut SqliteConnection, salvaged: &Salvaged) -> Result<()> {
    let operation = &salvaged.operation;
    sqlx::query(
        "insert into outbox (seq, operation_id, action, entity, entity_id, kind, fields, base, depends_on, state, attempts,
             expires_at, reason, theirs, queued_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(operation.seq)
    .bind(operation.operation_id)
    .bind(operation.action.clone())
    .bind(operation.entity.clone())
    .bind(operation.entity_id)
    .bind(operation.kind.clone())
    .bind(Value::Object(operation.fields.clone()).to_string())
    .bind(Value::Object(operation.base.clone()).to_string())
    .bind(operation.depends_on)
    .bind(salvaged.state.clone())
    .bind(operation.attempts)
    .bind(operation.expires_at.map(|at| at.timestamp_micros()))
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
