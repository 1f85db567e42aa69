//! What a clinic's database needs to have done now and then, by a computer of its owner, of an admin, or one that does the
//! background work: whichever asks first when it is time.

use std::time::Duration;

use sqlx::types::Json;

use crate::connect::{LARGE_ANSWER, answered, within};
use crate::{Error, Result, Tenant};

/// Rows of the audit that age at once.
const PIECE: i32 = 5_000;

/// Between two pieces: others want to work, too.
const PAUSE: Duration = Duration::from_millis(500);

/// What was due, and was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Rows of the audit that lost their address or went.
    pub aged: Option<u64>,
    /// What was said of messages that never came.
    pub forgotten: Option<u64>,
    /// Marks of changed tables that newer ones had made needless.
    pub overtaken: Option<u64>,
    /// Sessions that stood, and were ended.
    pub ended: Option<u64>,
}

impl Tenant {
    /// Does what is due of all below, by the database's own clock. Of several computers that ask, one does it; if it dies
    /// meanwhile, another one after a quarter of an hour.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owners, admins and the background work.
    pub async fn keep_up(&self) -> Result<Upkeep> {
        let mut done = Upkeep::default();
        if self.begin_upkeep("sessions").await? {
            done.ended = Some(self.end_stuck_sessions().await?);
            self.finish_upkeep("sessions").await?;
        }
        if self.begin_upkeep("ageing").await? {
            done.aged = Some(self.age_audit().await?);
            done.forgotten = Some(self.forget_old_effects().await?);
            done.overtaken = Some(self.forget_old_marks().await?);
            self.finish_upkeep("ageing").await?;
        }
        Ok(done)
    }

    async fn begin_upkeep(&self, chore: &str) -> Result<bool> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.begin_upkeep($1)").bind(chore).fetch_one(turn.connection());
        let answer = answered(question).await;
        turn.end(answer)
    }

    async fn finish_upkeep(&self, chore: &str) -> Result<()> {
        let word = sqlx::query("select app.finish_upkeep($1)").bind(chore);
        self.ask(async |connection| answered(word.execute(connection)).await).await.map(drop)
    }

    /// Lets the audit of the clinic age: addresses go after ninety days, rows after five years. Returns how many rows that
    /// changed.
    ///
    /// # Errors
    /// As [`Tenant::keep_up`].
    pub async fn age_audit(&self) -> Result<u64> {
        let mut aged = 0;
        loop {
            let question = sqlx::query_scalar("select app.age_audit($1)").bind(PIECE);
            let answer: Result<i64> =
                self.ask(async |connection| within(LARGE_ANSWER, question.fetch_one(connection)).await).await;
            let rows = count(answer?)?;
            aged += rows;
            if rows < u64::from(PIECE.unsigned_abs()) {
                return Ok(aged);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Drops what was said of messages that have not come for thirty days. Returns how much that was.
    ///
    /// # Errors
    /// As [`Tenant::keep_up`].
    pub async fn forget_old_effects(&self) -> Result<u64> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.forget_old_effects()").fetch_one(turn.connection());
        let answer: Result<i64> = answered(question).await;
        count(turn.end(answer)?)
    }

    /// Drops the marks of changed tables that newer ones have made needless. Returns how many.
    ///
    /// # Errors
    /// As [`Tenant::keep_up`].
    pub async fn forget_old_marks(&self) -> Result<u64> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.forget_old_marks()").fetch_one(turn.connection());
        let answer: Result<i64> = answered(question).await;
        count(turn.end(answer)?)
    }

    /// Ends sessions of clinics' logins whose transaction has stood for ten minutes. Returns how many.
    ///
    /// # Errors
    /// As [`Tenant::keep_up`].
    pub async fn end_stuck_sessions(&self) -> Result<u64> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.end_stuck_sessions()").fetch_one(turn.connection());
        let answer: Result<i64> = answered(question).await;
        count(turn.end(answer)?)
    }

    /// Writes into the audit that a copy of the whole clinic was made.
    ///
    /// # Errors
    /// As any statement.
    pub async fn record_backup(&self, rows: u64, bytes: u64) -> Result<()> {
        let details = Json(serde_json::json!({ "rows": rows, "bytes": bytes }));
        let question = sqlx::query("select app.record_export('backup', null, $1)").bind(details);
        self.ask(async |connection| answered(question.execute(connection)).await).await.map(|_| ())
    }

    /// Who was forgotten in the clinic, as ids: for the list that stands beside its backups.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owners and admins.
    pub async fn list_erasures(&self) -> Result<serde_json::Value> {
        let mut turn = self.turn().await?;
        let question = sqlx::query_scalar("select app.list_erasures()").fetch_one(turn.connection());
        let answer: Result<Json<serde_json::Value>> = answered(question).await;
        Ok(turn.end(answer)?.0)
    }
}

fn count(rows: i64) -> Result<u64> {
    u64::try_from(rows).map_err(|_| Error::Protocol)
}
