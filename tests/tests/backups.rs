//! A clinic on one computer: backed up, lost, and brought back on another one, with everything that goes on around it.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_api::{ApiError, Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use balcao_local_server::release;
use balcao_tenant::Address;
use balcao_tenant::members::{Code, Invite};
use balcao_tenant::provision::Connection;
use balcao_testkit::database::{EmptyDatabase, log_in, server};
use balcao_testkit::sample::{self, Plan, Size};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tempfile::TempDir;

use crate::desks::actors::Actor;

/// A computer with a profile and a keyring of its own.
struct Computer {
    desk: Option<Arc<Desk>>,
    keychain: Keychain,
    clock: Clock,
    folder: TempDir,
}

impl Computer {
    async fn new(clock: Clock) -> Result<Self> {
        let computer = Self { desk: None, keychain: Keychain::in_memory(), clock, folder: open_folder()? };
        computer.start().await
    }

    async fn start(mut self) -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(release::find_or_fetch).await??;
        let options = || DeskOptions {
            profile_dir: self.folder.path().to_owned(),
            postgres_dir: Some(binaries.root().to_owned()),
            export_dir: None,
            app_version: "test".to_owned(),
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        self.desk = loop {
            match Desk::open_with(options(), self.keychain.clone(), self.clock.clone()).await {
                Ok(desk) => break Some(desk),
                // The lock of the profile goes with the last task that still holds the desk.
                Err(busy) if busy.code == "profile_in_use" && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        Ok(self)
    }

    async fn restart(mut self) -> Result<Self> {
        if let Some(desk) = self.desk.take() {
            desk.close().await;
        }
        self.start().await
    }

    async fn end(mut self) {
        if let Some(desk) = self.desk.take() {
            desk.close().await;
        }
    }

    async fn call(&self, command: &str, payload: Value) -> Result<Value, ApiError> {
        call(self.desk.as_ref().unwrap(), command, payload).await
    }

    async fn until(&self, command: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let answer = self.call(command, json!({})).await;
            match answer {
                Ok(answer) if fits(&answer) => return Ok(answer),
                answer if Instant::now() > deadline => bail!("{command}: never {what}: {answer:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn until_ready(&self) -> Result<Value> {
        let session =
            self.until("get_session", "at rest", |session| session["state"] == "ready" || session["state"] == "failed");
        let session = session.await?;
        if session["state"] == "failed" {
            bail!("{session}");
        }
        Ok(session)
    }

    fn profile(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(self.folder.path().join("profile.json"))?)?)
    }

    async fn secret(&self, name: fn(&str) -> String) -> Result<Option<Secret>> {
        let profile = self.profile()?;
        Ok(self.keychain.get(&name(profile["id"].as_str().context("id")?)).await?)
    }

    fn port(&self) -> Result<u16> {
        let text = std::fs::read_to_string(self.folder.path().join("postgres/postmaster.pid"))?;
        Ok(text.lines().nth(3).context("the port")?.trim().parse()?)
    }

    /// The embedded database for its administrator.
    async fn admin_url(&self) -> Result<String> {
        let password = self.secret(names::superuser_password).await?.context("no password")?;
        let address = Address::parse(&format!("postgres://balcao_superuser@127.0.0.1:{}/balcao", self.port()?))?.0;
        Ok(address.to_url_with(Some(password.expose())))
    }

    /// How its owner connects.
    async fn owner(&self) -> Result<Connection> {
        let mut address: Address = serde_json::from_value(self.profile()?["address"].clone())?;
        address.port = self.port()?;
        let password = self.secret(names::database_password).await?.context("no password")?.expose().to_owned();
        Ok(Connection { login: address.user.clone(), address, password: Some(password) })
    }

    /// A clinic with people in it.
    async fn with_clinic(self) -> Result<Self> {
        let wish = json!({ "clinic_name": "Clínica Acácia", "owner_name": "Júlia", "time_zone": "America/Sao_Paulo",
                           "vertical": "human" });
        self.call("start_local_clinic", wish).await?;
        let session = self.until_ready().await?;
        let clinic_id = session["clinic"]["id"].as_str().context("clinic")?.parse()?;
        let (now, time_zone) = (self.clock.now(), chrono_tz::America::Sao_Paulo);
        let today = now.with_timezone(&time_zone).date_naive();
        let plan = Plan { seed: 1, size: Size::Small, today, now, time_zone };
        sample::load(&self.admin_url().await?, clinic_id, &plan, |_| ()).await?;
        Ok(self)
    }

    /// Draws the words, shows that they were written down, and chooses the folder. Returns the words.
    async fn set_up_backups(&self, folder: &Path) -> Result<String> {
        let drawn = self.call("draw_backup_words", json!({})).await?;
        let words: Vec<&str> = drawn["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let asked: Vec<&str> = drawn["ask"]
            .as_array()
            .unwrap()
            .iter()
            .map(|place| words[usize::try_from(place.as_u64().unwrap()).unwrap() - 1])
            .collect();
        let mut wish = self.call("confirm_backup_words", json!({ "words": asked })).await?["wish"].clone();
        wish["folder"] = json!(folder);
        self.call("change_backup", wish).await?;
        Ok(words.join(" "))
    }

    /// Lets it look after the clinic until that has come to something: right after a jump of the clock it is not yet sure of
    /// the line.
    async fn looked_after(&self, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            self.desk.as_ref().unwrap().look_after().await;
            let backup = self.call("get_backup", json!({})).await?;
            if fits(&backup) {
                return Ok(backup);
            }
            if Instant::now() > deadline {
                bail!("that came to nothing: {backup}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The same until there is a good backup that is none of these.
    async fn backed_up(&self, known: &[&Value]) -> Result<Value> {
        let fits = |backup: &Value| {
            let newest = &backup["backups"][0];
            newest["state"] == "verified" && known.iter().all(|known| known["file"] != newest["file"])
        };
        Ok(self.looked_after(fits).await?["backups"][0].clone())
    }

    /// Waits until nothing runs.
    async fn at_rest(&self) -> Result<Value> {
        self.until("get_backup", "at rest", |backup| backup["running"].is_null()).await
    }
}

fn open_folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("balcao-backups-").tempdir()?;
    // As root the database runs under another account, which has to get through.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    Ok(folder)
}

async fn look(url: &str, sql: &str) -> Result<String> {
    let mut connection = PgConnection::connect(url).await?;
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await?;
    let text = row.get(0);
    connection.close().await?;
    Ok(text)
}

fn wall_clock() -> DateTime<Utc> {
    #[allow(clippy::disallowed_methods, reason = "the sample is drawn around the day of the test")]
    Utc::now()
}

const PEOPLE: &str = "select count(*)::text || ' ' || coalesce(md5(string_agg(id::text || name, ',' order by id)), '')
                      from app.contacts";

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_is_backed_up_lost_and_brought_back_on_another_computer_and_a_desk_follows() -> Result<()> {
    let old = Computer::new(Clock::System).await?.with_clinic().await?;
    let disk = open_folder()?;
    old.call("start_backup", json!({})).await?;
    let none = old.until("get_backup", "told", |backup| !backup["problem"].is_null()).await?;
    assert_eq!(none["problem"]["code"], "backup_no_folder", "nothing is chosen yet");
    let words = old.set_up_backups(disk.path()).await?;
    old.call("start_backup", json!({})).await?;
    let busy = old.call("start_backup", json!({})).await;
    assert!(busy.as_ref().is_err_and(|problem| problem.code == "backup_running"), "{busy:?}");
    let done = old.at_rest().await?;
    assert_eq!((done["problem"].clone(), done["backups"][0]["state"].clone()), (Value::Null, json!("verified")));
    assert!(done["backups"][0]["rows"].as_f64().unwrap() > 5_000.0, "{done}");
    assert_eq!(old.call("get_backup_health", json!({})).await?["overdue"], false);
    let log = old.call("list_sync_log", json!({ "limit": 50 })).await?;
    let events: Vec<&str> =
        log["lines"].as_array().unwrap().iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert!(events.contains(&"backup_made") && events.contains(&"backup_verified"), "{events:?}");
    let audited =
        "select count(*)::text from app.audit_logs where action = 'export' and new_values ->> 'what' = 'backup'";
    assert_eq!(look(&old.admin_url().await?, audited).await?, "1");

    // Another computer of the owner has something to say that the clinic never hears.
    let desk = Actor::connect(&old.owner().await?).await?;
    let talk = desk.waiting_conversation().await?;
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    let text = "Volto já com a resposta.";
    desk.call("send_message", json!({ "conversation_id": talk["id"], "text": text })).await?;
    // Somebody who came after the backup.
    let after = "with c as (select id from app.clinics) insert into app.contacts (clinic_id, name) select id, 'Depois da Cópia' from c returning 'x'";
    look(&old.admin_url().await?, after).await?;
    // Somebody who is in the backup and is to be forgotten since.
    let forgotten =
        look(&old.admin_url().await?, "select id::text from app.contacts where length(name) > 8 order by id limit 1")
            .await?;
    let name =
        look(&old.admin_url().await?, &format!("select name from app.contacts where id = '{forgotten}'")).await?;
    let people = format!("{PEOPLE} where id <> '{forgotten}'");
    let before = look(&old.admin_url().await?, &format!("{people} and name <> 'Depois da Cópia'")).await?;
    let wish = json!({ "contact_id": forgotten, "reason": "request", "typed_name": name });
    old.call("erase_person", wish).await?;
    let listed = || {
        std::fs::read_dir(disk.path())
            .unwrap()
            .any(|entry| entry.unwrap().path().extension().is_some_and(|ending| ending == "age"))
    };
    assert!(!listed());
    old.looked_after(|_| listed()).await?;
    // The computer is lost, with everything on it.
    old.end().await;

    let new = Computer::new(Clock::System).await?;
    let file = done["backups"][0]["file"].as_str().unwrap();
    let backup = json!({ "path": disk.path().join(file), "words": words.to_uppercase() });
    let listing = new.call("list_folders", json!({ "path": disk.path() })).await?;
    assert_eq!(listing["backups"][0]["name"], file);
    let wrong = json!({ "path": backup["path"], "words": "abacate ".repeat(12) });
    for command in ["peek_backup", "start_restore"] {
        let wish = if command == "peek_backup" { wrong.clone() } else { json!({ "backup": wrong, "server": null }) };
        let refused = new.call(command, wish).await.unwrap_err();
        assert!(["backup_not_words", "backup_wrong_words"].contains(&refused.code.as_str()), "{refused}");
    }
    assert!(!new.folder.path().join("profile.json").exists(), "nothing is left of what was refused");
    let found = new.call("peek_backup", backup.clone()).await?;
    assert_eq!(found["clinic_name"], "Clínica Acácia");
    new.call("start_restore", json!({ "backup": backup, "server": null })).await?;
    let session = new.until_ready().await?;
    assert_eq!((&session["member"]["role"], &session["clinic"]["kind"]), (&json!("owner"), &json!("local")));
    assert_eq!(session["member"]["name"], "Júlia", "of several owners the one who had the clinic's computer");
    assert_eq!(look(&new.admin_url().await?, &people).await?, before, "who came before, and nobody else");
    let erased = format!("select source from app.contacts where id = '{forgotten}'");
    assert_eq!(look(&new.admin_url().await?, &erased).await?, "erased", "who was forgotten since stays so");
    let health = new.call("get_backup_health", json!({})).await?;
    assert_eq!(health["restored"]["rows"], found["rows"]);
    assert!(health["restored"]["tables"].as_u64().unwrap() > 30, "{health}");
    let state = new.call("get_backup", json!({})).await?;
    assert_eq!(state["has_words"], true, "backups go on under the same words");
    assert_eq!(state["wish"]["folder"], json!(disk.path()));
    let alive = "select count(*)::text from internal.logins where revoked_at is null";
    assert_eq!(look(&new.admin_url().await?, alive).await?, "1", "every other computer is to be invited again");
    assert_eq!(new.call("dismiss_restored", json!({})).await?["restored"], Value::Null);

    // The desk is let in again: what it had was of another feed, and what it had to say is said.
    let owner = new.owner().await?;
    let tenant = log_in(&owner).await?;
    let member_id = desk.call("get_session", json!({})).await?["member"]["id"].as_str().unwrap().parse()?;
    let invited = tenant.invite(&Invite::Computer { member_id }, None, &owner.address, wall_clock()).await?.unwrap();
    tenant.close().await;
    let code = Code::random();
    let invitation = invited.invitation.seal(&code)?;
    let wish = json!({ "invitation": invitation, "code": code.to_string(), "computer_name": "Recepção" });
    desk.call("follow_clinic", wish).await?;
    desk.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    let online = |status: &Value| status["connection"] == "online" && status["waiting"] == 0;
    desk.until_within(Duration::from_secs(60), "get_status", json!({}), online).await?;
    let log = desk.call("list_sync_log", json!({ "limit": 100 })).await?;
    assert!(
        log["lines"].as_array().unwrap().iter().any(|line| line["event"] == "epoch_changed"),
        "it made its copy anew"
    );
    let parked = desk.call("list_operations", json!({ "state": "parked", "limit": 10 })).await?;
    assert_eq!(parked["rows"], json!([]), "{parked} {log}");
    let said = format!("select count(*)::text from app.messages where body = '{text}'");
    assert_eq!(look(&new.admin_url().await?, &said).await?, "1", "what was queued is sent once");
    desk.desk.close().await;
    new.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_computer_backs_up_by_itself_and_warns_its_owner_when_that_does_not_work() -> Result<()> {
    let clock = Clock::manual(wall_clock());
    let computer = Computer::new(clock.clone()).await?.with_clinic().await?;
    let disk = open_folder()?;
    computer.until("get_status", "online", |status| status["connection"] == "online").await?;
    let desk = computer.desk.clone().unwrap();
    desk.look_after().await;
    assert_eq!(computer.call("get_backup_health", json!({})).await?["overdue"], false, "a new clinic has three days");
    computer.set_up_backups(disk.path()).await?;
    let first = computer.backed_up(&[]).await?;
    assert_eq!(first["state"], "verified", "the first one is made at once");
    desk.look_after().await;
    assert_eq!(newest(disk.path()), first["file"], "and no other until its time");
    clock.advance(TimeDelta::hours(25));
    let second = computer.backed_up(&[&first]).await?;

    // The disk is unplugged.
    let away = disk.path().with_extension("away");
    std::fs::rename(disk.path(), &away)?;
    for day in 1..=4 {
        clock.advance(TimeDelta::hours(24));
        computer.looked_after(|backup| backup["problem"]["code"] == "backup_folder_missing").await?;
        let state = computer.call("get_backup", json!({})).await?;
        assert_eq!(state["folder_problem"]["code"], "backup_folder_missing");
        let health = computer.call("get_backup_health", json!({})).await?;
        assert_eq!(health["overdue"], day > 3, "after {day} days: {health}");
    }
    std::fs::rename(&away, disk.path())?;
    desk.look_after().await;
    assert_eq!(newest(disk.path()), second["file"], "an hour is left between two attempts");
    clock.advance(TimeDelta::hours(1));
    let third = computer.backed_up(&[&first, &second]).await?;
    assert_eq!(computer.call("get_backup_health", json!({})).await?["overdue"], false);
    assert!(!computer.folder.path().join("postgres.trial").exists(), "the trial leaves nothing");

    // Words that the keyring lost: it says so, and nothing plain is made instead.
    let id = computer.profile()?["id"].as_str().unwrap().to_owned();
    computer.keychain.delete(&names::backup_words(&id)).await?;
    clock.advance(TimeDelta::hours(25));
    computer.looked_after(|backup| backup["problem"]["code"] == "backup_words_missing").await?;
    assert_eq!(computer.call("get_backup", json!({})).await?["has_words"], false);
    assert_eq!(newest(disk.path()), third["file"]);
    drop(desk);
    computer.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_called_off_or_cut_short_leaves_nothing_half() -> Result<()> {
    let old = Computer::new(Clock::System).await?.with_clinic().await?;
    let disk = open_folder()?;
    let words = old.set_up_backups(disk.path()).await?;
    old.call("start_backup", json!({})).await?;
    let made = old.at_rest().await?;
    let backup = json!({ "path": disk.path().join(made["backups"][0]["file"].as_str().unwrap()), "words": words });
    let people = look(&old.admin_url().await?, PEOPLE).await?;
    old.end().await;

    let new = Computer::new(Clock::System).await?;
    for step in ["database", "backup", "restore"] {
        new.call("start_restore", json!({ "backup": backup, "server": null })).await?;
        let id = new.profile()?["id"].as_str().unwrap().to_owned();
        let there = |session: &Value| session["step"] == step || session["state"] != "preparing";
        new.until("get_session", step, there).await?;
        new.call("cancel_setup", json!({})).await?;
        new.until("get_session", "first run", |session| session["state"] == "first_run").await?;
        let mut left: Vec<_> = std::fs::read_dir(new.folder.path())?
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.retain(|name| name != "profile.lock");
        assert_eq!(left, Vec::<String>::new(), "called off at {step}");
        for name in names::ALL {
            assert!(new.keychain.get(&name(&id)).await?.is_none(), "the keyring has forgotten {}", name(&id));
        }
    }
    // The program ended after the database was there and before the profile said so: it goes on by itself at the next start.
    new.call("start_restore", json!({ "backup": backup, "server": null })).await?;
    new.until_ready().await?;
    look(
        &new.admin_url().await?,
        "insert into app.contacts (clinic_id, name) select id, 'Half' from app.clinics returning 'x'",
    )
    .await?;
    let mut profile = new.profile()?;
    profile["restoring"] = backup["path"].clone();
    std::fs::write(new.folder.path().join("profile.json"), serde_json::to_vec(&profile)?)?;
    let new = new.restart().await?;
    new.until_ready().await?;
    assert_eq!(look(&new.admin_url().await?, PEOPLE).await?, people);
    assert_eq!(new.profile()?["restoring"], Value::Null);
    let file = PathBuf::from(backup["path"].as_str().unwrap());

    // The disk is not there when it goes on: it says so, and can be called off or tried again.
    profile["restoring"] = json!(file.with_file_name("away.balcao-backup"));
    std::fs::write(new.folder.path().join("profile.json"), serde_json::to_vec(&profile)?)?;
    let new = new.restart().await?;
    let failed = new.until("get_session", "failed", |session| session["state"] == "failed").await?;
    assert_eq!(failed["has_profile"], true, "{failed}");
    std::fs::copy(&file, file.with_file_name("away.balcao-backup"))?;
    new.call("retry_session", json!({})).await?;
    new.until_ready().await?;
    assert_eq!(look(&new.admin_url().await?, PEOPLE).await?, people);
    new.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_moves_to_a_server_and_under_words_of_before_forgets_who_was_erased_since() -> Result<()> {
    let clinic = Computer::new(Clock::System).await?.with_clinic().await?;
    let disk = open_folder()?;
    let first = clinic.set_up_backups(disk.path()).await?;
    clinic.call("start_backup", json!({})).await?;
    let made = clinic.at_rest().await?;
    let file = disk.path().join(made["backups"][0]["file"].as_str().context("a backup")?);
    let second = clinic.set_up_backups(disk.path()).await?;
    assert_ne!(first, second, "other words are in use");
    clinic.backed_up(&[&made["backups"][0]]).await?;

    let admin = clinic.admin_url().await?;
    let person = look(&admin, "select id::text from app.contacts where length(name) > 8 order by id limit 1").await?;
    let name = look(&admin, &format!("select name from app.contacts where id = '{person}'")).await?;
    let wish = json!({ "contact_id": person, "reason": "request", "typed_name": name });
    clinic.call("erase_person", wish).await?;
    let lists = || {
        let names = std::fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|ending| ending == "age")).count()
    };
    clinic.looked_after(|_| lists() == 2).await?;
    let rest = look(&admin, &format!("{PEOPLE} where id <> '{person}'")).await?;

    // The computer gives the clinic up, with the words that open what was backed up last, and nothing of it stays.
    let refused = clinic.call("leave_clinic", json!({ "words": first })).await.unwrap_err();
    assert_eq!(refused.code, "backup_wrong_words");
    // Who was forgotten since would come back with it.
    let refused = clinic.call("leave_clinic", json!({ "words": second })).await.unwrap_err();
    assert_eq!(refused.code, "backup_needed");
    clinic.until_ready().await?;
    clinic.call("start_backup", json!({})).await?;
    let all = clinic.at_rest().await?;
    assert_eq!(all["backups"][0]["state"], "verified", "{all}");
    clinic.call("leave_clinic", json!({ "words": second })).await?;
    clinic.until("get_session", "first run", |session| session["state"] == "first_run").await?;
    let left: Vec<_> = std::fs::read_dir(clinic.folder.path())?.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["profile.lock"]);

    // Onto a server that is there already, with the words that were in use when the backup was made.
    let server = EmptyDatabase::on(server().await?).await?;
    let new = clinic;
    let backup = json!({ "path": file, "words": first });
    let elsewhere = |address: &str| json!({ "backup": backup, "server": { "address": address, "ca_pem": null } });
    let nowhere = new.call("start_restore", elsewhere("postgres://somebody@db.example.org:6543/postgres")).await;
    assert_eq!(nowhere.unwrap_err().code, "pooler_address", "before anything is begun");
    new.call("start_restore", elsewhere(server.admin_url())).await?;
    assert_eq!(new.profile()?["restoring"], json!(file), "what the keyring has from now on has its profile");
    let session = new.until_ready().await?;
    assert_eq!((&session["member"]["role"], &session["clinic"]["kind"]), (&json!("owner"), &json!("remote")));
    assert_eq!(session["clinic"]["name"], "Clínica Acácia");
    let source = format!("select source from app.contacts where id = '{person}'");
    assert_eq!(look(server.admin_url(), &source).await?, "erased", "the list under the words of before has them, too");
    assert_eq!(look(server.admin_url(), &format!("{PEOPLE} where id <> '{person}'")).await?, rest, "and nobody else");
    let health = new.call("get_backup_health", json!({})).await?;
    assert!(health["restored"]["rows"].as_f64().is_some_and(|rows| rows > 5_000.0), "{health}");
    assert!(new.secret(names::backup_words).await?.is_none(), "who looks after the server looks after its backups");
    let profile = new.profile()?.to_string();
    let password = Address::parse(server.admin_url())?.1.context("the administrator's password")?;
    assert!(!profile.contains(&password), "the administrator's address is kept nowhere");

    // Where the last answer was lost and the clinic is not there, nothing of it is: the next start says so.
    let mut profile = new.profile()?;
    (profile["restoring"], profile["address"]["user"]) = (json!(file), json!("balcao_nobody"));
    std::fs::write(new.folder.path().join("profile.json"), serde_json::to_vec(&profile)?)?;
    let new = new.restart().await?;
    new.until("get_session", "first run", |session| session["state"] == "first_run").await?;
    let setup = new.call("get_setup", json!({})).await?;
    assert_eq!((&setup["restoring"], &setup["can_cancel"]), (&json!(file), &json!(true)));
    assert!(new.secret(names::database_password).await?.is_none(), "its password opens nothing");
    new.end().await;
    Ok(())
}

/// Name of the newest backup in a folder.
fn newest(folder: &Path) -> String {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".balcao-backup")).max().unwrap_or_default()
}
