//! Files of messages, as the clinic's database and its desks have them: brought in pieces, seen by nobody else, gone with the
//! person.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "desks/actors.rs"]
#[allow(dead_code, reason = "other walks use the rest")]
mod actors;

use actors::{Actor, Outsider, sample_clinic};
use anyhow::Result;
use balcao_tenant::privacy::Reason;
use balcao_tenant::provision::Connection;
use balcao_tenant::{Error, NextDue, Offered, Role};
use balcao_testkit::database::{TestDatabase, log_in};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// A picture of more than two pieces.
fn picture() -> Vec<u8> {
    let noise = (0..600_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u8);
    b"\xff\xd8\xff\xe0".iter().copied().chain(noise).collect()
}

async fn raw(login: &Connection) -> Result<PgConnection> {
    let password = login.password.as_deref().unwrap();
    Ok(PgConnection::connect(&login.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}

async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    let refused = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.err()?;
    refused.as_database_error().and_then(|refused| refused.code()).map(|code| code.into_owned())
}

/// The newest message of a kind whose file is in the clinic, and its conversation.
async fn stored(outsider: &mut Outsider, kind: &str) -> Result<(String, String)> {
    let of = |column: &str| {
        format!(
            "select m.{column}::text from app.messages m join app.media f on f.message_id = m.id
             where m.kind = '{kind}' and f.state = 'stored' order by m.sent_at desc, m.id limit 1"
        )
    };
    Ok((outsider.text(of("id")).await?.unwrap(), outsider.text(of("conversation_id")).await?.unwrap()))
}

fn row<'a>(thread: &'a Value, message: &Value) -> Option<&'a Value> {
    thread["messages"].as_array()?.iter().find(|row| row["id"] == *message)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_opened_is_there_without_a_line_and_another_one_says_that_it_is_not() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let (photo, _) = stored(&mut outsider, "image").await?;
    let (sound, _) = stored(&mut outsider, "audio").await?;
    let (paper, _) = stored(&mut outsider, "document").await?;
    let of = |message: &str| json!({ "message_id": message });

    let opened = ana.call("get_media", of(&photo)).await?;
    assert_eq!(opened["mime_type"], "image/png");
    let bytes = STANDARD.decode(opened["base64"].as_str().unwrap())?;
    assert!(bytes.starts_with(b"\x89PNG"));
    let document = ana.call("get_media", of(&paper)).await?;
    assert_eq!((&document["mime_type"], &document["base64"]), (&json!("application/pdf"), &Value::Null));
    let saved = ana.call("save_media", of(&paper)).await?;
    let path = saved["path"].as_str().unwrap();
    assert!(path.ends_with(".pdf") && std::fs::read(path)?.starts_with(b"%PDF"), "{path}");

    ana.line.cut();
    ana.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    assert_eq!(ana.call("get_media", of(&photo)).await?, opened, "it is on this computer");
    assert_eq!(ana.call("get_media", of(&sound)).await.unwrap_err().code, "media_offline");
    ana.line.mend();
    ana.call("sync_now", json!({})).await?;
    ana.until("get_media", of(&sound), |media| media["mime_type"] == "audio/wav").await?;
    let nothing = ana.call("get_media", of(&Uuid::new_v4().to_string())).await;
    assert_eq!(nothing.unwrap_err().code, "media_missing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_attached_without_a_line_is_brought_once_and_then_goes() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let bia = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?["id"].clone();
    let file = |bytes: &[u8]| {
        json!({
            "conversation_id": talk, "file_name": "..\\receita.jpg", "base64": STANDARD.encode(bytes), "caption": " a guia ",
        })
    };
    assert_eq!(ana.call("send_file", file(b"")).await.unwrap_err().code, "file_empty");
    let large = [picture(), vec![0; 16 * 1024 * 1024]].concat();
    assert_eq!(ana.call("send_file", file(&large)).await.unwrap_err().code, "file_too_large");

    ana.line.cut();
    ana.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    let sent = ana.call("send_file", file(&picture())).await?["entity_id"].clone();
    let thread = json!({ "conversation_id": talk, "limit": 50 });
    let shown = ana.call("get_thread", thread.clone()).await?;
    let shown = row(&shown, &sent).unwrap();
    assert_eq!(
        (&shown["kind"], &shown["body"], &shown["state"]),
        (&json!("image"), &json!("a guia"), &json!("pending"))
    );
    assert_eq!(
        (&shown["attachment"]["file"], &shown["attachment"]["file_name"]),
        (&json!("uploading"), &json!("receita.jpg"))
    );
    let own = ana.call("get_media", json!({ "message_id": sent })).await?;
    assert_eq!(STANDARD.decode(own["base64"].as_str().unwrap())?, picture(), "whoever sends it sees it");

    // The program ends before the line is back: the bytes are on the disk.
    let ana = ana.restart().await?;
    ana.line.mend();
    ana.call("sync_now", json!({})).await?;
    let is_there = |thread: &Value| row(thread, &sent).is_some_and(|row| row["attachment"]["file"] == "stored");
    bia.until("get_thread", thread.clone(), is_there).await?;
    let there = bia.call("get_media", json!({ "message_id": sent })).await?;
    assert_eq!(there["base64"], own["base64"]);
    let id = sent.as_str().unwrap();
    let pieces = format!(
        "select count(*) from app.media_chunks c join app.media f on f.id = c.media_id where f.message_id = '{id}'"
    );
    assert_eq!(outsider.count(pieces).await?, 3);
    assert_eq!(outsider.count(format!("select count(*) from app.jobs where dedupe_key = '{id}'")).await?, 1);
    ana.until("list_uploads", json!({}), |uploads| uploads["rows"] == json!([])).await?;
    Ok(())
}

#[tokio::test]
async fn a_message_with_a_file_waits_for_its_bytes_and_lets_others_pass_after_a_while() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let mut admin = PgConnection::connect(database.admin_url()).await?;
    let agent = log_in(&database.add_member(Role::Agent).await?).await?;
    let login = database.add_member(Role::Attendant).await?;
    let desk = log_in(&login).await?;
    let (clinic, message, text) = (database.clinic_id(), Uuid::new_v4(), Uuid::new_v4());
    let member = desk.whoami().await?.member_id;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "insert into app.channels (clinic_id, id, name) values ('{clinic}', '{message}', 'Recepção');
         insert into app.contacts (clinic_id, id, name, phone) values ('{clinic}', '{message}', 'Ana', '+5511988887777');
         insert into app.conversations (clinic_id, id, contact_id, channel_id) values ('{clinic}', '{message}', '{message}', '{message}');
         insert into app.messages (clinic_id, id, conversation_id, channel_id, direction, sender_kind, sender_id, kind, body, status, sent_at)
         values ('{clinic}', '{message}', '{message}', '{message}', 'outbound', 'member', '{member}', 'image', '', 'queued', now()),
                ('{clinic}', '{text}', '{message}', '{message}', 'outbound', 'member', '{member}', 'text', 'e aí?', 'queued', now() + interval '1 second')"
    )))
    .execute(&mut admin)
    .await?;
    let next = async || -> Result<Option<Uuid>> {
        Ok(match agent.next_due(message, 1_000).await? {
            NextDue::Message(due) => Some(due.message),
            _ => None,
        })
    };
    assert_eq!(next().await?, None, "what was written after it comes after it");
    // When a row was made is nobody's to change.
    sqlx::raw_sql(AssertSqlSafe(format!(
        "set session_replication_role = replica;
         update app.messages set created_at = now() - interval '3 minutes' where id = '{message}';
         set session_replication_role = origin"
    )))
    .execute(&mut admin)
    .await?;
    assert_eq!(next().await?, Some(text), "but not for ever");

    // Brought by its author only, in any order, and only as what was announced.
    let bytes = picture();
    let other = log_in(&database.add_member(Role::Attendant).await?).await?;
    assert_eq!(other.offer_media(message, "image/jpeg", "a.jpg", &bytes).await?, Offered::NoMessage);
    let viewer = log_in(&database.add_member(Role::Viewer).await?).await?;
    assert_eq!(viewer.offer_media(message, "image/jpeg", "a.jpg", &bytes).await, Err(Error::NotPermitted));
    assert_eq!(desk.offer_media(message, "image/jpeg", "a.jpg", &bytes).await?, Offered::Waits([].into()));
    for (place, piece) in [2_u32, 0, 1].map(|place| (place, bytes.chunks(256 * 1024).nth(place as usize).unwrap())) {
        other.put_media_chunk(message, place, b"of somebody else").await?;
        desk.put_media_chunk(message, place, piece).await?;
        desk.put_media_chunk(message, place, piece).await?;
    }
    assert!(other.media(message).await?.is_none(), "it is not whole yet");
    assert_eq!(desk.offer_media(message, "image/jpeg", "a.jpg", &bytes).await?, Offered::Waits([0, 1, 2].into()));
    assert!(desk.finish_media(message).await? && desk.finish_media(message).await?);
    assert_eq!(other.media(message).await?.unwrap().bytes, bytes);
    assert_eq!(next().await?, Some(message), "now it is its turn");

    // What is not what was announced is thrown away.
    sqlx::query("update app.media set state = 'uploading', sha256 = $2 where message_id = $1")
        .bind(message)
        .bind(vec![7_u8; 32])
        .execute(&mut admin)
        .await?;
    assert!(!desk.finish_media(message).await?);
    assert_eq!(desk.offer_media(message, "image/jpeg", "a.jpg", &bytes).await?, Offered::Waits([].into()));

    // No desk writes pieces past these functions.
    let mut raw = raw(&login).await?;
    let by_hand =
        "insert into app.media_chunks (clinic_id, media_id, place, bytes) select clinic_id, id, 9, 'x' from app.media";
    assert_eq!(refusal(&mut raw, by_hand).await.as_deref(), Some("42501"));
    assert_eq!(refusal(&mut raw, "update app.media set state = 'stored'").await.as_deref(), Some("42501"));
    assert_eq!(refusal(&mut raw, "delete from app.media_chunks").await.as_deref(), Some("42501"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_reads_the_files_of_another_clinic() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let (photo, _) = stored(&mut outsider, "image").await?;
    let photo: Uuid = photo.parse()?;
    let own = log_in(&clinic.add_member(Role::Viewer).await?).await?;
    assert!(own.media(photo).await?.is_some(), "who reads messages sees their files");
    let professional = log_in(&clinic.add_member(Role::Professional).await?).await?;
    assert_eq!(professional.media(photo).await.err(), Some(Error::NotPermitted));

    let strangers = clinic.another_clinic("Outra clínica").await?;
    let stranger = log_in(&strangers.owner).await?;
    assert_eq!(stranger.media(photo).await?, None);
    assert!(!stranger.fetch_media(photo).await?);
    assert_eq!(stranger.offer_media(photo, "image/png", "a.png", b"x").await?, Offered::NoMessage);
    let mut raw = raw(&strangers.owner).await?;
    let seen: i64 = sqlx::query_scalar("select count(*) from app.media_chunks").fetch_one(&mut raw).await?;
    assert_eq!(seen, 0);
    let into = format!(
        "insert into app.media_chunks (clinic_id, media_id, place, bytes)
         select '{}', id, 5, 'x' from (values (gen_random_uuid())) as v (id)",
        clinic.clinic_id()
    );
    assert_eq!(refusal(&mut raw, &into).await.as_deref(), Some("42501"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_somebody_who_was_erased_are_gone_in_the_database_and_on_every_desk() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let owner = log_in(clinic.owner()).await?;
    let (photo, talk) = stored(&mut outsider, "image").await?;
    let person = outsider.text(format!("select contact_id::text from app.conversations where id = '{talk}'")).await?;
    let person: Uuid = person.unwrap().parse()?;
    ana.call("get_media", json!({ "message_id": photo })).await?;

    // A copy of what is known about somebody has the files.
    let record = owner.export_person(person, |_| ()).await?.unwrap();
    let of_person = format!(
        "select count(*) from app.media f join app.messages m on m.id = f.message_id
         join app.conversations c on c.id = m.conversation_id where c.contact_id = '{person}' and f.state = 'stored'"
    );
    let files = outsider.count(&of_person).await?;
    assert!(files > 0 && record.files().len() == usize::try_from(files)?);
    assert!(record.files().iter().all(|file| file.name.starts_with("arquivos/") && !file.bytes.is_empty()));
    let named = record.part("messages").iter().filter(|letter| letter.get("saved_as").is_some()).count();
    assert_eq!(named, record.files().len());

    let before = outsider.count("select count(*) from app.media_chunks").await?;
    owner.erase_person(person, Reason::Request).await?.unwrap();
    assert_eq!(outsider.count(&of_person).await?, 0);
    assert_eq!(outsider.count("select count(*) from app.media_chunks").await?, before - files);
    // The copy hears of it, and forgets.
    let gone = "the message went with its person";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while ana.call("get_media", json!({ "message_id": photo })).await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "{gone}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(ana.call("get_media", json!({ "message_id": photo })).await.unwrap_err().code, "media_missing");
    Ok(())
}
