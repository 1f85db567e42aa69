//! How far back the copy is whole, and what a window takes away.

use balcao_cache::{Cache, Effect, Key, NewOperation, Reach, Timeline, WriteKind};
use balcao_domain::clock::Clock;
use balcao_domain::feed::{Cell, ColumnKind, Entity};
use balcao_domain::window::Window;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

const THREAD: Uuid = Uuid::from_u128(70);
const PERSON: Uuid = Uuid::from_u128(1);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn days_ago(days: i64) -> i64 {
    (now() - TimeDelta::days(days)).timestamp_micros()
}

async fn copied(window: Window) -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let opened = Cache::open(&folder.path().join("copy.db"), &Key::new([7; 32]), Clock::manual(now())).await.unwrap();
    take(&opened.cache, "conversations", THREAD, &[]).await;
    opened.cache.set_window(&window, now()).await.unwrap();
    opened.cache.window_copied(&window, now()).await.unwrap();
    (folder, opened.cache)
}

async fn take(cache: &Cache, name: &str, id: Uuid, values: &[(&str, Cell<'static>)]) {
    let entity = Entity::named(name).unwrap();
    let mut row = vec![Cell::Id(id), Cell::Integer(1)];
    row.extend(entity.columns.iter().map(|column| {
        let given = values.iter().find(|(name, _)| *name == column.name).map(|(_, cell)| cell.clone());
        given.unwrap_or_else(|| match column.kind {
            ColumnKind::Id => Cell::Id(PERSON),
            ColumnKind::Text => Cell::Text("open".into()),
            ColumnKind::Json => Cell::Text("[]".into()),
            ColumnKind::Date => Cell::Null,
            ColumnKind::Real => Cell::Real(0.0),
            ColumnKind::Integer | ColumnKind::Boolean | ColumnKind::Instant => Cell::Integer(0),
        })
    }));
    let mut taking = cache.take().await.unwrap();
    taking.rows(entity, std::iter::once(row)).await.unwrap();
    taking.commit(&[]).await.unwrap();
}

/// A message whose id says how old it is.
async fn message(cache: &Cache, days: i64) {
    let id = Uuid::from_u128(1_000 + days.unsigned_abs() as u128);
    let values = [("conversation_id", Cell::Id(THREAD)), ("sent_at", Cell::Integer(days_ago(days)))];
    take(cache, "messages", id, &values).await;
}

async fn visit(cache: &Cache, days: i64) -> Uuid {
    let id = Uuid::from_u128(5_000 + days.unsigned_abs() as u128);
    let values = [("starts_at", Cell::Integer(days_ago(days))), ("ends_at", Cell::Integer(days_ago(days) + 1))];
    take(cache, "appointments", id, &values).await;
    id
}

async fn ages(cache: &Cache) -> Vec<u128> {
    let rows = cache.messages(THREAD, None, 100).await.unwrap();
    rows.iter().map(|row| row.id.as_u128() - 1_000).collect()
}

fn place(days: i64) -> (i64, Uuid) {
    (days_ago(days), Uuid::from_u128(1_000 + days.unsigned_abs() as u128))
}

#[tokio::test]
async fn a_row_beyond_the_reach_is_not_shown_until_what_lies_between_is_here() {
    let (_folder, cache) = copied(Window::default()).await;
    for days in [1, 80, 300] {
        message(&cache, days).await;
    }
    assert_eq!(ages(&cache).await, [1, 80]);
    let reach = cache.thread_reach(THREAD).await.unwrap();
    assert_eq!(reach, Reach::From((days_ago(90), Uuid::nil())));
    let Reach::From(known) = reach else { unreachable!() };

    message(&cache, 150).await;
    assert!(cache.thread_reached(THREAD, known, Some(place(150))).await.unwrap());
    assert_eq!(ages(&cache).await, [1, 80, 150], "the gap goes down to what was read");
    assert!(cache.thread_reached(THREAD, place(150), None).await.unwrap());
    assert_eq!(ages(&cache).await, [1, 80, 150, 300]);
    assert_eq!(cache.thread_reach(THREAD).await.unwrap(), Reach::Whole);
    assert_eq!(
        cache.thread_reach(Uuid::from_u128(71)).await.unwrap(),
        Reach::From((days_ago(90), Uuid::nil())),
        "another conversation goes back as far as the window"
    );
}

#[tokio::test]
async fn a_narrower_window_holds_at_once_and_takes_away_all_but_queued_writes() {
    let (_folder, cache) = copied(Window { message_days: 0, appointment_days: 0 }).await;
    for days in [1, 80, 300] {
        message(&cache, days).await;
        visit(&cache, days).await;
    }
    let kept = visit(&cache, 200).await;
    let moved = json!({ "notes": "pode vir antes" }).as_object().unwrap().clone();
    let write = NewOperation {
        operation_id: Uuid::from_u128(9),
        action: "move_appointment",
        kind: WriteKind::Patch,
        effect: Effect { entity: Entity::named("appointments").unwrap(), entity_id: kept, fields: moved },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    cache.enqueue(write).await.unwrap();
    assert_eq!(cache.thread_reach(THREAD).await.unwrap(), Reach::Whole);

    cache.set_window(&Window { message_days: 30, appointment_days: 90 }, now()).await.unwrap();
    assert_eq!(ages(&cache).await, [1], "what is outside is not shown any more, before it is removed");
    while cache.trim_step().await.unwrap() {}
    cache.window_reached(Timeline::Messages, days_ago(30), None).await.unwrap();
    assert_eq!(ages(&cache).await, [1], "and it is gone");
    let visits = cache.agenda(days_ago(400), days_ago(0)).await.unwrap().visits;
    let mut left: Vec<_> = visits.iter().map(|visit| visit.id.as_u128() - 5_000).collect();
    left.sort_unstable();
    assert_eq!(left, [1, 80, 200]);
}

#[tokio::test]
async fn a_wider_window_lacks_what_lies_between_until_it_is_told_that_it_is_here() {
    let (_folder, cache) = copied(Window::default()).await;
    assert_eq!(cache.gap().await.unwrap(), None);
    cache.set_window(&Window { message_days: 0, appointment_days: 180 }, now()).await.unwrap();
    let gap = cache.gap().await.unwrap().unwrap();
    assert_eq!((gap.timeline, gap.until, gap.from), (Timeline::Visits, days_ago(90), Some(days_ago(180))));
    assert!(cache.window_reached(Timeline::Visits, days_ago(90), Some(days_ago(120))).await.unwrap());
    assert_eq!(cache.gap().await.unwrap().unwrap().until, days_ago(120), "a piece counts");
    assert!(cache.window_reached(Timeline::Visits, days_ago(120), Some(days_ago(180))).await.unwrap());
    let gap = cache.gap().await.unwrap().unwrap();
    assert_eq!((gap.timeline, gap.from), (Timeline::Messages, None));
    assert!(cache.window_reached(Timeline::Messages, days_ago(90), None).await.unwrap());
    assert_eq!(cache.gap().await.unwrap(), None);
    assert_eq!(cache.window_reach(Timeline::Messages).await.unwrap(), Reach::Whole);
}

#[tokio::test]
async fn what_was_read_before_a_narrower_window_was_chosen_does_not_count() {
    let (_folder, cache) = copied(Window::default()).await;
    cache.set_window(&Window { message_days: 30, appointment_days: 30 }, now()).await.unwrap();
    let known = (days_ago(90), Uuid::nil());
    assert!(!cache.thread_reached(THREAD, known, None).await.unwrap());
    assert!(!cache.window_reached(Timeline::Messages, known.0, None).await.unwrap());
    assert!(!cache.person_reached(PERSON, known.0).await.unwrap());
    assert_eq!(cache.thread_reach(THREAD).await.unwrap(), Reach::From((days_ago(30), Uuid::nil())));
}

#[tokio::test]
async fn a_copy_that_is_made_anew_has_nothing_to_say_until_it_is_complete() {
    let (_folder, cache) = copied(Window::default()).await;
    assert!(cache.thread_reached(THREAD, (days_ago(90), Uuid::nil()), None).await.unwrap());
    assert!(cache.person_reached(PERSON, days_ago(90)).await.unwrap());
    cache.set_window(&Window { message_days: 365, appointment_days: 365 }, now()).await.unwrap();
    cache.forget_copy().await.unwrap();
    assert_eq!(cache.thread_reach(THREAD).await.unwrap(), Reach::Coming);
    assert_eq!(cache.person_reach(PERSON).await.unwrap(), Reach::Coming);
    assert!(!cache.thread_reached(THREAD, (days_ago(90), Uuid::nil()), None).await.unwrap());
    cache.window_copied(&cache.window().await.unwrap(), now()).await.unwrap();
    assert_eq!(cache.thread_reach(THREAD).await.unwrap(), Reach::From((days_ago(365), Uuid::nil())));
    assert_eq!(cache.person_reach(PERSON).await.unwrap(), Reach::From((days_ago(365), Uuid::nil())));
    assert_eq!(cache.gap().await.unwrap(), None);
}

#[tokio::test]
async fn old_visits_of_a_person_are_shown_when_all_of_them_are_here() {
    let (_folder, cache) = copied(Window::default()).await;
    for days in [10, 200, 400] {
        visit(&cache, days).await;
    }
    assert_eq!(cache.person(PERSON, 50).await.unwrap().visits.len(), 1);
    assert!(cache.person_reached(PERSON, days_ago(90)).await.unwrap());
    assert_eq!(cache.person(PERSON, 50).await.unwrap().visits.len(), 3);
    assert_eq!(cache.person(PERSON, 2).await.unwrap().visits.len(), 2);
}
