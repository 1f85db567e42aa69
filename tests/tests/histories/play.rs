//! Plays a history, lets things go quiet, and looks whether everything is as it must be.

mod acts;

use anyhow::{Context as _, Result, bail, ensure};
use balcao_cache::OperationState;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::clinic::{Clinic, Template};
use crate::compare::{compare, leftovers};
use crate::desk::{Ended, HistoryDesk, Run};
use crate::ledger::{By, Fate, Ledger, Made};
use crate::steps::{Choice, History, Step, WRITERS};
use crate::tally::Tally;
use crate::variants::Variant;
use crate::writer::{Deed, Known, Writer};

/// Rounds after which what still waits waits for nothing.
const PATIENCE: usize = 12;

/// Where a history takes place.
struct Play {
    clinic: Clinic,
    admin: PgConnection,
    desks: Vec<HistoryDesk>,
    writers: Vec<Writer>,
    known: Known,
    ledger: Ledger,
    notes: Vec<(Uuid, String)>,
    /// What was last done with threads at each desk.
    undos: Vec<Value>,
    /// Messages that were to go later.
    put_off: Vec<Uuid>,
    /// Visits that were booked, as the desks answered.
    booked: Vec<Value>,
    /// What was given up, and at which desk.
    given_up: Vec<(usize, Uuid)>,
    stages: Vec<(Uuid, String)>,
    loss_reason: Uuid,
    restored: bool,
    serial: u32,
    tally: Tally,
}

/// Plays a history from beginning to end in a clinic of its own.
///
/// # Errors
/// What is not as it must be, in words, and at which step.
pub async fn play(template: &Template, history: &History, variant: Variant) -> Result<Tally> {
    let clinic = template.copy().await?;
    let mut play = Play::begin(clinic, history.desks, variant).await?;
    let ended = play.all(history).await;
    play.tally.ended(&play.ledger);
    let tally = play.tally;
    play.end().await?;
    ended.map(|()| tally)
}

impl Play {
    async fn begin(clinic: Clinic, desks: usize, variant: Variant) -> Result<Self> {
        let mut admin = clinic.admin().await?;
        let opening = (0..desks).map(|n| HistoryDesk::open(&clinic, n, variant));
        let desks = futures_util::future::try_join_all(opening).await?;
        let stages = sqlx::query("select id, kind from app.pipeline_stages where clinic_id = $1 order by position")
            .bind(clinic.id)
            .fetch_all(&mut admin)
            .await?;
        let loss_reason =
            sqlx::query_scalar("select id from app.loss_reasons where clinic_id = $1 order by position limit 1")
                .bind(clinic.id)
                .fetch_one(&mut admin)
                .await?;
        Ok(Self {
            known: Known::of(&clinic),
            clinic,
            admin,
            undos: vec![Value::Null; desks.len()],
            put_off: Vec::new(),
            booked: Vec::new(),
            given_up: Vec::new(),
            desks,
            writers: (0..WRITERS).map(|_| Writer::default()).collect(),
            ledger: Ledger::default(),
            notes: Vec::new(),
            stages: stages.iter().map(|row| (row.get(0), row.get(1))).collect(),
            loss_reason,
            restored: false,
            serial: 0,
            tally: Tally::default(),
        })
    }

    async fn all(&mut self, history: &History) -> Result<()> {
        if history.copied {
            let copying = self.desks.iter_mut().map(|desk| desk.run(Run::Round, None));
            futures_util::future::try_join_all(copying).await.context("the first copies")?;
        }
        for (number, step) in history.steps.iter().enumerate() {
            self.step(*step).await.with_context(|| format!("at step {number}"))?;
        }
        self.go_quiet().await.context("when things went quiet")?;
        self.judge().await.context("before anybody decided")?;
        self.decide_everything().await.context("when everything was decided")?;
        self.judge().await.context("in the end")?;
        self.nothing_is_left().await.context("in the end")
    }

    async fn end(mut self) -> Result<()> {
        for writer in &mut self.writers {
            writer.end(false).await?;
        }
        futures_util::future::join_all(self.desks.into_iter().map(HistoryDesk::close)).await;
        self.clinic.remove().await
    }

    async fn step(&mut self, step: Step) -> Result<()> {
        let desks = self.desks.len();
        let desk_of = |n: u8| usize::from(n) % desks;
        match step {
            Step::Person { desk, act } => self.act(desk_of(desk), act).await,
            Step::Engine { desk, run, fault } => {
                let desk = desk_of(desk);
                self.tally.engine(self.desks[desk].run(run, fault).await?);
                self.compare_queue(desk, By::Engine).await
            }
            Step::Write { writer, kind, which, deed, then } => {
                match deed {
                    Deed::Erase => self.tally.erased(),
                    _ => self.tally.written(),
                }
                let writer = &mut self.writers[usize::from(writer) % WRITERS];
                writer.write(&self.clinic, &mut self.known, kind, which, deed, then).await
            }
            Step::End { writer, commit } => self.writers[usize::from(writer) % WRITERS].end(commit).await,
            Step::Skew { desk, minutes } => {
                self.desks[desk_of(desk)].skew(minutes.into());
                Ok(())
            }
            Step::Restart { desk } => {
                let desk = desk_of(desk);
                self.desks[desk].restart().await?;
                self.compare_queue(desk, By::Engine).await
            }
            Step::RestartServer => {
                self.clinic.restart().await?;
                self.reconnect().await
            }
            Step::BackUp => {
                self.clinic.back_up().await?;
                self.reconnect().await
            }
            Step::Restore => {
                self.ledger.hear_of_erased(&mut self.admin).await?;
                self.ledger.confirmed_is_there(&mut self.admin).await?;
                self.clinic.restore().await?;
                self.reconnect().await?;
                self.restored = true;
                self.tally.restored();
                self.ledger.forgive(&mut self.admin).await
            }
        }
    }

    /// Every connection has ended, and with it what was not committed.
    async fn reconnect(&mut self) -> Result<()> {
        self.writers.iter_mut().for_each(Writer::lose);
        self.admin = self.clinic.admin().await?;
        Ok(())
    }

    async fn compare_queue(&mut self, desk: usize, by: By) -> Result<()> {
        self.ledger.compare(desk, &self.desks[desk], by).await
    }

    /// Nobody writes any more, every line holds: until nothing changes.
    async fn go_quiet(&mut self) -> Result<()> {
        for writer in &mut self.writers {
            writer.end(true).await?;
        }
        for _ in 0..PATIENCE {
            let mut calm = true;
            for desk in 0..self.desks.len() {
                // What was put off for a while is due.
                self.desks[desk].skew(2);
                calm &= self.desks[desk].run(Run::Push, None).await? == Ended::Well;
                self.compare_queue(desk, By::Engine).await?;
                calm &= self.everything_waits_for_someone(desk).await?;
            }
            if !calm {
                continue;
            }
            // Two pulls for each, when nobody has anything to send: the second can bring nothing new.
            for desk in &mut self.desks {
                for _ in 0..2 {
                    // A connection that died with the server may only be found dead now.
                    calm &= desk.run(Run::Pull, None).await? == Ended::Well;
                }
            }
            if calm {
                return Ok(());
            }
        }
        bail!("a write that could be sent still waits after {PATIENCE} rounds")
    }

    /// Whether everything that waits at a desk waits behind something that was refused.
    async fn everything_waits_for_someone(&self, desk: usize) -> Result<bool> {
        let outbox = self.desks[desk].outbox().await?;
        let mut held: Vec<Uuid> = Vec::new();
        let mut rows: Vec<(String, Uuid)> = Vec::new();
        let mut all: Vec<_> = outbox.into_iter().collect();
        all.sort_by_key(|(operation, _)| operation.seq);
        for (operation, state) in all {
            let row = (operation.entity.clone(), operation.entity_id);
            let behind = rows.contains(&row) || operation.depends_on.is_some_and(|earlier| held.contains(&earlier));
            if state == OperationState::Waiting && !behind {
                return Ok(false);
            }
            held.push(operation.operation_id);
            rows.push(row);
        }
        Ok(true)
    }

    /// A person decides about everything that was refused: some of it is tried again first.
    async fn decide_everything(&mut self) -> Result<()> {
        for round in 0..PATIENCE {
            let mut decided = false;
            for desk in 0..self.desks.len() {
                for (place, id) in self.queued(desk, OperationState::Parked).await?.into_iter().enumerate() {
                    decided = true;
                    let choice = if round < 2 && place % 2 == round % 2 { Choice::Retry } else { Choice::Discard };
                    self.decide(desk, id, choice).await?;
                    self.compare_queue(desk, By::Person).await?;
                }
            }
            if !decided {
                return Ok(());
            }
            self.go_quiet().await?;
        }
        bail!("something is refused after every decision")
    }

    /// What must hold whenever things are quiet.
    async fn judge(&mut self) -> Result<()> {
        self.ledger.hear_of_erased(&mut self.admin).await?;
        self.ledger.judge(&mut self.admin).await?;
        for (desk, at) in self.desks.iter().enumerate() {
            compare(at).await.with_context(|| format!("at desk {desk}"))?;
        }
        for desk in 0..self.desks.len() {
            self.screens_are_true(desk, true).await.with_context(|| format!("at desk {desk}"))?;
        }
        self.messages_are_there().await?;
        self.notes_are_there_once().await?;
        self.nothing_was_painted_over().await?;
        self.moves_are_in_the_book().await
    }

    /// What is shown is what is queued: in numbers, or row by row as well. A desk that forgets somebody gives writes up by itself,
    /// when it comes to it.
    async fn screens_are_true(&mut self, desk: usize, rows: bool) -> Result<()> {
        let mut tries = 0;
        loop {
            let shown = async {
                self.counts_are_true(desk).await?;
                if rows { self.states_are_true(desk).await } else { Ok(()) }
            };
            match shown.await {
                Err(_) if tries < PATIENCE && self.ledger.has_erased() => tries += 1,
                shown => return shown,
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            self.compare_queue(desk, By::Person).await?;
        }
    }

    /// The status line and the list say what is queued.
    async fn counts_are_true(&self, desk: usize) -> Result<()> {
        let at = &self.desks[desk];
        let status = at.tell("get_status", json!({})).await?;
        for (state, count) in [("waiting", &status["waiting"]), ("parked", &status["needs_you"])] {
            let listed = at.tell("list_operations", json!({ "state": state })).await?;
            let rows = listed["rows"].as_array().context("rows")?;
            let mut shown: Vec<Uuid> = rows
                .iter()
                .map(|row| Ok(row["operation_id"].as_str().context("an id")?.parse()?))
                .collect::<Result<_>>()?;
            let parked = state == "parked";
            let of_ledger = self.ledger.queued_at(desk).filter(|made| made.operation.reason.is_some() == parked);
            let mut known: Vec<Uuid> = of_ledger.map(|made| made.operation.operation_id).collect();
            shown.sort();
            known.sort();
            ensure!(shown == known, "desk {desk} lists {shown:?} as {state}, and there are {known:?}");
            ensure!(*count == json!(shown.len()), "desk {desk} says {count} {state}, and there are {}", shown.len());
            ensure!(listed["total"] == *count, "desk {desk} lists {} {state} and says {count}", listed["total"]);
            for row in rows.iter().filter(|_| parked) {
                ensure!(
                    row["choices"].as_array().is_some_and(|all| !all.is_empty()),
                    "nothing can be chosen for {row}"
                );
            }
        }
        Ok(())
    }

    /// Each row is shown as waiting, or in need of someone, if and only if something for it is.
    async fn states_are_true(&self, desk: usize) -> Result<()> {
        let at = &self.desks[desk];
        let mut expected = std::collections::BTreeMap::new();
        for made in self.ledger.queued_at(desk) {
            let state = if made.operation.reason.is_some() { "parked" } else { "pending" };
            let ids = std::iter::once(made.operation.entity_id.to_string());
            // What goes later, and what only the team reads, does not answer yet: the talk shows nothing of it.
            let answers =
                made.operation.action == "send_message" && !made.operation.fields.contains_key("scheduled_for");
            let talk = made.operation.fields.get("conversation_id").filter(|_| answers);
            let talk = talk.and_then(Value::as_str).map(str::to_owned);
            for id in ids.chain(talk) {
                let shown = expected.entry(id).or_insert(state);
                if state == "parked" {
                    *shown = state;
                }
            }
        }
        let mut shown = Vec::new();
        let talks = at.tell("list_conversations", json!({ "view": "all", "limit": 200, "offset": 0 })).await?;
        for talk in talks["rows"].as_array().context("rows")? {
            let thread = at.tell("get_thread", json!({ "conversation_id": talk["id"], "limit": 200 })).await?;
            shown.extend(thread["messages"].as_array().context("messages")?.iter().cloned());
            shown.push(talk.clone());
        }
        let from = (self.clinic.noon - TimeDelta::days(2)).date_naive();
        let agenda = at.tell("get_agenda", json!({ "from": from, "days": 6 })).await?;
        shown.extend(agenda["visits"].as_array().context("visits")?.iter().cloned());
        let board = at.tell("get_board", json!({ "limit": 200 })).await?;
        for stage in board["stages"].as_array().context("stages")? {
            shown.extend(stage["leads"].as_array().context("leads")?.iter().cloned());
        }
        for row in shown {
            let (id, state) = (row["id"].as_str().context("id")?, row["state"].as_str().context("state")?);
            let right = expected.get(id).copied().unwrap_or("confirmed");
            ensure!(state == right, "{id} is shown as {state} and is {right}");
        }
        Ok(())
    }

    /// A message that was confirmed was made once, and what was refused was not.
    async fn messages_are_there(&mut self) -> Result<()> {
        let is_message = |made: &&Made| ["send_message", "write_note"].contains(&&*made.operation.action);
        for made in self.ledger.made.iter().filter(is_message) {
            let count: i64 =
                sqlx::query_scalar("select count(*) from harness.inserted where entity = 'messages' and id = $1")
                    .bind(made.operation.entity_id)
                    .fetch_one(&mut self.admin)
                    .await?;
            let right = match made.fate {
                Fate::Confirmed => count == 1 || (count == 0 && self.ledger.is_of_erased(made)),
                Fate::Queued | Fate::GivenUp { maybe_applied: false } => count == 0,
                Fate::GivenUp { maybe_applied: true } | Fate::LostWithDatabase => count <= 1,
            };
            ensure!(right, "the message {} was made {count} times: {:?}", made.operation.entity_id, made.fate);
        }
        Ok(())
    }

    /// Each note stands where it was added, once. A row that is gone took its notes along.
    async fn notes_are_there_once(&mut self) -> Result<()> {
        for (id, marker) in &self.notes {
            let Some(made) = self.ledger.made.iter().find(|made| made.operation.operation_id == *id) else { continue };
            let sql = match made.operation.entity.as_str() {
                "contacts" => "select notes from app.contacts where id = $1",
                _ => "select notes from app.appointments where id = $1",
            };
            let notes: Option<String> =
                sqlx::query_scalar(sql).bind(made.operation.entity_id).fetch_optional(&mut self.admin).await?;
            let Some(notes) = notes else { continue };
            let times = notes.matches(marker.as_str()).count();
            let overwritten = made.operation.entity == "appointments" || self.ledger.is_of_erased(made);
            let right = match made.fate {
                Fate::Confirmed => {
                    times == 1 || (overwritten && times == 0) || self.known.was_replaced(made.operation.entity_id)
                }
                Fate::Queued | Fate::GivenUp { maybe_applied: false } => times == 0,
                Fate::GivenUp { maybe_applied: true } | Fate::LostWithDatabase => times <= 1,
            };
            ensure!(right, "the note {marker:?} stands there {times} times: {:?}", made.fate);
        }
        Ok(())
    }

    /// An edit took the place of the value that the person had seen, and of no other.
    async fn nothing_was_painted_over(&mut self) -> Result<()> {
        let edits = sqlx::query("select field, was, became from harness.edited where became is not null");
        let edits = edits.fetch_all(&mut self.admin).await?;
        for row in edits {
            let (field, was, became): (String, Option<String>, String) = (row.get(0), row.get(1), row.get(2));
            let wanted = |made: &&Made| made.operation.fields.get(&field).and_then(Value::as_str) == Some(&became);
            let Some(made) = self.ledger.made.iter().find(wanted) else { continue };
            let seen = made.operation.base.get(&field).and_then(Value::as_str);
            ensure!(was.as_deref() == seen, "{became:?} went over {was:?}, and the person had seen {seen:?}");
        }
        Ok(())
    }

    /// Each move of a lead that was confirmed is in its book once, whoever had the last word.
    async fn moves_are_in_the_book(&mut self) -> Result<()> {
        if self.restored {
            return Ok(());
        }
        let books = sqlx::query(
            "select l.id, e.member_id, count(e.id) filter (where e.kind = 'moved')
             from app.leads l join app.lead_events e on e.clinic_id = l.clinic_id and e.lead_id = l.id
             where e.member_id is not null group by 1, 2",
        )
        .fetch_all(&mut self.admin)
        .await?;
        for (desk, at) in self.desks.iter().enumerate() {
            let moves = self.ledger.made.iter().filter(|made| {
                made.desk == desk
                    && made.operation.action == "move_lead"
                    && made.operation.fields.contains_key("stage_id")
            });
            let mut counts = std::collections::BTreeMap::<Uuid, (i64, i64)>::new();
            for made in moves {
                let (least, most) = counts.entry(made.operation.entity_id).or_default();
                match made.fate {
                    Fate::Confirmed => (*least, *most) = (*least + 1, *most + 1),
                    Fate::GivenUp { maybe_applied: true } => *most += 1,
                    _ => {}
                }
            }
            for row in &books {
                let (lead, member, booked): (Uuid, Uuid, i64) = (row.get(0), row.get(1), row.get(2));
                if member == at.member {
                    let (least, most) = counts.get(&lead).copied().unwrap_or_default();
                    ensure!(
                        (least..=most).contains(&booked)
                            || self.known.was_replaced(lead)
                            || self.ledger.is_erased(lead),
                        "desk {desk} moved the lead {lead} {least} to {most} times and the book has {booked}"
                    );
                }
            }
        }
        Ok(())
    }

    /// When nothing waits and nothing is refused, a copy is only a copy.
    async fn nothing_is_left(&mut self) -> Result<()> {
        for desk in 0..self.desks.len() {
            let mut left = leftovers(&self.desks[desk]).await?;
            for _ in 0..PATIENCE {
                if left == (0, 0, 0) || !self.ledger.has_erased() {
                    break;
                }
                // As above: the desk gives up by itself what is about somebody who was erased.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                self.compare_queue(desk, By::Person).await?;
                left = leftovers(&self.desks[desk]).await?;
            }
            ensure!(left == (0, 0, 0), "desk {desk} keeps {left:?} rows of queue, effects and shadows");
        }
        ensure!(self.ledger.made.iter().all(|made| made.fate != Fate::Queued), "something is still queued");
        Ok(())
    }
}
