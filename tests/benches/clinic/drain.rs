//! A thousand queued writes sent to the database, against the same statements sent by hand.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_api::call;
use balcao_cache::Cache;
use balcao_domain::clock::Clock;
use balcao_sync::{Engine, Status};
use balcao_tenant::Tenant;
use balcao_tenant::provision::Connection;
use balcao_testkit::proxy::Proxy;
use serde_json::json;
use tokio::sync::watch;

use crate::by_hand::{self, Manner};
use crate::desks::{self, Profile};
use crate::measure::{Line, Sample, Target, milliseconds};
use crate::writes::{self, WRITES};
use crate::{say, surroundings, wire};

/// Round trips, and how often each is measured.
const ROUND_TRIPS: [(Duration, usize); 2] = [(Duration::ZERO, 4), (Duration::from_millis(80), 3)];

/// What may pass after the line is back until nothing waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// Milliseconds of one round trip.
#[derive(Default)]
struct Times {
    /// From the first batch to the last settled answer.
    sent: Vec<f64>,
    /// The same, until the copy has what the database made of them.
    read_back: Vec<f64>,
    /// From the line's return, with logging in, until nothing waits.
    outage: Vec<f64>,
    /// By hand, in each manner.
    by_hand: [Vec<f64>; Manner::ALL.len()],
    /// By hand as text, with logging in.
    from_login: Vec<f64>,
}

/// Measures on twins of a profile whose desk is closed.
pub async fn run(profile: &Profile, login: &Connection, folder: &Path) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (round_trip, turns) in ROUND_TRIPS {
        let proxy = Proxy::delayed(login.address.port, round_trip).await?;
        let login = wire::through(login, proxy.port());
        let desk = profile.twin(folder.join("afternoon"), &login).await?;
        let mut times = Times::default();
        for turn in 0..turns {
            one_turn(&desk, &login, &proxy, folder, turn, &mut times).await?;
        }
        desk.remove()?;
        lines.extend(times.lines(round_trip));
    }
    Ok(lines)
}

async fn one_turn(
    profile: &Profile,
    login: &Connection,
    proxy: &Proxy,
    folder: &Path,
    turn: usize,
    times: &mut Times,
) -> Result<()> {
    // Everybody's copy is as the database is.
    let desk = profile.open_confirmed().await?;
    desk.close().await;
    drop(desk);
    let spare = profile.twin(folder.join("spare"), login).await?;
    proxy.cut();

    let desk = profile.open_offline().await?;
    let afternoons = writes::plan(&desk).await?;
    let [first, second, of_hands @ ..] = afternoons.as_slice() else { anyhow::bail!("too few afternoons") };
    writes::queue(&desk, first).await?;
    ensure!(desks::waiting(&desk).await? == WRITES as u64, "writes were folded");
    desk.close().await;
    drop(desk);

    let desk = spare.open_offline().await?;
    for afternoon in of_hands {
        writes::queue(&desk, afternoon).await?;
    }
    desk.close().await;
    drop(desk);
    let statements = by_hand::read(&spare).await?;
    ensure!(statements.len() == WRITES * Manner::ALL.len(), "{} statements were read", statements.len());
    spare.remove()?;

    proxy.mend();
    // Whoever comes first finds the pages of the tables colder, so they take turns.
    for ours in [turn.is_multiple_of(2), !turn.is_multiple_of(2)] {
        if ours {
            let (sent, read_back) = by_engine(profile, login).await?;
            times.sent.push(milliseconds(sent));
            times.read_back.push(milliseconds(read_back));
            times.outage.push(milliseconds(after_outage(profile, proxy, second).await?));
            continue;
        }
        for (at, (manner, statements)) in Manner::ALL.into_iter().zip(statements.chunks(WRITES)).enumerate() {
            let begun = Instant::now();
            let mut connection = surroundings::plain(login).await?;
            let logged_in = begun.elapsed();
            let took = by_hand::send(&mut connection, statements, manner).await?;
            times.by_hand[at].push(milliseconds(took));
            if manner == Manner::Text {
                times.from_login.push(milliseconds(logged_in + took));
            }
        }
    }
    say(&format!(
        "{WRITES} writes: {:.0} ms, by hand {:.0} ms; after an outage {:.0} ms",
        times.sent[turn], times.by_hand[0][turn], times.outage[turn]
    ));
    Ok(())
}

/// Sends what waits in a copy over a connection that is open already.
async fn by_engine(profile: &Profile, login: &Connection) -> Result<(Duration, Duration)> {
    let cache = Cache::open(&profile.copy(), &profile.cache_key().await?, Clock::System).await?.cache;
    let tenant = Tenant::connect(&login.address, login.password.as_deref().unwrap_or_default(), "balcao bench").await?;
    let status = watch::Sender::new(Status::default());
    let mut engine = Engine::begin(tenant.clone(), cache.clone(), Clock::System, status).await?;
    let begun = Instant::now();
    let told = engine.push().await?;
    let sent = begun.elapsed();
    engine.pull().await?;
    let read_back = begun.elapsed();
    drop(engine);
    let left = cache.outbox_counts().await?;
    ensure!(told == WRITES && left == (0, 0), "{told} writes were answered, {left:?} wait and were refused");
    tenant.close().await;
    cache.close().await;
    Ok((sent, read_back))
}

/// The same at a desk whose line comes back.
async fn after_outage(profile: &Profile, proxy: &Proxy, afternoon: &[writes::Write]) -> Result<Duration> {
    proxy.cut();
    let desk = profile.open_offline().await?;
    writes::queue(&desk, afternoon).await?;
    proxy.mend();
    let begun = Instant::now();
    call(&desk, "sync_now", json!({})).await.context("hurrying")?;
    while desks::waiting(&desk).await? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "writes still wait after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = begun.elapsed();
    desk.close().await;
    Ok(took)
}

impl Times {
    fn lines(&self, round_trip: Duration) -> Vec<Line> {
        let [text, prepared, each] = &self.by_hand;
        let line = |what: &str, ours: &[f64], floor: &[f64], target: Target| Line {
            what: format!("{WRITES} writes at {} ms, {what}", round_trip.as_millis()),
            unit: "ms",
            tail: "max",
            ours: Sample::of(ours, 1.0),
            floor: Some(Sample::of(floor, 1.0)),
            target,
            notes: Vec::new(),
        };
        vec![
            line("sent", &self.sent, text, Target::RatioAtMost(2.0)),
            line("sent, floor prepared", &self.sent, prepared, Target::None),
            line("sent, floor each by itself", &self.sent, each, Target::None),
            line("sent and read back", &self.read_back, text, Target::None),
            line("from the line's return", &self.outage, &self.from_login, Target::None),
        ]
    }
}
