//! Files that the clinic keeps no longer.

use sqlx::{Connection as _, PgConnection};

use crate::connect::{LARGE_ANSWER, answered, finish, within};
use crate::lease::{self, Fence};
use crate::{Error, Result, Tenant};

/// Files that go at once: a take-over of the background work waits for them.
const PIECE: i32 = 50;

impl Tenant {
    /// Removes some files whose time is over; the database does it once a day. Returns how many; 0 when it is done for today.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]; [`Error::NotPermitted`] for everybody but owners and the background work.
    pub async fn age_media(&self, fence: Fence) -> Result<u64> {
        self.ask(async |connection| {
            let mut transaction = answered(connection.begin()).await?;
            let removed = age(&mut transaction, fence).await;
            finish(transaction, removed).await
        })
        .await
    }
}

async fn age(transaction: &mut PgConnection, fence: Fence) -> Result<u64> {
    lease::hold(transaction, fence).await?;
    let question = sqlx::query_scalar("select app.age_media($1)").bind(PIECE);
    let files: i64 = within(LARGE_ANSWER, question.fetch_one(transaction)).await?;
    u64::try_from(files).map_err(|_| Error::Protocol)
}
