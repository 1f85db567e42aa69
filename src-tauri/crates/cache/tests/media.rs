//! Files of messages on this computer: as many as there is room for, as long as their messages are there, and those that nobody
//! else has whatever happens.

use balcao_cache::{Cache, Effect, NewOperation, OutgoingMedia, StoredMedia, WriteKind};
use balcao_domain::feed::{Cell, ColumnKind, Entity};
use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use crate::fixture::*;

fn messages() -> &'static Entity {
    Entity::named("messages").unwrap()
}

/// A message as the database has it.
async fn take_message(cache: &Cache, message: Uuid) {
    let mut cells = vec![Cell::Id(message), Cell::Integer(1)];
    cells.extend(messages().columns.iter().map(|column| match (column.name, column.kind) {
        ("conversation_id" | "channel_id", _) => Cell::Id(id(50)),
        ("reactions", _) => Cell::Text("[]".into()),
        ("kind", _) => Cell::Text("image".into()),
        (_, ColumnKind::Instant) if column.name == "sent_at" => Cell::Integer(1),
        ("direction" | "sender_kind" | "body" | "status", _) => Cell::Text("x".into()),
        _ => Cell::Null,
    }));
    let mut taking = cache.take().await.unwrap();
    taking.rows(messages(), std::iter::once(cells)).await.unwrap();
    taking.commit(&[]).await.unwrap();
}

async fn delete_message(cache: &Cache, message: Uuid) {
    let mut taking = cache.take().await.unwrap();
    taking.deletions(&[(messages(), message)]).await.unwrap();
    taking.commit(&[]).await.unwrap();
}

fn file(bytes: usize) -> StoredMedia {
    StoredMedia { mime_type: "image/png".to_owned(), file_name: None, bytes: vec![7; bytes] }
}

fn outgoing(message: Uuid) -> OutgoingMedia {
    OutgoingMedia {
        message,
        mime_type: "image/png".to_owned(),
        file_name: "guia.png".to_owned(),
        bytes: b"zykrapt".repeat(100),
    }
}

fn send(operation: u128, message: Uuid) -> NewOperation {
    NewOperation {
        operation_id: id(operation),
        action: "send_message",
        kind: WriteKind::Insert,
        effect: Effect {
            entity: messages(),
            entity_id: message,
            fields: object(json!({
                "conversation_id": id(50), "channel_id": id(50), "direction": "outbound", "sender_kind": "member",
                "kind": "image", "body": "", "status": "queued", "sent_at": "2026-11-20T12:00:00.000000Z", "reactions": [],
            })),
        },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    }
}

#[tokio::test]
async fn what_was_not_looked_at_for_the_longest_goes_first() {
    let fixture = fixture().await;
    let cache = &fixture.cache;
    for number in 1..=4 {
        take_message(cache, id(number)).await;
    }
    for number in 1..=3 {
        fixture.clock.advance(TimeDelta::hours(1));
        cache.keep_media_within(id(number), &file(100), 300).await.unwrap();
    }
    fixture.clock.advance(TimeDelta::hours(1));
    assert_eq!(cache.media(id(1)).await.unwrap(), Some(file(100)), "looked at again");
    fixture.clock.advance(TimeDelta::hours(1));
    cache.keep_media_within(id(4), &file(100), 300).await.unwrap();
    let mut there = Vec::new();
    for number in 1..=4 {
        there.push(cache.media(id(number)).await.unwrap().is_some());
    }
    assert_eq!(there, [true, false, true, true]);
}

#[tokio::test]
async fn a_file_goes_with_its_message_and_none_comes_without_one() {
    let fixture = fixture().await;
    let cache = &fixture.cache;
    take_message(cache, id(1)).await;
    cache.keep_media(id(1), &file(10)).await.unwrap();
    cache.keep_media(id(2), &file(10)).await.unwrap();
    assert_eq!(cache.media(id(2)).await.unwrap(), None, "it was erased while its file was on the way");
    delete_message(cache, id(1)).await;
    assert_eq!(cache.media(id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_nobody_else_has_waits_for_its_message_and_outlives_everything() {
    let fixture = fixture().await;
    fixture.cache.enqueue_with_file(send(1, id(1)), &outgoing(id(1)), None).await.unwrap();
    let fixture = fixture.restart().await;
    let cache = &fixture.cache;
    assert_eq!(cache.media(id(1)).await.unwrap().unwrap().bytes, outgoing(id(1)).bytes, "whoever sends it sees it");
    assert_eq!(cache.media_to_bring().await.unwrap(), Vec::<Uuid>::new(), "the database does not have the message");
    cache.forget_copy().await.unwrap();
    assert_eq!(due(cache).await, [1]);
    cache.settle(&[(id(1), confirmed(1))]).await.unwrap();
    take_message(cache, id(1)).await;
    assert_eq!(cache.media_to_bring().await.unwrap(), [id(1)]);
    assert_eq!(cache.outgoing_media(id(1)).await.unwrap(), Some(outgoing(id(1))));
    cache.media_brought(id(1)).await.unwrap();
    assert_eq!(cache.media_to_bring().await.unwrap(), Vec::<Uuid>::new());
    assert!(cache.media(id(1)).await.unwrap().is_some(), "now it is one of those that can be had again");

    // A file that is damaged is read for what only this computer has.
    cache.enqueue_with_file(send(2, id(2)), &outgoing(id(2)), None).await.unwrap();
    cache.close().await;
    let opened = Cache::open_after_damage(&fixture.path(), &key(), clock()).await.unwrap();
    assert_eq!(opened.cache.outgoing_media(id(2)).await.unwrap(), Some(outgoing(id(2))));
}

#[tokio::test]
async fn a_file_whose_message_was_given_up_goes_after_a_day() {
    let fixture = fixture().await;
    let cache = &fixture.cache;
    cache.enqueue_with_file(send(1, id(1)), &outgoing(id(1)), None).await.unwrap();
    cache.settle(&[(id(1), parked("invalid", json!({})))]).await.unwrap();
    cache.discard(id(1)).await.unwrap();
    assert_eq!(cache.media_to_bring().await.unwrap(), Vec::<Uuid>::new());
    assert!(cache.outgoing_media(id(1)).await.unwrap().is_some(), "it may be wanted after all");
    fixture.clock.advance(TimeDelta::hours(25));
    assert_eq!(cache.media_to_bring().await.unwrap(), Vec::<Uuid>::new());
    assert_eq!(cache.outgoing_media(id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_reads_a_file_in_the_files() {
    let fixture = fixture().await;
    fixture.cache.enqueue_with_file(send(1, id(1)), &outgoing(id(1)), None).await.unwrap();
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|piece| piece == b"zykrapt"));
    }
}
