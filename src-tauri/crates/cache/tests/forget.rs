//! Who was erased leaves nothing in the file: no row, no word in an index, no write that waits for a decision, no older file.

use balcao_cache::{Attached, AttachedPiece, Cache, Draft, MessageScope, OperationState, WriteKind};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};

use crate::fixture::*;

/// In every text about the person that is erased, and in no other.
const WORD: &str = "zykrapt";
/// Three letters that stand in no other name: what an index of letters keeps of one.
const LETTERS: &str = "kzq";

async fn run(file: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(file).await.unwrap();
}

/// Where the person is still found: tables of the file, and the words that the indexes know.
async fn traces(file: &mut SqliteConnection) -> Vec<String> {
    let mut found = Vec::new();
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name not like '%\\_search' escape '\\'",
    )
    .fetch_all(&mut *file)
    .await
    .unwrap();
    assert!(tables.len() > 30, "the tables behind the indexes are looked at, too: {tables:?}");
    for table in tables {
        let columns: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("select name from pragma_table_info('{table}')")))
                .fetch_all(&mut *file)
                .await
                .unwrap();
        for column in columns {
            // As bytes, whatever the type: a word in a page of an index is as good as one in a row.
            let sql = format!(
                "select count(*) from \"{table}\" where instr(cast(\"{column}\" as blob), cast('{WORD}' as blob)) > 0
                 or instr(lower(cast(\"{column}\" as text)), 'zulmirinha') > 0"
            );
            let rows: i64 = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *file).await.unwrap().get(0);
            if rows > 0 {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    for entity in ["messages", "contacts"] {
        let sql = format!(
            "create virtual table temp.words using fts5vocab('main', '{entity}_search', 'row');
             create temp table known as select term from temp.words; drop table temp.words"
        );
        run(file, &sql).await;
        let words: i64 = sqlx::query(AssertSqlSafe(format!(
            "select count(*) from known where term like '%{WORD}%' or term = '{LETTERS}'"
        )))
        .fetch_one(&mut *file)
        .await
        .unwrap()
        .get(0);
        run(file, "drop table temp.known").await;
        if words > 0 {
            found.push(format!("the index of {entity}"));
        }
    }
    found
}

async fn keep_house(cache: &Cache) {
    for _step in 0..200 {
        if !cache.index_step().await.unwrap() && !cache.forget_step().await.unwrap() {
            return;
        }
    }
    panic!("it does not come to an end");
}

#[tokio::test]
async fn who_was_erased_leaves_no_word_in_the_file() {
    let fixture = fixture().await;
    let mut file = raw(&fixture.path()).await;
    let (zulmira, other) = (id(1), id(2));
    take_person(&fixture.cache, zulmira, 1, "Zulmirinha Kzqwx", "").await;
    take_person(&fixture.cache, other, 1, "Ana Lima", "").await;
    run(
        &mut file,
        "insert into conversations (id, version, contact_id, channel_id, status, handler, priority, labels, unread_count,
             last_message_preview)
         select unhex(printf('%032x', 10 + value)), 1, unhex(printf('%032x', value)), x'00', 'open', 'person', 'normal', '[]',
             0, case value when 1 then 'zykrapt' else 'bom dia' end from json_each('[1, 2]');
         insert into messages (id, version, conversation_id, channel_id, direction, sender_kind, kind, body, status, sent_at,
             reactions)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
         select randomblob(16), 1, unhex(printf('%032x', 11 + i % 2)), x'00', 'inbound', 'contact', 'text',
             case i % 2 when 0 then 'zykrapt' || i || ' dor de dente' else 'outra pessoa ' || i end, 'received', i, '[]' from n",
    )
    .await;
    keep_house(&fixture.cache).await;
    // One write that waits for a decision, one of another person.
    fixture.cache.enqueue(want(100, WriteKind::Patch, zulmira, json!({"notes": "zykrapt em espera"}))).await.unwrap();
    fixture.cache.enqueue(want(101, WriteKind::Patch, other, json!({"notes": "de outra"}))).await.unwrap();
    let refused = |operation| (id(operation), parked("conflict", json!({"notes": "zykrapt deles"})));
    fixture.cache.settle(&[refused(100), (id(101), parked("conflict", json!({})))]).await.unwrap();
    for (thread, text) in [(11, "zykrapt pela metade"), (12, "de outra pessoa")] {
        let draft = Draft { text: text.to_owned(), ..Draft::default() };
        fixture.cache.keep_draft(id(thread), &draft).await.unwrap();
        let of = Attached {
            id: id(thread + 100),
            conversation: id(thread),
            file_name: format!("{text}.pdf"),
            mime_type: "application/pdf".to_owned(),
            voice: None,
            whole: true,
        };
        let piece = AttachedPiece { of, number: 0, bytes: text.as_bytes().to_vec() };
        fixture.cache.keep_attached(piece).await.unwrap();
    }
    let set_aside = fixture.folder.path().join("copy.db.damaged-20261121T080000");
    std::fs::write(&set_aside, "an older file").unwrap();
    let before = traces(&mut file).await;
    for place in [
        "contacts.name",
        "messages.body",
        "outbox.fields",
        "drafts.text",
        "attached.file_name",
        "attached_pieces.bytes",
        "the index of messages",
        "the index of contacts",
    ] {
        assert!(before.iter().any(|found| found == place), "{place} is looked at: {before:?}");
    }

    // What the feed brings: the thread and its messages are gone, the contact says nothing.
    let gone: Vec<_> = sqlx::query_scalar("select id from messages where conversation_id = unhex(printf('%032x', 11))")
        .fetch_all(&mut file)
        .await
        .unwrap();
    let named = |name| balcao_domain::feed::Entity::named(name).unwrap();
    let mut deleted: Vec<_> = gone.into_iter().map(|id| (named("messages"), id)).collect();
    deleted.push((named("conversations"), id(11)));
    let mut taking = fixture.cache.take().await.unwrap();
    taking.deletions(&deleted).await.unwrap();
    let mut erased = person(zulmira, 2, "Pessoa apagada", "");
    let source = contacts().columns.iter().position(|column| column.name == "source").unwrap();
    erased[2 + source] = balcao_domain::feed::Cell::Text("erased".into());
    taking.rows(contacts(), std::iter::once(erased)).await.unwrap();
    taking.commit(&[]).await.unwrap();
    assert_ne!(traces(&mut file).await, Vec::<String>::new(), "rows alone are not all there is");

    keep_house(&fixture.cache).await;
    assert_eq!(traces(&mut file).await, Vec::<String>::new());
    assert!(!set_aside.exists(), "what was set aside holds them, too");
    assert_eq!(
        fixture.cache.search_messages("outra", MessageScope::default(), 10).await.unwrap().len(),
        10,
        "others are found as before"
    );
    assert_eq!(fixture.cache.search_people("ana", 10).await.unwrap().len(), 1);
    assert_eq!(fixture.cache.draft(id(12)).await.unwrap().text, "de outra pessoa");
    assert_eq!(fixture.cache.attached_file(id(112)).await.unwrap().1, b"de outra pessoa");
    let left = fixture.cache.operations(OperationState::Parked).await.unwrap();
    let left: Vec<_> = left.iter().map(|operation| operation.operation_id.as_u128()).collect();
    assert_eq!(left, [101], "the other's write still waits for a decision");
}

#[tokio::test]
async fn a_write_that_was_refused_because_of_an_erasure_is_given_up_with_what_follows_it() {
    let fixture = fixture().await;
    take_person(&fixture.cache, id(1), 1, "Ana", "").await;
    take_person(&fixture.cache, id(2), 1, "Bia", "").await;
    fixture.cache.enqueue(want(100, WriteKind::Patch, id(1), json!({"notes": "um"}))).await.unwrap();
    fixture.cache.enqueue(after(want(101, WriteKind::Patch, id(2), json!({"notes": "dois"})), 100)).await.unwrap();
    fixture.cache.settle(&[(id(100), parked("erased", json!({})))]).await.unwrap();
    assert_eq!(fixture.cache.give_up_erased().await.unwrap(), 2);
    assert_eq!(fixture.cache.outbox_counts().await.unwrap(), (0, 0));
    assert_eq!(shown(&fixture.cache, id(1)).await.unwrap().1, "");
}
