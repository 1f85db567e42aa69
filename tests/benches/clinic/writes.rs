//! A thousand writes as an afternoon without a network leaves them: answers, leads moved on, visits made shorter.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use balcao_api::{Desk, call};
use balcao_domain::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use crate::say;

/// Writes of one afternoon.
pub const WRITES: usize = 1_000;

/// Afternoons that can be planned side by side: no two of them change the same lead or visit.
pub const AFTERNOONS: usize = 5;

/// Leads moved and visits changed in one afternoon, where the clinic has as many; the rest are answers.
const MOST_LEADS: usize = 110;
const MOST_VISITS: usize = 190;

/// One write of a screen.
pub struct Write {
    command: &'static str,
    payload: Json,
}

/// Plans the afternoons from what a desk shows. Each changes different rows, so that nothing folds.
pub async fn plan(desk: &Arc<Desk>) -> Result<Vec<Vec<Write>>> {
    let (leads, visits) = (leads(desk).await?, visits(desk).await?);
    let all = call(desk, "list_conversations", json!({"view": "all", "limit": 500})).await?;
    let mut answers = ids(&all["rows"]).into_iter().cycle().enumerate().map(|(turn, conversation)| Write {
        command: "send_message",
        payload: json!({"conversation_id": conversation, "text": format!("Resposta {turn} de uma tarde sem rede")}),
    });
    let (mut leads, mut visits) = (leads.into_iter(), visits.into_iter());
    let share = |all: usize, most: usize| most.min(all / AFTERNOONS);
    let (of_leads, of_visits) = (share(leads.len(), MOST_LEADS), share(visits.len(), MOST_VISITS));
    let mut afternoons = Vec::new();
    for _ in 0..AFTERNOONS {
        let mut moves: Vec<Write> = leads.by_ref().take(of_leads).chain(visits.by_ref().take(of_visits)).collect();
        let mut afternoon = Vec::with_capacity(WRITES);
        // Spread evenly: a person does one thing between others.
        while afternoon.len() < WRITES {
            let left = WRITES - afternoon.len();
            if !moves.is_empty() && afternoon.len() % left.div_ceil(moves.len()).max(1) == 0 || left == moves.len() {
                afternoon.extend(moves.pop());
            } else {
                afternoon.push(answers.next().context("there is no conversation")?);
            }
        }
        ensure!(moves.is_empty(), "not everything that was planned is in the afternoon");
        afternoons.push(afternoon);
    }
    say(&format!("an afternoon: {of_leads} leads, {of_visits} visits, {} answers", WRITES - of_leads - of_visits));
    Ok(afternoons)
}

/// Makes the writes at a desk that cannot send them.
pub async fn queue(desk: &Arc<Desk>, writes: &[Write]) -> Result<()> {
    for write in writes {
        call(desk, write.command, write.payload.clone()).await.with_context(|| write.command)?;
    }
    Ok(())
}

/// Open leads, each to the next open column.
async fn leads(desk: &Arc<Desk>) -> Result<Vec<Write>> {
    let board = call(desk, "get_board", json!({"limit": 500})).await?;
    let open: Vec<&Json> =
        board["stages"].as_array().into_iter().flatten().filter(|stage| stage["kind"] == "open").collect();
    let mut writes = Vec::new();
    for (at, stage) in open.iter().enumerate() {
        let next = &open[(at + 1) % open.len()]["id"];
        writes.extend(
            ids(&stage["leads"])
                .into_iter()
                .map(|lead| Write { command: "move_lead", payload: json!({"lead_id": lead, "stage_id": next}) }),
        );
    }
    Ok(writes)
}

/// Visits to come, each five minutes shorter, or as long again as an earlier afternoon found it: it never stands where
/// it did not stand before, so nobody is in its way.
async fn visits(desk: &Arc<Desk>) -> Result<Vec<Write>> {
    let tomorrow = Clock::System.now().date_naive() + TimeDelta::days(1);
    let agenda = call(desk, "get_agenda", json!({"from": tomorrow.to_string(), "days": 42})).await?;
    let mut writes = Vec::new();
    for visit in agenda["visits"].as_array().into_iter().flatten() {
        if writes.len() == MOST_VISITS * AFTERNOONS {
            break;
        }
        if visit["squeezed_in"] == true || (visit["status"] != "scheduled" && visit["status"] != "confirmed") {
            continue;
        }
        let instant = |name: &str| -> Result<DateTime<Utc>> { Ok(serde_json::from_value(visit[name].clone())?) };
        let (starts_at, ends_at) = (instant("starts_at")?, instant("ends_at")?);
        let minutes = (ends_at - starts_at).num_minutes();
        // No service takes 15, 25, 35 or 55 minutes.
        let change = if minutes % 10 == 5 && minutes != 45 { 5 } else { -5 };
        let slot = json!({
            "appointment_id": visit["id"],
            "professional_id": visit["professional_id"],
            "starts_at": starts_at,
            "ends_at": ends_at + TimeDelta::minutes(change),
        });
        if call(desk, "check_slot", slot.clone()).await?["refusal"].is_null() {
            writes.push(Write { command: "reschedule_appointment", payload: slot });
        }
    }
    Ok(writes)
}

fn ids(rows: &Json) -> Vec<String> {
    rows.as_array().into_iter().flatten().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}
