//! The desk's one connection: opened when it is needed, kept until it breaks, one at a time.
//!
//! A pool of one would do the same, and ask the server after each statement whether the connection still lives: twice the
//! round trips for a desk behind a slow line.

use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{PATIENCE, answered, within};
use crate::{Error, Result};

/// What all clones of a [`crate::Tenant`] share.
#[derive(Clone)]
pub(crate) struct Line {
    options: PgConnectOptions,
    kept: Arc<Mutex<Kept>>,
}

enum Kept {
    Nothing,
    Open(PgConnection),
    Closed,
}

/// The right to say something. Dropped half-way, for whatever reason, it takes the connection with it: nothing can be said
/// any more to a server that does not answer, over a line that is out of step, or in somebody else's transaction.
pub(crate) struct Turn {
    kept: OwnedMutexGuard<Kept>,
    connection: PgConnection,
}

impl Line {
    /// Goes on with a connection that is open. A later one is opened in the same way.
    pub(super) async fn over(connection: PgConnection, options: PgConnectOptions) -> Result<Self> {
        let kept = Kept::Open(prepared(connection).await?);
        Ok(Self { options, kept: Arc::new(Mutex::new(kept)) })
    }

    /// Waits until nobody else is speaking. A connection that is kept is not asked whether it lives: what is said over it
    /// finds out as well.
    pub(super) async fn turn(&self) -> Result<Turn> {
        let mut kept = Arc::clone(&self.kept).lock_owned().await;
        let connection = match std::mem::replace(&mut *kept, Kept::Nothing) {
            Kept::Open(connection) => connection,
            Kept::Nothing => prepared(within(PATIENCE, self.options.connect()).await?).await?,
            Kept::Closed => {
                *kept = Kept::Closed;
                return Err(Error::ConnectionLost);
            }
        };
        Ok(Turn { kept, connection })
    }

    /// Ends the connection once whoever speaks is done. There is no other one afterwards.
    pub(super) async fn close(&self) {
        let kept = std::mem::replace(&mut *self.kept.lock().await, Kept::Closed);
        if let Kept::Open(connection) = kept {
            // The server may be gone by now.
            let _ = within(PATIENCE, connection.close()).await;
        }
    }
}

/// The planner knows nothing of how rows are spread over clinics: such statistics would tell one clinic about another. It
/// thinks that few rows are left of each table, and sorts them all for the first page of them. Everything that a desk asks
/// for in an order has an index in that order.
async fn prepared(mut connection: PgConnection) -> Result<PgConnection> {
    answered(sqlx::raw_sql("set enable_sort = off").execute(&mut connection)).await?;
    Ok(connection)
}

impl Turn {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Ends the turn with its answer. The connection stays, unless the answer is that it was lost or out of step.
    pub(crate) fn end<T>(mut self, answer: Result<T>) -> Result<T> {
        if !matches!(&answer, Err(error) if error.is_connection() || *error == Error::Protocol) {
            *self.kept = Kept::Open(self.connection);
        }
        answer
    }
}
