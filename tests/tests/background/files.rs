//! Files of messages, fetched from a gateway that does not always hand them over, and sent through it.

use anyhow::Result;
use balcao_testkit::gateway::{Incoming, What};
use serde_json::json;
use uuid::Uuid;

use super::scene::{PHONE, Scene, eventually};

fn photo(caption: &str, bytes: Vec<u8>) -> Incoming {
    Incoming { what: What::Image { caption: caption.to_owned(), bytes }, ..Incoming::text(PHONE, "") }
}

fn jpeg() -> Vec<u8> {
    [b"\xff\xd8\xff\xe0".to_vec(), vec![7; 300_000]].concat()
}

/// What became of the file of the message with these words, as a desk sees it, and what stood in the way.
async fn state(scene: &Scene, caption: &str) -> Result<String> {
    let sql = format!(
        "select concat_ws(' ', m.attachment ->> 'file', f.problem) from app.messages m
         left join app.media f on f.message_id = m.id where m.body = '{caption}'"
    );
    Ok(scene.text(&sql).await?.unwrap_or_default())
}

async fn message(scene: &Scene, caption: &str) -> Result<Uuid> {
    let id = scene.text(&format!("select id::text from app.messages where body = '{caption}'")).await?;
    Ok(id.unwrap_or_default().parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_right_after_its_message_whatever_fails_at_first() -> Result<()> {
    let mut scene = Scene::open().await?;
    // Gone, then broken off in the middle, then there.
    scene.gateway.set(|faults| (faults.no_media, faults.cut_media) = (1, 1));
    let computer = scene.computer("Recepção 1").await?;
    eventually("it listens", async || Ok(scene.gateway.listeners() == 1)).await?;
    scene.gateway.receive("recepcao", &photo("a receita", jpeg()));
    eventually("it is here", async || Ok(state(&scene, "a receita").await? == "stored")).await?;
    let file = scene.tenant.media(message(&scene, "a receita").await?).await?.unwrap();
    assert_eq!((file.bytes, file.mime_type.as_str()), (jpeg(), "image/jpeg"));
    assert_eq!(scene.count("app.media_chunks").await?, 2);
    let tries = scene.text("select tries::text from app.media").await?;
    assert_eq!(tries.as_deref(), Some("2"), "as often as it failed");

    // Told again, it is not fetched again.
    scene.settled().await?;
    assert_eq!(scene.count("app.media").await?, 1);

    // Whatever its sender says, it is what it is.
    scene.gateway.receive("recepcao", &photo("uma página", b"<html><script>alert(1)</script>".to_vec()));
    eventually("it is here", async || Ok(state(&scene, "uma página").await? == "stored")).await?;
    let page = scene.tenant.media(message(&scene, "uma página").await?).await?.unwrap();
    assert_eq!(page.mime_type, "application/octet-stream");
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_does_not_hand_over_is_said_and_can_be_tried_again() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.set(|faults| faults.no_media = u32::MAX);
    let computer = scene.computer("Recepção 1").await?;
    eventually("it listens", async || Ok(scene.gateway.listeners() == 1)).await?;
    scene.gateway.receive("recepcao", &photo("sumiu", jpeg()));
    eventually("it is waited for", async || Ok(state(&scene, "sumiu").await?.starts_with("pending"))).await?;
    eventually("it is given up", async || Ok(state(&scene, "sumiu").await? == "expired gateway_gone")).await?;
    let sumiu = message(&scene, "sumiu").await?;
    assert_eq!(scene.tenant.media(sumiu).await?, None);

    scene.gateway.set(|faults| faults.no_media = 0);
    scene.gateway.receive("recepcao", &photo("enorme", [jpeg(), vec![1; 16 * 1024 * 1024]].concat()));
    eventually("it is refused", async || Ok(state(&scene, "enorme").await? == "too_large gateway_too_large")).await?;
    assert!(!scene.tenant.fetch_media(message(&scene, "enorme").await?).await?, "it does not get smaller");

    assert!(scene.tenant.fetch_media(sumiu).await?);
    eventually("it is here after all", async || Ok(state(&scene, "sumiu").await? == "stored")).await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_out_once_with_its_words_as_soon_as_it_is_here() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    let computer = scene.computer("Recepção 1").await?;
    eventually("the person is known", async || Ok(scene.bodies().await?.len() == 1)).await?;
    let (id, member) = (Uuid::new_v4(), scene.tenant.whoami().await?.member_id);
    scene
        .run(&format!(
            "insert into app.messages (clinic_id, id, conversation_id, channel_id, direction, sender_kind, sender_id, kind, body,
                    status, sent_at, attachment)
             select clinic_id, '{id}', id, channel_id, 'outbound', 'member', '{member}', 'image', 'segue a guia', 'queued',
                    clock_timestamp(), '{{\"file\": \"uploading\"}}' from app.conversations"
        ))
        .await?;
    scene.tenant.offer_media(id, "image/jpeg", "guia.jpg", &jpeg()).await?;
    scene.settled().await?;
    assert!(scene.gateway.sent().is_empty(), "it waits for its file");
    for (place, piece) in (0..).zip(jpeg().chunks(256 * 1024)) {
        scene.tenant.put_media_chunk(id, place, piece).await?;
    }
    assert!(scene.tenant.finish_media(id).await?);
    eventually("it goes out and is delivered", async || {
        Ok(scene.statuses().await?.iter().any(|(_, status)| status == "delivered"))
    })
    .await?;
    scene.settled().await?;
    let sent = scene.gateway.sent();
    assert_eq!(sent.len(), 1, "once");
    assert_eq!((sent[0].call.as_str(), sent[0].text.as_str()), ("sendMedia", "segue a guia"));
    let body = &sent[0].body;
    assert_eq!((&body["mediatype"], &body["fileName"]), (&json!("image"), &json!("guia.jpg")));
    assert_eq!(scene.bodies().await?.len(), 2, "the echo is the message itself");
    assert_eq!(scene.tenant.media(id).await?.unwrap().bytes, jpeg(), "and its file the one that was sent");
    computer.stop().await;
    Ok(())
}
