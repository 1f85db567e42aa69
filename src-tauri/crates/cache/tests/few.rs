//! What comes from the database in one way: all of it with how far the copy is then, or nothing.

use balcao_cache::{Cache, FewRows, WriteKind};
use balcao_domain::feed::Cell;
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{contacts, fixture, id, person, raw, shadows, shown, take_person, want};

async fn take_few(cache: &Cache, rows: Vec<Vec<Cell<'static>>>, cursor: &str) -> balcao_cache::Result<bool> {
    let mut few = FewRows::of(rows.len() as u64).unwrap();
    for row in rows {
        few.push(contacts(), row)?;
    }
    cache.take_few(few, &[("cursor", cursor), ("confirmed_at", "1")]).await
}

async fn known(cache: &Cache, row_id: Uuid) -> Option<String> {
    shown(cache, row_id).await.map(|(name, _)| name)
}

#[tokio::test]
async fn a_few_rows_are_there_with_the_place_of_the_copy_and_told_of_once() {
    let fixture = fixture().await;
    let mut changes = fixture.cache.changes();
    let rows = vec![person(id(2), 1, "Ana", ""), person(id(3), 1, "Beto", "")];
    assert!(take_few(&fixture.cache, rows, "10").await.unwrap());
    assert_eq!(known(&fixture.cache, id(2)).await.as_deref(), Some("Ana"));
    assert_eq!(known(&fixture.cache, id(3)).await.as_deref(), Some("Beto"));
    assert_eq!(fixture.cache.state("cursor").await.unwrap().as_deref(), Some("10"));
    assert!(changes.try_recv().unwrap().entities.contains("contacts"));
    assert!(changes.try_recv().is_err(), "told of twice");
}

#[tokio::test]
async fn a_row_older_than_what_stands_here_is_passed_over() {
    let fixture = fixture().await;
    take_person(&fixture.cache, id(2), 5, "Ana Lima", "").await;
    assert!(take_few(&fixture.cache, vec![person(id(2), 4, "Ana", "")], "10").await.unwrap());
    assert_eq!(known(&fixture.cache, id(2)).await.as_deref(), Some("Ana Lima"));
    assert!(take_few(&fixture.cache, vec![person(id(2), 6, "Ana Reis", "")], "11").await.unwrap());
    assert_eq!(known(&fixture.cache, id(2)).await.as_deref(), Some("Ana Reis"));
}

#[tokio::test]
async fn where_something_is_queued_nothing_is_taken_and_nothing_told() {
    let fixture = fixture().await;
    take_person(&fixture.cache, id(2), 1, "Ana", "").await;
    fixture.cache.enqueue(want(20, WriteKind::Patch, id(2), json!({ "name": "Ana Reis" }))).await.unwrap();
    let mut changes = fixture.cache.changes();
    let rows = vec![person(id(2), 2, "Ana", "alérgica"), person(id(3), 1, "Beto", "")];
    assert!(!take_few(&fixture.cache, rows, "10").await.unwrap());
    assert_eq!(shown(&fixture.cache, id(2)).await, Some(("Ana Reis".to_owned(), String::new())));
    assert_eq!(known(&fixture.cache, id(3)).await, None);
    assert_eq!(fixture.cache.state("cursor").await.unwrap(), None, "the place ran ahead of the rows");
    assert!(changes.try_recv().is_err());
    assert_eq!(shadows(&mut raw(&fixture.path()).await).await, 1);
}

#[tokio::test]
async fn a_row_that_cannot_be_written_takes_the_others_with_it_and_the_copy_goes_on() {
    let fixture = fixture().await;
    let mut broken = person(id(3), 1, "Beto", "");
    broken[1] = Cell::Null;
    assert!(take_few(&fixture.cache, vec![person(id(2), 1, "Ana", ""), broken], "10").await.is_err());
    assert_eq!(known(&fixture.cache, id(2)).await, None);
    assert_eq!(fixture.cache.state("cursor").await.unwrap(), None);
    // Neither way of writing meets the transaction that was given up.
    take_person(&fixture.cache, id(4), 1, "Caio", "").await;
    assert!(take_few(&fixture.cache, vec![person(id(2), 1, "Ana", "")], "11").await.unwrap());
    assert_eq!(known(&fixture.cache, id(4)).await.as_deref(), Some("Caio"));
    assert_eq!(fixture.cache.state("cursor").await.unwrap().as_deref(), Some("11"));
}

#[tokio::test]
async fn what_is_dropped_on_its_way_leaves_nothing_half_done() {
    let fixture = fixture().await;
    let mut file = raw(&fixture.path()).await;
    for turn in 0..50_u32 {
        let rows = vec![person(id(2), i64::from(turn) + 1, "Ana", ""), person(id(3), i64::from(turn) + 1, "Beto", "")];
        let taking = take_few(&fixture.cache, rows, "10");
        // At another step of the way each time.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(u64::from(turn) * 20), taking).await;
        // In one look: it may still be coming to its end.
        let both = "select count(*), count(distinct version) from contacts where id in (?, ?)";
        let both: (i64, i64) = sqlx::query_as(both).bind(id(2)).bind(id(3)).fetch_one(&mut file).await.unwrap();
        assert!(matches!(both, (0, 0) | (2, 1)), "rows and versions: {both:?}");
        take_person(&fixture.cache, id(4), i64::from(turn) + 1, "Caio", "").await;
    }
    assert!(take_few(&fixture.cache, vec![person(id(2), 99, "Ana Reis", "")], "11").await.unwrap());
    assert_eq!(known(&fixture.cache, id(2)).await.as_deref(), Some("Ana Reis"));
}

#[test]
fn many_rows_go_another_way() {
    assert!(FewRows::of(8).is_some());
    assert!(FewRows::of(9).is_none());
}
