//! Sending, and what is made of each answer.

use std::time::Duration;

use balcao_domain::message::{GatewayEvent, GatewayId, Via};
use balcao_domain::phone::Phone;
use balcao_testkit::gateway::{Echo, FakeEvolution, Incoming, SendFault, Trace, What};
use balcao_whatsapp::gateway::{
    Attached, File, Gateway, GatewayError, Letter, MediaSource, MessageRef, Outcome, RefusalCode, Said, Search,
};

use crate::wire::{INSTANCE, PERSON, chat, event, fake, gateway, lately, meaning, message, up};

fn text(words: &str) -> Letter {
    Letter { to: chat(PERSON), quote: None, said: Said::Text(words.to_owned()) }
}

async fn send_with(fake: &FakeEvolution, gateway: &Gateway, fault: SendFault, words: &str) -> Outcome {
    fake.set(|faults| faults.sends.push_back(fault));
    gateway.send(&text(words)).await
}

async fn look_for(gateway: &Gateway, words: &str) -> usize {
    let search = Search { chat: chat(PERSON), kind: "text", body: words.to_owned(), window: lately() };
    gateway.look_for(&search).await.unwrap().len()
}

#[tokio::test]
async fn an_accepted_message_has_the_id_that_its_event_and_its_statuses_have() {
    for echo in [Echo::Before, Echo::After] {
        let fake = fake().await;
        fake.set(|faults| faults.echo = echo);
        let gateway = gateway(&fake);
        let mut stream = gateway.listen(None);
        up(&mut stream).await;
        let Outcome::Accepted { gateway_id, chat: to } = gateway.send(&text("Bom dia")).await else {
            panic!("accepted")
        };
        assert_eq!(to, Some(chat(PERSON)));
        let own = message(&event(&mut stream).await);
        assert_eq!((&own.gateway_id, own.via, own.from_me), (&gateway_id, Via::Api, true));
        let told = meaning(&event(&mut stream).await);
        assert!(matches!(&told[..], [GatewayEvent::Effect { gateway_id: of, .. }] if *of == gateway_id), "{told:?}");
        assert_eq!(fake.sent().len(), 1);
    }
}

#[tokio::test]
async fn each_answer_is_what_it_is_and_nothing_is_sent_twice() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    let unknown = [
        SendFault::TimedOut(Trace::Gone),
        SendFault::TimedOut(Trace::Nothing),
        SendFault::ConnectionClosed(Trace::Stored),
        SendFault::Fails(Trace::Gone),
        SendFault::Breaks(Trace::Stored),
        SendFault::Breaks(Trace::Nothing),
        SendFault::Late(Duration::from_secs(3), Trace::Stored),
    ];
    for fault in unknown {
        let outcome = send_with(&fake, &gateway, fault, &format!("{fault:?}")).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{fault:?}: {outcome:?}");
    }
    let went_out: Vec<_> = fake.sent().into_iter().map(|sent| sent.text).collect();
    assert_eq!(went_out.len(), 5, "once each, where they went out at all: {went_out:?}");
    for (fault, code) in [
        (SendFault::ErrorWithSuccess(131_047), RefusalCode::OutsideTheDay),
        (SendFault::NotOnWhatsapp, RefusalCode::NotOnWhatsapp),
        (SendFault::BadContent, RefusalCode::Content),
        (SendFault::TooMany, RefusalCode::TooMany),
    ] {
        match send_with(&fake, &gateway, fault, "x").await {
            Outcome::Refused(refusal) => {
                assert_eq!(refusal.code, code);
                assert!(!refusal.text.contains(PERSON), "a refusal shows no number: {}", refusal.text);
            }
            other => panic!("{fault:?}: {other:?}"),
        }
    }
    assert_eq!(fake.sent().len(), went_out.len(), "what was refused did not go out");
    fake.stop();
    let outcome = gateway.send(&text("nobody is there")).await;
    assert!(matches!(outcome, Outcome::NotSent { .. } | Outcome::Unknown { .. }), "{outcome:?}");
    let outcome = gateway.send(&text("nobody is there")).await;
    assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_message_without_an_answer_is_found_where_it_left_a_trace() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    send_with(&fake, &gateway, SendFault::Breaks(Trace::Stored), "deixou rastro").await;
    send_with(&fake, &gateway, SendFault::TimedOut(Trace::Gone), "sem rastro").await;
    assert_eq!(look_for(&gateway, " deixou  rastro").await, 1);
    assert_eq!(look_for(&gateway, "sem rastro").await, 0);
    fake.receive(INSTANCE, &Incoming::text(PERSON, "deixou rastro"));
    assert_eq!(look_for(&gateway, "deixou rastro").await, 1, "what the person wrote is not what we sent");
    let other =
        Search { chat: chat("5521988887777"), kind: "text", body: "deixou rastro".to_owned(), window: lately() };
    assert_eq!(gateway.look_for(&other).await.unwrap().len(), 0, "another person got it");
}

#[tokio::test]
async fn the_answer_tells_how_whatsapp_calls_the_number() {
    let fake = fake().await;
    fake.known_as(INSTANCE, "5541988887777", "554188887777");
    let gateway = gateway(&fake);
    let letter = Letter { to: chat("5541988887777"), ..text("oi") };
    let Outcome::Accepted { chat: to, .. } = gateway.send(&letter).await else { panic!("accepted") };
    assert_eq!(to, Some(chat("554188887777")), "without its ninth digit");
    fake.without_whatsapp(INSTANCE, "5511933334444");
    let phones = ["5541988887777", "5511933334444"].map(|user| Phone::from_whatsapp_user(user).unwrap());
    let found = gateway.numbers(&phones).await.unwrap();
    let chats: Vec<_> = found.into_iter().map(|found| found.chat).collect();
    assert_eq!(chats, [Some(chat("554188887777")), None]);
}

#[tokio::test]
async fn files_voice_reactions_and_quotations_go_out_as_such() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    let target = MessageRef { gateway_id: GatewayId::new("3A01").unwrap(), chat: chat(PERSON), from_me: false };
    let file = File { bytes: b"JP\xff".to_vec(), mime_type: "image/jpeg".to_owned(), name: "raio x.jpg".to_owned() };
    for said in [
        Said::File { file: file.clone(), shown: Attached::Image, caption: "veja".to_owned() },
        Said::Voice(file),
        Said::Reaction { target: target.clone(), emoji: "👍".to_owned() },
        Said::Text("resposta".to_owned()),
    ] {
        let outcome = gateway.send(&Letter { to: chat(PERSON), quote: Some(target.clone()), said }).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let sent = fake.sent();
    let calls: Vec<_> = sent.iter().map(|sent| (sent.call.as_str(), sent.text.as_str())).collect();
    assert_eq!(
        calls,
        [("sendMedia", "veja"), ("sendWhatsAppAudio", ""), ("sendReaction", "👍"), ("sendText", "resposta")]
    );
    assert_eq!(sent[3].body["quoted"]["key"]["id"], "3A01");
    assert_eq!(sent[0].body["media"], "SlD/");
}

#[tokio::test]
async fn a_file_is_fetched_within_its_limit_and_is_gone_when_it_is_gone() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    let picture = What::Image { caption: String::new(), bytes: vec![7; 1000] };
    let id = fake.receive(INSTANCE, &Incoming { what: picture, ..Incoming::text(PERSON, "") });
    let message = MessageRef { gateway_id: GatewayId::new(&id).unwrap(), chat: chat(PERSON), from_me: false };
    let source = MediaSource { message, handle: None };
    fake.set(|faults| faults.no_media = 1);
    assert_eq!(gateway.download(&source, 1000).await, Err(GatewayError::Gone));
    let file = gateway.download(&source, 1000).await.unwrap();
    assert_eq!((file.bytes.len(), file.mime_type.as_deref()), (1000, Some("image/jpeg")));
    assert_eq!(gateway.download(&source, 999).await, Err(GatewayError::TooLarge));
}

#[tokio::test]
async fn typing_lasts_as_long_as_it_shows_and_reading_is_told() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    let begun = std::time::Instant::now();
    gateway.typing(&chat(PERSON), None, Duration::from_millis(150)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(150));
    let read = MessageRef { gateway_id: GatewayId::new("3A01").unwrap(), chat: chat(PERSON), from_me: false };
    gateway.mark_read(&[read]).await.unwrap();
    gateway.mark_read(&[]).await.unwrap();
    let calls = fake.calls();
    assert_eq!(calls, ["POST /chat/sendPresence/recepcao", "POST /chat/markMessageAsRead/recepcao"]);
}
