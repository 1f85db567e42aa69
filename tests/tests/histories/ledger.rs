//! What persons did at their desks, and what became of it.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};
use balcao_cache::{OperationState, QueuedOperation};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::desk::HistoryDesk;

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Waits at its desk, or is parked there.
    Queued,
    /// The desk says that the database has it.
    Confirmed,
    /// A person gave it up, or folded it into nothing.
    GivenUp {
        /// It had been sent, and nobody knows whether it arrived.
        maybe_applied: bool,
    },
    /// The database had it and was restored to a time before.
    LostWithDatabase,
}

/// A write that a person made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The write, as it was last seen at its desk.
    pub operation: QueuedOperation,
    /// Whose.
    pub desk: usize,
    /// What became of it.
    pub fate: Fate,
    /// It was refused at least once.
    pub was_parked: bool,
    /// Its place among all, which is another one for what was given up and then wanted again.
    rank: usize,
}

/// Who was at work when something changed in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Person,
    Engine,
}

/// Every write of a history, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Ledger {
    pub made: Vec<Made>,
    places: HashMap<Uuid, usize>,
    /// The next rank.
    next: usize,
    /// People who were erased, and what was theirs.
    erased: HashSet<Uuid>,
}

impl Ledger {
    /// Compares a desk's queue with what was known of it.
    ///
    /// # Errors
    /// A write appeared that nobody made.
    pub async fn compare(&mut self, desk: usize, at: &HistoryDesk, by: By) -> Result<()> {
        let mut queued = at.outbox().await?;
        queued.sort_by_key(|(operation, _)| operation.seq);
        let present: HashSet<Uuid> = queued.iter().map(|(operation, _)| operation.operation_id).collect();
        for (operation, state) in queued {
            let id = operation.operation_id;
            let parked = state == OperationState::Parked;
            if let Some(place) = self.places.get(&id) {
                let made = &mut self.made[*place];
                if made.fate != Fate::Queued {
                    let wanted_again = by == By::Person && matches!(made.fate, Fate::GivenUp { .. });
                    ensure!(wanted_again, "{id} ({}) is queued again after {:?}", operation.action, made.fate);
                    // It stands behind what was queued since.
                    (made.fate, made.rank) = (Fate::Queued, self.next);
                    self.next += 1;
                }
                made.was_parked |= parked;
                made.operation = operation;
            } else {
                ensure!(by == By::Person, "the engine made the write {id} ({})", operation.action);
                self.places.insert(id, self.made.len());
                self.made.push(Made { operation, desk, fate: Fate::Queued, was_parked: parked, rank: self.next });
                self.next += 1;
            }
        }
        for made in &mut self.made {
            if made.desk == desk && made.fate == Fate::Queued && !present.contains(&made.operation.operation_id) {
                made.fate = match by {
                    By::Engine => Fate::Confirmed,
                    // What was refused has left nothing behind; what was sent without an answer may have.
                    By::Person => {
                        Fate::GivenUp { maybe_applied: made.operation.attempts > 0 && made.operation.reason.is_none() }
                    }
                };
            }
        }
        Ok(())
    }

    /// Looks who was erased by now.
    pub async fn hear_of_erased(&mut self, admin: &mut PgConnection) -> Result<()> {
        let erased: Vec<Uuid> =
            sqlx::query_scalar("select unnest(row_ids || id) from app.erasures").fetch_all(admin).await?;
        self.erased.extend(erased);
        Ok(())
    }

    /// Whether a row is of somebody who was.
    pub fn is_erased(&self, row: Uuid) -> bool {
        self.erased.contains(&row)
    }

    /// Whether somebody was.
    pub fn has_erased(&self) -> bool {
        !self.erased.is_empty()
    }

    /// Whether a write is about somebody who was erased: it leaves its queue without having been done.
    pub fn is_of_erased(&self, made: &Made) -> bool {
        let ids = made.operation.fields.values().filter_map(|value| value.as_str()?.parse().ok());
        ids.chain([made.operation.entity_id]).any(|id| self.erased.contains(&id))
    }

    /// Whether a write may have left its queue without having been done: it is about somebody who was erased, or about a row
    /// that is not there any more while somebody was, for a desk cannot know that it did not go with them.
    async fn may_be_forgotten(&self, made: &Made, admin: &mut PgConnection) -> Result<bool> {
        if self.is_of_erased(made) {
            return Ok(true);
        }
        let operation = &made.operation;
        let (table, id) = match (operation.entity.as_str(), operation.kind.as_str()) {
            ("messages", "insert") => {
                let talk = operation.fields.get("conversation_id").and_then(|id| id.as_str());
                ("conversations", talk.unwrap_or_default().parse()?)
            }
            (table @ ("conversations" | "leads"), "patch" | "delete") => (table, operation.entity_id),
            _ => return Ok(false),
        };
        let is_gone =
            sqlx::query_scalar(AssertSqlSafe(format!("select not exists (select from app.{table} where id = $1)")));
        Ok(self.has_erased() && is_gone.bind::<Uuid>(id).fetch_one(admin).await?)
    }

    /// Whether the database has all that the desks believe it to have.
    pub async fn confirmed_is_there(&self, admin: &mut PgConnection) -> Result<()> {
        let confirmed: Vec<&Made> = self.made.iter().filter(|made| made.fate == Fate::Confirmed).collect();
        let ids: Vec<Uuid> = confirmed.iter().map(|made| made.operation.operation_id).collect();
        let there = applied(admin, &ids).await?;
        for made in confirmed {
            let id = made.operation.operation_id;
            ensure!(
                there.contains(&id) || self.may_be_forgotten(made, admin).await?,
                "{id} left the queue and the database does not have it"
            );
        }
        Ok(())
    }

    /// The database was restored: what it does not have any more is nobody's fault.
    pub async fn forgive(&mut self, admin: &mut PgConnection) -> Result<()> {
        let ids: Vec<Uuid> = self.made.iter().map(|made| made.operation.operation_id).collect();
        let applied = applied(admin, &ids).await?;
        for made in &mut self.made {
            if made.fate == Fate::Confirmed && !applied.contains(&made.operation.operation_id) {
                made.fate = Fate::LostWithDatabase;
            }
        }
        Ok(())
    }

    /// Each write was done once if its desk says so, and not at all if it was refused; those for one row in the order in
    /// which a person made them, and so the messages of one conversation.
    pub async fn judge(&self, admin: &mut PgConnection) -> Result<()> {
        let order: Vec<Uuid> = sqlx::query_scalar("select operation_id from harness.applied order by serial")
            .fetch_all(&mut *admin)
            .await?;
        let mut latest: HashMap<(usize, Uuid), usize> = HashMap::new();
        for id in &order {
            let Some(place) = self.places.get(id) else { continue };
            let made = &self.made[*place];
            let row = (made.desk, made.operation.entity_id);
            let before = latest.insert(row, made.rank);
            ensure!(
                before.is_none_or(|before| before <= made.rank),
                "{id} ({}) went past an earlier write",
                made.operation.action
            );
        }
        self.judge_talks(&order)?;
        let mut times: HashMap<Uuid, usize> = HashMap::new();
        for id in &order {
            *times.entry(*id).or_default() += 1;
        }
        for made in &self.made {
            let (id, action) = (made.operation.operation_id, &made.operation.action);
            let times = times.get(&id).copied().unwrap_or(0);
            let right = match made.fate {
                Fate::Confirmed => times == 1 || (times == 0 && self.may_be_forgotten(made, admin).await?),
                Fate::GivenUp { maybe_applied: true } | Fate::LostWithDatabase => times <= 1,
                Fate::Queued | Fate::GivenUp { maybe_applied: false } => times == 0,
            };
            ensure!(right, "{id} ({action}) of desk {} was applied {times} times: {:?}", made.desk, made.fate);
        }
        Ok(())
    }

    fn judge_talks(&self, order: &[Uuid]) -> Result<()> {
        let mut latest: HashMap<(usize, String), usize> = HashMap::new();
        for id in order {
            let Some(place) = self.places.get(id) else { continue };
            let made = &self.made[*place];
            if made.was_parked || made.operation.action != "send_message" {
                continue;
            }
            let talk = made.operation.fields.get("conversation_id").and_then(|id| id.as_str()).unwrap_or_default();
            let before = latest.insert((made.desk, talk.to_owned()), made.rank);
            ensure!(
                before.is_none_or(|before| before <= made.rank),
                "the message {id} went past an earlier one of its talk"
            );
        }
        Ok(())
    }

    /// What is parked at a desk as far as the ledger knows.
    pub fn queued_at(&self, desk: usize) -> impl Iterator<Item = &Made> {
        self.made.iter().filter(move |made| made.desk == desk && made.fate == Fate::Queued)
    }
}

async fn applied(admin: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let applied: Vec<Uuid> =
        sqlx::query_scalar("select operation_id from app.applied_operations where operation_id = any($1)")
            .bind(ids)
            .fetch_all(admin)
            .await?;
    Ok(applied.into_iter().collect())
}
