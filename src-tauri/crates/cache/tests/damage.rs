//! Damaged files: nothing panics, nothing is deleted, and what waits is carried over wherever its own pages are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use balcao_cache::{Cache, Error, Key, Opened, WriteKind};
use serde_json::json;
use sqlx::{Connection as _, Row as _};

use crate::fixture::*;

const PAGE: usize = 4096;

/// Writes that wait in the file that is damaged.
const WAITING: u128 = 60;

/// A closed file with people in it and writes that wait, and which pages belong to what.
struct Whole {
    bytes: Vec<u8>,
    pages: BTreeMap<String, BTreeSet<usize>>,
}

async fn whole() -> Whole {
    let fixture = fixture().await;
    let cache = &fixture.cache;
    for number in 0..200 {
        take_person(cache, id(1_000 + number), 1, &format!("Pessoa {number}"), "").await;
    }
    for number in 0..WAITING {
        // Long enough for some pages, and one that needs pages of its own.
        let text = "x".repeat(if number == 30 { 9_000 } else { 300 });
        let fields = json!({ "notes": { "append": text } });
        cache.enqueue(want(1 + number, WriteKind::Patch, id(1_000 + number), fields)).await.unwrap();
    }
    cache.set_state("window", "{\"message_days\":30}").await.unwrap();
    cache.close().await;
    let mut file = raw(&fixture.path()).await;
    let mut pages: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for row in sqlx::query("select name, pageno from dbstat").fetch_all(&mut file).await.unwrap() {
        pages.entry(row.get(0)).or_default().insert(usize::try_from(row.get::<i64, _>(1)).unwrap());
    }
    file.close().await.unwrap();
    assert!(!PathBuf::from(format!("{}-wal", fixture.path().display())).exists());
    Whole { bytes: std::fs::read(fixture.path()).unwrap(), pages }
}

/// A folder with these bytes as the copy.
fn lay_down(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn set_aside_as(opened: &Opened, bytes: &[u8]) {
    let aside = opened.set_aside.as_ref().unwrap();
    assert!(std::fs::read(aside).unwrap() == bytes, "the damaged file is there as it was");
}

async fn waiting(cache: &Cache) -> usize {
    usize::try_from(cache.outbox_counts().await.unwrap().0).unwrap()
}

/// Every write that is there can be worked with.
async fn works(cache: &Cache) {
    let count = waiting(cache).await;
    assert_eq!(cache.take_due(1_000).await.unwrap().len(), count);
    take_person(cache, id(1_000), 2, "Pessoa", "antes").await;
    cache
        .discard(cache.operations(balcao_cache::OperationState::Waiting).await.unwrap()[0].operation_id)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flipped_bit_in_any_page_costs_no_write_whose_own_pages_are_whole() {
    let whole = whole().await;
    let path_to_all: BTreeSet<usize> = whole.pages["sqlite_schema"].clone();
    let table = &whole.pages["outbox"];
    let mut told = BTreeMap::new();
    for page in 1..=whole.bytes.len() / PAGE {
        let mut bytes = whole.bytes.clone();
        bytes[(page - 1) * PAGE + 2_000] ^= 1;
        let (_folder, path) = lay_down(&bytes);
        let opened = Cache::open_after_damage(&path, &key(), clock()).await.unwrap();
        set_aside_as(&opened, &bytes);
        let count = waiting(&opened.cache).await;
        assert_eq!(opened.salvaged, count);
        let lost = usize::try_from(WAITING).unwrap() - count;
        if path_to_all.contains(&page) {
            *told.entry("schema").or_insert(0) += 1;
        } else if table.contains(&page) {
            assert_eq!(opened.unreadable, Some(lost), "page {page}: the indexes say how many there were");
            *told.entry("table").or_insert(0) += lost;
        } else {
            assert_eq!((lost, opened.unreadable), (0, Some(0)), "page {page}");
            assert_eq!(
                opened.cache.state("window").await.unwrap().is_some(),
                !whole.pages["sync_state"].contains(&page),
                "page {page}: the person's choice goes with them"
            );
            works(&opened.cache).await;
        }
    }
    // The root of the table leads to all of them; each other page costs those that are on it.
    let on_leaves = told["table"] - usize::try_from(WAITING).unwrap();
    assert!((55..=75).contains(&on_leaves), "{told:?} of {table:?}");
}

#[tokio::test]
async fn a_file_cut_off_anywhere_gives_what_it_still_has() {
    let whole = whole().await;
    let outbox_until = whole.pages["outbox"].iter().chain(&whole.pages["sqlite_schema"]).max().unwrap();
    for pages in (0..whole.bytes.len() / PAGE).step_by(3) {
        for odd in [0, 100] {
            let bytes = &whole.bytes[..pages * PAGE + odd];
            let (_folder, path) = lay_down(bytes);
            let opened = Cache::open(&path, &key(), clock()).await.unwrap();
            if bytes.is_empty() {
                assert!(opened.set_aside.is_none(), "an empty file is a new one");
                continue;
            }
            set_aside_as(&opened, bytes);
            if pages >= *outbox_until {
                assert_eq!(waiting(&opened.cache).await, usize::try_from(WAITING).unwrap(), "{pages} pages");
            }
        }
    }
}

#[tokio::test]
async fn damage_to_what_waits_is_seen_at_the_start() {
    let whole = whole().await;
    for table in ["outbox", "effects", "shadows", "sync_state", "outbox_by_row", "sqlite_schema"] {
        for page in &whole.pages[table] {
            let mut bytes = whole.bytes.clone();
            bytes[(page - 1) * PAGE + 500] ^= 1;
            let (_folder, path) = lay_down(&bytes);
            let opened = Cache::open(&path, &key(), clock()).await.unwrap();
            set_aside_as(&opened, &bytes);
        }
    }
}

#[tokio::test]
async fn damage_met_in_the_midst_of_work_is_called_that_by_everything_that_meets_it() {
    let whole = whole().await;
    let mut bytes = whole.bytes.clone();
    for page in &whole.pages["contacts"] {
        bytes[(page - 1) * PAGE + 500] ^= 1;
    }
    let (_folder, path) = lay_down(&bytes);
    let cache = reopen(&path).await.cache;
    for _again in 0..3 {
        let write = want(900, WriteKind::Patch, id(1_000), json!({ "name": "Bia" }));
        assert!(matches!(cache.enqueue(write).await, Err(Error::Damaged)));
        assert!(matches!(cache.person(id(1_000), 1).await, Err(Error::Damaged)));
        let rows = std::iter::once(person(id(1_000), 2, "Bia", ""));
        let taken = async {
            let mut taking = cache.take().await?;
            taking.rows(contacts(), rows).await?;
            taking.commit(&[]).await
        };
        assert!(matches!(taken.await, Err(Error::Damaged)));
    }
    cache.close().await;
    let opened = Cache::open_after_damage(&path, &key(), clock()).await.unwrap();
    assert_eq!((opened.salvaged, opened.unreadable), (usize::try_from(WAITING).unwrap(), Some(0)));
    works(&opened.cache).await;
}

#[tokio::test]
async fn a_file_without_its_log_or_with_a_strange_one_opens() {
    let fixture = fixture().await;
    take_person(&fixture.cache, id(50), 1, "Ana", "").await;
    let write = want(1, WriteKind::Patch, id(50), json!({ "name": "Bia" }));
    fixture.cache.enqueue(write).await.unwrap();
    let (main, log) = (std::fs::read(fixture.path()).unwrap(), std::fs::read(wal(&fixture.path())).unwrap());
    let mut flipped = log.clone();
    flipped[log.len() - 50] ^= 1;
    for log in [None, Some(vec![0xAB; 5_000]), Some(Vec::new()), Some(log[..log.len() / 2].to_vec()), Some(flipped)] {
        let (_folder, path) = lay_down(&main);
        if let Some(log) = &log {
            std::fs::write(wal(&path), log).unwrap();
        }
        let opened = reopen(&path).await;
        take_person(&opened.cache, id(50), 1, "Ana", "").await;
        assert!(shown(&opened.cache, id(50)).await.is_some());
    }
}

#[tokio::test]
async fn nothing_can_be_said_of_a_file_with_another_key_and_it_is_kept() {
    let whole = whole().await;
    let mut header = whole.bytes.clone();
    header[..100].fill(0xAB);
    for (bytes, key) in [(&whole.bytes, Key::new([8; 32])), (&header, key())] {
        let (_folder, path) = lay_down(bytes);
        let opened = Cache::open(&path, &key, clock()).await.unwrap();
        set_aside_as(&opened, bytes);
        assert_eq!((opened.salvaged, opened.unreadable), (0, None));
    }
}

#[tokio::test]
async fn a_rebuild_that_is_interrupted_anywhere_goes_on_at_the_next_start() {
    let whole = whole().await;
    let mut damaged = whole.bytes.clone();
    damaged[(whole.pages["shadows"].first().unwrap() - 1) * PAGE + 500] ^= 1;
    let rebuilt = {
        let (_folder, path) = lay_down(&damaged);
        reopen(&path).await.cache.close().await;
        std::fs::read(&path).unwrap()
    };
    let place = |path: &Path, suffix: &str, bytes: &[u8]| {
        std::fs::write(format!("{}{suffix}", path.display()), bytes).unwrap();
    };
    for step in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy.db");
        if step < 3 {
            place(&path, "", &damaged);
        }
        if step < 4 {
            place(&path, "-wal", b"the log of the damaged file");
        }
        match step {
            0 => place(&path, ".rebuilding", &rebuilt[..PAGE * 3]),
            1 => place(&path, ".rebuilding-wal", b"what an attempt has left"),
            _ => place(&path, ".rebuilt", &rebuilt),
        }
        let opened = reopen(&path).await;
        assert_eq!(waiting(&opened.cache).await, usize::try_from(WAITING).unwrap(), "step {step}");
        works(&opened.cache).await;
        opened.cache.close().await;
        let names = names(folder.path());
        assert!(!names.iter().any(|name| name.contains("rebuil")), "step {step}: {names:?}");
        let kept = names.iter().filter(|name| name.contains(".damaged-") && main_file(name)).count();
        assert_eq!(kept, usize::from(step < 3), "step {step}: {names:?}");
    }
}

#[tokio::test]
async fn the_newest_files_are_kept_and_none_can_be_read_without_the_key() {
    let whole = whole().await;
    let (folder, path) = lay_down(&whole.bytes);
    for _damage in 0..5 {
        // The same second each time, and none is written over.
        reopen(&path).await.cache.close().await;
        let opened = Cache::open_after_damage(&path, &key(), clock()).await.unwrap();
        assert_eq!(opened.salvaged, usize::try_from(WAITING).unwrap());
        opened.cache.close().await;
    }
    let first_version = first_version().await;
    for _program in 0..4 {
        std::fs::write(&path, &first_version).unwrap();
        let opened = reopen(&path).await;
        assert!(opened.set_aside.is_none());
        opened.cache.close().await;
    }
    let names = names(folder.path());
    let of = |word: &str| names.iter().filter(|name| name.contains(word) && main_file(name)).count();
    assert_eq!((of(".damaged-"), of(".before-migration-")), (3, 2), "{names:?}");
    for name in &names {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"SQLite" || window == b"Pessoa"), "{name}");
    }
}

/// A file as the first version of the program made it.
async fn first_version() -> Vec<u8> {
    let fixture = fixture().await;
    fixture.cache.close().await;
    let mut new = raw(&fixture.path()).await;
    let table: String = sqlx::query_scalar("select sql from sqlite_schema where name = '_sqlx_migrations'")
        .fetch_one(&mut new)
        .await
        .unwrap();
    let path = fixture.folder.path().join("first.db");
    // Opening it with the key makes it an encrypted one.
    std::fs::write(&path, "").unwrap();
    let mut file = raw(&path).await;
    let first = include_str!("../../../../migrations/cache/0001_copy.sql");
    sqlx::raw_sql(first).execute(&mut file).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(table)).execute(&mut file).await.unwrap();
    let row = sqlx::query(
        "select version, description, success, checksum, execution_time from _sqlx_migrations where version = 1",
    )
    .fetch_one(&mut new)
    .await
    .unwrap();
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (?, ?, ?, ?, ?)",
    )
    .bind(row.get::<i64, _>(0))
    .bind(row.get::<String, _>(1))
    .bind(row.get::<bool, _>(2))
    .bind(row.get::<Vec<u8>, _>(3))
    .bind(row.get::<i64, _>(4))
    .execute(&mut file)
    .await
    .unwrap();
    file.close().await.unwrap();
    std::fs::read(path).unwrap()
}

fn main_file(name: &str) -> bool {
    !name.ends_with("-wal") && !name.ends_with("-shm")
}

fn wal(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
