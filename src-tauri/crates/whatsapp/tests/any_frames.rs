//! Any frames at all, thrown at a client that listens: it goes on, or says why it does not, and the next connection hears
//! again.

use std::time::{Duration, Instant};

use balcao_domain::message::{Content, GatewayEvent};
use balcao_testkit::gateway::{FakeEvolution, Incoming};
use balcao_whatsapp::gateway::{Ended, Gateway, Heard, Stream};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::wire::{INSTANCE, PERSON, fake, gateway, meaning, next, up};

const NAMES: [&str; 10] = [
    "messages.upsert",
    "messages.set",
    "messages.update",
    "messages.edited",
    "messages.delete",
    "send.message",
    "contacts.upsert",
    "connection.update",
    "qrcode.updated",
    "cloud.webhook",
];
const KEYS: [&str; 20] = [
    "key",
    "id",
    "remoteJid",
    "fromMe",
    "message",
    "conversation",
    "imageMessage",
    "protocolMessage",
    "type",
    "status",
    "data",
    "instance",
    "messageTimestamp",
    "_placeholder",
    "num",
    "keyId",
    "ephemeralMessage",
    "contextInfo",
    "0",
    "low",
];

fn payload(dice: &mut StdRng, depth: u32) -> Value {
    match dice.random_range(0..if depth > 6 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(dice.random_bool(0.5)),
        2 => json!(dice.random::<i64>()),
        3 => json!(["5511988887777@s.whatsapp.net", "7@lid", "x@g.us", "", "READ", "REVOKE", "\u{0}é"].choose(dice)),
        4 => json!({"_placeholder": true, "num": dice.random_range(0..4)}),
        5 => json!({"type": "Buffer", "data": [dice.random_range(0..400)]}),
        6 => (0..dice.random_range(0..4)).map(|_| payload(dice, depth + 1)).collect(),
        _ => {
            let members = (0..dice.random_range(0..6)).map(|_| {
                let key = KEYS.choose(dice).copied().unwrap_or_default().to_owned();
                (key, payload(dice, depth + 1))
            });
            Value::Object(members.collect())
        }
    }
}

fn throw(fake: &FakeEvolution, dice: &mut StdRng) {
    let name = NAMES.choose(dice).unwrap();
    let envelope = json!({"event": name, "instance": INSTANCE, "data": payload(dice, 0)});
    let whole = json!([name, envelope]).to_string();
    match dice.random_range(0..10) {
        0..4 => fake.throw_text(&format!("42{whole}")),
        4..7 => {
            let attachments = dice.random_range(1..4);
            fake.throw_text(&format!("45{attachments}-{whole}"));
            for _ in 0..attachments {
                fake.throw_binary(&vec![dice.random::<u8>(); dice.random_range(0..50)]);
            }
        }
        7 => fake.throw_binary(&[dice.random::<u8>(), dice.random()]),
        8 => {
            let cut = (0..=dice.random_range(0..whole.len())).rev().find(|cut| whole.is_char_boundary(*cut)).unwrap();
            fake.throw_text(&format!("42{}", &whole[..cut]));
        }
        _ => {
            let letters: String =
                (0..dice.random_range(0..12)).map(|_| *b"0123456/,-[]{}\"a".choose(dice).unwrap() as char).collect();
            fake.throw_text(&letters);
        }
    }
}

/// Hears everything until this text comes. An end is allowed where such a frame may end a connection.
async fn hear_until(stream: &mut Stream, text: &str) -> Result<usize, Ended> {
    let mut heard = 0;
    loop {
        let Heard::Event(event) = next(stream).await? else { continue };
        heard += 1;
        let is_it = |event: &GatewayEvent| matches!(event, GatewayEvent::Message(message) if message.content == Content::Text(text.to_owned()));
        if meaning(&event).iter().any(is_it) {
            return Ok(heard);
        }
    }
}

async fn rounds(seed: u64, until: impl Fn(u32) -> bool) -> (u32, u32) {
    let mut dice = StdRng::seed_from_u64(seed);
    let fake = fake().await;
    let gateway: Gateway = gateway(&fake);
    let mut stream = gateway.listen(None);
    up(&mut stream).await;
    let (mut round, mut ends) = (0, 0);
    while until(round) {
        round += 1;
        (0..20).for_each(|_| throw(&fake, &mut dice));
        let text = format!("round {round}");
        fake.receive(INSTANCE, &Incoming::text(PERSON, &text));
        match hear_until(&mut stream, &text).await {
            Ok(_) => {}
            Err(Ended::Closed | Ended::Protocol(_) | Ended::InvalidNamespace(_)) => {
                ends += 1;
                stream = gateway.listen(None);
                up(&mut stream).await;
                let again = format!("again {round}");
                fake.receive(INSTANCE, &Incoming::text(PERSON, &again));
                hear_until(&mut stream, &again).await.unwrap_or_else(|ended| panic!("seed {seed}, {again}: {ended}"));
            }
            Err(other) => panic!("seed {seed}, round {round}: {other}"),
        }
    }
    (round, ends)
}

#[tokio::test]
async fn no_frames_make_a_client_deaf() {
    let (rounds, ends) = rounds(1, |round| round < 150).await;
    assert!(ends < rounds / 4, "{ends} connections of {rounds} rounds were given up");
}

#[tokio::test]
#[ignore = "as long as BALCAO_SOAK_MINUTES says"]
async fn any_frames_for_long() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    // The other half is for what is in them.
    let half = Duration::from_secs(number("BALCAO_SOAK_MINUTES").unwrap_or(10).min(10) * 30);
    let seed = number("BALCAO_HISTORIES_SEED").unwrap_or(1);
    let end = Instant::now() + half;
    let (rounds, ends) = rounds(seed, |_| Instant::now() < end).await;
    println!("{} frames from the seed {seed}: {ends} connections given up and opened again", rounds * 20);
    assert!(ends < rounds / 4, "{ends} connections of {rounds} rounds were given up");
}
