//! What was asked of a desk, what it answered, and whether the clinic's database has just that.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{Desk, SOON};

/// One write.
#[derive(Debug, Clone)]
pub enum Write {
    /// A text that no other write has.
    Message { conversation: String, text: String },
    /// A lead into a column.
    Lead { lead: String, stage: String },
    /// A visit to a time: the wish as the command takes it.
    Visit { visit: String, wish: Value },
}

impl Write {
    fn command(&self) -> (&'static str, Value) {
        match self {
            Self::Message { conversation, text } => {
                ("send_message", json!({"conversation_id": conversation, "text": text}))
            }
            Self::Lead { lead, stage } => ("move_lead", json!({"lead_id": lead, "stage_id": stage})),
            Self::Visit { wish, .. } => ("reschedule_appointment", wish.clone()),
        }
    }
}

/// Where something may stand: where the last answered write put it, or one after that which nobody heard of again.
#[derive(Debug, Default)]
struct Standing(Vec<String>);

/// The book of one desk's writes.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Texts by conversation, in the order of their answers, with the ids that were answered.
    messages: BTreeMap<String, Vec<(String, Uuid)>>,
    /// Texts that were never answered: they may be there or not.
    unanswered: BTreeSet<String>,
    leads: BTreeMap<String, Standing>,
    visits: BTreeMap<String, Standing>,
    /// Of the messages. Moves to and fro fold into one another, so that of them the end counts.
    operations: BTreeSet<Uuid>,
    answered: usize,
}

impl Ledger {
    /// Makes a write and books the answer. Returns whether there was one: a desk that was killed gives none.
    ///
    /// # Errors
    /// The desk refused.
    pub async fn make(&mut self, desk: &Desk, write: Write) -> Result<bool> {
        let (command, payload) = write.command();
        let answer = balcao_tests::http::call(desk.address, &desk.token, command, &payload).await.ok();
        let answer = answer.transpose().map_err(|refusal| anyhow::anyhow!("{write:?} was refused: {refusal}"))?;
        let answered = answer.is_some();
        let id = |name: &str| -> Result<Option<Uuid>> {
            let id = answer.as_ref().and_then(|answer| answer[name].as_str());
            Ok(id.map(str::parse).transpose()?)
        };
        self.answered += usize::from(answered);
        match write {
            Write::Message { conversation, text } if answered => {
                self.operations.insert(id("operation_id")?.context("a message without an operation")?);
                let id = id("entity_id")?.context("a message without an id")?;
                self.messages.entry(conversation).or_default().push((text, id));
            }
            Write::Message { text, .. } => drop(self.unanswered.insert(text)),
            Write::Lead { lead, stage } => self.leads.entry(lead).or_default().moved(stage, answered),
            Write::Visit { visit, wish } => {
                let start = wish["starts_at"].as_str().context("starts_at")?;
                self.visits.entry(visit).or_default().moved(start.to_owned(), answered);
            }
        }
        Ok(answered)
    }

    /// Writes that were answered.
    pub fn answered(&self) -> usize {
        self.answered
    }

    /// Messages that were not answered.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Compares with the database, after everything has come to rest: every answered write is there once, in order, and
    /// nothing is there that nobody asked for. `tag` begins every text of this book.
    pub async fn assert_landed(&self, database: &mut PgConnection, tag: &str) -> Result<()> {
        let applied: Vec<Uuid> =
            sqlx::query_scalar("select operation_id from app.applied_operations where operation_id = any($1)")
                .bind(self.operations.iter().copied().collect::<Vec<_>>())
                .fetch_all(&mut *database)
                .await?;
        let missing = self.operations.len() - applied.len();
        ensure!(missing == 0, "{missing} of {} answered messages never arrived", self.operations.len());

        let rows: Vec<(Uuid, String, String, i64, i64)> = sqlx::query_as(
            "select m.id, m.conversation_id::text, m.body,
                    (select count(*) from app.jobs j
                     where j.clinic_id = m.clinic_id and j.kind = 'send_message' and j.dedupe_key = m.id::text),
                    (select count(*) from app.applied_operations o
                     where o.clinic_id = m.clinic_id and o.entity = 'messages' and o.entity_id = m.id)
             from app.messages m where m.body like $1 order by m.sent_at",
        )
        .bind(format!("{tag} %"))
        .fetch_all(&mut *database)
        .await?;
        let mut there: BTreeMap<&str, Vec<(String, Uuid)>> = BTreeMap::new();
        for (id, conversation, text, jobs, operations) in &rows {
            ensure!((*jobs, *operations) == (1, 1), "{text} is sent {jobs} times and was applied {operations} times");
            if !self.unanswered.contains(text) {
                there.entry(conversation).or_default().push((text.clone(), *id));
            }
        }
        for (conversation, expected) in &self.messages {
            let found = there.remove(conversation.as_str()).unwrap_or_default();
            ensure!(
                found == *expected,
                "in {conversation} {} messages stand where {} were sent, or in another order",
                found.len(),
                expected.len()
            );
        }
        ensure!(there.is_empty(), "messages that nobody has sent: {there:?}");

        for (lead, standing) in &self.leads {
            let stage: String = sqlx::query_scalar("select stage_id::text from app.leads where id = $1::uuid")
                .bind(lead)
                .fetch_one(&mut *database)
                .await?;
            ensure!(standing.allows(|allowed| Ok(allowed == stage))?, "a lead stands in {stage}: {standing:?}");
        }
        for (visit, standing) in &self.visits {
            let start: chrono::DateTime<chrono::Utc> =
                sqlx::query_scalar("select starts_at from app.appointments where id = $1::uuid")
                    .bind(visit)
                    .fetch_one(&mut *database)
                    .await?;
            let fits = |allowed: &str| Ok(chrono::DateTime::parse_from_rfc3339(allowed)? == start);
            ensure!(standing.allows(fits)?, "a visit stands at {start}: {standing:?}");
        }
        Ok(())
    }

    /// Waits until a desk shows every message of this book, confirmed and once.
    pub async fn until_shown(&self, desk: &Desk) -> Result<()> {
        for (conversation, expected) in &self.messages {
            let texts: BTreeSet<&str> = expected.iter().map(|(text, _)| text.as_str()).collect();
            let request = json!({"conversation_id": conversation, "limit": 500});
            let shown = |thread: &Value| {
                let messages = thread["messages"].as_array().into_iter().flatten();
                let ours = messages.filter(|message| message["body"].as_str().is_some_and(|text| texts.contains(text)));
                let states: Vec<&Value> = ours.map(|message| &message["state"]).collect();
                states.len() == texts.len() && states.iter().all(|state| **state == "confirmed")
            };
            let what = format!("showing {} messages of {conversation}", texts.len());
            desk.until(&what, SOON, "get_thread", request, shown).await?;
        }
        Ok(())
    }
}

impl Standing {
    fn moved(&mut self, to: String, answered: bool) {
        if answered {
            self.0.clear();
        }
        self.0.push(to);
    }

    fn allows(&self, is: impl Fn(&str) -> Result<bool>) -> Result<bool> {
        for allowed in &self.0 {
            if is(allowed)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
