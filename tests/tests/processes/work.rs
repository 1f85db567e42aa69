//! Work for a desk: an endless row of writes that do not contradict those of another desk with another share.

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::desk::Desk;
use super::ledger::Write;

/// Conversations, leads and visits of one share.
const CONVERSATIONS: usize = 10;
const LEADS: usize = 8;
const VISITS: usize = 4;

/// A share of the clinic and the dice that choose from it.
pub struct Work {
    pub tag: String,
    dice: StdRng,
    count: usize,
    conversations: Vec<String>,
    leads: Vec<String>,
    stages: Vec<String>,
    /// Each with the two times it goes to and fro between.
    visits: Vec<(String, [Value; 2])>,
}

impl Work {
    /// Chooses the share of this number.
    pub async fn choose(desk: &Desk, tag: &str, share: usize, seed: u64) -> Result<Self> {
        let list = desk.call("list_conversations", json!({"view": "all", "limit": 60})).await?;
        let board = desk.call("get_board", json!({"limit": 60})).await?;
        let open: Vec<&Value> = board["stages"].as_array().context("stages")?.iter().filter(is_open).collect();
        let leads = open.iter().flat_map(|stage| stage["leads"].as_array().into_iter().flatten());
        let work = Self {
            tag: tag.to_owned(),
            dice: StdRng::seed_from_u64(seed),
            count: 0,
            conversations: ids(list["rows"].as_array().context("rows")?.iter(), share, CONVERSATIONS),
            leads: ids(leads, share, LEADS),
            stages: ids(open.iter().copied(), 0, usize::MAX),
            visits: movable_visits(desk).await?.into_iter().skip(share * VISITS).take(VISITS).collect(),
        };
        let sizes = [work.conversations.len(), work.leads.len(), work.visits.len()];
        ensure!(sizes == [CONVERSATIONS, LEADS, VISITS] && work.stages.len() > 1, "the sample is too small: {sizes:?}");
        Ok(work)
    }

    /// The next message of the share.
    pub fn message(&mut self) -> Write {
        let conversation = self.conversations[self.count % self.conversations.len()].clone();
        self.count += 1;
        Write::Message { conversation, text: format!("{} {}", self.tag, self.count) }
    }

    /// The next write of any kind: seven of ten are messages, two move leads, one moves a visit.
    pub fn next(&mut self) -> Write {
        match self.dice.random_range(0..10) {
            0 => {
                let (visit, times) = &self.visits[self.dice.random_range(0..self.visits.len())];
                Write::Visit { visit: visit.clone(), wish: times[self.dice.random_range(0..2)].clone() }
            }
            1 | 2 => Write::Lead {
                lead: self.leads[self.dice.random_range(0..self.leads.len())].clone(),
                stage: self.stages[self.dice.random_range(0..self.stages.len())].clone(),
            },
            _ => self.message(),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as a filter takes it")]
fn is_open(stage: &&Value) -> bool {
    stage["kind"] == "open"
}

fn ids<'a>(rows: impl Iterator<Item = &'a Value>, share: usize, size: usize) -> Vec<String> {
    let ids = rows.filter_map(|row| row["id"].as_str().map(str::to_owned));
    ids.skip(share.saturating_mul(size)).take(size).collect()
}

/// Visits of the next two weeks with where they stand and another free time; no two of the free times touch.
async fn movable_visits(desk: &Desk) -> Result<Vec<(String, [Value; 2])>> {
    #[allow(clippy::disallowed_methods, reason = "visits of the sample lie around today")]
    let tomorrow = (Utc::now() + TimeDelta::days(1)).date_naive();
    let agenda = desk.call("get_agenda", json!({"from": tomorrow, "days": 14})).await?;
    let mut found: Vec<(String, [Value; 2])> = Vec::new();
    let mut days = std::collections::BTreeSet::new();
    for visit in agenda["visits"].as_array().context("visits")? {
        if !matches!(visit["status"].as_str(), Some("scheduled" | "confirmed")) || visit["squeezed_in"] == true {
            continue;
        }
        // One visit a day and professional: their times cannot meet.
        let day = visit["starts_at"].as_str().context("starts_at")?.get(..10).map(str::to_owned);
        let place = (visit["professional_id"].to_string(), day);
        if days.contains(&place) {
            continue;
        }
        for quarter in 4..24 {
            let wish = wish(visit, quarter * 15)?;
            if desk.call("check_slot", wish.clone()).await?["refusal"].is_null() {
                days.insert(place);
                found.push((visit["id"].as_str().context("id")?.to_owned(), [wish, self::wish(visit, 0)?]));
                break;
            }
        }
        if found.len() == 3 * VISITS {
            break;
        }
    }
    Ok(found)
}

fn wish(visit: &Value, later: i64) -> Result<Value> {
    let at = |name: &str| -> Result<String> {
        let at = DateTime::parse_from_rfc3339(visit[name].as_str().context("an instant")?)?;
        Ok((at + TimeDelta::minutes(later)).to_rfc3339())
    };
    Ok(json!({
        "appointment_id": visit["id"],
        "professional_id": visit["professional_id"],
        "starts_at": at("starts_at")?,
        "ends_at": at("ends_at")?,
    }))
}
