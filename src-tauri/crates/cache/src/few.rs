//! The rows of an ordinary change, taken in one way to the engine's thread and back.
//!
//! Every desk does this after every commit of every other one. Begin, look, write and commit apart are four such ways, and
//! each costs more than what is done at its end.

use std::collections::HashMap;
use std::sync::LazyLock;

use balcao_domain::feed::{Cell, ENTITIES, Entity};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, Sqlite};

use crate::journal::keeping;
use crate::values::{bind, newer, places, writing};
use crate::{Cache, CacheChange, Error, Result};

/// Rows that are taken together like this.
const MOST: u64 = 8;

/// Rows of what stays prepared: of so few the same come together again and again, a message and its conversation.
const ALIKE: usize = 3;

/// Holds for each statement by itself: what is decided on the way is decided by the engine.
const NOTHING_QUEUED: &str = "where not exists (select 1 from shadows)";

/// Writes a row of each table, by its name: the texts are long, and the same all day.
static STATEMENTS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let statement = |entity| writing(entity, &format!("select {} {NOTHING_QUEUED}", places(entity)), &newer(entity));
    ENTITIES.iter().map(|entity| (entity.name, statement(entity))).collect()
});

/// What comes from the database in one go and is little.
#[derive(Debug, Default)]
pub struct FewRows {
    statements: String,
    arguments: SqliteArguments,
    rows: usize,
    change: CacheChange,
}

impl FewRows {
    /// Nothing yet, for so many rows; `None` where those are more than a few.
    pub fn of(rows: u64) -> Option<Self> {
        (rows <= MOST).then(Self::default)
    }

    /// Adds a row: `id`, `version`, then the entity's columns in their order.
    pub fn push(&mut self, entity: &'static Entity, row: Vec<Cell<'_>>) -> Result<()> {
        self.change.touch(entity.name);
        self.change.touch_row(entity, &row);
        self.rows += 1;
        self.add(STATEMENTS.get(entity.name).ok_or_else(|| Error::Shape(entity.name.to_owned()))?, row)
    }

    /// A statement whose places are plain question marks: numbers would count through all of them.
    fn add<'a>(&mut self, statement: &str, cells: impl IntoIterator<Item = Cell<'a>>) -> Result<()> {
        self.statements.push_str(statement);
        self.statements.push(';');
        cells.into_iter().try_for_each(|cell| bind(&mut self.arguments, cell))
    }
}

impl Cache {
    /// Takes a few rows, as [`crate::Taking`] does, with small facts about the copy. Where this computer has queued anything
    /// nothing is taken, and the answer is `false`: that is to be applied again over what comes.
    pub async fn take_few(&self, mut few: FewRows, place: &[(&str, &str)]) -> Result<bool> {
        if !place.is_empty() {
            let text = |text: &str| Cell::Text(text.to_owned().into());
            let facts = place.iter().flat_map(|(key, value)| [text(key), text(value)]);
            few.add(&keeping(place, NOTHING_QUEUED), facts)?;
        }
        let all = format!(
            "{}; select exists (select 1 from shadows); {} commit",
            crate::open::BEGIN_REPEATABLE,
            few.statements
        );
        let mut going = Going { connection: self.writer().await?, over: false };
        let question = sqlx::query_with(sqlx::AssertSqlSafe(all), few.arguments).persistent(few.rows <= ALIKE);
        let answer = question.fetch_all(&mut *going.connection).await;
        going.over = answer.is_ok();
        drop(going);
        let queued: bool = answer?.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        if !queued {
            self.announce(few.change);
        }
        Ok(!queued)
    }
}

/// A connection in a transaction that the driver knows nothing of. Where that does not come to its end, neither does the
/// connection go on: its end gives the transaction up.
struct Going {
    connection: PoolConnection<Sqlite>,
    over: bool,
}

impl Drop for Going {
    fn drop(&mut self) {
        if !self.over {
            self.connection.close_on_drop();
        }
    }
}
