//! Files of messages, fetched from a gateway that does not always hand them over, and sent through it.

use anyhow::Result;
use balcao_testkit::gateway::{Incoming, What};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
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
async fn pieces_that_an_earlier_try_has_left_are_no_part_of_a_file() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.set(|faults| faults.no_media = u32::MAX);
    let computer = scene.computer("Recepção 1").await?;
    eventually("it listens", async || Ok(scene.gateway.listeners() == 1)).await?;
    scene.gateway.receive("recepcao", &photo("a foto", jpeg()));
    eventually("it is waited for", async || Ok(state(&scene, "a foto").await?.starts_with("pending"))).await?;
    // Of a computer that has died in the middle of it.
    let left = "insert into app.media_chunks (clinic_id, media_id, place, bytes)
                select f.clinic_id, f.id, place, 'x' from app.media f, unnest(array[0, 1, 5]) place";
    scene.run(left).await?;
    eventually("it is given up", async || Ok(state(&scene, "a foto").await? == "expired gateway_gone")).await?;
    assert_eq!(scene.count("app.media_chunks").await?, 0, "what is not kept has no pieces");

    scene.gateway.set(|faults| faults.no_media = 2);
    let message = message(&scene, "a foto").await?;
    assert!(scene.tenant.fetch_media(message).await?);
    scene.run(left).await?;
    eventually("it is here after all", async || Ok(state(&scene, "a foto").await? == "stored")).await?;
    assert_eq!(scene.tenant.media(message).await?.unwrap().bytes, jpeg());
    computer.stop().await;
    Ok(())
}

/// Somebody at a desk has written a message with a file, which is not here yet.
pub(super) async fn write(scene: &Scene, kind: &str, body: &str, attachment: &str) -> Result<Uuid> {
    let (id, member) = (Uuid::new_v4(), scene.tenant.whoami().await?.member_id);
    scene
        .run(&format!(
            "insert into app.messages (clinic_id, id, conversation_id, channel_id, direction, sender_kind, sender_id, kind, body,
                    status, sent_at, attachment)
             select clinic_id, '{id}', id, channel_id, 'outbound', 'member', '{member}', '{kind}', '{body}', 'queued',
                    clock_timestamp(), '{attachment}' from app.conversations"
        ))
        .await?;
    Ok(id)
}

async fn delivered(scene: &Scene) -> Result<()> {
    eventually("it goes out and is delivered", async || {
        Ok(scene.statuses().await?.iter().any(|(_, status)| status == "delivered"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spoken_goes_out_once_as_a_voice_note_and_stays_what_it_was() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    let computer = scene.computer("Recepção 1").await?;
    eventually("the person is known", async || Ok(scene.bodies().await?.len() == 1)).await?;
    let spoken = r#"{"file": "uploading", "voice": true, "seconds": 7, "waveform": [10, 100, 30]}"#;
    let id = write(&scene, "audio", "", spoken).await?;
    let ogg = b"OggS\0 what was said".to_vec();
    scene.tenant.offer_media(id, "audio/ogg", "voz.ogg", &ogg).await?;
    scene.tenant.put_media_chunk(id, 0, &ogg).await?;
    assert!(scene.tenant.finish_media(id).await?);
    delivered(&scene).await?;
    scene.settled().await?;
    let sent = scene.gateway.sent();
    assert_eq!(sent.len(), 1, "once");
    assert_eq!((sent[0].call.as_str(), &sent[0].body["encoding"]), ("sendWhatsAppAudio", &json!(true)));
    assert_eq!(sent[0].body["audio"], json!(STANDARD.encode(&ogg)));
    let kept = scene.text(&format!("select attachment::text from app.messages where id = '{id}'")).await?;
    let kept: Value = serde_json::from_str(&kept.unwrap_or_default())?;
    assert_eq!(
        (&kept["voice"], &kept["seconds"], &kept["waveform"]),
        (&json!(true), &json!(7), &json!([10, 100, 30])),
        "what the gateway says of it takes nothing away"
    );
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_when_their_time_is_over_and_once_a_day() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.receive("recepcao", &photo("antiga", jpeg()));
    scene.gateway.receive("recepcao", &photo("nova", jpeg()));
    let computer = scene.computer("Recepção 1").await?;
    eventually("they are here", async || {
        Ok(state(&scene, "antiga").await? == "stored" && state(&scene, "nova").await? == "stored")
    })
    .await?;
    // It was looked for already today; when rows were made is nobody's to change.
    let age = "set session_replication_role = replica;
         update app.messages set sent_at = now() - interval '25 months' where body = 'antiga';
         update app.media set updated_at = now() - interval '25 months';
         set session_replication_role = origin";
    scene.run(age).await?;
    eventually("somebody has looked", async || Ok(scene.count("internal.media_age").await? == 1)).await?;
    scene.settled().await?;
    assert_eq!(state(&scene, "antiga").await?, "stored", "not twice a day");
    scene.run("update internal.media_age set done_at = now() - interval '25 hours'").await?;
    eventually("it goes", async || Ok(state(&scene, "antiga").await? == "removed")).await?;
    assert_eq!((state(&scene, "nova").await?.as_str(), scene.count("app.media_chunks").await?), ("stored", 2));
    let told = "app.audit_logs where action = 'files_removed'";
    assert_eq!(scene.count(told).await?, 1);
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_out_once_with_its_words_as_soon_as_it_is_here() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    let computer = scene.computer("Recepção 1").await?;
    eventually("the person is known", async || Ok(scene.bodies().await?.len() == 1)).await?;
    let id = write(&scene, "image", "segue a guia", r#"{"file": "uploading"}"#).await?;
    scene.tenant.offer_media(id, "image/jpeg", "guia.jpg", &jpeg()).await?;
    scene.settled().await?;
    assert!(scene.gateway.sent().is_empty(), "it waits for its file");
    for (place, piece) in (0..).zip(jpeg().chunks(256 * 1024)) {
        scene.tenant.put_media_chunk(id, place, piece).await?;
    }
    assert!(scene.tenant.finish_media(id).await?);
    delivered(&scene).await?;
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
