//! A long outage: three days without a network, 2,000 writes on three desks, and then everyone is back at once.

mod comparison;
mod queueing;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_domain::clock::Clock;
use balcao_tenant::Role;
use chrono::{DateTime, TimeDelta, Utc};
use comparison::Picture;
use queueing::{Queue, Stock};
use serde_json::{Value, json};

use crate::desks::actors::{Actor, Outsider, sample_clinic_of};

/// How long all of it may take to arrive; it takes far less, but the machine may be busy.
const DRAINED: Duration = Duration::from_secs(120);

/// A clock that stood and goes on with the time of day, for as long as this lives: what waits for a while must not wait
/// for ever.
struct Ticking(tokio::task::JoinHandle<()>);

impl Ticking {
    fn from_now_on(clock: &Clock) -> Self {
        let clock = clock.clone();
        Self(tokio::spawn(async move {
            loop {
                #[allow(clippy::disallowed_methods, reason = "the clock of the server cannot be moved")]
                clock.advance(Utc::now() - clock.now());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }))
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ids of the writes that need a decision, with the rows they are about.
async fn parked(desk: &Actor) -> Result<Vec<(String, String)>> {
    let list = desk.call("list_operations", json!({"state": "parked"})).await?;
    let rows = list["rows"].as_array().context("rows")?;
    assert_eq!(list["total"], rows.len(), "the list is whole");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Ok(rows.iter().map(|row| (text(row, "operation_id"), text(row, "entity_id"))).collect())
}

/// Rows of the agenda and the board that a desk shows in a state.
async fn shown(desk: &Actor, from: DateTime<Utc>, state: &str) -> Result<BTreeSet<String>> {
    let agenda = desk.call("get_agenda", json!({"from": from.date_naive(), "days": 30})).await?;
    let board = desk.call("get_board", json!({"limit": 500})).await?;
    let cards = board["stages"].as_array().context("stages")?.iter().flat_map(|stage| stage["leads"].as_array());
    let rows = agenda["visits"].as_array().into_iter().chain(cards).flatten();
    Ok(rows.filter(|row| row["state"] == state).filter_map(|row| row["id"].as_str().map(str::to_owned)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_days_without_a_network_every_write_of_three_desks_is_applied_once_or_asked_about() -> Result<()> {
    #[allow(clippy::disallowed_methods, reason = "the clock of the server cannot be moved")]
    let back = Utc::now();
    let cut = back - TimeDelta::days(3);
    let clinic = sample_clinic_of(cut).await?;
    let logins =
        [clinic.owner().clone(), clinic.add_member(Role::Admin).await?, clinic.add_member(Role::Attendant).await?];
    let mut desks = Vec::new();
    for login in &logins {
        let clock = Clock::manual(cut);
        desks.push((Actor::connect_at(login, clock.clone()).await?, clock));
    }
    let stock = Stock::take(&desks[0].0, back + TimeDelta::days(1)).await?;

    let begun = Instant::now();
    let mut queues = Vec::new();
    for (number, (desk, clock)) in desks.iter().enumerate() {
        desk.line.cut();
        desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
        let queue = Queue::fill(desk, clock, number, &stock).await?;
        assert_eq!(desk.counts().await?, (queue.operations.len() as u64, 0), "all that was answered is kept");
        queues.push(queue);
    }
    let writes: usize = queues.iter().map(|queue| queue.writes).sum();
    let queued: BTreeSet<&String> = queues.iter().flat_map(|queue| &queue.operations).collect();
    println!("{writes} writes in {} operations queued in {:?}", queued.len(), begun.elapsed());
    assert!(writes >= 2_000, "{writes} writes");

    let begun = Instant::now();
    let _ticking: Vec<Ticking> = desks.iter().map(|(_, clock)| Ticking::from_now_on(clock)).collect();
    for (desk, _) in &desks {
        desk.line.mend();
        desk.call("sync_now", json!({})).await?;
    }
    for (desk, _) in &desks {
        let drained = |status: &Value| status["connection"] == "online" && status["waiting"] == 0;
        if let Err(error) = desk.until_within(DRAINED, "get_status", json!({}), drained).await {
            let waiting = desk.call("list_operations", json!({"state": "waiting"})).await?;
            return Err(error.context(format!("{} of them wait still: {:#}", waiting["total"], waiting["rows"][0])));
        }
    }
    let took = begun.elapsed();
    println!("drained in {took:.1?}: {:.0} writes a second", writes as f64 / took.as_secs_f64());

    // Each operation was applied or is asked about, never both and never neither.
    let mut outsider = Outsider::look(&clinic).await?;
    let applied = outsider
        .text("select string_agg(operation_id::text, ' ') from app.applied_operations")
        .await?
        .context("nothing was applied")?;
    let applied: BTreeSet<&str> = applied.split(' ').collect();
    let mut asked = 0;
    for ((desk, _), queue) in desks.iter().zip(&queues) {
        let parked = parked(desk).await?;
        for id in &queue.operations {
            let waits = parked.iter().any(|(operation, _)| operation == id);
            ensure!(applied.contains(id.as_str()) != waits, "{id}: applied {}, asked about {waits}", !waits);
        }
        assert_eq!(desk.counts().await?, (0, parked.len() as u64), "the status line has the true numbers");
        let rows: BTreeSet<String> = parked.iter().map(|(_, entity)| entity.clone()).collect();
        assert_eq!(shown(desk, back, "parked").await?, rows, "and so have the rows");
        assert_eq!(shown(desk, back, "pending").await?, BTreeSet::new());
        asked += parked.len();
    }
    println!("{} applied, {asked} asked about", applied.len());
    assert_eq!(applied.len() + asked, queued.len(), "nothing else was applied");
    assert!(asked >= 10, "slots were contended: {asked}");

    // Every message is there once, those of a desk in the order it sent them.
    for (number, queue) in queues.iter().enumerate() {
        for conversation in &stock.conversations {
            let sent: Vec<&str> =
                queue.messages.iter().filter(|(to, _)| to == conversation).map(|(_, text)| text.as_str()).collect();
            let there = outsider.text(format!(
                "select string_agg(body, '|' order by sent_at) from app.messages
                 where conversation_id = '{conversation}' and body like 'Mensagem % do balcão {}'",
                number + 1
            ));
            assert_eq!(there.await?.unwrap_or_default().split('|').collect::<Vec<_>>(), sent);
        }
    }
    let jobs = "select count(*) from app.jobs where kind = 'send_message'";
    let messages: usize = queues.iter().map(|queue| queue.messages.len()).sum();
    assert_eq!(outsider.count(jobs).await?, i64::try_from(messages)?, "each message is sent once");

    // What is given up shows the database's values again, and then all copies are equal.
    for (desk, _) in &desks {
        for (id, _) in parked(desk).await? {
            desk.call("decide_operation", json!({"operation_id": id, "choice": "discard"})).await?;
        }
        assert_eq!(desk.counts().await?, (0, 0));
    }
    let there = Picture::of_database(&clinic, back, &stock.conversations).await?;
    for (number, (desk, clock)) in desks.iter().enumerate() {
        desk.call("sync_now", json!({})).await?;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let shown = Picture::of_desk(desk, back, &stock.conversations).await?;
            match shown.assert_is(&there, &format!("desk {}", number + 1)) {
                Ok(()) => break,
                Err(differs) if Instant::now() > deadline => return Err(differs),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        let status = desk.call("get_status", json!({})).await?;
        let confirmed = status["last_confirmed_at"].as_str().context("it was confirmed")?;
        let since = clock.now() - DateTime::parse_from_rfc3339(confirmed)?.to_utc();
        assert!(since < TimeDelta::seconds(40), "confirmed {since} ago, by the desk's own clock");
        assert!(status["clock_ahead_seconds"].is_null() && status["problem"].is_null(), "{status}");
        desk.desk.close().await;
    }
    Ok(())
}
