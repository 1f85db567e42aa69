//! What can be read on a computer after a clinic's life on it: its secrets nowhere but in the keyring, its people in the
//! database and the cipher only. Real programs, which need a keyring; `cargo xtask test` provides it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "setup/program.rs"]
#[allow(dead_code, reason = "not every test needs every part of a program")]
mod program;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_keychain::MAX_SECRET_BYTES;
use balcao_testkit::gateway::{FakeEvolution, Incoming, What};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use program::{Place, Program, exists};
use serde_json::{Value, json};

const PIN: &str = "48291745";

/// Who comes to the clinic. No other word of this test, of the program or of the system has one of these names.
const PEOPLE: [&str; 4] = ["Aparecida Nogueira", "Sebastião Vasconcelos", "Iracema Taquari", "Benedito Quaresma"];

/// A sentence of a note.
const NOTE: &str = "prefere ser atendida pela Doutora Quitéria";

/// What is written under a picture.
const CAPTION: &str = "olha como ficou a mancha da Nininha";

/// What a picture consists of, again and again. It is as long in base64 wherever it begins.
const PIXELS: [&str; 2] =
    ["pixels da mancha que a Nininha tem, como chegam.", "pixels da guia que a clínica manda de volta...."];

/// A picture, as far as its first bytes tell.
fn picture(pixels: &str) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0".to_vec(), pixels.as_bytes().repeat(2_000)].concat()
}

#[tokio::test]
#[ignore = "needs a keyring and the program without a window: cargo xtask test --only processes"]
async fn no_secret_and_no_patient_of_a_sample_clinic_can_be_read_on_this_computer() -> Result<()> {
    let place = Place::new().await?;
    let program = place.start().await?;
    program.call("start_sample_clinic", json!({})).await?;
    program.until_ready().await?;
    let pin = json!({"current_pin": null, "new_pin": PIN, "way": "pin", "minutes": 5});
    program.call("change_lock", pin).await?;
    program.call("lock_now", json!({})).await?;
    ensure!(program.call("unlock", json!({"pin": "00000000"})).await.is_err());
    program.call("unlock", json!({"pin": PIN})).await?;

    let page = json!({"view": "all", "search": null, "offset": 0, "limit": 50});
    let conversations = program.call("list_conversations", page).await?;
    let rows = conversations["rows"].as_array().unwrap();
    let mut people: Vec<String> = rows.iter().filter_map(|row| row["name"].as_str()).map(str::to_owned).collect();
    people.retain(|name| name.chars().count() >= 10);
    ensure!(people.len() > 10, "there are people in the sample");
    // A write with the name of somebody goes through the queue and the log.
    let about = json!({"conversation_id": rows[0]["id"], "text": format!("Bom dia, {}", people[0])});
    program.call("send_message", about).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let secrets = place.secrets(&place.id()?).await?;
    assert_eq!(secrets.len(), 4, "every kind of entry is there");
    for (name, secret) in &secrets {
        assert!(secret.len() < MAX_SECRET_BYTES, "{name} fits the keyring of Windows");
    }
    let mut texts: Vec<String> = secrets.into_iter().map(|(_, secret)| secret).collect();
    texts.push(PIN.to_owned());
    assert_eq!(place.whereabouts(&texts, true)?, Vec::<String>::new(), "secrets are in the keyring only");
    assert_eq!(
        place.whereabouts(&people, false)?,
        Vec::<String>::new(),
        "people are in the database and the cipher only"
    );

    // The look itself finds what is there: the same people do stand in the data folder of the database.
    assert!(exists(&place.profile().join("copy.db")));
    let mut database = place.database().await?;
    sqlx::query("checkpoint").execute(&mut database).await?;
    assert!(!place.whereabouts(&people, true)?.is_empty());
    Ok(())
}

async fn find(program: &Program, name: &str) -> Result<Value> {
    let about = json!({"text": name, "limit": 5});
    let found = program.until_answer("search_everything", about, |found| !found["people"][0].is_null()).await?;
    Ok(found["people"][0]["contact_id"].clone())
}

/// A note that one computer adds and the other one gets to see.
async fn pass_a_note(from: &Program, to: &Program, text: &str) -> Result<()> {
    let contact = find(from, PEOPLE[0]).await?;
    from.call("add_note", json!({"about": "contact", "id": contact, "text": text})).await?;
    let about = json!({"about": "contact", "id": contact});
    to.until_answer("get_notes", about, |notes| notes.to_string().contains(text)).await.map(drop)
}

/// A picture comes by WhatsApp and is looked at, and another one goes out. Returns the key of the connection.
async fn pass_pictures(owner: &Program, gateway: &FakeEvolution) -> Result<String> {
    let key = gateway.add_instance("recepcao");
    let wish = json!({
        "name": "Recepção", "kind": "evolution", "url": gateway.url(), "instance": "recepcao", "relay_url": null,
        "per_instance": false, "pace": "none", "daily_cap": 500, "typing": false, "read_receipts": false,
    });
    let keys = json!({"key": key, "relay_key": null});
    owner.call("add_channel", json!({"wish": wish, "keys": keys, "make_instance": false})).await?;
    owner.until_answer("get_channel_health", json!({}), |health| health["holder"]["is_this"] == true).await?;
    let what = What::Image { caption: CAPTION.to_owned(), bytes: picture(PIXELS[0]) };
    gateway.receive("recepcao", &Incoming { what, ..Incoming::text("5511988887777", "") });
    let all = json!({"view": "all", "search": null, "offset": 0, "limit": 5});
    let talks = owner.until_answer("list_conversations", all, |page| !page["rows"][0].is_null()).await?;
    let thread = json!({"conversation_id": talks["rows"][0]["id"], "limit": 5});
    let thread = owner.until_answer("get_thread", thread, |thread| !thread["messages"][0].is_null()).await?;
    let picture_of = json!({"message_id": thread["messages"][0]["id"]});
    let shown = owner.until_answer("get_media", picture_of, |media| media["mime_type"] == "image/png").await?;
    ensure!(STANDARD.decode(shown["base64"].as_str().unwrap_or_default())? == picture(PIXELS[0]), "it is the picture");
    let file = json!({
        "conversation_id": talks["rows"][0]["id"], "file_name": "guia.png", "base64": STANDARD.encode(picture(PIXELS[1])),
        "caption": CAPTION,
    });
    owner.call("send_file", file).await?;
    // Another one stays beside an answer that is not sent.
    let beside = json!({
        "conversation_id": talks["rows"][0]["id"], "file_id": "0197f0c8-0000-7000-8000-000000000001", "file_name": "guia.png",
        "mime_type": "image/png", "number": 0, "base64": STANDARD.encode(picture(PIXELS[1])), "whole": true,
    });
    owner.call("keep_attached", beside).await?;
    let begun = Instant::now();
    while gateway.sent().is_empty() {
        ensure!(begun.elapsed() < Duration::from_secs(60), "the picture has not gone out");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(key)
}

/// Looks at every process for as long as it is kept: which programs of PostgreSQL ran, and whether a setting with a password
/// stood in the environment of one.
struct Watch {
    goes_on: Arc<AtomicBool>,
    looking: std::thread::JoinHandle<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Watch {
    fn begin() -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let looking = std::thread::spawn({
            let goes_on = goes_on.clone();
            move || {
                let (mut seen, mut told) = (BTreeSet::new(), BTreeSet::new());
                while goes_on.load(Ordering::SeqCst) {
                    for process in std::fs::read_dir("/proc").unwrap().flatten() {
                        let read = |what| std::fs::read(process.path().join(what)).unwrap_or_default();
                        let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
                        if ["pg_dump", "pg_restore", "initdb", "postgres"].contains(&name.as_str()) {
                            if String::from_utf8_lossy(&read("environ")).to_lowercase().contains("pgpassword") {
                                told.insert(name.clone());
                            }
                            seen.insert(name);
                        }
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                (seen, told)
            }
        });
        Self { goes_on, looking }
    }

    fn end(self) -> (BTreeSet<String>, BTreeSet<String>) {
        self.goes_on.store(false, Ordering::SeqCst);
        self.looking.join().unwrap()
    }
}

/// Every secret of a profile as it stands in the keyring, and its long lines: a key may be stored in several.
async fn secrets(place: &Place) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for (name, secret) in place.secrets(&place.id()?).await? {
        assert!(secret.len() < MAX_SECRET_BYTES, "{name} fits the keyring of Windows");
        // The last, shorter line of a key is its public half, which the certificate has too.
        if secret.contains('\n') {
            texts.extend(secret.lines().filter(|line| line.len() >= 64).map(str::to_owned));
        }
        texts.push(secret);
    }
    Ok(texts)
}

#[tokio::test]
#[ignore = "needs a keyring and the program without a window: cargo xtask test --only processes"]
async fn no_secret_and_no_patient_of_a_clinic_s_whole_life_can_be_read_on_its_computers() -> Result<()> {
    // It is made, people come, the screens are locked and opened.
    let reception = Place::new().await?;
    let owner = reception.start().await?;
    let wish = json!({
        "clinic_name": "Clínica Acácia", "owner_name": "Júlia", "time_zone": "America/Sao_Paulo", "vertical": "human",
        "practice": {"hours": [], "professionals": [], "services": [], "rooms": ["Sala 1"]},
    });
    owner.call("start_local_clinic", wish).await?;
    owner.until_ready().await?;
    let mut database = reception.database().await?;
    for name in PEOPLE {
        sqlx::query("insert into app.contacts (clinic_id, name) select id, $1 from app.clinics")
            .bind(name)
            .execute(&mut database)
            .await?;
    }
    find(&owner, PEOPLE[3]).await?;
    let pin = json!({"current_pin": null, "new_pin": PIN, "way": "pin", "minutes": 5});
    owner.call("change_lock", pin).await?;
    owner.call("lock_now", json!({})).await?;
    ensure!(owner.call("unlock", json!({"pin": "00000000"})).await.is_err());
    owner.call("unlock", json!({"pin": PIN})).await?;

    let gateway = FakeEvolution::start().await?;
    let gateway_key = pass_pictures(&owner, &gateway).await?;

    // A second computer comes in over the network; each sees what the other one writes.
    owner.call("change_sharing", json!({"on": true, "port": free_port()?, "new_certificate": false})).await?;
    owner.until_answer("get_sharing", json!({}), |sharing| sharing["state"] == "on").await?;
    let whom = json!({"member_id": null, "name": "Ana Souza", "email": null, "role": "attendant", "agenda_id": null,
                      "device_name": null});
    let invitation = owner.call("invite_member", whom).await?;
    let code = invitation["code"].as_str().context("an invitation has a code")?.to_owned();
    let counter = Place::new().await?;
    let ana = counter.start().await?;
    let join = json!({"invitation": invitation["text"], "code": code, "computer_name": "Recepção 2"});
    ana.call("join_clinic", join).await?;
    ana.until_ready().await?;
    pass_a_note(&owner, &ana, NOTE).await?;
    pass_a_note(&ana, &owner, &format!("{NOTE}, sempre de manhã")).await?;
    let of_ana = secrets(&counter).await?;
    assert_eq!(of_ana.len(), 2, "its password and the key of its copy");

    // It is backed up and the backup tried, with somebody looking at all processes.
    let drawn = owner.call("draw_backup_words", json!({})).await?;
    let words: Vec<String> = serde_json::from_value(drawn["words"].clone())?;
    let asked: Vec<usize> = serde_json::from_value(drawn["ask"].clone())?;
    let typed: Vec<&String> = asked.iter().map(|place| &words[place - 1]).collect();
    let disk = reception.beside("Disco da clínica")?;
    let mut backup = owner.call("confirm_backup_words", json!({"words": typed})).await?["wish"].clone();
    backup["folder"] = json!(disk);
    let watch = Watch::begin();
    owner.call("change_backup", backup).await?;
    // It may have begun by itself: there are words and a folder.
    let _ = owner.call("start_backup", json!({})).await;
    let done = |state: &Value| state["running"].is_null() && state["backups"][0]["state"] == "verified";
    let state = owner.until_answer("get_backup", json!({}), done).await?;
    let (seen, told) = watch.end();
    assert!(seen.contains("pg_dump") && seen.contains("initdb"), "the look sees what runs: {seen:?}");
    assert_eq!(told, BTreeSet::new(), "no password in the environment of a program of PostgreSQL");

    // The second computer is sent away.
    let team = owner.call("get_team", json!({})).await?;
    let hers = team["members"].as_array().unwrap().iter().find(|member| member["name"] == "Ana Souza").unwrap();
    owner.call("revoke_computer", json!({"id": hers["computers"][0]["id"]})).await?;
    ana.until("its end", |session| session["state"] == "revoked").await?;
    assert!(!exists(&counter.profile().join("copy.db")), "its copy is destroyed");

    // The first one burns down, and the clinic is brought back on a new one.
    let all_words = words.join(" ");
    let mut texts = secrets(&reception).await?;
    assert!(texts.len() >= 6, "every kind of entry is there: {}", texts.len());
    assert!(texts.contains(&all_words), "the words are among them, so that backups are made unattended");
    let file = disk.join(state["backups"][0]["file"].as_str().context("a backup is a file")?);
    let new = Place::new().await?;
    let heir = new.start().await?;
    let restore = json!({"backup": {"path": file, "words": all_words}, "server": null});
    heir.call("start_restore", restore).await?;
    heir.until_ready().await?;
    find(&heir, PEOPLE[2]).await?;

    texts.extend(secrets(&new).await?);
    texts.extend(of_ana);
    texts.extend([PIN.to_owned(), code.replace('-', ""), code, gateway_key]);
    let pixels = PIXELS.map(str::to_owned).into_iter().chain(PIXELS.map(|pixels| STANDARD.encode(pixels)));
    let mut people: Vec<String> = pixels.collect();
    people.extend(PEOPLE.into_iter().chain([NOTE, CAPTION]).map(str::to_owned));
    for place in [&reception, &counter, &new] {
        let found = place.whereabouts(&texts, true)?;
        assert_eq!(found, Vec::<String>::new(), "secrets are in the keyring only");
        let found = place.whereabouts(&people, false)?;
        assert_eq!(found, Vec::<String>::new(), "people are in the database and the cipher only");
    }

    // The look itself finds what is there: in a file, in an environment, in the data folder of the database.
    let planted = reception.temporary().join("planted");
    std::fs::write(&planted, format!("…{}…", texts[0]))?;
    assert_eq!(reception.whereabouts(&texts, true)?.len(), 1);
    std::fs::remove_file(&planted)?;
    let mut child = Command::new("sleep").arg("60").env("SECRET", &texts[1]).stdin(Stdio::null()).spawn()?;
    let found = reception.whereabouts(&texts, true);
    child.kill()?;
    child.wait()?;
    assert_eq!(found?.len(), 1);
    sqlx::query("checkpoint").execute(&mut database).await?;
    for text in PIXELS.into_iter().chain([PEOPLE[0], NOTE, CAPTION]) {
        assert!(!reception.whereabouts(&[text.to_owned()], true)?.is_empty(), "{text:?} is in the database");
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
