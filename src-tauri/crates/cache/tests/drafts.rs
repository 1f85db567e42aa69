//! What somebody has begun to write stays on this computer, whatever becomes of the rest of the copy.

use balcao_cache::{Attached, AttachedFile, AttachedPiece, Cache, Draft, Error};

use crate::fixture::*;

/// In the draft, and nowhere else.
const WORD: &str = "zykrapt";

fn draft() -> Draft {
    Draft { text: format!("{WORD} pela metade"), note: "perguntar à Dra. Lima".to_owned(), quoted: Some(id(7)) }
}

/// A piece of what is being spoken.
fn piece(number: u32, whole: bool) -> AttachedPiece {
    let of = Attached {
        id: id(20),
        conversation: id(1),
        file_name: "Mensagem de voz".to_owned(),
        mime_type: "audio/webm".to_owned(),
        voice: Some(format!(r#"{{"seconds":{number}}}"#)),
        whole,
    };
    AttachedPiece { of, number, bytes: format!("{WORD} {number};").into_bytes() }
}

/// What is kept of it after three pieces.
async fn spoken(cache: &Cache) -> (AttachedFile, String) {
    let (file, bytes) = cache.attached_file(id(20)).await.unwrap();
    (file, String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn what_is_being_spoken_is_kept_piece_by_piece_until_it_is_dropped() {
    let fixture = fixture().await;
    let late = fixture.cache.keep_attached(piece(3, false)).await;
    assert!(matches!(late, Err(Error::NotFound)), "nothing begins in its midst");
    // A piece whose answer was lost comes again.
    for number in [0, 1, 1, 2] {
        fixture.cache.keep_attached(piece(number, false)).await.unwrap();
    }
    let fixture = fixture.restart().await;
    let cache = &fixture.cache;
    let (file, bytes) = spoken(cache).await;
    assert_eq!(bytes, "zykrapt 0;zykrapt 1;zykrapt 2;");
    assert_eq!((file.about.whole, file.about.voice.as_deref()), (false, Some(r#"{"seconds":2}"#)));
    assert_eq!((file.size_bytes, file.kept_bytes), (30, 30));
    cache.keep_attached(AttachedPiece { bytes: Vec::new(), ..piece(3, true) }).await.unwrap();
    assert_eq!(cache.attached(id(1)).await.unwrap(), [spoken(cache).await.0]);
    assert!(spoken(cache).await.0.about.whole);
    assert_eq!(cache.attached(id(2)).await.unwrap(), []);
    cache.drop_attached(id(20)).await.unwrap();
    assert_eq!(cache.attached(id(1)).await.unwrap(), []);
    let late = cache.keep_attached(piece(4, false)).await;
    assert!(matches!(late, Err(Error::NotFound)), "what was dropped does not come back");
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
    fixture.cache.keep_attached(piece(0, false)).await.unwrap();
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(WORD.len()).any(|piece| piece == WORD.as_bytes()));
    }
}

#[tokio::test]
async fn a_copy_that_is_made_anew_keeps_the_drafts() {
    let fixture = fixture().await;
    fixture.cache.keep_draft(id(1), &draft()).await.unwrap();
    for number in 0..3 {
        fixture.cache.keep_attached(piece(number, false)).await.unwrap();
    }
    let kept = spoken(&fixture.cache).await;
    fixture.cache.forget_copy().await.unwrap();
    assert_eq!(fixture.cache.draft(id(1)).await.unwrap(), draft());
    assert_eq!(spoken(&fixture.cache).await, kept);
    fixture.cache.close().await;
    let opened = Cache::open_after_damage(&fixture.path(), &key(), clock()).await.unwrap();
    assert!(opened.set_aside.is_some());
    assert_eq!(opened.cache.drafts().await.unwrap(), [(id(1), draft())]);
    assert_eq!(spoken(&opened.cache).await, kept, "a file that is damaged is read for it");
}
