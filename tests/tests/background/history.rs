//! A random history: people write, a desk answers, everything breaks now and then, and a computer dies again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use balcao_agent::background::{Background, Standing};
use balcao_testkit::gateway::{Echo, Incoming, SendFault, Trace};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::scene::{Scene, person};
use super::server::Server;

/// How long a history is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Messages that appear at the gateway, or are written at a desk.
    pub messages: usize,
    /// Times that the working computer dies.
    pub kills: usize,
    /// Times that the database is away.
    pub cuts: usize,
    /// Times that it is restarted, every other time without being asked: it has a server of its own then.
    pub restarts: usize,
}

const PEOPLE: usize = 30;

/// How long what is left when it has gone quiet may stay as it is: what a gateway asked to wait with is put off for two minutes
/// and more.
const PATIENCE: Duration = Duration::from_secs(4 * 60);

/// Plays it, and sees that everything came out well.
pub async fn play(size: Size, seed: u64) -> Result<()> {
    println!("a history of {size:?} with the seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    // What is declared first is gone last.
    let mut server = if size.restarts > 0 { Some(Server::start().await?) } else { None };
    let mut scene = match &server {
        Some(server) => Scene::open_on(&server.url()?).await?,
        None => Scene::open().await?,
    };
    // A sweep looks at all messages of the last minutes: where they are many, sweeps alone would keep a processor busy.
    scene.rhythm.light_sweep = scene.rhythm.light_sweep.max(Duration::from_millis(2) * u32::try_from(size.messages)?);
    let places = [scene.place().await?, scene.place().await?];
    let start =
        |scene: &Scene, place: usize| scene.computer_in(&format!("Sala {place}"), places[place].0, &places[place].1);
    let mut computers: [Option<Background>; 2] = [Some(start(&scene, 0)?), Some(start(&scene, 1)?)];
    let mut left = size;
    let mut answers = 0;
    while left.messages > 0 {
        match dice.random_range(0..100) {
            0..50 => {
                let said =
                    Incoming::text(&person(dice.random_range(0..PEOPLE)), &format!("mensagem {}", left.messages));
                let said = Incoming { from_me: dice.random_ratio(1, 10), ..said };
                if dice.random_ratio(1, 6) {
                    scene.gateway.store("recepcao", &said);
                } else {
                    scene.gateway.receive("recepcao", &said);
                }
                left.messages -= 1;
            }
            50..75 => {
                answers += 1;
                scene.answer(&person(dice.random_range(0..PEOPLE)), &format!("resposta {answers}")).await?;
                left.messages -= 1;
            }
            75..80 => report(&scene, &mut dice),
            _ => fault(&scene, &mut dice),
        }
        // Spread over the whole history.
        let is_due = |left_of_them: usize, of_them: usize| left_of_them * size.messages > left.messages * of_them;
        if is_due(left.kills, size.kills) {
            left.kills -= 1;
            let working = computers.iter().position(|computer| computer.as_ref().is_some_and(works));
            let which = working.filter(|_| dice.random_ratio(3, 4)).unwrap_or_else(|| dice.random_range(0..2));
            drop(computers[which].take());
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..300))).await;
            computers[which] = Some(start(&scene, which)?);
        }
        if is_due(left.cuts, size.cuts) {
            left.cuts -= 1;
            scene.line.cut();
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..800))).await;
            scene.line.mend();
        }
        if let Some(server) = server.as_mut().filter(|_| is_due(left.restarts, size.restarts)) {
            left.restarts -= 1;
            server.restart(left.restarts.is_multiple_of(2)).await?;
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..8))).await;
    }
    quieten(&scene).await?;
    ends_well(&scene).await?;
    for computer in computers.into_iter().flatten() {
        computer.stop().await;
    }
    Ok(())
}

fn works(computer: &Background) -> bool {
    matches!(*computer.standing().borrow(), Standing::Working { .. })
}

/// The phone says more of a message that went out: in any order, and again.
fn report(scene: &Scene, dice: &mut StdRng) {
    let sent = scene.gateway.sent();
    if sent.is_empty() {
        return;
    }
    let id = &sent[dice.random_range(0..sent.len())].id;
    let status = ["READ", "SERVER_ACK", "PENDING", "DELIVERY_ACK", "PLAYED"][dice.random_range(0..5)];
    scene.gateway.report("recepcao", id, status);
}

fn fault(scene: &Scene, dice: &mut StdRng) {
    let some = dice.random_range(1..4);
    match dice.random_range(0..11) {
        0 => scene.gateway.drop_sockets(),
        1 => scene.gateway.set(|faults| faults.lose += some),
        2 => scene.gateway.set(|faults| faults.repeat += some),
        3 => scene.gateway.set(|faults| faults.swap = true),
        4 => scene.gateway.set(|faults| faults.cut_within += 1),
        5 => scene.gateway.set(|faults| faults.repeat_rows += some),
        6 => scene.gateway.set(|faults| faults.find_fails += some),
        7 => scene.gateway.set(|faults| faults.echo = if some == 1 { Echo::Before } else { Echo::After }),
        _ => {
            let faults = [
                SendFault::TimedOut(Trace::Stored),
                SendFault::TimedOut(Trace::Nothing),
                SendFault::ConnectionClosed(Trace::Stored),
                SendFault::Fails(Trace::Gone),
                SendFault::Breaks(Trace::Stored),
                SendFault::Late(Duration::from_millis(200), Trace::Stored),
                SendFault::NotOnWhatsapp,
                SendFault::TooMany,
                SendFault::ErrorWithSuccess(131_047),
            ];
            let fault = faults[dice.random_range(0..faults.len())];
            scene.gateway.set(|now| now.sends.push_back(fault));
        }
    }
}

/// Nothing goes wrong any more, and everything that waits is done.
async fn quieten(scene: &Scene) -> Result<()> {
    scene.gateway.set(|faults| {
        *faults = balcao_testkit::gateway::Faults::default();
    });
    dwindles("messages to be sent", async || {
        scene.count("app.messages where sender_kind = 'member' and (status = 'queued' or status = 'sending' and gateway_id is null)").await
    })
    .await?;
    dwindles("messages of the gateway that are not here", async || {
        let here: BTreeSet<String> = scene.gateway_ids().await?.into_iter().collect();
        let missing = scene.gateway.stored("recepcao").into_iter().filter(|id| !here.contains(id)).count();
        Ok(i64::try_from(missing)?)
    })
    .await?;
    scene.settled().await
}

/// Waits until none is left, as long as they get fewer: a machine may be slow.
async fn dwindles(what: &str, left: impl AsyncFn() -> Result<i64>) -> Result<()> {
    let (mut fewest, mut since) = (i64::MAX, Instant::now());
    loop {
        let now = left().await?;
        if now == 0 {
            return Ok(());
        }
        if now < fewest {
            (fewest, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < PATIENCE, "{now} {what}, and they get no fewer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ends_well(scene: &Scene) -> Result<()> {
    let there: BTreeSet<String> = scene.gateway.stored("recepcao").into_iter().collect();
    let mut here = BTreeMap::<String, u32>::new();
    for id in scene.gateway_ids().await? {
        *here.entry(id).or_default() += 1;
    }
    ensure!(here.values().all(|times| *times == 1), "a message stands there twice");
    let unknown_to_the_gateway: Vec<_> = here.keys().filter(|id| !there.contains(*id)).collect();
    ensure!(unknown_to_the_gateway.is_empty(), "nobody sent {unknown_to_the_gateway:?}");
    ensure!(there.iter().all(|id| here.contains_key(id)), "something is missing");

    let mut sent = BTreeMap::<String, u32>::new();
    for message in scene.gateway.sent() {
        *sent.entry(message.text).or_default() += 1;
    }
    ensure!(sent.values().all(|times| *times == 1), "something was sent twice");
    let written = scene.statuses().await?;
    let doubled = scene.count("(select body from app.messages where direction = 'outbound' and body like 'resposta%' group by body having count(*) > 1) d").await?;
    ensure!(doubled == 0, "{doubled} answers stand there twice");
    for (body, status) in &written {
        let went = sent.contains_key(body);
        let fine = match status.as_str() {
            "sending" | "sent" | "delivered" | "read" | "played" => went,
            "failed" => !went,
            // A person decides.
            "unknown" => true,
            _ => false,
        };
        ensure!(fine, "{body} is {status}, and went out: {went}");
    }
    ensure!(scene.count("public.went_down").await? == 0, "a tick went down");
    let unknown = written.iter().filter(|(_, status)| status == "unknown").count();
    println!("{} messages, {} of them written here, {unknown} for a person to decide", there.len(), written.len());
    Ok(())
}
