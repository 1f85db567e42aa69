//! The clinic's connections to WhatsApp as its people set them up at their desks, and the desk that looks after them, against a
//! gateway that is none.

mod encrypted;
mod pairing;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_api::{ApiError, Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, names};
use balcao_tenant::provision::{self, Connection};
use balcao_tenant::{Bid, Role, Tenure};
use balcao_testkit::database::{TestDatabase, log_in};
use balcao_testkit::gateway::cloud::{PHONE_NUMBER_ID, RELAY_KEY, TOKEN as META_TOKEN};
use balcao_testkit::gateway::evolution::GLOBAL_KEY;
use balcao_testkit::gateway::{FakeCloud, FakeEvolution, Incoming};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

const PHONE: &str = "5511988887777";
const TOKEN: &str = "token-of-recepcao";

/// A desk of the clinic, on a computer with a keyring of its own.
struct Computer {
    desk: Arc<Desk>,
    keychain: Keychain,
    folder: tempfile::TempDir,
}

impl Computer {
    async fn of(login: &Connection) -> Result<Self> {
        let (folder, keychain) = (tempfile::tempdir()?, Keychain::in_memory());
        let options = DeskOptions {
            profile_dir: folder.path().join("perfil"),
            postgres_dir: None,
            export_dir: None,
            app_version: "test".to_owned(),
        };
        let desk = Desk::open_with(options, keychain.clone(), Clock::System).await?;
        let computer = Self { desk, keychain, folder };
        let password = login.password.as_deref().unwrap_or_default();
        computer.call("connect_clinic", json!({ "address": login.address.to_url(), "password": password })).await?;
        computer.until("get_session", |session| session["state"] == "ready").await?;
        computer.until("get_status", |status| status["last_confirmed_at"] != Value::Null).await?;
        Ok(computer)
    }

    async fn call(&self, command: &str, payload: Value) -> Result<Value, ApiError> {
        call(&self.desk, command, payload).await
    }

    async fn until(&self, command: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.call(command, json!({})).await;
            match answer {
                Ok(answer) if fits(&answer) => return Ok(answer),
                answer if Instant::now() > deadline => bail!("{command} never fitted: {answer:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn until_it_works(&self) -> Result<Value> {
        self.until("get_channel_health", |health| health["holder"]["is_this"] == true).await
    }

    /// How the trying of a connection ended: step and code where one is wrong.
    async fn trial(&self, wish: &Value, keys: &Value) -> Result<(Value, Option<(String, String)>)> {
        self.call("try_channel", json!({ "id": null, "wish": wish, "keys": keys })).await?;
        let trial = self.until("get_channel_trial", |trial| trial["is_running"] == false).await?;
        let steps = trial["steps"].as_array().context("it has steps")?.clone();
        let text = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
        let failed = steps.iter().find(|step| step["state"] == "failed");
        let failed = failed.map(|step| (text(step, "step"), text(step, "code")));
        Ok((trial, failed))
    }

    async fn kept_key(&self, channel: &str) -> Result<Option<String>> {
        Ok(self.keychain.get(&names::gateway_key(channel)).await?.map(|key| key.expose().to_owned()))
    }

    /// Files of the profile that hold this text.
    fn files_with(&self, text: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if holds(&path, text) {
                    found.push(path.display().to_string());
                }
            }
        }
        Ok(found)
    }
}

fn holds(path: &Path, text: &str) -> bool {
    // What is gone meanwhile holds nothing.
    std::fs::read(path).is_ok_and(|content| content.windows(text.len()).any(|window| window == text.as_bytes()))
}

fn wish(gateway: &FakeEvolution, instance: &str) -> Value {
    json!({
        "name": "Recepção", "kind": "evolution", "url": gateway.url(), "instance": instance, "relay_url": null,
        "ca_pem": null, "per_instance": false, "pace": "none", "daily_cap": 500, "typing": false, "read_receipts": false,
    })
}

fn keys(key: &str) -> Value {
    json!({ "key": key, "relay_key": null })
}

async fn add(computer: &Computer, wish: Value, key: &str) -> Result<String> {
    let added =
        computer.call("add_channel", json!({ "wish": wish, "keys": keys(key), "make_instance": false })).await?;
    Ok(added["id"].as_str().context("it has an id")?.to_owned())
}

fn failing(step: &str, code: &str) -> Option<(String, String)> {
    Some((step.to_owned(), code.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_tried_out_made_paired_and_looked_after_by_the_desk_itself() -> Result<()> {
    let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
    let office = Computer::of(database.owner()).await?;
    let nothing = office.call("get_channels", json!({})).await?;
    assert_eq!(nothing, json!({ "may_change": true, "may_work": true, "channels": [] }));

    let wish = wish(&gateway, "nova");
    gateway.add_instance("de-outra-clinica");
    assert_eq!(office.trial(&wish, &keys("nenhuma")).await?.1, failing("key", "gateway_key_refused"));
    let (trial, wrong) = office.trial(&wish, &keys(GLOBAL_KEY)).await?;
    assert_eq!(wrong, failing("instance", "gateway_no_instance"));
    let states: Vec<_> =
        trial["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["ok", "ok", "ok", "failed", "not_reached", "not_reached"]);

    let add = json!({ "wish": wish, "keys": keys(GLOBAL_KEY), "make_instance": true });
    let added = office.call("add_channel", add.clone()).await?;
    let id = added["id"].as_str().unwrap().to_owned();
    let kept = office.kept_key(&id).await?.unwrap();
    assert_ne!(kept, GLOBAL_KEY, "of a server, only what opens the connection is kept");
    assert_eq!(office.call("add_channel", add).await.unwrap_err().code, "channel_name_taken");
    office.until("get_channels", |list| list["channels"][0]["key"] == "here").await?;

    office.call("pair_channel", json!({ "id": id, "afresh": false })).await?;
    let shown = office.until("get_pairing", |pairing| pairing["state"] == "code").await?;
    assert_eq!(shown["id"], id.as_str());
    assert!(shown["picture"]["path"].as_str().unwrap().starts_with("M0 0h7"), "{shown}");
    assert_eq!(shown["typed"], Value::Null, "nobody has said which phone it is");
    // A phone without a camera: the gateway, which shows a QR code already, begins anew with its number.
    let by_code = json!({ "id": id, "afresh": false, "number": "11 99999-0003" });
    office.call("pair_channel", by_code).await?;
    let shown = office.until("get_pairing", |pairing| pairing["typed"].is_string()).await?;
    assert!(shown["typed"].as_str().unwrap().starts_with("BALC-"), "{shown}");
    let no_phone = json!({ "id": id, "afresh": false, "number": "recepção" });
    assert_eq!(office.call("pair_channel", no_phone).await.unwrap_err().code, "bad_phone");
    gateway.pair("nova");
    let paired = office.until("get_pairing", |pairing| pairing["state"] == "connected").await?;
    assert_eq!((&paired["picture"], &paired["typed"]), (&Value::Null, &Value::Null), "nothing is left to be read");
    office.call("end_pairing", json!({})).await?;

    let health = office.until_it_works().await?;
    assert_eq!(health["in_use"], 1);
    assert_eq!(office.desk.is_needed(), Some(true), "closing its window ends nothing");
    gateway.receive("nova", &Incoming::text(PHONE, "bom dia"));
    let everything = json!({ "view": "all", "limit": 10 });
    let deadline = Instant::now() + Duration::from_secs(60);
    while office.call("list_conversations", everything.clone()).await?["total"] != 1 {
        assert!(Instant::now() < deadline, "what a person writes is on the screen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    office
        .until("get_channels", |list| {
            let channel = &list["channels"][0];
            channel["status"] == "connected"
                && channel["last_sweep_at"] != Value::Null
                && channel["problem"] == Value::Null
        })
        .await?;

    // The key is in the keyring, and nowhere else that this computer or the clinic keeps.
    for secret in [&kept, GLOBAL_KEY] {
        assert_eq!(office.files_with(secret)?, Vec::<String>::new());
        let told = office.call("get_channels", json!({})).await?.to_string();
        assert!(!told.contains(secret));
        let pool = PgPool::connect(database.admin_url()).await?;
        let rows: Vec<String> = sqlx::query_scalar(
            "select to_jsonb(c)::text from app.channels c union all select to_jsonb(a)::text from app.audit_logs a
             union all select to_jsonb(e)::text from app.gateway_events e",
        )
        .fetch_all(&pool)
        .await?;
        assert!(rows.len() > 1 && rows.iter().all(|row| !row.contains(secret)), "{rows:?}");
        pool.close().await;
    }

    let begun = Instant::now();
    office.desk.close().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "it ends in bounded time");
    let owner = log_in(database.owner()).await?;
    let bid = Bid { holder: Uuid::new_v4(), label: "Sala 2", held_for: Duration::from_secs(1) };
    assert!(matches!(owner.take_lease(&bid).await?, Tenure::Held { .. }), "who closes gives the work back at once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_without_the_key_says_so_asks_for_it_and_then_takes_over() -> Result<()> {
    let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
    gateway.add_instance("recepcao");
    let first = Computer::of(database.owner()).await?;
    let id = add(&first, wish(&gateway, "recepcao"), TOKEN).await?;
    first.until_it_works().await?;

    let second = Computer::of(&database.add_member(Role::Owner).await?).await?;
    let list = second.until("get_channels", |list| list["channels"][0]["id"] == id.as_str()).await?;
    assert_eq!((&list["channels"][0]["key"], &list["may_work"]), (&json!("missing"), &json!(true)));
    let wish = list["channels"][0]["wish"].clone();
    let tried = json!({ "id": id, "wish": wish, "keys": null });
    assert_eq!(second.call("try_channel", tried.clone()).await.unwrap_err().code, "no_key");
    assert_eq!(second.call("pair_channel", json!({ "id": id, "afresh": false })).await.unwrap_err().code, "no_key");
    let seen = second.until("get_channel_health", |health| health["holder"]["is_working"] == true).await?;
    assert_eq!(seen["holder"]["is_this"], false, "every window shows who works");

    let missing = json!({ "id": Uuid::nil(), "keys": keys(TOKEN) });
    assert_eq!(second.call("keep_channel_keys", missing).await.unwrap_err().code, "channel_gone");
    second.call("keep_channel_keys", json!({ "id": id, "keys": keys(TOKEN) })).await?;
    second.call("try_channel", tried).await?;
    let trial = second.until("get_channel_trial", |trial| trial["is_running"] == false).await?;
    assert!(trial["steps"].as_array().unwrap().iter().all(|step| step["state"] == "ok"), "{trial}");
    assert_eq!(second.call("get_channel_health", json!({})).await?["holder"]["is_this"], false, "one works at a time");

    let closing = Instant::now();
    first.desk.close().await;
    second.until_it_works().await?;
    assert!(closing.elapsed() < Duration::from_secs(30), "{:?}", closing.elapsed());
    gateway.receive("recepcao", &Incoming::text(PHONE, "tem alguém aí?"));
    second.until("get_channels", |list| list["channels"][0]["last_inbound_at"] != Value::Null).await?;
    second.desk.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_changed_paused_and_removed_and_its_key_goes_with_it() -> Result<()> {
    let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
    gateway.add_instance("recepcao");
    let office = Computer::of(database.owner()).await?;
    let id = add(&office, wish(&gateway, "recepcao"), TOKEN).await?;
    office.until_it_works().await?;

    let mut other = wish(&gateway, "recepcao");
    (other["name"], other["daily_cap"]) = (json!("WhatsApp da clínica"), json!(40));
    office.call("change_channel", json!({ "id": id, "wish": other, "keys": null })).await?;
    office.until("get_channels", |list| list["channels"][0]["wish"] == other).await?;
    assert_eq!(office.kept_key(&id).await?.as_deref(), Some(TOKEN), "without a new key the old one stays");
    let refused = office.call("change_channel", json!({ "id": Uuid::nil(), "wish": other, "keys": null })).await;
    assert_eq!(refused.unwrap_err().code, "channel_gone");
    let mut nonsense = other.clone();
    nonsense["url"] = json!("evo.example.com");
    let refused = office.call("change_channel", json!({ "id": id, "wish": nonsense, "keys": keys(TOKEN) })).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.reference.as_deref()), ("bad_address", Some("url")));

    office.call("use_channel", json!({ "id": id, "active": false })).await?;
    let idle = office
        .until("get_channel_health", |health| health["in_use"] == 0 && health["holder"]["is_working"] == false)
        .await?;
    assert_eq!(idle["alarms"], json!([]), "what is paused raises no alarm");
    office.until("get_channels", |list| list["channels"][0]["active"] == false).await?;
    assert_eq!(office.call("get_channels", json!({})).await?["channels"][0]["removed"], false, "it is only paused");
    office.call("use_channel", json!({ "id": id, "active": true })).await?;
    office.until_it_works().await?;

    // It has a conversation: that stays, and the connection with it, unused.
    gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    office.until("get_channels", |list| list["channels"][0]["last_inbound_at"] != Value::Null).await?;
    assert_eq!(office.call("remove_channel", json!({ "id": id })).await?["outcome"], "retired");
    assert_eq!(office.kept_key(&id).await?, None);
    office.until("get_channels", |list| list["channels"][0]["removed"] == true).await?;
    office.until("get_channel_health", |health| health["holder"]["is_working"] == false).await?;

    let mut unused = wish(&gateway, "outra");
    unused["name"] = json!("Outra");
    let unused = add(&office, unused, &gateway.add_instance("outra")).await?;
    assert_eq!(office.call("remove_channel", json!({ "id": unused })).await?["outcome"], "gone");
    office.until("get_channels", |list| list["channels"].as_array().is_some_and(|rows| rows.len() == 1)).await?;
    assert_eq!(office.call("remove_channel", json!({ "id": unused })).await.unwrap_err().code, "channel_gone");
    office.desk.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_shows_in_every_window_and_only_owner_and_admins_change_anything() -> Result<()> {
    let (gateway, database) = (FakeEvolution::start().await?, TestDatabase::fresh().await?);
    gateway.add_instance("recepcao");
    let office = Computer::of(database.owner()).await?;
    let id = add(&office, wish(&gateway, "recepcao"), TOKEN).await?;
    office.until_it_works().await?;
    let counter = Computer::of(&database.add_member(Role::Attendant).await?).await?;
    let list = counter.until("get_channels", |list| list["channels"][0]["id"] == id.as_str()).await?;
    assert_eq!((&list["may_change"], &list["may_work"]), (&json!(false), &json!(false)));
    for (command, payload) in [
        (
            "add_channel",
            json!({ "wish": { "name": "X", "kind": "evolution", "url": gateway.url(), "instance": "recepcao",
            "relay_url": null, "per_instance": false, "pace": "calm", "daily_cap": 1, "typing": true, "read_receipts": false },
            "keys": keys(TOKEN), "make_instance": false }),
        ),
        ("change_channel", json!({ "id": id, "wish": wish(&gateway, "recepcao"), "keys": null })),
        ("use_channel", json!({ "id": id, "active": false })),
        ("remove_channel", json!({ "id": id })),
    ] {
        assert_eq!(counter.call(command, payload).await.unwrap_err().code, "not_permitted", "{command}");
    }
    // Whoever may not do the work does not begin it by having the key.
    counter.call("keep_channel_keys", json!({ "id": id, "keys": keys(TOKEN) })).await?;
    assert_eq!(counter.desk.is_needed(), Some(false));

    gateway.unpair("recepcao");
    let health = counter.until("get_channel_health", |health| health["alarms"][0]["code"] == "needs_pairing").await?;
    assert_eq!(health["holder"]["is_this"], false);
    gateway.pair("recepcao");
    counter.until("get_channel_health", |health| health["alarms"] == json!([])).await?;

    // A message that the gateway took, of which WhatsApp says nothing.
    let pool = PgPool::connect(database.admin_url()).await?;
    sqlx::query("update app.channels set acks_missing_since = clock_timestamp() - interval '3 minutes'")
        .execute(&pool)
        .await?;
    let health = counter.until("get_channel_health", |health| health["alarms"][0]["code"] == "acks_missing").await?;
    assert_ne!(health["alarms"][0]["since"], Value::Null);
    pool.close().await;

    // The owner is sent away: nothing of the work stays on that computer.
    let owner = database.owner();
    provision::revoke_login(database.admin_url(), &owner.login).await?;
    office.call("sync_now", json!({})).await?;
    office.until("get_session", |session| session["state"] == "revoked").await?;
    assert_eq!(office.kept_key(&id).await?, None, "the key of the connection is destroyed with the copy");
    assert!(!office.folder.path().join("perfil/journal").exists());
    counter.desk.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_at_meta_is_tried_out_with_its_relay_and_never_paired() -> Result<()> {
    let (cloud, database) = (FakeCloud::start().await?, TestDatabase::fresh().await?);
    let office = Computer::of(database.owner()).await?;
    let wish = json!({
        "name": "Número oficial", "kind": "cloud_api", "url": cloud.graph(), "instance": PHONE_NUMBER_ID,
        "relay_url": cloud.relay(), "per_instance": false, "pace": "calm", "daily_cap": 500, "typing": false,
        "read_receipts": false,
    });
    let both = json!({ "key": META_TOKEN, "relay_key": RELAY_KEY });
    assert_eq!(office.trial(&wish, &both).await?.1, None);
    let (_, wrong) = office.trial(&wish, &json!({ "key": "nenhuma", "relay_key": RELAY_KEY })).await?;
    assert_eq!(wrong, failing("key", "gateway_key_refused"));
    let (_, wrong) = office.trial(&wish, &json!({ "key": META_TOKEN, "relay_key": "nenhuma" })).await?;
    assert_eq!(wrong, failing("stream", "gateway_key_refused"));
    let added = office.call("add_channel", json!({ "wish": wish, "keys": both, "make_instance": false })).await?;
    office.until("get_channels", |list| list["channels"][0]["id"] == added["id"]).await?;
    let refused = office.call("pair_channel", json!({ "id": added["id"], "afresh": false })).await.unwrap_err();
    assert_eq!(refused.code, "no_pairing");
    office.desk.close().await;
    Ok(())
}
