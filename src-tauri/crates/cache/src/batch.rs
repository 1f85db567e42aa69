//! Statements that go to the engine together: the way to its thread and back costs more than most of them.

use balcao_domain::feed::Cell;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteArguments;

use crate::Result;
use crate::values::bind;

/// Statements of a batch that is kept prepared. What comes of an ordinary change is alike, again and again.
const FEW: usize = 8;

/// Statements that wait to be sent, in order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    statements: String,
    arguments: SqliteArguments,
    count: usize,
}

impl Batch {
    /// Adds a statement whose places are plain question marks: numbers would count through the whole batch.
    pub(crate) fn push<'a>(&mut self, statement: &str, cells: impl IntoIterator<Item = Cell<'a>>) -> Result<()> {
        self.statements.push_str(statement);
        self.statements.push(';');
        self.count += 1;
        cells.into_iter().try_for_each(|cell| bind(&mut self.arguments, cell))
    }

    /// Sends what waits, if anything does. The first statement that fails ends it.
    pub(crate) async fn send(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        let Self { statements, arguments, count } = std::mem::take(self);
        if count > 0 {
            let together = sqlx::query_with(sqlx::AssertSqlSafe(statements), arguments).persistent(count <= FEW);
            together.execute(connection).await?;
        }
        Ok(())
    }
}
