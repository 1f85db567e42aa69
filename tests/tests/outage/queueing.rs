//! What three desks do in three days without a network.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use balcao_domain::clock::Clock;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use crate::desks::actors::Actor;

/// Writes of each kind on each desk. Together with those that contend they are 2,000 on three desks.
const MESSAGES: usize = 460;
const LEADS: usize = 126;
const OWN_VISITS: usize = 60;

/// Slots that all desks want for a visit each, and visits that all desks want to move.
const CONTENDED: usize = 10;

/// Conversations that all desks write in.
pub const CONVERSATIONS: usize = 40;

/// Longest way of a visit, in quarters of an hour.
const FARTHEST: i64 = 24;

/// What is there to work on, as every desk sees it before the line is cut.
pub struct Stock {
    pub conversations: Vec<String>,
    leads: Vec<String>,
    stages: Vec<String>,
    visits: Vec<Value>,
}

impl Stock {
    pub async fn take(desk: &Actor, from: DateTime<chrono::Utc>) -> Result<Self> {
        let list = desk.call("list_conversations", json!({"view": "all", "limit": CONVERSATIONS})).await?;
        let board = desk.call("get_board", json!({"limit": 500})).await?;
        let open: Vec<&Value> =
            board["stages"].as_array().context("stages")?.iter().filter(|stage| stage["kind"] == "open").collect();
        let leads = open.iter().flat_map(|stage| stage["leads"].as_array().into_iter().flatten());
        let agenda = desk.call("get_agenda", json!({"from": from.date_naive(), "days": 20})).await?;
        let can_move = |visit: &&Value| {
            matches!(visit["status"].as_str(), Some("scheduled" | "confirmed")) && visit["squeezed_in"] == false
        };
        let stock = Self {
            conversations: ids(list["rows"].as_array().context("rows")?.iter()),
            leads: ids(leads),
            stages: ids(open.iter().copied()),
            visits: agenda["visits"].as_array().context("visits")?.iter().filter(can_move).cloned().collect(),
        };
        let sizes = (stock.conversations.len(), stock.leads.len(), stock.visits.len());
        ensure!(sizes.0 == CONVERSATIONS && sizes.1 >= LEADS && sizes.2 >= 3 * OWN_VISITS, "too little: {sizes:?}");
        Ok(stock)
    }
}

/// The writes of one desk.
#[derive(Default)]
pub struct Queue {
    /// Texts, each with its conversation, in the order they were sent.
    pub messages: Vec<(String, String)>,
    /// Operations as they were answered; what folds into a queued one is that one.
    pub operations: BTreeSet<String>,
    /// Leads and visits that were moved.
    pub touched: BTreeSet<String>,
    /// How many commands were answered.
    pub writes: usize,
}

impl Queue {
    /// Works through three days, an hour of the clock here and there. `number` is 0 to 2.
    pub async fn fill(desk: &Actor, clock: &Clock, number: usize, stock: &Stock) -> Result<Self> {
        let mut queue = Self::default();
        let (contended, own) = stock.visits.split_at(4 * CONTENDED);
        for index in 0..CONTENDED {
            // Everybody wants this time, each for another visit of the same professional's.
            let slot = &contended[index];
            let others = contended.iter().chain(own).filter(|visit| {
                visit["professional_id"] == slot["professional_id"] && minutes(visit).ok() == minutes(slot).ok()
            });
            let mine: Vec<&Value> = others.filter(|visit| visit["id"] != slot["id"]).collect();
            if let Some(visit) = mine.get(index * 3 + number)
                && let Some(wish) = free_wish(desk, slot, 1).await?
            {
                let wish = json!({
                    "appointment_id": visit["id"],
                    "professional_id": visit["professional_id"],
                    "starts_at": wish["starts_at"],
                    "ends_at": wish["ends_at"],
                });
                queue.try_to_move(desk, &visit["id"], wish).await?;
            }
            // And everybody wants to move this one, each elsewhere.
            let visit = &contended[CONTENDED + index];
            queue.move_visit(desk, visit, 2 + 5 * number as i64).await?;
        }
        clock.advance(TimeDelta::hours(24));
        let mut moved = 0;
        for visit in own.iter().skip(number).step_by(3) {
            if moved == OWN_VISITS {
                break;
            }
            moved += usize::from(queue.move_visit(desk, visit, 1).await?);
        }
        for index in 0..LEADS {
            let lead = &stock.leads[(index + number * 20) % stock.leads.len()];
            let stage = &stock.stages[(index + number) % stock.stages.len()];
            let answer = desk.call("move_lead", json!({"lead_id": lead, "stage_id": stage})).await?;
            queue.answered(&answer)?;
            queue.touched.insert(lead.clone());
        }
        clock.advance(TimeDelta::hours(24));
        // Messages fill up what the visits left free of the desk's share.
        let share = 2_000 / 3 + usize::from(number < 2_000 % 3);
        for index in 0..share.saturating_sub(queue.writes).max(MESSAGES) {
            let conversation = &stock.conversations[index % CONVERSATIONS];
            let text = format!("Mensagem {} do balcão {}", index + 1, number + 1);
            let answer = desk.call("send_message", json!({"conversation_id": conversation, "text": text})).await?;
            queue.answered(&answer)?;
            queue.messages.push((conversation.clone(), text));
        }
        clock.advance(TimeDelta::hours(24));
        Ok(queue)
    }

    /// Moves a visit to the first time that is free as far as this desk knows. Returns whether there was one.
    async fn move_visit(&mut self, desk: &Actor, visit: &Value, from_quarter: i64) -> Result<bool> {
        match free_wish(desk, visit, from_quarter).await? {
            Some(wish) => self.try_to_move(desk, &visit["id"], wish).await,
            None => Ok(false),
        }
    }

    /// The desk may know by now that the time is taken: it has taken it itself.
    async fn try_to_move(&mut self, desk: &Actor, visit: &Value, wish: Value) -> Result<bool> {
        match desk.call("reschedule_appointment", wish).await {
            Ok(answer) => {
                self.answered(&answer)?;
                self.touched.insert(visit.as_str().context("id")?.to_owned());
                Ok(true)
            }
            Err(refusal) if matches!(refusal.code.as_str(), "slot_taken" | "outside_working_hours") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn answered(&mut self, answer: &Value) -> Result<()> {
        self.writes += 1;
        // Without one nothing had to change.
        self.operations.extend(answer["operation_id"].as_str().map(str::to_owned));
        Ok(())
    }
}

fn ids<'a>(rows: impl Iterator<Item = &'a Value>) -> Vec<String> {
    rows.filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}

fn instant(visit: &Value, name: &str) -> Result<DateTime<chrono::FixedOffset>> {
    Ok(DateTime::parse_from_rfc3339(visit[name].as_str().context("an instant")?)?)
}

fn minutes(visit: &Value) -> Result<i64> {
    Ok((instant(visit, "ends_at")? - instant(visit, "starts_at")?).num_minutes())
}

/// The same visit at the first free time some quarters of an hour later, as far as this desk knows.
async fn free_wish(desk: &Actor, visit: &Value, from_quarter: i64) -> Result<Option<Value>> {
    for quarter in from_quarter..FARTHEST {
        let later = |name| instant(visit, name).map(|at| (at + TimeDelta::minutes(15 * quarter)).to_rfc3339());
        let wish = json!({
            "appointment_id": visit["id"],
            "professional_id": visit["professional_id"],
            "starts_at": later("starts_at")?,
            "ends_at": later("ends_at")?,
        });
        if desk.call("check_slot", wish.clone()).await?["refusal"].is_null() {
            return Ok(Some(wish));
        }
    }
    Ok(None)
}
