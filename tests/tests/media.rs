//! Files of messages, as the clinic's database and its desks have them: brought in pieces, seen by nobody else, gone with the
//! person.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use balcao_domain::clock::Clock;
use balcao_tenant::privacy::Reason;
use balcao_tenant::provision::Connection;
use balcao_tenant::{Bid, Error, NextDue, Offered, Role, Tenure};
use balcao_testkit::database::{TestDatabase, log_in};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::desks::actors::{Actor, Outsider, sample_clinic};

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
    let told = format!(
        "app.audit_logs where action = 'export' and new_values @> '{{\"what\": \"file\", \"details\": {{\"kind\": \"document\"}}}}'
         and person_id = (select v.contact_id from app.conversations v join app.messages m on m.conversation_id = v.id
                          where m.id = '{paper}') and member_id is not null and device_id is not null"
    );
    until_told(&mut outsider, &told, 1).await?;

    ana.line.cut();
    ana.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    assert_eq!(ana.call("get_media", of(&photo)).await?, opened, "it is on this computer");
    assert_eq!(ana.call("get_media", of(&sound)).await.unwrap_err().code, "media_offline");
    ana.call("save_media", of(&paper)).await?;
    // The program ends before there is a line.
    let ana = ana.restart().await?;
    assert_eq!(outsider.count(format!("select count(*) from {told}")).await?, 1, "there is no line");
    let refused = ana.call("leave_clinic", json!({ "confirm_loss": true })).await.unwrap_err();
    assert_eq!(refused.code, "exports_untold", "whoever leaves takes nothing along in secret");
    ana.line.mend();
    ana.call("sync_now", json!({})).await?;
    ana.until("get_media", of(&sound), |media| media["mime_type"] == "audio/wav").await?;
    let nothing = ana.call("get_media", of(&Uuid::new_v4().to_string())).await;
    assert_eq!(nothing.unwrap_err().code, "media_missing");
    until_told(&mut outsider, &told, 2).await?;
    Ok(())
}

/// Waits until the audit has so many rows of a kind, and not more.
async fn until_told(outsider: &mut Outsider, told: &str, wanted: i64) -> Result<()> {
    let since = Instant::now();
    loop {
        match outsider.count(format!("select count(*) from {told}")).await? {
            count if count == wanted => return Ok(()),
            count => {
                anyhow::ensure!(count < wanted && since.elapsed() < Duration::from_secs(30), "{count} are told of")
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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

    let of_person = format!(
        "select count(*) from app.media f join app.messages m on m.id = f.message_id
         join app.conversations c on c.id = m.conversation_id where c.contact_id = '{person}' and f.state = 'stored'"
    );
    let files = outsider.count(&of_person).await?;
    assert!(files > 0);
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

/// Three packets of twenty milliseconds each, as a window of Chromium writes them: WebM, its parts of unknown length.
const SPOKEN: &str = "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff1549a966\
     992ad7b1830f42404d80864368726f6d655741864368726f6d651654ae6bbfaebdd7810173c587f7252e5d4c114d8381028686415f4f505553\
     63a2934f707573486561640101000080bb0000000000e18db584473b80009f8101626481201f43b67501ffffffffffffffe78100\
     a3868100008008ffa38681003c8008fea3868100788008fd";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spoken_at_a_desk_is_a_voice_note_on_every_desk() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let bia = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?["id"].clone();
    let voice = |bytes: &[u8]| {
        json!({
            "conversation_id": talk, "file_name": "gravação.webm", "base64": STANDARD.encode(bytes), "caption": "não vai",
            "voice": { "seconds": 40, "waveform": [5, 100, 255] },
        })
    };
    assert_eq!(ana.call("send_file", voice(b"<html>")).await.unwrap_err().code, "voice_unreadable");
    let digits: Vec<char> = SPOKEN.chars().filter(char::is_ascii_hexdigit).collect();
    let digit = |at: usize| digits[at].to_digit(16).unwrap() as u8;
    let webm: Vec<u8> = (0..digits.len()).step_by(2).map(|at| (digit(at) << 4) | digit(at + 1)).collect();
    let sent = ana.call("send_file", voice(&webm)).await?["entity_id"].clone();
    let thread = json!({ "conversation_id": talk, "limit": 50 });
    let is_there = |thread: &Value| row(thread, &sent).is_some_and(|row| row["attachment"]["file"] == "stored");
    let thread = bia.until("get_thread", thread, is_there).await?;
    let there = row(&thread, &sent).unwrap();
    let about = &there["attachment"];
    assert_eq!((&there["kind"], &there["body"], &about["voice"]), (&json!("audio"), &json!(""), &json!(true)));
    assert_eq!(
        (&about["seconds"], &about["waveform"]),
        (&json!(1), &json!([5, 100, 100])),
        "the file knows its length"
    );
    assert_eq!((&about["mime_type"], &about["file_name"]), (&json!("audio/ogg"), &json!("voz.ogg")));
    let heard = bia.call("get_media", json!({ "message_id": sent })).await?;
    assert!(STANDARD.decode(heard["base64"].as_str().unwrap())?.starts_with(b"OggS"));
    Ok(())
}

/// Rows as old as nobody can make them.
async fn age(admin: &mut PgConnection, message: &str, months: u32) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(format!(
        "set session_replication_role = replica;
         update app.messages set sent_at = now() - interval '{months} months' where id = '{message}';
         update app.media set updated_at = now() - interval '31 days' where message_id = '{message}';
         set session_replication_role = origin;
         delete from internal.media_age"
    )))
    .execute(admin)
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_time_is_over_goes_from_the_database_and_from_every_desk_and_its_message_stays() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let mut admin = PgConnection::connect(clinic.admin_url()).await?;
    let ana_login = clinic.add_member(Role::Attendant).await?;
    let ana = Actor::connect(&ana_login).await?;
    let (photo, _) = stored(&mut outsider, "image").await?;
    let (paper, _) = stored(&mut outsider, "document").await?;
    let of = |message: &str| json!({ "message_id": message });
    ana.call("get_media", of(&photo)).await?;
    let before = outsider.count("select count(*) from app.media_chunks").await?;

    // Whoever does the background work, and nobody else.
    let owner = log_in(clinic.owner()).await?;
    let bid = Bid { holder: Uuid::new_v4(), label: "Recepção 1", held_for: Duration::from_secs(60) };
    let Tenure::Held { fence, .. } = owner.take_lease(&bid).await? else { panic!("nobody else asks") };
    let mut attendant = raw(&ana_login).await?;
    assert_eq!(refusal(&mut attendant, "select app.age_media()").await.as_deref(), Some("42501"));
    let of_strangers = clinic.another_clinic("Outra clínica").await?;
    let mut stranger = raw(&of_strangers.owner).await?;
    age(&mut admin, &photo, 25).await?;
    assert_eq!(sqlx::query_scalar::<_, i64>("select app.age_media()").fetch_one(&mut stranger).await?, 0);

    // Kept for ever, it stays; and what somebody had fetched lately stays, too.
    let keep = |months: u32| {
        format!(
            "update app.clinic_settings set inbox = inbox || '{{\"files_months\": {months}}}' where clinic_id = '{}'",
            clinic.clinic_id()
        )
    };
    outsider.run(&keep(0)).await?;
    assert_eq!(owner.age_media(fence).await?, 0);
    outsider.run(&keep(24)).await?;
    age(&mut admin, &paper, 30).await?;
    outsider.run(&format!("update app.media set problem = null, tries = 1 where message_id = '{paper}'")).await?;
    assert_eq!(owner.age_media(fence).await?, 1);
    assert_eq!(owner.age_media(fence).await?, 0, "that was today's");
    assert!(outsider.count("select count(*) from app.media_chunks").await? < before);
    assert!(owner.media(photo.parse()?).await?.is_none() && owner.media(paper.parse()?).await?.is_some());

    // The message stays and says so; the desk hears of it and forgets the bytes, and nobody has them fetched again.
    let about = format!("select attachment::text from app.messages where id = '{photo}'");
    let about: Value = serde_json::from_str(&outsider.text(about).await?.unwrap())?;
    assert_eq!((&about["file"], &about["kept_months"]), (&json!("removed"), &json!(24)), "{about}");
    assert!(about["removed_at"].is_string() && about["size_bytes"].is_number(), "{about}");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while ana.call("get_media", of(&photo)).await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "the bytes are gone on the desk, too");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ana.call("get_media", of(&photo)).await.unwrap_err().code, "media_missing");
    assert_eq!(ana.call("fetch_media", of(&photo)).await?["wanted"], false);

    // The audit knows how many, and nothing of whom.
    let told = "select new_values::text from app.audit_logs where action = 'files_removed'";
    let told: Value = serde_json::from_str(&outsider.text(told).await?.unwrap())?;
    assert_eq!((&told["files"], &told["kept_months"]), (&json!(1), &json!(24)));
    assert_eq!(told.as_object().unwrap().len(), 3, "{told}");
    let about = "select count(*) from app.audit_logs where action = 'files_removed' and (record_id is not null or person_id is not null)";
    assert_eq!(outsider.count(about).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_admins_say_for_how_long_files_are_kept() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let admin = Actor::connect(&clinic.add_member(Role::Admin).await?).await?;
    assert_eq!(
        admin.call("get_inbox_frame", json!({})).await?["files_months"],
        24,
        "two years where nobody has chosen"
    );
    assert_eq!(admin.call("set_files_kept", json!({ "months": 1201 })).await.unwrap_err().code, "bad_payload");
    admin.call("set_files_kept", json!({ "months": 0 })).await?;
    admin.call("set_wait_limits", json!({ "amber_minutes": 7, "red_minutes": 21 })).await?;
    assert_eq!(admin.call("get_inbox_frame", json!({})).await?["files_months"], 0, "what else is chosen stays");
    let stands = format!(
        "select coalesce(inbox ->> 'files_months', '-') from app.clinic_settings where clinic_id = '{}'",
        clinic.clinic_id()
    );
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while outsider.text(&stands).await?.as_deref() != Some("0") {
        assert!(std::time::Instant::now() < deadline, "the database has it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let impossible = "update app.clinic_settings set inbox = '{\"files_months\": -1}'";
    assert!(outsider.run(impossible).await.is_err());
    Ok(())
}

/// What is in an archive, by name.
fn unpacked(archive: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive)?)?;
    let mut entries = BTreeMap::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at)?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        entries.insert(entry.name()?.into_owned(), bytes);
    }
    Ok(entries)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_out_of_a_person_has_their_files_and_page_and_document_say_where() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let owner = log_in(clinic.owner()).await?;
    let (_, talk) = stored(&mut outsider, "image").await?;
    let person = outsider.text(format!("select contact_id::text from app.conversations where id = '{talk}'")).await?;
    let person: Uuid = person.unwrap().parse()?;
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("dados.zip");
    let now = Clock::System.now();
    let mut archive = owner.export_person(person, folder.path(), now, |_| ()).await?.unwrap();
    archive.keep_as(&place)?;
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "nothing else is left in the folder");

    let mut entries = unpacked(&place)?;
    let document: Value = serde_json::from_slice(&entries.remove("dados.json").unwrap())?;
    let page = String::from_utf8(entries.remove("dados.html").unwrap())?;
    let stored = outsider
        .text(format!(
            "select jsonb_object_agg(m.id, (select encode(sha256(string_agg(c.bytes, '' order by c.place)), 'hex')
                                             from app.media_chunks c where c.media_id = f.id))::text
             from app.media f join app.messages m on m.id = f.message_id
             join app.conversations c on c.id = m.conversation_id where c.contact_id = '{person}' and f.state = 'stored'"
        ))
        .await?;
    let stored: BTreeMap<String, String> = serde_json::from_str(&stored.unwrap())?;
    let letters = document["messages"].as_array().unwrap();
    let named: Vec<&Value> = letters.iter().filter(|letter| letter.get("saved_as").is_some()).collect();
    let letters = letters.len();
    assert!(!stored.is_empty() && named.len() == stored.len(), "{} of {}", named.len(), stored.len());
    for letter in named {
        let (id, name) = (letter["id"].as_str().unwrap(), letter["saved_as"].as_str().unwrap());
        let bytes = entries.remove(name).unwrap_or_else(|| panic!("{name} is there"));
        assert_eq!(stored[id], hex(&bytes), "{name} is what was stored");
        assert!(name.starts_with("arquivos/") && page.contains(&format!(">{name}</a>")), "the page names {name}");
    }
    assert!(entries.is_empty(), "there is no file that nothing names: {:?}", entries.keys());
    // What it leads to lies beside it.
    assert_eq!(page.matches("href=").count(), page.matches("href=\"arquivos/").count());

    assert_eq!(document["missing_files"], json!([]));

    // One that is not what was stored is not handed out as it; the rest is, and says so.
    let damaged = stored.keys().next().unwrap();
    outsider.run(&format!("update app.media set sha256 = sha256('as it was') where message_id = '{damaged}'")).await?;
    let again = folder.path().join("de novo.zip");
    let mut archive = owner.export_person(person, folder.path(), now, |_| ()).await?.unwrap();
    archive.keep_as(&again)?;
    let mut entries = unpacked(&again)?;
    let document: Value = serde_json::from_slice(&entries.remove("dados.json").unwrap())?;
    let page = String::from_utf8(entries.remove("dados.html").unwrap())?;
    let missing = json!(archive.missing);
    assert_eq!((archive.missing.len(), &document["missing_files"]), (1, &missing));
    assert!(archive.missing[0].contains(&damaged.replace('-', "")), "{missing} is the file of {damaged}");
    assert!(
        page.contains("<h2>Arquivos que faltam</h2>") && page.contains(&format!("<li>{}</li>", archive.missing[0]))
    );
    assert_eq!(entries.len(), stored.len() - 1, "all the others are there");
    assert!(!entries.contains_key(&archive.missing[0]), "and nothing of the damaged one");
    assert_eq!(document["messages"].as_array().unwrap().len(), letters, "and every message");
    Ok(())
}

#[tokio::test]
async fn a_file_that_no_gateway_can_be_asked_for_does_not_stand_before_the_others() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let owner = log_in(clinic.owner()).await?;
    let (photo, _) = stored(&mut outsider, "image").await?;
    let (paper, _) = stored(&mut outsider, "document").await?;
    outsider
        .run(&format!(
            "update app.media set state = 'pending', next_try_at = now() - interval '1 minute'
             where message_id in ('{photo}', '{paper}')"
        ))
        .await?;
    let name = "update app.messages set gateway_id = 'GOOD', sent_at = now() + interval '1 minute' where id = ";
    outsider.run(&format!("{name} '{paper}'")).await?;
    outsider
        .run(&format!("update app.messages set gateway_id = E'ba\\nd', sent_at = now() + interval '2 minutes' where id = '{photo}'"))
        .await?;
    let channel = outsider.text(format!("select channel_id::text from app.messages where id = '{paper}'")).await?;
    outsider
        .run(&format!("update app.messages set channel_id = '{}' where id = '{photo}'", channel.clone().unwrap()))
        .await?;
    let due = owner.next_media(channel.unwrap().parse()?).await?.unwrap();
    assert_eq!(due.gateway_id.as_str(), "GOOD");
    Ok(())
}
