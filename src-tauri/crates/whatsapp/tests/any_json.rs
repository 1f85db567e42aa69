//! No JSON at all may bring the reading down, and nothing that it makes may be refused by the database.

use std::time::{Duration, Instant};

use balcao_domain::message::{Content, GatewayEvent, MAX_BODY_CHARS};
use balcao_whatsapp::{digest, instance, parse, scrub};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Number, Value, json};

const EVENTS: [&str; 16] = [
    "messages.upsert",
    "messages.set",
    "send.message",
    "messages.update",
    "messages.edited",
    "messages.delete",
    "send.message.update",
    "connection.update",
    "contacts.upsert",
    "contacts.update",
    "qrcode.updated",
    "status.instance",
    "chats.upsert",
    "logout.instance",
    "",
    "new.thing",
];

/// Names that the reading looks for, so that random JSON goes deep into it.
const NAMES: [&str; 60] = [
    "key",
    "id",
    "remoteJid",
    "remoteJidAlt",
    "fromMe",
    "participant",
    "senderPn",
    "pushName",
    "message",
    "messageType",
    "messageTimestamp",
    "status",
    "keyId",
    "data",
    "type",
    "editedMessage",
    "protocolMessage",
    "reactionMessage",
    "text",
    "conversation",
    "extendedTextMessage",
    "imageMessage",
    "audioMessage",
    "documentMessage",
    "locationMessage",
    "contactsArrayMessage",
    "contacts",
    "listResponseMessage",
    "singleSelectReply",
    "interactiveResponseMessage",
    "nativeFlowResponseMessage",
    "paramsJson",
    "ephemeralMessage",
    "viewOnceMessageV2",
    "contextInfo",
    "quotedMessage",
    "stanzaId",
    "fileLength",
    "low",
    "high",
    "unsigned",
    "caption",
    "seconds",
    "ptt",
    "degreesLatitude",
    "timestampMs",
    "senderTimestampMs",
    "state",
    "wuid",
    "qrcode",
    "instance",
    "0",
    "1",
    "pollCreationMessage",
    "options",
    "optionName",
    "placeholderMessage",
    "messageStubType",
    "sender",
    "jpegThumbnail",
];

const TEXTS: [&str; 14] = [
    "5531977776666@s.whatsapp.net",
    "104857600123456@lid",
    "120363025@g.us",
    "status@broadcast",
    "3A01",
    "READ",
    "MESSAGE_EDIT",
    "REVOKE",
    "open",
    "oi",
    "",
    "a\u{0}b",
    "Buffer",
    "{\"id\":\"x\"}",
];

fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![8 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        (0..20_i64).prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
        prop::sample::select(&TEXTS[..]).prop_map(|text| json!(text)),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(7, 96, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            4 => prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A message object whose frame is right, so that every run reads some content.
fn framed() -> impl Strategy<Value = Value> {
    (any_json(), any_json(), any_json()).prop_map(|(message, context, timestamp)| {
        json!({
            "key": {"remoteJid": "5531977776666@s.whatsapp.net", "fromMe": false, "id": "3A01"},
            "message": message, "contextInfo": context, "messageTimestamp": timestamp,
        })
    })
}

fn heard() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_100, 123_456_789).unwrap()
}

fn fits_the_database(event: &GatewayEvent) -> Result<(), TestCaseError> {
    if let GatewayEvent::Message(message) = event {
        let body = message.content.body();
        prop_assert!(body.chars().count() <= MAX_BODY_CHARS && !body.contains('\0'));
        prop_assert!(!message.person.is_unknown());
        prop_assert_eq!(message.sent_at.timestamp_subsec_nanos() % 1000, 0, "PostgreSQL keeps microseconds");
        if let Some(name) = &message.push_name {
            prop_assert!(!name.is_empty() && name.chars().count() <= 200 && !name.contains('\0'));
        }
        if let Content::Unsupported { kind } = &message.content {
            prop_assert!(!kind.is_empty(), "an unknown kind has some name");
        }
    }
    Ok(())
}

fn is_read(event: &str, payload: &Value) -> Result<(), TestCaseError> {
    for event in parse(event, payload, heard()) {
        fits_the_database(&event)?;
    }
    let _ = instance(payload);
    Ok(())
}

fn says_something(data: &Value) -> Result<(), TestCaseError> {
    let events = parse("messages.upsert", &json!({"data": data}), heard());
    prop_assert_eq!(events.len(), 1);
    fits_the_database(&events[0])
}

fn is_scrubbed_and_digested(payload: &Value) -> Result<(), TestCaseError> {
    let scrubbed = scrub(payload);
    prop_assert!(!scrubbed.to_string().contains("\\u0000"));
    prop_assert_eq!(&scrub(&scrubbed), &scrubbed, "scrubbing twice changes nothing more");
    prop_assert_eq!(digest("messages.upsert", &scrubbed), digest("messages.upsert", &scrub(payload)));
    Ok(())
}

/// The payload as a server sends it.
fn enveloped(data: &Value) -> Value {
    json!({"data": data, "sender": "5521990001111@s.whatsapp.net"})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_json_is_read_without_a_panic(event in prop::sample::select(&EVENTS[..]), payload in any_json(), data in any_json()) {
        is_read(event, &payload)?;
        is_read(event, &enveloped(&data))?;
    }

    #[test]
    fn any_content_in_a_right_frame_says_something(data in framed()) {
        says_something(&data)?;
    }

    #[test]
    fn any_json_can_be_scrubbed_and_digested(payload in any_json()) {
        is_scrubbed_and_digested(&payload)?;
    }

    #[test]
    fn scrubbing_takes_nothing_that_the_reading_needs(event in prop::sample::select(&EVENTS[..]), data in framed()) {
        let payload = json!({"data": data});
        // An id with NUL in it is no id, and becomes another one without it: the program only reads what was scrubbed.
        prop_assume!(!payload.to_string().contains("\\u0000"));
        prop_assert_eq!(parse(event, &payload, heard()), parse(event, &scrub(&payload), heard()));
    }
}

#[test]
#[ignore = "as long as BALCAO_SOAK_MINUTES says"]
fn any_json_for_long() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (length, seed) = (soak(number("BALCAO_SOAK_MINUTES")), number("BALCAO_HISTORIES_SEED").unwrap_or(1));
    let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() };
    let (end, mut rounds) = (Instant::now() + length, 0_u64);
    while Instant::now() < end {
        // One that has run has nothing left to do: each round has dice of its own.
        let mut drawn_from = [0; 32];
        drawn_from[..8].copy_from_slice(&seed.to_le_bytes());
        drawn_from[8..16].copy_from_slice(&rounds.to_le_bytes());
        let dice = TestRng::from_seed(RngAlgorithm::ChaCha, &drawn_from);
        let mut runner = TestRunner::new_with_rng(config.clone(), dice);
        let any = (prop::sample::select(&EVENTS[..]), any_json(), framed());
        let ended = runner.run(&any, |(event, payload, data)| {
            is_read(event, &payload)?;
            is_read(event, &enveloped(&payload))?;
            says_something(&data)?;
            is_scrubbed_and_digested(&enveloped(&payload))
        });
        ended.unwrap_or_else(|error| panic!("seed {seed}, round {rounds}: {error}"));
        rounds += 1;
    }
    println!("{} payloads from the seed {seed}", rounds * 1_000);
}

/// Half of the time that a soak gives to what a gateway may say; the frames have the other half.
fn soak(minutes: Option<u64>) -> Duration {
    Duration::from_secs(minutes.unwrap_or(10).min(10) * 30)
}
