//! The copy, the queue, and what screens see of both.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use balcao_cache::{
    Cache, Effect, InboxView, Key, MessageScope, NewOperation, Onlooker, OperationState, RowState, Settlement,
    ThreadFilter, WriteKind,
};
use balcao_domain::clock::Clock;
use balcao_domain::feed::{Cell, ENTITIES, Entity};
use chrono::DateTime;
use serde_json::{Map, Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use crate::fixture::answer;

struct Fixture {
    folder: tempfile::TempDir,
    cache: Cache,
}

fn clock() -> Clock {
    Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap())
}

fn key() -> Key {
    Key::new([7; 32])
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let opened = Cache::open(&folder.path().join("copy.db"), &key(), clock()).await.unwrap();
    assert!(opened.set_aside.is_none());
    Fixture { folder, cache: opened.cache }
}

/// The file as another program with the key would open it.
async fn raw(path: &Path) -> SqliteConnection {
    let hex = "07".repeat(32);
    SqliteConnectOptions::new().filename(path).pragma("key", format!("\"x'{hex}'\"")).connect().await.unwrap()
}

fn overwrite_page(path: &Path, page: u64) {
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start((page - 1) * 4096)).unwrap();
    file.write_all(&[0xAB; 4096]).unwrap();
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A row with the values given and a plain value for each other column.
fn row(entity: &'static Entity, row_id: Uuid, version: i64, values: &[(&str, Cell<'static>)]) -> Vec<Cell<'static>> {
    use balcao_domain::feed::ColumnKind as K;
    let mut cells = vec![Cell::Id(row_id), Cell::Integer(version)];
    cells.extend(entity.columns.iter().map(|column| {
        let given = values.iter().find(|(name, _)| *name == column.name).map(|(_, cell)| cell.clone());
        given.unwrap_or_else(|| match column.kind {
            K::Id => Cell::Id(id(1)),
            K::Text => Cell::Text("open".into()),
            K::Date => Cell::Null,
            K::Json => Cell::Text("[]".into()),
            K::Real => Cell::Real(0.0),
            K::Integer | K::Boolean | K::Instant => Cell::Integer(0),
        })
    }));
    cells
}

async fn take(cache: &Cache, name: &str, row_id: Uuid, version: i64, values: &[(&str, Cell<'static>)]) {
    let entity = Entity::named(name).unwrap();
    let mut taking = cache.take().await.unwrap();
    taking.rows(entity, std::iter::once(row(entity, row_id, version, values))).await.unwrap();
    taking.commit(&[]).await.unwrap();
}

const VISIT: fn() -> Uuid = || id(50);

async fn visit_at(cache: &Cache, version: i64, starts_at: i64) {
    let values = [
        ("starts_at", Cell::Integer(starts_at)),
        ("ends_at", Cell::Integer(starts_at + 1)),
        ("status", Cell::Text("scheduled".into())),
    ];
    take(cache, "appointments", VISIT(), version, &values).await;
}

fn at(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn move_to(operation: u128, seconds: i64) -> NewOperation {
    NewOperation {
        operation_id: id(operation),
        action: "move_appointment",
        kind: WriteKind::Patch,
        effect: Effect {
            entity: Entity::named("appointments").unwrap(),
            entity_id: VISIT(),
            fields: object(json!({ "starts_at": at(seconds) })),
        },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    }
}

async fn shown(cache: &Cache) -> (i64, RowState) {
    let visit = cache.visit(VISIT()).await.unwrap();
    (visit.starts_at / 1_000_000, visit.state)
}

fn parked(reason: &str, theirs: Value) -> Settlement {
    Settlement::Parked { reason: reason.to_owned(), theirs: object(theirs) }
}

#[tokio::test]
async fn the_file_shows_nothing_of_what_is_in_it() {
    let fixture = fixture().await;
    take(&fixture.cache, "contacts", id(2), 1, &[("name", Cell::Text("Conceição Bezerra".into()))]).await;
    fixture.cache.close().await;
    let bytes = std::fs::read(fixture.folder.path().join("copy.db")).unwrap();
    assert!(!bytes.starts_with(b"SQLite format 3"));
    assert!(!bytes.windows(7).any(|window| window == b"Bezerra"));
}

#[tokio::test]
async fn every_copied_column_is_in_the_copy() {
    let fixture = fixture().await;
    for entity in ENTITIES {
        // Writing a row of the feed's shape fails when the table has not exactly these columns.
        take(&fixture.cache, entity.name, id(9), 1, &[]).await;
    }
}

#[tokio::test]
async fn an_older_row_does_not_replace_a_newer_one() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 5, 500_000_000).await;
    visit_at(cache, 4, 400_000_000).await;
    assert_eq!(shown(cache).await, (500, RowState::Confirmed));
    visit_at(cache, 6, 600_000_000).await;
    assert_eq!(shown(cache).await, (600, RowState::Confirmed));
}

#[tokio::test]
async fn a_queued_move_stays_visible_when_the_row_arrives_anew() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 1, 100_000_000).await;
    cache.enqueue(move_to(900, 900)).await.unwrap();
    assert_eq!(shown(cache).await, (900, RowState::Pending));
    visit_at(cache, 2, 200_000_000).await;
    assert_eq!(shown(cache).await, (900, RowState::Pending), "the person's move is not painted over");
    cache.discard(id(900)).await.unwrap();
    assert_eq!(
        shown(cache).await,
        (200, RowState::Confirmed),
        "and what arrived meanwhile is there when it is given up"
    );
}

#[tokio::test]
async fn a_confirmed_move_is_what_stands_there() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 1, 100_000_000).await;
    cache.enqueue(move_to(900, 900)).await.unwrap();
    cache.settle(&[(id(900), Settlement::Confirmed { version: Some(2) })]).await.unwrap();
    assert_eq!(shown(cache).await, (900, RowState::Confirmed));
    visit_at(cache, 1, 100_000_000).await;
    assert_eq!(shown(cache).await, (900, RowState::Confirmed), "a late copy of the old row changes nothing");
}

#[tokio::test]
async fn what_was_never_sent_folds_and_folded_back_it_disappears() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 1, 100_000_000).await;
    assert_eq!(cache.enqueue(move_to(900, 900)).await.unwrap(), Some(id(900)));
    assert_eq!(cache.enqueue(move_to(901, 950)).await.unwrap(), Some(id(900)), "one operation stands for both moves");
    assert_eq!(cache.outbox_counts().await.unwrap(), (1, 0));
    let due = cache.operations(OperationState::Waiting).await.unwrap();
    assert_eq!(due[0].base["starts_at"], json!(at(100)), "what the person saw first is what is compared");
    assert_eq!(cache.enqueue(move_to(902, 100)).await.unwrap(), None);
    assert_eq!(cache.outbox_counts().await.unwrap(), (0, 0));
    assert_eq!(shown(cache).await, (100, RowState::Confirmed));
}

#[tokio::test]
async fn what_may_have_been_sent_does_not_fold() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 1, 100_000_000).await;
    cache.enqueue(move_to(900, 900)).await.unwrap();
    assert_eq!(cache.take_due(10).await.unwrap().len(), 1);
    cache.enqueue(move_to(901, 950)).await.unwrap();
    assert_eq!(cache.outbox_counts().await.unwrap(), (2, 0));
    let due = cache.take_due(10).await.unwrap();
    assert_eq!(due.iter().map(|o| o.operation_id).collect::<Vec<_>>(), [id(900)], "the second waits for the first");
    cache.settle(&[(id(900), Settlement::Confirmed { version: Some(2) })]).await.unwrap();
    let due = cache.take_due(10).await.unwrap();
    assert_eq!(due[0].operation_id, id(901));
    assert_eq!(due[0].base["starts_at"], json!(at(900)));
}

#[tokio::test]
async fn a_parked_operation_does_not_block_other_rows_and_can_be_chosen_over_the_others() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 1, 100_000_000).await;
    cache.enqueue(move_to(900, 900)).await.unwrap();
    cache.take_due(10).await.unwrap();
    cache.settle(&[(id(900), parked("conflict", json!({ "starts_at": at(300) })))]).await.unwrap();
    assert_eq!(shown(cache).await, (900, RowState::Parked));
    let other = NewOperation {
        operation_id: id(901),
        effect: Effect { entity_id: id(51), ..move_to(0, 0).effect },
        ..move_to(0, 0)
    };
    take(cache, "appointments", id(51), 1, &[]).await;
    cache.enqueue(other).await.unwrap();
    assert_eq!(cache.take_due(10).await.unwrap()[0].operation_id, id(901));
    cache.retry(id(900), &Map::new()).await.unwrap();
    let due = cache.take_due(10).await.unwrap();
    let again = due.iter().find(|o| o.operation_id == id(900)).unwrap();
    assert_eq!(again.base["starts_at"], json!(at(300)), "it now stands on what the others wrote");
    assert_eq!(shown(cache).await, (900, RowState::Pending));
}

#[tokio::test]
async fn a_new_decision_takes_the_place_of_a_refused_one() {
    let Fixture { cache, .. } = &fixture().await;
    visit_at(cache, 1, 100_000_000).await;
    cache.enqueue(move_to(900, 900)).await.unwrap();
    cache.take_due(10).await.unwrap();
    cache.settle(&[(id(900), parked("slot_taken", json!({})))]).await.unwrap();
    assert_eq!(cache.enqueue(move_to(901, 950)).await.unwrap(), Some(id(900)));
    assert_eq!(cache.outbox_counts().await.unwrap(), (1, 0));
    assert_eq!(shown(cache).await, (950, RowState::Pending));
}

fn reply(operation: u128, message: u128) -> NewOperation {
    let body = "Pode vir às 10h";
    NewOperation {
        followers: vec![Effect {
            entity: Entity::named("conversations").unwrap(),
            entity_id: id(70),
            fields: object(json!({ "waiting_since": null, "unread_count": 0, "last_message_preview": body })),
        }],
        ..answer(operation, id(message), id(70), body)
    }
}

async fn waiting(cache: &Cache) -> usize {
    cache
        .conversations(InboxView::NeedsReply, Onlooker { me: id(1), now: 0 }, &ThreadFilter::default(), 0, 10)
        .await
        .unwrap()
        .len()
}

async fn conversation(cache: &Cache) {
    let values = [
        ("handler", Cell::Text("person".into())),
        ("waiting_since", Cell::Integer(1_000_000)),
        ("unread_count", Cell::Integer(2)),
    ];
    take(cache, "conversations", id(70), 1, &values).await;
}

#[tokio::test]
async fn a_reply_ends_the_wait_at_once_and_a_refused_one_begins_it_again() {
    let Fixture { cache, .. } = &fixture().await;
    conversation(cache).await;
    assert_eq!(waiting(cache).await, 1);
    cache.enqueue(reply(900, 80)).await.unwrap();
    assert_eq!(waiting(cache).await, 0);
    let thread = cache.messages(id(70), None, 10).await.unwrap();
    assert_eq!((thread.len(), thread[0].state), (1, RowState::Pending));
    cache.settle(&[(id(900), parked("not_permitted", json!({})))]).await.unwrap();
    assert_eq!(waiting(cache).await, 1, "nobody has answered");
    assert_eq!(cache.messages(id(70), None, 10).await.unwrap()[0].state, RowState::Parked);
    cache.discard(id(900)).await.unwrap();
    assert!(cache.messages(id(70), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_waits_is_there_after_the_process_was_killed() {
    let fixture = fixture().await;
    conversation(&fixture.cache).await;
    fixture.cache.enqueue(reply(900, 80)).await.unwrap();
    // No close: the file is what a killed process leaves.
    let copy = fixture.folder.path().join("killed.db");
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", fixture.folder.path().join("copy.db").display());
        std::fs::copy(from, format!("{}{suffix}", copy.display())).unwrap();
    }
    let again = Cache::open(&copy, &key(), clock()).await.unwrap().cache;
    assert_eq!(again.outbox_counts().await.unwrap(), (1, 0));
    assert_eq!(again.messages(id(70), None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_written_comes_home_from_the_log_now_and_then_and_with_no_commit() {
    let fixture = fixture().await;
    let size = || std::fs::metadata(fixture.folder.path().join("copy.db")).unwrap().len();
    let before = size();
    for number in 0..100 {
        fixture.cache.bring_home().await.unwrap();
        assert_eq!(size(), before, "few transactions are not worth a wait for the disk");
        take(&fixture.cache, "contacts", id(100 + number), 1, &[]).await;
    }
    fixture.cache.bring_home().await.unwrap();
    assert!(size() > before);
}

#[tokio::test]
async fn a_file_with_another_key_is_set_aside_and_not_destroyed() {
    let fixture = fixture().await;
    fixture.cache.close().await;
    let path = fixture.folder.path().join("copy.db");
    let before = std::fs::read(&path).unwrap();
    let opened = Cache::open(&path, &Key::new([8; 32]), clock()).await.unwrap();
    let aside = opened.set_aside.unwrap();
    assert_eq!(std::fs::read(aside).unwrap(), before);
    assert_eq!(opened.cache.outbox_counts().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn what_waits_in_a_damaged_file_is_carried_over() {
    let fixture = fixture().await;
    conversation(&fixture.cache).await;
    fixture.cache.enqueue(reply(900, 80)).await.unwrap();
    // Something is wrong with a table that the check at the start reads, and the outbox can still be read.
    fixture.cache.close().await;
    let mut file = raw(&fixture.folder.path().join("copy.db")).await;
    sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut file).await.unwrap();
    let page: u64 = sqlx::query_scalar("select rootpage from sqlite_schema where name = 'shadows'")
        .fetch_one(&mut file)
        .await
        .unwrap();
    file.close().await.unwrap();
    overwrite_page(&fixture.folder.path().join("copy.db"), page);
    let opened = Cache::open(&fixture.folder.path().join("copy.db"), &key(), clock()).await.unwrap();
    assert!(opened.set_aside.is_some());
    assert_eq!(opened.salvaged, 1);
    assert_eq!(opened.cache.outbox_counts().await.unwrap(), (1, 0));
    conversation(&opened.cache).await;
    assert_eq!(waiting(&opened.cache).await, 0, "the reply that waits is shown again over the new copy");
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_as_it_is() {
    let fixture = fixture().await;
    fixture.cache.close().await;
    let path = fixture.folder.path().join("copy.db");
    let mut file = raw(&path).await;
    sqlx::query(
        "update _sqlx_migrations set version = 9999 where version = (select max(version) from _sqlx_migrations)",
    )
    .execute(&mut file)
    .await
    .unwrap();
    file.close().await.unwrap();
    let error = Cache::open(&path, &key(), clock()).await.unwrap_err();
    assert!(matches!(error, balcao_cache::Error::Newer), "{error:?}");
    assert!(path.exists());
}

#[tokio::test]
async fn people_and_messages_are_found_without_accents() {
    let Fixture { cache, .. } = &fixture().await;
    let values = [("name", Cell::Text("Conceição Araújo".into())), ("phone", Cell::Text("+5511988887777".into()))];
    take(cache, "contacts", id(2), 1, &values).await;
    conversation(cache).await;
    take(
        cache,
        "messages",
        id(80),
        1,
        &[
            ("conversation_id", Cell::Id(id(70))),
            ("body", Cell::Text("Amanhã às 10, né?".into())),
            ("revoked_at", Cell::Null),
        ],
    )
    .await;
    while cache.index_step().await.unwrap() {}
    for text in ["conceicao", "ARAUJO", "ceiç", "98888-7777", "8888"] {
        assert_eq!(cache.search_people(text, 10).await.unwrap().len(), 1, "{text}");
    }
    for text in ["amanha", "Amanhã 10", "aman"] {
        assert_eq!(cache.search_messages(text, MessageScope::default(), 10).await.unwrap().len(), 1, "{text}");
    }
    for text in ["", "\"", "( or *", "nada disso"] {
        assert!(cache.search_messages(text, MessageScope::default(), 10).await.unwrap().is_empty(), "{text}");
    }
}

#[tokio::test]
async fn an_edited_message_is_found_by_its_new_words_only() {
    let Fixture { cache, .. } = &fixture().await;
    for (version, body) in [(1, "antes"), (2, "depois")] {
        take(cache, "messages", id(80), version, &[("body", Cell::Text(body.into())), ("revoked_at", Cell::Null)])
            .await;
        while cache.index_step().await.unwrap() {}
    }
    assert_eq!(cache.search_messages("depois", MessageScope::default(), 10).await.unwrap().len(), 1);
    assert!(cache.search_messages("antes", MessageScope::default(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_transaction_that_the_engine_ended_itself_does_not_stop_later_writes() {
    let fixture = fixture().await;
    visit_at(&fixture.cache, 1, 100_000_000).await;
    // What a full disk does, without filling one: the engine rolls back on its own.
    let mut file = raw(&fixture.folder.path().join("copy.db")).await;
    let full = "create trigger full before insert on outbox begin select raise(rollback, 'full'); end";
    sqlx::query(full).execute(&mut file).await.unwrap();
    fixture.cache.enqueue(move_to(900, 900)).await.unwrap_err();
    assert_eq!(shown(&fixture.cache).await, (100, RowState::Confirmed), "nothing of it is left");
    sqlx::query("drop trigger full").execute(&mut file).await.unwrap();
    fixture.cache.enqueue(move_to(901, 900)).await.unwrap();
    assert_eq!(shown(&fixture.cache).await, (900, RowState::Pending));
}
