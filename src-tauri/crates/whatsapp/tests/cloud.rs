//! Meta's Cloud API: messages to Graph, and a relay that brings what comes in.

use std::time::Duration;

use balcao_domain::message::{ConnectionState, DeliveryStatus, Effect, GatewayEvent, GatewayId};
use balcao_testkit::gateway::cloud::{CloudFault, FakeCloud, PHONE_NUMBER_ID, RELAY_KEY, TOKEN};
use balcao_whatsapp::gateway::{
    Attached, CloudApi, CloudApiSetting, Ended, Endpoint, File, Gateway, GatewayError, Heard, Key, Letter, MediaSource,
    MessageRef, Name, Outcome, RefusalCode, Relay, Said,
};
use serde_json::json;

use crate::wire::{self, PERSON, chat, event, meaning, message, next, timing, up, words};

fn gateway(fake: &FakeCloud, token: &str) -> Gateway {
    let relay = Relay { endpoint: Endpoint::parse(&fake.relay()).unwrap(), key: Key::new(RELAY_KEY).unwrap() };
    let setting = CloudApiSetting {
        graph: Endpoint::parse(&fake.graph()).unwrap(),
        phone_number_id: Name::new(PHONE_NUMBER_ID).unwrap(),
        token: Key::new(token).unwrap(),
        relay: Some(relay),
    };
    Gateway::CloudApi(CloudApi::new(setting, timing()).unwrap())
}

fn text(words: &str) -> Letter {
    Letter { to: chat(PERSON), quote: None, said: Said::Text(words.to_owned()) }
}

#[tokio::test]
async fn what_came_while_nobody_asked_comes_when_somebody_does_and_goes_on_after_the_last() {
    let fake = FakeCloud::start().await.unwrap();
    let gateway = gateway(&fake, TOKEN);
    let first = fake.receive(PERSON, "enquanto ninguém ouvia", 1_795_000_000);
    let mut stream = gateway.listen(None);
    up(&mut stream).await;
    let heard = event(&mut stream).await;
    assert_eq!((heard.position, message(&heard).gateway_id.as_str()), (Some(1), first.as_str()));
    fake.receive(PERSON, "agora", 1_795_000_001);
    assert_eq!(words(&message(&event(&mut stream).await)), "agora");
    drop(stream);
    fake.report("wamid.OUT9", "delivered", 1_795_000_002);
    let mut stream = gateway.listen(Some(2));
    up(&mut stream).await;
    let told = meaning(&event(&mut stream).await);
    let at = chrono::DateTime::from_timestamp(1_795_000_002, 0).unwrap();
    let effect = Effect::Status { status: DeliveryStatus::Delivered, at };
    assert_eq!(told, [GatewayEvent::Effect { gateway_id: GatewayId::new("wamid.OUT9").unwrap(), effect }]);
    let mut sweep = gateway.sweep(wire::lately());
    assert_eq!(sweep.next_page().await, Ok(None));
    assert!(sweep.tally().is_complete(), "the stream is its own sweep");
}

#[tokio::test]
async fn webhooks_of_another_number_and_failures_of_the_relay_do_no_harm() {
    let fake = FakeCloud::start().await.unwrap();
    let gateway = gateway(&fake, TOKEN);
    fake.keep(json!({"entry": [{"changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": "9"}, "messages": [{}]}}]}]}));
    fake.receive(PERSON, "oi", 1_795_000_000);
    fake.fail_relay(1);
    let Err(ended) = next(&mut gateway.listen(None)).await else { panic!("the relay failed") };
    assert!(matches!(ended, Ended::Refused(GatewayError::Failed { status: 502, .. })) && !ended.is_permanent());
    let mut stream = gateway.listen(None);
    up(&mut stream).await;
    let heard = event(&mut stream).await;
    assert_eq!((words(&message(&heard)), heard.position), ("oi", Some(2)));
}

#[tokio::test]
async fn without_a_relay_nothing_is_heard_and_it_is_said() {
    let fake = FakeCloud::start().await.unwrap();
    let Gateway::CloudApi(cloud) = gateway(&fake, TOKEN) else { panic!("it is one") };
    let setting = CloudApiSetting { relay: None, ..cloud.setting().clone() };
    let gateway = Gateway::CloudApi(CloudApi::new(setting, timing()).unwrap());
    assert!(matches!(next(&mut gateway.listen(None)).await, Err(Ended::Refused(GatewayError::Setting(_)))));
    assert!(matches!(gateway.send(&text("oi")).await, Outcome::Accepted { .. }), "sending needs none");
}

#[tokio::test]
async fn outcomes_follow_the_numbers_of_meta() {
    let fake = FakeCloud::start().await.unwrap();
    let gateway = gateway(&fake, TOKEN);
    let Outcome::Accepted { chat: to, .. } = gateway.send(&text("oi")).await else { panic!("accepted") };
    assert_eq!(to, Some(chat(PERSON)));
    for (fault, code) in [
        (CloudFault::Error(400, 131_047), RefusalCode::OutsideTheDay),
        (CloudFault::Error(400, 131_056), RefusalCode::TooMany),
        (CloudFault::Error(401, 190), RefusalCode::KeyRefused),
    ] {
        fake.fail_next(fault);
        match gateway.send(&text("x")).await {
            Outcome::Refused(refusal) => assert_eq!(refusal.code, code),
            other => panic!("{fault:?}: {other:?}"),
        }
    }
    for fault in [CloudFault::Breaks, CloudFault::Late(Duration::from_secs(3)), CloudFault::Error(500, 131_000)] {
        fake.fail_next(fault);
        let outcome = gateway.send(&text("y")).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{fault:?}: {outcome:?}");
    }
    assert_eq!(fake.sent().len(), 3, "once each, and not where Meta failed");
}

#[tokio::test]
async fn files_templates_and_reactions_are_written_as_meta_reads_them() {
    let fake = FakeCloud::start().await.unwrap();
    let gateway = gateway(&fake, TOKEN);
    let target = MessageRef { gateway_id: GatewayId::new("wamid.Z").unwrap(), chat: chat(PERSON), from_me: false };
    let file = File { bytes: b"%PDF".to_vec(), mime_type: "application/pdf".to_owned(), name: "exame.pdf".to_owned() };
    let voice = |mime_type: &str| {
        let file = File { bytes: b"OggS".to_vec(), mime_type: mime_type.to_owned(), name: "voz.ogg".to_owned() };
        Letter { to: chat(PERSON), quote: None, said: Said::Voice(file) }
    };
    for said in [
        Said::File { file, shown: Attached::Document, caption: "seu exame".to_owned() },
        Said::Template { name: "lembrete".to_owned(), language: "pt_BR".to_owned(), components: json!([]) },
        Said::Reaction { target: target.clone(), emoji: "👍".to_owned() },
        Said::Text("resposta".to_owned()),
    ] {
        let letter = Letter { to: chat(PERSON), quote: Some(target.clone()), said };
        assert!(matches!(gateway.send(&letter).await, Outcome::Accepted { .. }));
    }
    let sent = fake.sent();
    assert_eq!(
        (&sent[0]["document"]["filename"], &sent[0]["document"]["caption"]),
        (&json!("exame.pdf"), &json!("seu exame"))
    );
    assert_eq!(sent[1]["template"]["language"]["code"], "pt_BR");
    assert_eq!(sent[2]["reaction"], json!({"message_id": "wamid.Z", "emoji": "👍"}));
    assert_eq!((&sent[3]["context"]["message_id"], &sent[3]["to"]), (&json!("wamid.Z"), &json!(PERSON)));
    for mime_type in ["audio/ogg", "audio/mp4"] {
        assert!(matches!(gateway.send(&voice(mime_type)).await, Outcome::Accepted { .. }));
    }
    let sent = fake.sent();
    assert_eq!((&sent[4]["type"], &sent[4]["audio"]["voice"]), (&json!("audio"), &json!(true)));
    let handle = sent[4]["audio"]["id"].as_str().map(str::to_owned);
    let spoken = MediaSource { message: target.clone(), handle };
    let kind = gateway.download(&spoken, 100).await.unwrap().mime_type;
    assert_eq!(kind.as_deref(), Some("audio/ogg; codecs=opus"), "as Meta wants it to be called");
    assert_eq!((&sent[5]["type"], sent[5]["audio"].get("voice")), (&json!("audio"), None), "AAC is sound there");
    gateway.mark_read(std::slice::from_ref(&target)).await.unwrap();
    gateway.typing(&chat(PERSON), Some(&target), Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_file_is_found_by_the_handle_in_its_event() {
    let fake = FakeCloud::start().await.unwrap();
    let gateway = gateway(&fake, TOKEN);
    fake.add_file("handle-7", "image/jpeg", b"JPEG");
    fake.webhook(json!({"messages": [{
        "from": PERSON, "id": "wamid.P", "timestamp": "1795000000", "type": "image", "image": {"id": "handle-7", "mime_type": "image/jpeg"},
    }]}));
    let mut stream = gateway.listen(None);
    up(&mut stream).await;
    let heard = event(&mut stream).await;
    let told = message(&heard);
    let handle = told.content.file().and_then(|file| file.handle.clone());
    let message = MessageRef { gateway_id: told.gateway_id, chat: chat(PERSON), from_me: false };
    assert_eq!(handle.as_deref(), Some("handle-7"));
    let source = MediaSource { message, handle };
    let file = gateway.download(&source, 4).await.unwrap();
    assert_eq!((file.bytes.as_slice(), file.mime_type.as_deref()), (&b"JPEG"[..], Some("image/jpeg")));
    assert_eq!(gateway.download(&source, 3).await, Err(GatewayError::TooLarge));
    let gone = MediaSource { handle: Some("handle-8".to_owned()), ..source };
    assert_eq!(gateway.download(&gone, 4).await, Err(GatewayError::Gone));
}

#[tokio::test]
async fn the_number_and_the_token_are_tried() {
    let fake = FakeCloud::start().await.unwrap();
    let state = gateway(&fake, TOKEN).state().await.unwrap();
    assert_eq!((state.state, state.phone.unwrap().digits()), (ConnectionState::Connected, "5511999990003"));
    assert_eq!(gateway(&fake, "wrong").state().await, Err(GatewayError::KeyRefused));
    fake.stop();
    assert!(matches!(gateway(&fake, TOKEN).send(&text("oi")).await, Outcome::NotSent { .. }));
    assert!(matches!(gateway(&fake, TOKEN).state().await, Err(GatewayError::Unreachable(_))));
    fake.start_again().await.unwrap();
    assert!(gateway(&fake, TOKEN).state().await.is_ok());
    let heard = next(&mut gateway(&fake, TOKEN).listen(None)).await;
    assert_eq!(heard, Ok(Heard::Up));
}
