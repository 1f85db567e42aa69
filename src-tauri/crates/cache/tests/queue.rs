//! What enters the queue, what leaves it, and in which order.

use std::time::Duration;

use balcao_cache::{Cache, Error, NewOperation, OperationState, WriteKind};
use chrono::TimeDelta;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::fixture::*;

const ANA: fn() -> Uuid = || id(50);

async fn with_ana() -> Fixture {
    let fixture = fixture().await;
    take_person(&fixture.cache, ANA(), 1, "Ana", "alérgica").await;
    fixture
}

fn rename(operation: u128, name: &str) -> NewOperation {
    want(operation, WriteKind::Patch, ANA(), json!({ "name": name }))
}

fn note(operation: u128, text: &str) -> NewOperation {
    want(operation, WriteKind::Patch, ANA(), json!({ "notes": { "append": text } }))
}

fn delete(operation: u128) -> NewOperation {
    want(operation, WriteKind::Delete, ANA(), json!({}))
}

async fn name(cache: &Cache) -> Option<String> {
    shown(cache, ANA()).await.map(|(name, _)| name)
}

async fn notes(cache: &Cache) -> String {
    shown(cache, ANA()).await.unwrap().1
}

async fn queued(cache: &Cache, operation: u128) -> balcao_cache::QueuedOperation {
    cache.operation(id(operation)).await.unwrap()
}

#[tokio::test]
async fn what_is_deleted_disappears_and_comes_back_when_that_is_given_up() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(delete(1)).await.unwrap();
    assert_eq!(name(cache).await, None);
    let operation = queued(cache, 1).await;
    assert_eq!((operation.kind.as_str(), operation.fields.len()), ("delete", 0));
    assert_eq!(operation.base["notes"], json!("alérgica"), "what the person saw is compared before it is deleted");
    assert!(!operation.base.contains_key("version") && !operation.base.contains_key("id"));
    take_person(cache, ANA(), 2, "Ana Maria", "").await;
    assert_eq!(name(cache).await, None, "a new version of the row does not show it again");
    cache.discard(id(1)).await.unwrap();
    assert_eq!(name(cache).await.as_deref(), Some("Ana Maria"));
}

#[tokio::test]
async fn a_confirmed_delete_leaves_nothing() {
    let fixture = with_ana().await;
    let cache = &fixture.cache;
    cache.enqueue(delete(1)).await.unwrap();
    assert_eq!(due(cache).await, [1]);
    cache.settle(&[(id(1), balcao_cache::Settlement::Confirmed { version: None })]).await.unwrap();
    assert_eq!(name(cache).await, None);
    assert_eq!(shadows(&mut raw(&fixture.path()).await).await, 0);
    assert_eq!(cache.outbox_counts().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_refused_delete_shows_the_row_again_and_gives_way_to_a_change() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(delete(1)).await.unwrap();
    due(cache).await;
    take_person(cache, ANA(), 2, "Ana Maria", "").await;
    cache.settle(&[(id(1), parked("conflict", json!({ "name": "Ana Maria" })))]).await.unwrap();
    assert_eq!(name(cache).await.as_deref(), Some("Ana Maria"), "one can look at what was to be deleted");
    assert_eq!(cache.enqueue(rename(2, "Ana M.")).await.unwrap(), Some(id(2)));
    assert_eq!(cache.outbox_counts().await.unwrap(), (1, 0));
    assert_eq!(queued(cache, 2).await.base["name"], json!("Ana Maria"));
}

#[tokio::test]
async fn a_refused_delete_that_is_tried_again_goes_over_what_the_others_wrote() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(delete(1)).await.unwrap();
    due(cache).await;
    cache.settle(&[(id(1), parked("conflict", json!({ "name": "Ana Maria" })))]).await.unwrap();
    cache.retry(id(1), &Map::new()).await.unwrap();
    assert_eq!(name(cache).await, None);
    assert_eq!(queued(cache, 1).await.base["name"], json!("Ana Maria"));
}

#[tokio::test]
async fn a_delete_takes_the_place_of_changes_that_were_never_sent() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    cache.enqueue(delete(2)).await.unwrap();
    assert_eq!(due(cache).await, [2]);
    assert_eq!(queued(cache, 2).await.base["name"], json!("Ana"), "the database never had the other name");
}

#[tokio::test]
async fn what_was_made_and_deleted_before_it_was_sent_was_never_there() {
    let fixture = fixture().await;
    let cache = &fixture.cache;
    let made = json!({ "name": "Ana", "status": "active", "tags": [], "notes": "" });
    cache.enqueue(want(1, WriteKind::Insert, ANA(), made)).await.unwrap();
    assert_eq!(name(cache).await.as_deref(), Some("Ana"));
    assert_eq!(cache.enqueue(delete(2)).await.unwrap(), None);
    assert_eq!(name(cache).await, None);
    assert_eq!(cache.outbox_counts().await.unwrap(), (0, 0));
    assert_eq!(shadows(&mut raw(&fixture.path()).await).await, 0);
}

#[tokio::test]
async fn a_delete_of_what_may_have_been_sent_waits_behind_it() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    assert_eq!(due(cache).await, [1]);
    cache.enqueue(delete(2)).await.unwrap();
    assert_eq!(cache.outbox_counts().await.unwrap(), (2, 0));
    assert_eq!(queued(cache, 2).await.base["name"], json!("Bia"));
}

#[tokio::test]
async fn a_row_that_is_not_there_is_neither_changed_nor_deleted() {
    let Fixture { cache, .. } = &fixture().await;
    for operation in [rename(1, "Bia"), delete(2)] {
        assert!(matches!(cache.enqueue(operation).await, Err(Error::NotFound)));
    }
    assert_eq!(cache.outbox_counts().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn what_depends_on_a_refused_write_waits_and_goes_with_it_when_it_is_given_up() {
    let Fixture { cache, .. } = &with_ana().await;
    for (row, name) in [(51, "Bia"), (52, "Caio")] {
        take_person(cache, id(row), 1, name, "").await;
    }
    cache.enqueue(rename(1, "Ana Maria")).await.unwrap();
    let second = want(2, WriteKind::Patch, id(51), json!({ "name": "Bia Maria" }));
    let third = want(3, WriteKind::Patch, id(52), json!({ "name": "Caio Maria" }));
    cache.enqueue(after(second, 1)).await.unwrap();
    cache.enqueue(after(third, 2)).await.unwrap();
    assert_eq!(due(cache).await, [1]);
    cache.settle(&[(id(1), parked("not_permitted", json!({})))]).await.unwrap();
    assert_eq!(due(cache).await, [0_u128; 0]);
    let told: Vec<_> = cache.dependents(id(1)).await.unwrap().iter().map(|o| o.operation_id).collect();
    let taken: Vec<_> = cache.discard(id(1)).await.unwrap().iter().map(|o| o.operation_id).collect();
    assert_eq!((&told, &taken), (&vec![id(2), id(3)], &vec![id(2), id(3)]), "the person is told, before and after");
    assert_eq!(cache.outbox_counts().await.unwrap(), (0, 0));
    assert_eq!(shown(cache, id(52)).await.unwrap().0, "Caio");
}

#[tokio::test]
async fn what_depends_on_a_write_goes_once_that_is_confirmed() {
    let Fixture { cache, .. } = &with_ana().await;
    take_person(cache, id(51), 1, "Bia", "").await;
    cache.enqueue(rename(1, "Ana Maria")).await.unwrap();
    cache.enqueue(after(want(2, WriteKind::Patch, id(51), json!({ "name": "Bi" })), 1)).await.unwrap();
    assert_eq!(due(cache).await, [1]);
    cache.settle(&[(id(1), confirmed(2))]).await.unwrap();
    assert_eq!(due(cache).await, [2]);
}

#[tokio::test]
async fn giving_up_what_makes_a_row_gives_up_what_was_done_to_it() {
    let Fixture { cache, .. } = &fixture().await;
    let made = json!({ "name": "Ana", "status": "active", "tags": [], "notes": "" });
    cache.enqueue(want(1, WriteKind::Insert, ANA(), made)).await.unwrap();
    due(cache).await;
    cache.enqueue(rename(2, "Ana Maria")).await.unwrap();
    cache.settle(&[(id(1), parked("duplicate", json!({})))]).await.unwrap();
    assert_eq!(name(cache).await.as_deref(), Some("Ana Maria"));
    let taken = cache.discard(id(1)).await.unwrap();
    assert_eq!(taken.iter().map(|o| o.operation_id).collect::<Vec<_>>(), [id(2)]);
    assert_eq!(name(cache).await, None);
}

#[tokio::test]
async fn a_later_change_does_not_take_a_given_up_one_for_another_persons() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    due(cache).await;
    cache.enqueue(rename(2, "Caio")).await.unwrap();
    assert_eq!(queued(cache, 2).await.base["name"], json!("Bia"));
    cache.settle(&[(id(1), parked("not_permitted", json!({})))]).await.unwrap();
    cache.discard(id(1)).await.unwrap();
    assert_eq!(queued(cache, 2).await.base["name"], json!("Ana"));
    assert_eq!(name(cache).await.as_deref(), Some("Caio"));
}

#[tokio::test]
async fn notes_are_added_to_what_others_noted_meanwhile() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(note(1, "prefere manhã")).await.unwrap();
    assert_eq!(notes(cache).await, "alérgica\nprefere manhã");
    assert!(queued(cache, 1).await.base.is_empty(), "nobody contradicts anybody");
    take_person(cache, ANA(), 2, "Ana", "alérgica\nligou ontem").await;
    assert_eq!(notes(cache).await, "alérgica\nligou ontem\nprefere manhã");
    due(cache).await;
    cache.settle(&[(id(1), confirmed(3))]).await.unwrap();
    assert_eq!(notes(cache).await, "alérgica\nligou ontem\nprefere manhã");
}

#[tokio::test]
async fn a_note_that_came_back_before_its_answer_is_not_doubled() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(note(1, "prefere manhã")).await.unwrap();
    due(cache).await;
    take_person(cache, ANA(), 2, "Ana", "alérgica\nprefere manhã").await;
    cache.settle(&[(id(1), confirmed(2))]).await.unwrap();
    assert_eq!(notes(cache).await, "alérgica\nprefere manhã");
}

#[tokio::test]
async fn two_notes_become_one_of_two_lines_and_a_whole_new_text_stays_apart() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(note(1, "a")).await.unwrap();
    assert_eq!(cache.enqueue(note(2, "b")).await.unwrap(), Some(id(1)));
    assert_eq!(queued(cache, 1).await.fields["notes"], json!({ "append": "a\nb" }));
    let whole = want(3, WriteKind::Patch, ANA(), json!({ "notes": "tudo novo" }));
    assert_eq!(cache.enqueue(whole).await.unwrap(), Some(id(3)));
    assert_eq!(queued(cache, 3).await.base["notes"], json!("alérgica\na\nb"));
    assert_eq!(cache.enqueue(note(4, "c")).await.unwrap(), Some(id(4)));
    assert_eq!(notes(cache).await, "tudo novo\nc");
    cache.discard(id(1)).await.unwrap();
    assert_eq!(queued(cache, 3).await.base["notes"], json!("alérgica"), "a note that was never made was never seen");
}

#[tokio::test]
async fn only_the_order_of_cards_changed_twice_is_still_sent() {
    let Fixture { cache, .. } = &with_ana().await;
    let unchecked = |operation, name: &str| NewOperation { unchecked: &["name"], ..rename(operation, name) };
    cache.enqueue(unchecked(1, "b")).await.unwrap();
    assert_eq!(cache.enqueue(unchecked(2, "c")).await.unwrap(), Some(id(1)));
    assert_eq!(name(cache).await.as_deref(), Some("c"));
}

#[tokio::test]
async fn what_another_run_of_the_program_left_counts_as_sent() {
    let fixture = with_ana().await;
    fixture.cache.enqueue(rename(1, "Bia")).await.unwrap();
    let fixture = fixture.restart().await;
    let cache = &fixture.cache;
    // A power cut may have taken the mark of a try that was made.
    assert_eq!(cache.enqueue(rename(2, "Caio")).await.unwrap(), Some(id(2)));
    assert_eq!(queued(cache, 1).await.fields["name"], json!("Bia"));
    assert_eq!(cache.enqueue(rename(3, "Davi")).await.unwrap(), Some(id(2)), "what is new folds as before");
}

#[tokio::test]
async fn a_patch_whose_row_is_gone_can_be_parked_and_given_up() {
    let fixture = with_ana().await;
    let cache = &fixture.cache;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    due(cache).await;
    let mut taking = cache.take().await.unwrap();
    taking.deletions(&[(contacts(), ANA())]).await.unwrap();
    taking.commit(&[]).await.unwrap();
    assert_eq!(name(cache).await, None);
    cache.settle(&[(id(1), parked("gone", json!({})))]).await.unwrap();
    assert_eq!(cache.operations(OperationState::Parked).await.unwrap().len(), 1);
    cache.discard(id(1)).await.unwrap();
    assert_eq!(shadows(&mut raw(&fixture.path()).await).await, 0);
}

#[tokio::test]
async fn a_row_that_a_restored_database_lacks_does_not_stay_because_a_write_waited_for_it() {
    let Fixture { cache, .. } = &with_ana().await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    cache.forget_copy().await.unwrap();
    assert_eq!(name(cache).await.as_deref(), Some("Bia"), "what is queued stays visible");
    due(cache).await;
    cache.settle(&[(id(1), parked("gone", json!({})))]).await.unwrap();
    cache.discard(id(1)).await.unwrap();
    assert_eq!(name(cache).await, None);
}

#[tokio::test]
async fn a_write_stands_over_what_comes_after_rows_that_found_nothing_queued() {
    let Fixture { cache, .. } = &with_ana().await;
    take_person(cache, ANA(), 2, "Ana Maria", "").await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    take_person(cache, ANA(), 3, "Ana Clara", "").await;
    assert_eq!(name(cache).await.as_deref(), Some("Bia"));
    cache.discard(id(1)).await.unwrap();
    assert_eq!(name(cache).await.as_deref(), Some("Ana Clara"));
}

#[tokio::test]
async fn a_message_waits_behind_an_earlier_one_of_its_thread_that_was_put_off() {
    let Fixture { cache, clock, .. } = &fixture().await;
    for (operation, thread) in [(1, 70), (2, 71), (3, 70), (4, 70)] {
        cache.enqueue(answer(operation, id(100 + operation), id(thread), "Bom dia")).await.unwrap();
    }
    cache.put_off(&[id(1)], Duration::from_secs(10)).await.unwrap();
    assert_eq!(due(cache).await, [2], "another thread does not wait");
    cache.put_off(&[id(3)], Duration::from_secs(2)).await.unwrap();
    clock.advance(TimeDelta::seconds(3));
    assert_eq!(due(cache).await, [2]);
    assert_eq!(cache.due_in().await.unwrap(), Some(Duration::from_micros(7_000_001)), "nothing is asked for in vain");
    cache.settle(&[(id(1), parked("person_blocked", json!({})))]).await.unwrap();
    assert_eq!(due(cache).await, [2, 3], "a person decides about a refused one");
    cache.settle(&[(id(3), confirmed(1))]).await.unwrap();
    assert_eq!(due(cache).await, [2, 4]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_nothing_up() {
    let Fixture { cache, clock, .. } = &with_ana().await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    cache.put_off(&[id(1)], Duration::from_secs(10)).await.unwrap();
    assert_eq!(due(cache).await, [0_u128; 0]);
    assert_eq!(cache.due_in().await.unwrap(), Some(Duration::from_micros(10_000_001)));
    clock.advance(TimeDelta::hours(-3));
    assert_eq!(due(cache).await, [1]);
    cache.put_off(&[id(1)], Duration::from_hours(5)).await.unwrap();
    clock.advance(TimeDelta::seconds(61));
    assert_eq!(due(cache).await, [1], "nothing waits for longer than a minute");
}

#[tokio::test]
async fn what_became_due_while_nobody_looked_is_due_at_once() {
    let Fixture { cache, clock, .. } = &with_ana().await;
    cache.enqueue(rename(1, "Bia")).await.unwrap();
    cache.put_off(&[id(1)], Duration::from_secs(10)).await.unwrap();
    clock.advance(TimeDelta::seconds(30));
    assert_eq!(cache.due_in().await.unwrap(), Some(Duration::from_micros(1)));
    cache.settle(&[(id(1), parked("slot_taken", json!({})))]).await.unwrap();
    assert_eq!(cache.due_in().await.unwrap(), None, "a person decides when it is sent again");
}

#[tokio::test]
async fn what_expires_does_so_by_the_servers_clock() {
    let Fixture { cache, clock, .. } = &with_ana().await;
    let in_an_hour = clock.now() + TimeDelta::hours(1);
    cache.enqueue(NewOperation { expires_at: Some(in_an_hour), ..rename(1, "Bia") }).await.unwrap();
    // This computer's clock is three hours fast, and now shows it.
    clock.advance(TimeDelta::hours(3));
    cache.save_place(&[("clock_ahead_micros", &(3 * 3_600_000_000_i64).to_string())]).await.unwrap();
    assert_eq!(cache.server_now().await.unwrap(), in_an_hour - TimeDelta::hours(1));
    assert_eq!(cache.park_expired().await.unwrap(), 0);
    clock.advance(TimeDelta::minutes(61));
    assert_eq!(cache.park_expired().await.unwrap(), 1);
    assert_eq!(queued(cache, 1).await.reason.as_deref(), Some("expired"));
}

#[tokio::test]
async fn what_may_have_been_done_in_time_is_not_called_expired() {
    let Fixture { cache, clock, .. } = &with_ana().await;
    let soon = clock.now() + TimeDelta::minutes(1);
    cache.enqueue(NewOperation { expires_at: Some(soon), ..rename(1, "Bia") }).await.unwrap();
    assert_eq!(due(cache).await, [1]);
    clock.advance(TimeDelta::hours(1));
    assert_eq!(cache.park_expired().await.unwrap(), 0);
    let again = cache.take_due(10).await.unwrap();
    assert_eq!(again[0].expires_at, Some(soon), "the database is told");
}

#[tokio::test]
async fn a_person_renamed_twice_before_the_search_has_caught_up_is_found_by_the_last_name() {
    let Fixture { cache, .. } = &with_ana().await;
    while cache.index_step().await.unwrap() {}
    for (version, name) in [(2, "Bia"), (3, "Caio")] {
        take_person(cache, ANA(), version, name, "").await;
    }
    while cache.index_step().await.unwrap() {}
    assert_eq!(cache.search_people("Caio", 10).await.unwrap().len(), 1);
    assert!(cache.search_people("Bia", 10).await.unwrap().is_empty());
}
