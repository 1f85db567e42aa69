//! What was tried, by whom, and what was expected of it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use balcao_tenant::Role;
use sqlx::postgres::{PgDatabaseError, PgQueryResult};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Who may not.
pub const FORBIDDEN: &[&str] = &["42501"];

/// How an attempt must end. Each is undone.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// With one of these SQLSTATEs.
    Refused(&'static [&'static str]),
    /// Without a row, or refused for want of rights.
    Nothing,
    /// In whatever way, as long as nobody else's values are in the answer or the error.
    Silence,
}

/// What no answer and no error may hold.
pub struct Ledger {
    tried: BTreeSet<String>,
    pub found: Vec<String>,
    secrets: Vec<String>,
}

impl Ledger {
    pub fn new(secrets: Vec<String>) -> Self {
        Self { tried: BTreeSet::new(), found: Vec::new(), secrets }
    }

    /// Distinct attempts, by role and statement.
    pub fn count(&self) -> usize {
        self.tried.len()
    }

    /// Tries a statement in a transaction that is undone.
    pub async fn attempt(&mut self, role: Role, desk: &mut PgConnection, sql: &str, expect: Expect) -> Result<()> {
        let mut answer = self.once(desk, sql).await?;
        for _ in 0..5 {
            match &answer {
                // A lock or a full machine is no answer.
                Answer::Refused(sqlstate, _) if matches!(sqlstate.as_str(), "55P03" | "57014" | "40P01") => {
                    answer = self.once(desk, sql).await?;
                }
                _ => break,
            }
        }
        let good = match (&answer, expect) {
            (Answer::Refused(sqlstate, _), Expect::Refused(with)) => with.contains(&sqlstate.as_str()),
            (Answer::Refused(sqlstate, _), Expect::Nothing) => sqlstate == "42501",
            (Answer::Rows(rows), Expect::Nothing) => *rows == 0,
            (Answer::Refused(_, told), Expect::Silence) => !self.secrets.iter().any(|secret| told.contains(secret)),
            (Answer::Rows(_), Expect::Silence) => true,
            (Answer::Rows(_), Expect::Refused(_)) => false,
        };
        if !good {
            self.found.push(format!("{}: {sql}: {answer:?}", role.as_str()));
        }
        ensure!(
            self.tried.insert(format!("{}: {sql}", role.as_str())),
            "tried twice, which does not count twice: {}: {sql}",
            role.as_str()
        );
        Ok(())
    }

    async fn once(&self, desk: &mut PgConnection, sql: &str) -> Result<Answer> {
        let mut transaction = desk.begin().await?;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await;
        transaction.rollback().await?;
        match answer(done, sql)? {
            // What no transaction may hold is tried without one: it is not expected to succeed.
            Answer::Refused(sqlstate, _) if sqlstate == "25001" => {
                answer(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(desk).await, sql)
            }
            answer => Ok(answer),
        }
    }
}

fn answer(done: Result<PgQueryResult, sqlx::Error>, sql: &str) -> Result<Answer> {
    let error = match done {
        Ok(done) => return Ok(Answer::Rows(done.rows_affected())),
        Err(error) => error,
    };
    let refusal = error.as_database_error().with_context(|| format!("{sql}: {error}"))?;
    let refusal: &PgDatabaseError = refusal.try_downcast_ref().context("a word of PostgreSQL")?;
    let told = [Some(refusal.message()), refusal.detail(), refusal.hint()];
    Ok(Answer::Refused(refusal.code().to_owned(), told.into_iter().flatten().collect::<Vec<_>>().join(" / ")))
}

#[derive(Debug)]
enum Answer {
    Rows(u64),
    /// SQLSTATE, and what was said.
    Refused(String, String),
}
