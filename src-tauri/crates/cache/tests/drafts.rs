//! What somebody has begun to write stays on this computer, whatever becomes of the rest of the copy.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixture;

use balcao_cache::{Cache, Draft};
use fixture::*;

/// In the draft, and nowhere else.
const WORD: &str = "zykrapt";

fn draft() -> Draft {
    Draft { text: format!("{WORD} pela metade"), note: "perguntar à Dra. Lima".to_owned(), quoted: Some(id(7)) }
}

#[tokio::test]
async fn a_draft_is_there_again_after_the_program_was_ended() {
    let fixture = fixture().await;
    fixture.cache.keep_draft(id(1), &draft()).await.unwrap();
    let fixture = fixture.restart().await;
    assert_eq!(fixture.cache.draft(id(1)).await.unwrap(), draft());
    assert_eq!(fixture.cache.draft(id(2)).await.unwrap(), Draft::default());
    fixture.cache.keep_draft(id(1), &Draft::default()).await.unwrap();
    assert_eq!(fixture.cache.drafts().await.unwrap(), [], "what was emptied is not kept");
}

#[tokio::test]
async fn nobody_reads_a_draft_in_the_files() {
    let fixture = fixture().await;
    fixture.cache.keep_draft(id(1), &draft()).await.unwrap();
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(WORD.len()).any(|piece| piece == WORD.as_bytes()));
    }
}

#[tokio::test]
async fn a_copy_that_is_made_anew_keeps_the_drafts() {
    let fixture = fixture().await;
    fixture.cache.keep_draft(id(1), &draft()).await.unwrap();
    fixture.cache.forget_copy().await.unwrap();
    assert_eq!(fixture.cache.draft(id(1)).await.unwrap(), draft());
    fixture.cache.close().await;
    let opened = Cache::open_after_damage(&fixture.path(), &key(), clock()).await.unwrap();
    assert!(opened.set_aside.is_some());
    assert_eq!(opened.cache.drafts().await.unwrap(), [(id(1), draft())]);
}
