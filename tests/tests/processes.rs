//! Real desks in processes of their own, with a server that is killed under them, lines that fail, and kills of their own.
//! They need a keyring, which `cargo xtask test` provides.

#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "seeds and times are worth reading when a test has passed, too")]

#[path = "processes/clinic.rs"]
mod clinic;
#[path = "processes/desk.rs"]
mod desk;
#[path = "processes/ledger.rs"]
mod ledger;
#[path = "processes/work.rs"]
mod work;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use balcao_testkit::proxy::{Proxy, Which};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clinic::Clinic;
use desk::{Desk, Profile, SOON};
use ledger::Ledger;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use sqlx::PgConnection;
use work::Work;

/// How long a line may be dead before the status line says so.
const NOTICED: Duration = Duration::from_secs(30);

/// Kills of a desk.
const KILLS: u32 = 200;

/// Writes that wait when the server is killed.
const QUEUED: usize = 1_000;

/// Two desks of a clinic, each behind a line of its own. What is listed first ends first.
struct Counter {
    ana: Desk,
    bia: Desk,
    lines: [Proxy; 2],
    ana_profile: Profile,
    _bia_profile: Profile,
    clinic: Clinic,
}

impl Counter {
    async fn open() -> Result<Self> {
        let clinic = Clinic::make().await?;
        let lines = [Proxy::to(clinic.port()?).await?, Proxy::to(clinic.port()?).await?];
        let attendant = clinic.add_attendant().await?;
        let (ana_profile, bia_profile) = (Profile::new()?, Profile::new()?);
        let ana = ana_profile.connect(&clinic.owner, &lines[0]).await?;
        let bia = bia_profile.connect(&attendant, &lines[1]).await?;
        Ok(Self { ana, bia, lines, ana_profile, _bia_profile: bia_profile, clinic })
    }

    /// Kills the server and starts it again; both lines lead to it.
    async fn kill_server(&mut self, with_sessions: bool) -> Result<()> {
        self.clinic.kill(with_sessions).await?;
        self.clinic.start_again().await?;
        let port = self.clinic.port()?;
        self.lines.iter().for_each(|line| line.lead_to(port));
        Ok(())
    }

    /// Everything is sent, nobody is asked anything.
    async fn settle(&self, patience: Duration) -> Result<Duration> {
        let (mut needs_you, took) = self.ana.until_settled(patience).await?;
        needs_you += self.bia.until_settled(patience).await?.0;
        ensure!(needs_you == 0, "{needs_you} writes need a decision");
        Ok(took)
    }
}

/// The seed of what is left to chance; a failed run is repeated with it.
fn seed() -> u64 {
    let seed = std::env::var("BALCAO_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("BALCAO_SEED={seed}");
    seed
}

async fn messages(database: &mut PgConnection, tag: &str) -> Result<usize> {
    let count: i64 = sqlx::query_scalar("select count(*) from app.messages where body like $1")
        .bind(format!("{tag} %"))
        .fetch_one(database)
        .await?;
    Ok(usize::try_from(count)?)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_desks_keep_what_was_being_spoken_when_they_are_killed() -> Result<()> {
    let counter = Counter::open().await?;
    let ana = &counter.ana;
    let wanted = json!({ "view": "all", "limit": 1 });
    let talk = ana.call("list_conversations", wanted).await?["rows"][0]["id"].clone();
    let said = |second: u32| format!("segundo {second}, ");
    let piece = |second: u32| {
        json!({
            "conversation_id": talk, "file_id": "0197f0c8-0000-7000-8000-000000000001", "file_name": "voz",
            "mime_type": "audio/webm", "number": second, "base64": STANDARD.encode(said(second)), "whole": false,
            "voice": { "seconds": second + 1, "waveform": [100] },
        })
    };
    for second in 0..3 {
        ana.call("keep_attached", piece(second)).await?;
    }
    // In the midst of the next one: it is there or not, and never half.
    let on_its_way = ana.call("keep_attached", piece(3));
    let killed = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        ana.pull_away()
    };
    let (_, killed) = tokio::join!(on_its_way, killed);
    killed?;
    counter.ana.kill().await?;
    let ana = counter.ana_profile.start().await?;
    ana.until_ready().await?;
    let draft = ana.call("get_draft", json!({ "conversation_id": talk })).await?;
    let file = &draft["files"][0];
    ensure!(file["state"] == "interrupted", "it is told as what it is: {draft}");
    let kept = ana.call("get_attached", json!({ "file_id": file["id"] })).await?;
    let kept = String::from_utf8(STANDARD.decode(kept["base64"].as_str().unwrap_or_default())?)?;
    let whole: String = (0..4).map(said).collect();
    ensure!([&whole[..], &whole[..whole.len() - said(3).len()]].contains(&&*kept), "{kept:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_desks_lose_nothing_when_the_server_is_killed_while_a_thousand_writes_drain() -> Result<()> {
    let mut dice = StdRng::seed_from_u64(seed());
    let mut counter = Counter::open().await?;
    let mut work = Work::choose(&counter.ana, "drain", 0, dice.random()).await?;
    let mut ledger = Ledger::default();
    counter.lines[0].cut();
    counter.ana.until_connection("offline", NOTICED).await?;
    let begun = Instant::now();
    for _ in 0..QUEUED {
        ensure!(ledger.make(&counter.ana, work.message()).await?, "a desk that runs did not answer");
    }
    println!("{QUEUED} writes queued in {:?}", begun.elapsed());

    // Answers take long enough to be lost.
    counter.lines[0].delay(Duration::from_millis(200));
    counter.lines[0].mend();
    let begun = Instant::now();
    until_applying(&mut counter.clinic.outsider().await?).await?;
    tokio::time::sleep(Duration::from_millis(dice.random_range(0..20))).await;
    counter.kill_server(true).await?;
    let landed = messages(&mut counter.clinic.outsider().await?, &work.tag).await?;
    println!("{:.1?}: killed the server in the middle of a batch, after {landed} writes", begun.elapsed());
    ensure!(landed < QUEUED, "the server was killed too late");

    let mut database = counter.clinic.outsider().await?;
    let waiting = Instant::now();
    while messages(&mut database, &work.tag).await? == 0 {
        ensure!(waiting.elapsed() < SOON, "nothing arrived within {SOON:?}");
    }
    // All of it is there, and nobody has told the desk.
    counter.lines[0].drop_now(Which::All);
    let landed = messages(&mut database, &work.tag).await?;
    let status = counter.ana.call("get_status", json!({})).await?;
    println!(
        "{:.1?}: killed the server after {landed} writes, of which the desk still kept {}",
        begun.elapsed(),
        status["waiting"]
    );
    ensure!(status["waiting"] == QUEUED, "the answer was not lost: {status}");
    counter.kill_server(true).await?;

    // While it is repeated, too. The sessions of a server that is gone go on to the end of what they do.
    until_applying(&mut counter.clinic.outsider().await?).await?;
    counter.kill_server(false).await?;
    println!("{:.1?}: killed the server while it heard everything a second time", begun.elapsed());
    counter.settle(SOON).await?;
    println!("drained in {:?} with three kills", begun.elapsed());
    let mut database = counter.clinic.outsider().await?;
    assert_eq!(messages(&mut database, &work.tag).await?, QUEUED);
    ledger.assert_landed(&mut database, &work.tag).await?;
    ledger.until_shown(&counter.ana).await?;
    ledger.until_shown(&counter.bia).await
}

/// Waits until a batch of writes is being applied.
async fn until_applying(database: &mut PgConnection) -> Result<()> {
    let begun = Instant::now();
    let applying = "select exists (select from pg_stat_activity
                    where state = 'active' and pid <> pg_backend_pid() and query like '%apply_operations%')";
    while !sqlx::query_scalar::<_, bool>(applying).fetch_one(&mut *database).await? {
        ensure!(begun.elapsed() < SOON, "nothing was sent within {SOON:?}");
    }
    Ok(())
}

/// Waits until there are more messages than before.
async fn until_arrived(database: &mut PgConnection, tag: &str, before: usize) -> Result<()> {
    let begun = Instant::now();
    while messages(database, tag).await? <= before {
        ensure!(begun.elapsed() < SOON, "nothing arrived within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Writes until the desk does not answer any more.
async fn write_until_killed(desk: &Desk, work: &mut Work, ledger: &mut Ledger) -> Result<()> {
    while ledger.make(desk, work.next()).await? {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_desks_keep_every_answered_write_through_two_hundred_kills() -> Result<()> {
    let mut dice = StdRng::seed_from_u64(seed());
    let counter = Counter::open().await?;
    let Counter { ana, bia, lines, ana_profile, _bia_profile, clinic } = counter;
    let mut work = Work::choose(&ana, "kill", 0, dice.random()).await?;
    let mut ledger = Ledger::default();
    ana.kill().await?;
    let mut database = clinic.outsider().await?;
    let (begun, mut starting, mut draining, mut ready_after) = (Instant::now(), 0, 0, Duration::ZERO);
    for number in 0..KILLS {
        let started = Instant::now();
        if dice.random_bool(0.2) {
            // In the middle of opening the profile.
            let spawned = ana_profile.spawn()?;
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..200))).await;
            spawned.kill().await?;
            starting += 1;
            continue;
        }
        let ana = ana_profile.start().await?;
        ana.until_ready().await?;
        ready_after += started.elapsed();
        let before = messages(&mut database, &work.tag).await?;
        let (life, tag) = (Duration::from_millis(dice.random_range(0..400)), work.tag.clone());
        let (written, killed) = tokio::join!(write_until_killed(&ana, &mut work, &mut ledger), async {
            // Some live until something has arrived, however busy the machine is.
            let lived = if number % 10 == 0 {
                until_arrived(&mut database, &tag, before).await
            } else {
                tokio::time::sleep(life).await;
                Ok(())
            };
            ana.pull_away().and(lived)
        });
        written.and(killed)?;
        ana.kill().await?;
        draining += u32::from(messages(&mut database, &work.tag).await? > before);
    }
    let writing = KILLS - starting;
    println!(
        "{KILLS} kills in {:?}: {starting} while starting, {writing} while writing, {draining} after writes arrived",
        begun.elapsed()
    );
    println!(
        "ready after {:?}; {} writes answered, {} messages not",
        ready_after / writing.max(1),
        ledger.answered(),
        ledger.unanswered()
    );
    ensure!(draining > KILLS / 50 && ledger.answered() > 500, "the kills came before anything happened");

    let ana = ana_profile.start().await?;
    ana.until_ready().await?;
    let (needs_you, took) = ana.until_settled(SOON * 2).await?;
    println!("the rest drained in {took:?}");
    assert_eq!(needs_you, 0, "nobody contradicted");
    ledger.assert_landed(&mut database, &work.tag).await?;
    ledger.until_shown(&ana).await?;
    ledger.until_shown(&bia).await?;
    assert_eq!(ana_profile.set_aside()?, [""; 0], "the copy was never damaged");
    drop(lines);
    Ok(())
}

/// Writes at a steady pace for a while.
async fn write_for(desk: &Desk, work: &mut Work, ledger: &mut Ledger, time: Duration) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        ensure!(ledger.make(desk, work.next()).await?, "a desk that runs did not answer");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    Ok(())
}

/// Torments a line for a while and leaves it whole.
async fn torment(line: &Proxy, seed: u64, time: Duration) -> u32 {
    let (mut dice, begun, mut faults) = (StdRng::seed_from_u64(seed), Instant::now(), 0);
    while begun.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(dice.random_range(20..400))).await;
        let which = [Which::All, Which::Listening, Which::Others][dice.random_range(0..3)];
        match dice.random_range(0..5) {
            0 => line.delay(Duration::from_millis(dice.random_range(0..200))),
            1 => line.drop_now(which),
            2 | 3 => line.halve(which),
            _ => {
                line.cut();
                tokio::time::sleep(Duration::from_millis(dice.random_range(0..300))).await;
                line.mend();
            }
        }
        faults += 1;
    }
    line.delay(Duration::ZERO);
    line.thaw();
    faults
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_desks_get_everything_through_lines_that_stutter_drop_and_halve() -> Result<()> {
    let mut dice = StdRng::seed_from_u64(seed());
    let counter = Counter::open().await?;
    let time = Duration::from_secs(12);
    let mut anas_work = Work::choose(&counter.ana, "balcão de ana", 0, dice.random()).await?;
    let mut bias_work = Work::choose(&counter.bia, "balcão de bia", 1, dice.random()).await?;
    let (mut anas, mut bias) = (Ledger::default(), Ledger::default());
    let (one, other, ana, bia) = tokio::join!(
        torment(&counter.lines[0], dice.random(), time),
        torment(&counter.lines[1], dice.random(), time),
        write_for(&counter.ana, &mut anas_work, &mut anas, time),
        write_for(&counter.bia, &mut bias_work, &mut bias, time),
    );
    ana.and(bia)?;
    let took = counter.settle(SOON).await?;
    println!("{} faults, {} writes; the rest drained in {took:?}", one + other, anas.answered() + bias.answered());
    let mut database = counter.clinic.outsider().await?;
    anas.assert_landed(&mut database, &anas_work.tag).await?;
    bias.assert_landed(&mut database, &bias_work.tag).await?;
    for desk in [&counter.ana, &counter.bia] {
        anas.until_shown(desk).await?;
        bias.until_shown(desk).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_desks_notice_a_frozen_line_within_half_a_minute_and_go_on() -> Result<()> {
    let counter = Counter::open().await?;
    let (ana, line) = (&counter.ana, &counter.lines[0]);
    let mut work = Work::choose(ana, "frozen", 0, 0).await?;
    let mut ledger = Ledger::default();
    let mut database = counter.clinic.outsider().await?;
    ensure!(line.connections(Which::All) <= 2, "a desk has {} connections", line.connections(Which::All));

    // Nobody works: only the desk itself can find out.
    line.freeze(Which::All);
    println!("an idle desk said offline after {:?}", ana.until_connection("offline", NOTICED).await?);
    line.thaw();
    println!("and online {:?} after the thaw", ana.until_connection("online", SOON).await?);

    // What was under way arrives after the thaw, when it was sent a second time already.
    line.freeze(Which::All);
    ledger.make(ana, work.message()).await?;
    println!("a desk with a write said offline after {:?}", ana.until_connection("offline", NOTICED).await?);
    assert_eq!(messages(&mut database, &work.tag).await?, 0, "nothing passes a frozen line");
    let status = ana.call("get_status", json!({})).await?;
    assert_eq!(status["waiting"], 1, "it says what is kept");
    line.thaw();
    ana.until_settled(SOON).await?;

    // A firewall that forgot the connections: they never come back, and new ones work.
    line.freeze_present(Which::All);
    ledger.make(ana, work.message()).await?;
    println!("a write past dead connections took {:?}", ana.until_settled(NOTICED).await?.1);
    counter.settle(SOON).await?;
    ledger.assert_landed(&mut database, &work.tag).await?;
    ledger.until_shown(ana).await?;
    ledger.until_shown(&counter.bia).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a keyring and the program: cargo xtask test --only processes"]
async fn the_real_desks_hear_by_asking_while_only_their_listening_connection_is_frozen() -> Result<()> {
    let counter = Counter::open().await?;
    let (ana, bia, line) = (&counter.ana, &counter.bia, &counter.lines[1]);
    let mut work = Work::choose(ana, "deaf", 0, 0).await?;
    assert_eq!(line.connections(Which::Listening), 1, "a desk listens");

    line.freeze_present(Which::Listening);
    println!("asking brought it after {:?}", arrival(ana, bia, &mut work, NOTICED).await?);
    // The desk finds out that nothing can be heard, and listens anew.
    let begun = Instant::now();
    while line.connections(Which::Listening) < 2 {
        ensure!(begun.elapsed() < SOON, "the desk never listened anew");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bia.until_settled(SOON).await?;
    println!("listening anew brought it after {:?}", arrival(ana, bia, &mut work, Duration::from_secs(10)).await?);

    // Behind a wall that lets nobody listen, it asks more often.
    line.freeze(Which::Listening);
    println!("without a way to listen it came after {:?}", arrival(ana, bia, &mut work, NOTICED).await?);
    println!("and once that was known, after {:?}", arrival(ana, bia, &mut work, Duration::from_secs(12)).await?);
    let status = bia.call("get_status", json!({})).await?;
    assert_eq!(status["connection"], "online", "what it asks is answered");
    Ok(())
}

/// How long a message from one desk takes to be shown on another.
async fn arrival(from: &Desk, to: &Desk, work: &mut Work, patience: Duration) -> Result<Duration> {
    let mut ledger = Ledger::default();
    let begun = Instant::now();
    ledger.make(from, work.message()).await?;
    ledger.until_shown(to).await?;
    ensure!(begun.elapsed() < patience, "it took {:?}", begun.elapsed());
    Ok(begun.elapsed())
}
