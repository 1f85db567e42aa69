//! The stream against a server that does what real ones do.

use std::path::Path;
use std::time::Duration;

use balcao_domain::message::{ConnectionState, GatewayEvent};
use balcao_testkit::gateway::{FakeEvolution, Incoming, Mode, What};
use balcao_whatsapp::gateway::{Ended, GatewayError, Heard, Namespace};
use balcao_whatsapp::{parse, scrub};
use chrono::DateTime;
use serde_json::Value;

use crate::wire::{self, INSTANCE, PERSON, client, event, fake, gateway, message, next, up, words};

#[tokio::test]
async fn a_text_comes_with_its_bytes_in_their_places() {
    let fake = fake().await;
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    let id = fake.receive(INSTANCE, &Incoming::text(PERSON, "oi"));
    let event = event(&mut stream).await;
    let secret = &event.payload["data"]["message"]["messageContextInfo"]["messageSecret"];
    assert_eq!(secret, "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=", "bytes come as base64");
    let message = message(&event);
    assert_eq!((message.gateway_id.as_str(), words(&message)), (id.as_str(), "oi"));
    assert_eq!(message.chat, wire::chat(PERSON));
}

#[tokio::test]
async fn a_server_that_puts_bytes_into_the_text_is_understood_as_well() {
    let fake = fake().await;
    fake.set(|faults| faults.no_attachments = true);
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    fake.receive(INSTANCE, &Incoming::text(PERSON, "oi"));
    assert_eq!(words(&message(&event(&mut stream).await)), "oi");
}

#[tokio::test]
async fn events_of_other_instances_are_not_ours() {
    let fake = fake().await;
    fake.add_instance("outra");
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    fake.receive("outra", &Incoming::text(PERSON, "para a outra"));
    fake.receive(INSTANCE, &Incoming::text(PERSON, "para nós"));
    assert_eq!(words(&message(&event(&mut stream).await)), "para nós");
}

#[tokio::test]
async fn a_refused_key_is_told_from_a_missing_instance_and_from_a_server_that_is_none() {
    let fake = fake().await;
    for (instance, key, reason) in
        [(INSTANCE, "wrong", GatewayError::KeyRefused), ("nenhuma", "wrong", GatewayError::NoInstance)]
    {
        let mut stream =
            balcao_whatsapp::gateway::Gateway::Evolution(client(&fake, instance, key, Namespace::Global)).listen(None);
        assert_eq!(next(&mut stream).await, Err(Ended::Refused(reason)));
    }
    fake.set(|faults| faults.refuse_upgrade = Some(400));
    let ended = next(&mut gateway(&fake).listen(None)).await;
    assert_eq!(ended, Err(Ended::Refused(GatewayError::NotAGateway("its socket is not to be had"))));
    fake.set(|faults| faults.refuse_upgrade = Some(502));
    let Err(ended) = next(&mut gateway(&fake).listen(None)).await else { panic!("the upgrade was refused") };
    assert!(!ended.is_permanent(), "a proxy may be back in a moment: {ended}");
}

#[tokio::test]
async fn nobody_at_the_address_is_no_matter_for_a_person() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    fake.stop();
    let Err(ended) = next(&mut gateway.listen(None)).await else { panic!("nobody is there") };
    assert!(matches!(&ended, Ended::Refused(GatewayError::Unreachable(_) | GatewayError::Silent(_))), "{ended:?}");
    assert!(!ended.is_permanent());
}

#[tokio::test]
async fn the_stream_of_an_instance_is_asked_for_until_it_is_there() {
    let fake = fake().await;
    fake.set(|faults| faults.mode = Mode::Instance);
    let gateway = client(&fake, INSTANCE, "token-of-recepcao", Namespace::Instance);
    let mut stream = balcao_whatsapp::gateway::Gateway::Evolution(gateway).listen(None);
    assert_eq!(next(&mut stream).await, Ok(Heard::Waiting));
    fake.receive(INSTANCE, &Incoming::text(PERSON, "nobody hears this one"));
    up(&mut stream).await;
    fake.receive(INSTANCE, &Incoming::text(PERSON, "oi"));
    assert_eq!(words(&message(&event(&mut stream).await)), "oi");
}

#[tokio::test]
async fn a_connection_that_breaks_within_an_event_ends_and_the_next_one_hears_again() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    let mut stream = gateway.listen(None);
    up(&mut stream).await;
    fake.set(|faults| faults.cut_within = 1);
    let picture = What::Image { caption: "raio x".into(), bytes: b"JPEG".to_vec() };
    fake.receive(INSTANCE, &Incoming { what: picture, ..Incoming::text(PERSON, "") });
    assert_eq!(next(&mut stream).await, Err(Ended::Closed));
    let mut stream = gateway.listen(None);
    up(&mut stream).await;
    fake.receive(INSTANCE, &Incoming::text(PERSON, "de novo"));
    assert_eq!(words(&message(&event(&mut stream).await)), "de novo");
}

#[tokio::test]
async fn bytes_that_never_follow_are_not_waited_for_without_end() {
    let fake = fake().await;
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    fake.set(|faults| faults.withhold = 1);
    fake.receive(INSTANCE, &Incoming::text(PERSON, "oi"));
    assert!(matches!(next(&mut stream).await, Err(Ended::Protocol(_))));
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed_by_its_own_time() {
    let fake = fake().await;
    fake.set(|faults| faults.heart = (Duration::from_millis(100), Duration::from_millis(200)));
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    fake.receive(INSTANCE, &Incoming::text(PERSON, "pings were answered"));
    assert_eq!(words(&message(&event(&mut stream).await)), "pings were answered");
    fake.fall_silent();
    assert_eq!(next(&mut stream).await, Err(Ended::Silent));
}

#[tokio::test]
async fn an_event_that_cannot_be_put_together_is_told_and_the_connection_stays() {
    let fake = fake().await;
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    fake.throw_text(r#"451-["messages.upsert",{"a":{"_placeholder":true,"num":7}}]"#);
    fake.throw_binary(b"x");
    assert_eq!(next(&mut stream).await, Ok(Heard::Lost));
    fake.receive(INSTANCE, &Incoming::text(PERSON, "oi"));
    assert_eq!(words(&message(&event(&mut stream).await)), "oi");
}

#[tokio::test]
async fn repeated_and_reordered_events_come_as_they_are_sent() {
    let fake = fake().await;
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    fake.set(|faults| faults.repeat = 1);
    fake.receive(INSTANCE, &Incoming::text(PERSON, "a"));
    fake.set(|faults| faults.swap = true);
    fake.receive(INSTANCE, &Incoming::text(PERSON, "b"));
    fake.receive(INSTANCE, &Incoming::text(PERSON, "c"));
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(words(&message(&event(&mut stream).await)).to_owned());
    }
    assert_eq!(heard, ["a", "a", "c", "b"]);
}

#[tokio::test]
async fn pairing_is_heard_and_so_is_the_end_of_it() {
    let fake = fake().await;
    let mut stream = gateway(&fake).listen(None);
    up(&mut stream).await;
    fake.unpair(INSTANCE);
    fake.pair(INSTANCE);
    let mut states = Vec::new();
    for _ in 0..3 {
        for event in wire::meaning(&event(&mut stream).await) {
            if let GatewayEvent::Connection { state, .. } = event {
                states.push(state);
            }
        }
    }
    use ConnectionState::{Connected, Disconnected};
    assert_eq!(states, [Disconnected, Disconnected, Connected]);
}

#[tokio::test]
async fn recorded_events_say_the_same_over_the_socket() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/reference/gateway-samples");
    let Ok(recording) = std::fs::read_to_string(folder.join("evolution-2.3.7.jsonl")) else {
        return; // A checkout on its own has no recording.
    };
    let fake = FakeEvolution::start().await.unwrap();
    fake.add_instance("bail1");
    let gateway = client(&fake, "bail1", "token-of-bail1", Namespace::Global);
    let mut stream = balcao_whatsapp::gateway::Gateway::Evolution(gateway).listen(None);
    up(&mut stream).await;
    let mut binary = 0;
    for line in recording.lines().filter(|line| !line.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (name, payload) = (line["event"].as_str().unwrap(), &line["payload"]);
        binary += u32::from(payload.to_string().contains("\"Buffer\""));
        fake.emit("bail1", name, &payload["data"]);
        let heard = event(&mut stream).await;
        assert!(!heard.payload.to_string().contains("\"Buffer\""), "bytes came as frames of their own");
        let recorded = parse(name, &scrub(payload), DateTime::UNIX_EPOCH);
        assert_eq!(wire::meaning(&heard), recorded, "{name}");
    }
    assert!(binary > 0, "none of the recorded events has bytes");
}
