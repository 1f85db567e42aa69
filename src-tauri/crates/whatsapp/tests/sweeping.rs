//! Sweeps against a server whose pages lose rows.

use std::collections::BTreeSet;

use balcao_domain::message::{DeliveryStatus, Effect, GatewayEvent};
use balcao_testkit::gateway::{FakeEvolution, Incoming};
use balcao_whatsapp::gateway::{Gateway, GatewayError, Letter, Outcome, Said, Tally, Window, WireEvent};
use balcao_whatsapp::{digest, scrub};

use crate::wire::{self, INSTANCE, PERSON, fake, gateway, lately, meaning, window};

const BEGIN: i64 = 1_795_000_000;

async fn swept(gateway: &Gateway, window: Window) -> (Vec<WireEvent>, Tally) {
    let mut sweep = gateway.sweep(window);
    let mut events = Vec::new();
    while let Some(page) = sweep.next_page().await.unwrap() {
        assert!(!sweep.tally().is_complete(), "a watermark moves at the end only");
        events.extend(page.events);
    }
    (events, sweep.tally())
}

fn ids(events: &[WireEvent]) -> BTreeSet<String> {
    let messages = events.iter().flat_map(meaning).filter_map(|event| match event {
        GatewayEvent::Message(message) => Some(message.gateway_id.as_str().to_owned()),
        _ => None,
    });
    messages.collect()
}

fn store(fake: &FakeEvolution, second: i64) -> String {
    fake.store(INSTANCE, &Incoming::text(PERSON, "oi").at(second))
}

#[tokio::test]
async fn every_message_is_found_however_many_share_a_second() {
    let fake = fake().await;
    let mut stored: BTreeSet<_> = (0..500).map(|number| store(&fake, BEGIN + number * 7)).collect();
    stored.extend((0..450).map(|_| store(&fake, BEGIN + 100)));
    let (events, tally) = swept(&gateway(&fake), window(BEGIN, BEGIN + 7 * 500)).await;
    assert_eq!(ids(&events), stored);
    assert!(tally.is_complete() && tally.distinct == 950, "{tally:?}");
    assert!(tally.questions < 40, "{} questions", tally.questions);
}

#[tokio::test]
async fn a_window_has_its_first_second_and_not_its_last() {
    let fake = fake().await;
    let [before, first, within, after] = [-1, 0, 9, 10].map(|second| store(&fake, BEGIN + second));
    let (events, tally) = swept(&gateway(&fake), window(BEGIN, BEGIN + 10)).await;
    assert_eq!(ids(&events), BTreeSet::from([first, within]));
    assert!(tally.is_complete());
    assert!(!ids(&events).contains(&before) && !ids(&events).contains(&after));
    let (events, tally) = swept(&gateway(&fake), window(BEGIN, BEGIN)).await;
    assert!(events.is_empty() && tally.is_complete() && tally.questions == 0, "nothing to ask for");
}

#[tokio::test]
async fn rows_that_repeat_a_message_do_not_hold_the_watermark_back() {
    let fake = fake().await;
    fake.set(|faults| faults.repeat_rows = 3);
    for number in 0..10 {
        fake.receive(INSTANCE, &Incoming::text(PERSON, "oi").at(BEGIN + number));
    }
    let (events, tally) = swept(&gateway(&fake), window(BEGIN, BEGIN + 10)).await;
    assert_eq!((ids(&events).len(), tally.distinct, tally.repeated, tally.total), (10, 10, 3, 13));
    assert!(tally.is_complete());
}

#[tokio::test]
async fn a_question_that_failed_is_asked_again_and_nothing_is_left_out() {
    let fake = fake().await;
    let stored: BTreeSet<_> = (0..400).map(|number| store(&fake, BEGIN + number)).collect();
    let gateway = gateway(&fake);
    let mut sweep = gateway.sweep(window(BEGIN, BEGIN + 400));
    let mut found = BTreeSet::new();
    let mut failures = 0;
    fake.set(|faults| faults.find_fails = 2);
    loop {
        match sweep.next_page().await {
            Ok(Some(page)) => found.extend(ids(&page.events)),
            Ok(None) => break,
            Err(error) => {
                assert!(matches!(error, GatewayError::Failed { status: 500, .. }), "{error:?}");
                failures += 1;
                fake.set(|faults| faults.find_fails = if failures < 3 { 1 } else { 0 });
            }
        }
    }
    assert_eq!(found, stored);
    assert!(sweep.tally().is_complete() && failures >= 3);
}

#[tokio::test]
async fn a_person_whose_row_has_only_the_account_is_found() {
    let fake = fake().await;
    let incoming = Incoming { lid: Some("104857600123456".to_owned()), ..Incoming::text(PERSON, "oi").at(BEGIN) };
    let id = fake.store(INSTANCE, &incoming);
    let (events, _) = swept(&gateway(&fake), window(BEGIN, BEGIN + 1)).await;
    assert_eq!(ids(&events), BTreeSet::from([id]));
    let [GatewayEvent::Message(message)] = &meaning(&events[0])[..] else { panic!("a row is a message") };
    assert!(message.person.phone.is_some() && message.person.lid.is_some(), "both together teach that they are one");
}

#[tokio::test]
async fn the_furthest_status_of_ours_comes_with_the_message() {
    let fake = fake().await;
    let gateway = gateway(&fake);
    let letter = Letter { to: wire::chat(PERSON), quote: None, said: Said::Text("Bom dia".to_owned()) };
    let Outcome::Accepted { gateway_id, .. } = gateway.send(&letter).await else { panic!("it is accepted") };
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    for status in ["READ", "DELIVERY_ACK"] {
        fake.report(INSTANCE, gateway_id.as_str(), status);
    }
    let (events, _) = swept(&gateway, lately()).await;
    let statuses: Vec<_> = events
        .iter()
        .flat_map(meaning)
        .filter_map(|event| match event {
            GatewayEvent::Effect { gateway_id: of, effect: Effect::Status { status, .. } } if of == gateway_id => {
                Some(status)
            }
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [DeliveryStatus::Read]);
}

#[tokio::test]
async fn a_message_that_only_the_server_has_is_not_said_to_be_sent() {
    let fake = fake().await;
    fake.set(|faults| faults.acks = Vec::new());
    let gateway = gateway(&fake);
    let letter = Letter { to: wire::chat(PERSON), quote: None, said: Said::Text("Bom dia".to_owned()) };
    assert!(matches!(gateway.send(&letter).await, Outcome::Accepted { .. }));
    fake.receive(INSTANCE, &Incoming { from_me: true, ..Incoming::text(PERSON, "do celular") });
    let (events, _) = swept(&gateway, lately()).await;
    let mut statuses: Vec<_> = events
        .iter()
        .flat_map(meaning)
        .filter_map(|event| match event {
            GatewayEvent::Message(message) => message.initial_status(),
            _ => None,
        })
        .collect();
    statuses.sort();
    assert_eq!(statuses, [DeliveryStatus::Sending, DeliveryStatus::Sent]);
}

#[tokio::test]
async fn the_same_sweep_gives_the_same_events() {
    let fake = fake().await;
    (0..50).for_each(|number| drop(store(&fake, BEGIN + number / 5)));
    let gateway = gateway(&fake);
    let mut digests = Vec::new();
    for _ in 0..2 {
        let (events, _) = swept(&gateway, window(BEGIN, BEGIN + 60)).await;
        let of = |event: &WireEvent| digest(&event.name, &scrub(&event.payload));
        digests.push(events.iter().map(of).collect::<BTreeSet<_>>());
    }
    assert_eq!(digests[0], digests[1], "a repetition is known by its digest");
    assert_eq!(digests[0].len(), 50);
}
