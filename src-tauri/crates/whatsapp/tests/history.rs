//! A day on a bad line: whatever is lost, repeated, turned around or broken, stream and sweeps together bring every message.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use balcao_domain::message::GatewayEvent;
use balcao_testkit::gateway::{FakeEvolution, Incoming, What};
use balcao_whatsapp::gateway::{Backoff, Gateway, Heard, WireEvent};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::wire::{INSTANCE, PERSON, fake, gateway, lately, meaning};

/// Messages of one history.
const MESSAGES: usize = 300;

/// What has been taken in, and how.
#[derive(Default)]
struct Inbox {
    ids: BTreeSet<String>,
    from_stream: usize,
    from_sweeps: usize,
}

impl Inbox {
    fn take(&mut self, event: &WireEvent, is_swept: bool) {
        for event in meaning(event) {
            let GatewayEvent::Message(message) = event else { continue };
            let is_new = self.ids.insert(message.gateway_id.as_str().to_owned());
            *(if is_swept { &mut self.from_sweeps } else { &mut self.from_stream }) += usize::from(is_new);
        }
    }
}

/// Sweeps until everything was told, as whoever listens does.
async fn sweep(gateway: &Gateway, inbox: &Mutex<Inbox>) {
    loop {
        let mut sweep = gateway.sweep(lately());
        let done = loop {
            match sweep.next_page().await {
                Ok(Some(page)) => page.events.iter().for_each(|event| inbox.lock().unwrap().take(event, true)),
                Ok(None) => break sweep.tally().is_complete(),
                Err(_) => break false,
            }
        };
        if done {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Subscribes first and sweeps second, again and again.
async fn listen(gateway: Gateway, inbox: Arc<Mutex<Inbox>>) {
    let mut backoff = Backoff::default();
    loop {
        let mut stream = gateway.listen(None);
        loop {
            match stream.next().await {
                Ok(Heard::Event(event)) => inbox.lock().unwrap().take(&event, false),
                Ok(Heard::Up | Heard::Lost | Heard::Waiting) => sweep(&gateway, &inbox).await,
                Err(_) => break,
            }
        }
        // A tenth of what a program would wait, so that the history is short.
        tokio::time::sleep(backoff.after(Duration::from_secs(60), rand::random()) / 10).await;
    }
}

async fn happen(fake: &FakeEvolution, dice: &mut StdRng, number: usize) {
    match dice.random_range(0..60) {
        0 => fake.set(|faults| faults.lose = 3),
        1 => fake.set(|faults| faults.repeat = 2),
        2 => fake.set(|faults| faults.swap = true),
        3 => fake.set(|faults| faults.cut_within = 1),
        4 => fake.set(|faults| faults.withhold = 1),
        5 => fake.set(|faults| faults.repeat_rows = 1),
        6 => fake.set(|faults| faults.find_fails = 2),
        7 => fake.drop_sockets(),
        8 => fake.fall_silent(),
        9 => {
            fake.stop();
            for late in 0..5 {
                fake.store(INSTANCE, &Incoming::text(PERSON, &format!("while it was away {number} {late}")));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
            fake.start_again().await.unwrap();
        }
        _ => {}
    }
    let what = match dice.random_range(0..4) {
        0 => What::Image { caption: format!("picture {number}"), bytes: b"JPEG".to_vec() },
        _ => What::Text(format!("message {number}")),
    };
    let lid = dice.random_bool(0.2).then(|| "104857600123456".to_owned());
    fake.receive(INSTANCE, &Incoming { what, lid, from_me: dice.random_bool(0.2), ..Incoming::text(PERSON, "") });
    tokio::time::sleep(Duration::from_millis(dice.random_range(0..12))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stream_and_sweeps_together_bring_every_message() {
    let seed = std::env::var("BALCAO_HISTORIES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut dice = StdRng::seed_from_u64(seed);
    let fake = fake().await;
    fake.set(|faults| faults.heart = (Duration::from_millis(150), Duration::from_millis(250)));
    let gateway = gateway(&fake);
    let inbox = Arc::new(Mutex::new(Inbox::default()));
    let listening = tokio::spawn(listen(gateway.clone(), inbox.clone()));
    for number in 0..MESSAGES {
        happen(&fake, &mut dice, number).await;
    }
    let stored: BTreeSet<_> = fake.stored(INSTANCE).into_iter().collect();
    for _ in 0..100 {
        if inbox.lock().unwrap().ids.is_superset(&stored) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What was only lost without a sign is brought by the sweep that comes every few minutes.
    sweep(&gateway, &inbox).await;
    listening.abort();
    let inbox = inbox.lock().unwrap();
    assert_eq!(inbox.ids, stored, "seed {seed}");
    assert!(stored.len() >= MESSAGES);
    assert!(inbox.from_stream > 0 && inbox.from_sweeps > 0, "{} heard, {} swept", inbox.from_stream, inbox.from_sweeps);
}
