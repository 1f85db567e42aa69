//! The copy on a desk: taken back by the clinic, made anew, damaged in use, and what its log says.

use std::path::Path;

use anyhow::{Context as _, Result};
use balcao_domain::clock::Clock;
use balcao_keychain::names;
use balcao_tenant::{Role, provision};
use balcao_testkit::database::TestDatabase;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::desks::actors::{Actor, Outsider, sample_clinic};

/// Names of the files of the copy.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("copy.db")).collect()
}

async fn secrets(desk: &Actor) -> Result<usize> {
    let profile: Value = serde_json::from_slice(&std::fs::read(desk.folder().join("profile.json"))?)?;
    let id = profile["id"].as_str().context("an id")?;
    let (key, password) =
        (desk.keychain().get(&names::cache_key(id)).await?, desk.keychain().get(&names::database_password(id)).await?);
    Ok(usize::from(key.is_some()) + usize::from(password.is_some()))
}

/// Two replies that the database does not get.
async fn write_with_the_line_cut(desk: &Actor) -> Result<()> {
    let talk = desk.waiting_conversation().await?;
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    for text in ["Bom dia!", "Já vejo para você."] {
        desk.call("send_message", json!({ "conversation_id": talk["id"], "text": text })).await?;
    }
    Ok(())
}

async fn member(clinic: &TestDatabase) -> Result<(provision::Connection, Actor)> {
    let login = clinic.add_member(Role::Attendant).await?;
    let desk = Actor::connect(&login).await?;
    Ok((login, desk))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_taken_away_leaves_nothing_on_the_computer_and_the_person_is_told() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (login, desk) = member(&clinic).await?;
    let name = desk.call("get_session", json!({})).await?["clinic"]["name"].clone();
    std::fs::write(desk.folder().join("copy.db.damaged-20261121T080000"), "set aside")?;
    std::fs::write(desk.folder().join("copy.db.before-migration-20261121T080000"), "kept")?;
    assert_eq!(secrets(&desk).await?, 2);
    write_with_the_line_cut(&desk).await?;

    provision::revoke_login(clinic.admin_url(), &login.address.user).await?;
    desk.line.mend();
    let told = json!({ "state": "revoked", "clinic_name": name, "lost": 2 });
    desk.until("get_session", json!({}), |session| *session == told).await?;
    assert_eq!(files(desk.folder()), Vec::<String>::new());
    assert_eq!(secrets(&desk).await?, 0);
    let profile = std::fs::read_to_string(desk.folder().join("profile.json"))?;
    assert!(!profile.contains(&login.address.user), "the address is forgotten");
    assert_eq!(
        desk.call("list_conversations", json!({ "view": "all", "limit": 1 })).await.unwrap_err().code,
        "no_session"
    );

    let desk = desk.start_again().await?;
    assert_eq!(desk.call("get_session", json!({})).await?, told, "it is told until someone takes note");
    assert_eq!(desk.call("acknowledge_revocation", json!({})).await?, json!({ "state": "first_run" }));
    let desk = desk.start_again().await?;
    assert_eq!(desk.call("get_session", json!({})).await?, json!({ "state": "first_run" }));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_an_unknown_login_or_a_silent_server_destroys_nothing() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (login, desk) = member(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    write_with_the_line_cut(&desk).await?;
    let all_is_there = async |desk: &Actor| -> Result<()> {
        assert_eq!(desk.call("get_session", json!({})).await?["state"], "ready");
        assert!(files(desk.folder()).contains(&"copy.db".to_owned()));
        assert_eq!(secrets(desk).await?, 2);
        assert_eq!(desk.counts().await?, (2, 0));
        Ok(())
    };
    all_is_there(&desk).await?;

    let user = &login.address.user;
    outsider.run(&format!("alter role \"{user}\" with password 'another'")).await?;
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["problem"]["code"] == "wrong_password").await?;
    all_is_there(&desk).await?;

    desk.line.cut();
    outsider.run(&format!("alter role \"{user}\" with password '{}'", login.password.as_deref().unwrap())).await?;
    outsider.run(&format!("delete from internal.logins where login = '{user}'")).await?;
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["problem"]["code"] == "login_unknown").await?;
    all_is_there(&desk).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_anew_only_when_the_writes_it_costs_were_agreed_to() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (_, desk) = member(&clinic).await?;
    let all = json!({ "view": "all", "limit": 1 });
    let before = desk.call("list_conversations", all.clone()).await?["total"].clone();
    write_with_the_line_cut(&desk).await?;

    let refused = desk.call("reset_copy", json!({})).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.reference.as_deref()), ("writes_wait", Some("2")));
    assert_eq!(desk.counts().await?, (2, 0), "nothing is lost by asking");

    desk.call("reset_copy", json!({ "confirm_loss": true })).await?;
    assert_eq!(desk.call("get_session", json!({})).await?["state"], "preparing");
    // Nothing can be copied now; when it can, nobody has to ask for it.
    desk.until("get_session", json!({}), |session| session["state"] == "failed").await?;
    desk.line.mend();
    desk.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    desk.until("get_status", json!({}), |status| status["connection"] == "online").await?;
    assert_eq!(desk.call("list_conversations", all).await?["total"], before);
    assert_eq!(desk.counts().await?, (0, 0));
    let log = desk.call("list_sync_log", json!({ "limit": 500 })).await?;
    let lines = log["lines"].as_array().unwrap();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert_eq!(of("copy_reset")[0]["facts"], json!({ "lost": "2" }));
    assert_eq!(of("first_copy_done").len(), 2, "the log of the copy before is taken over");

    // With nothing to lose nothing has to be agreed to.
    desk.call("reset_copy", json!({})).await?;
    desk.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_damaged_in_use_is_set_aside_and_made_anew_with_what_was_waiting() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (_, desk) = member(&clinic).await?;
    // Opened anew, nothing of the file is in memory yet, and all of it is in the file itself.
    let desk = desk.restart().await?;
    write_with_the_line_cut(&desk).await?;
    let path = desk.folder().join("copy.db");
    let mut bytes = std::fs::read(&path)?;
    let pages = bytes.len() / 4096;
    for page in pages / 4..pages {
        bytes[page * 4096 + 100] ^= 0xff;
    }
    std::fs::write(&path, bytes)?;

    let mut found = None;
    for view in ["all", "closed", "mine", "bot"] {
        let rows = desk.call("list_conversations", json!({ "view": view, "limit": 100 })).await;
        let Ok(rows) = rows else {
            found = rows.err();
            break;
        };
        for row in rows["rows"].as_array().unwrap() {
            if let Err(problem) = desk.call("get_thread", json!({ "conversation_id": row["id"], "limit": 50 })).await {
                found = Some(problem);
                break;
            }
        }
    }
    assert_eq!(found.context("the damage was never met")?.code, "cache_damaged");
    desk.line.mend();
    desk.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    let notice = desk.call("get_copy", json!({})).await?["notice"].clone();
    assert_eq!((&notice["writes_kept"], &notice["writes_lost"]), (&json!(2), &json!(0)));
    assert!(files(desk.folder()).contains(&notice["file"].as_str().unwrap().to_owned()), "what was damaged is kept");
    desk.until("get_status", json!({}), |status| status["connection"] == "online" && status["waiting"] == 0).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let sent = outsider.count("select count(*) from app.messages where body in ('Bom dia!', 'Já vejo para você.')");
    assert_eq!(sent.await?, 2);

    assert_eq!(desk.call("dismiss_copy_notice", json!({})).await?, json!({ "notice": null }));
    let desk = desk.restart().await?;
    assert_eq!(desk.call("get_copy", json!({})).await?, json!({ "notice": null }));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_opens_whatever_page_of_its_copy_was_damaged_while_it_was_closed() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (_, mut desk) = member(&clinic).await?;
    let all = json!({ "view": "all", "limit": 1 });
    let total = desk.call("list_conversations", all.clone()).await?["total"].clone();
    // The first pages hold the small tables that are read before anything else.
    for page in [0, 1, 2, 3, 4, 6, 8, 11] {
        let path = desk.folder().join("copy.db");
        desk.desk.close().await;
        let mut bytes = std::fs::read(&path)?;
        bytes[page * 4096 + 100] ^= 0xff;
        std::fs::write(&path, bytes)?;
        desk = desk.restart().await?;
        let found = |list: &Value| list["total"] == total;
        desk.until("list_conversations", all.clone(), found).await.with_context(|| format!("page {page}"))?;
        desk.until("get_status", json!({}), |status| status["connection"] == "online").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exported_log_says_what_happened_and_nothing_about_anybody() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (_, desk) = member(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    // Everything that leaves a line: writes that are taken, one that is refused, a line that is lost.
    let (visit, wish) = desk.movable_visit().await?;
    write_with_the_line_cut(&desk).await?;
    desk.call("reschedule_appointment", wish.clone()).await?;
    outsider.take_slot(&visit, &wish).await?;
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["needs_you"] == 1 && status["waiting"] == 0).await?;
    let told = |log: &Value, event: &str| log["lines"].as_array().unwrap().iter().any(|line| line["event"] == event);
    // What was sent is summed up when the line ends.
    desk.line.cut();
    desk.until("list_sync_log", json!({ "limit": 200 }), |log| told(log, "sent")).await?;

    let exported = desk.call("export_sync_log", json!({})).await?;
    let path = Path::new(exported["path"].as_str().unwrap());
    assert_eq!(path.parent().unwrap(), desk.folder().join("exports"));
    let text = std::fs::read_to_string(path)?;
    for event in ["copy_opened", "connected", "first_copy_done", "line_down", "sent"] {
        assert!(text.contains(&format!(";{event};")), "{event} is missing in:\n{text}");
    }
    assert_eq!(
        u64::try_from(text.lines().count())?,
        exported["lines"].as_u64().unwrap() + 1,
        "a heading and the lines"
    );

    let words = outsider
        .text(
            "select string_agg(distinct word, e'\\x1f') from (
                 select name from app.contacts union select name from app.patients union select profile_name from app.contacts
                 union select phone from app.contacts union select email from app.contacts
                 union select body from app.messages union select name from app.members union select name from app.clinics
                 union select notes from app.appointments union select title from app.leads
                 union select regexp_split_to_table(name, ' ') from app.contacts
             ) as said (word) where length(word) > 3",
        )
        .await?
        .unwrap();
    let words: Vec<&str> = words.split('\u{1f}').collect();
    assert!(words.len() > 500, "only {} words were looked for", words.len());
    for word in words {
        assert!(!text.to_lowercase().contains(&word.to_lowercase()), "the log says {word:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_page_by_page() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (_, desk) = member(&clinic).await?;
    let desk = desk.restart().await?;
    let all = desk.call("list_sync_log", json!({ "limit": 500 })).await?;
    let (first, mut paged) = (desk.call("list_sync_log", json!({ "limit": 2 })).await?, Vec::new());
    assert_eq!(first["has_more"], true);
    let mut page = first;
    loop {
        paged.extend(page["lines"].as_array().unwrap().clone());
        if page["has_more"] == false {
            break;
        }
        page = desk.call("list_sync_log", json!({ "limit": 2, "before": paged.last().unwrap()["id"] })).await?;
    }
    let ids = |lines: &[Value]| lines.iter().map(|line| line["id"].as_u64().unwrap()).collect::<Vec<_>>();
    let paged = ids(&paged);
    assert!(paged.is_sorted_by(|newer, older| newer > older), "newest first, each once");
    // Lines may have been written between the two readings.
    assert!(paged.ends_with(&ids(all["lines"].as_array().unwrap())));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_whose_clock_is_three_hours_ahead_writes_in_the_time_of_the_server_and_is_told() -> Result<()> {
    let clinic = sample_clinic().await?;
    let login = clinic.add_member(Role::Attendant).await?;
    #[allow(clippy::disallowed_methods, reason = "the clock that is wrong is wrong by the real one")]
    let ahead = Clock::manual(Utc::now() + TimeDelta::hours(3));
    let desk = Actor::connect_at(&login, ahead).await?;
    let told =
        |status: &Value| status["clock_ahead_seconds"].as_f64().is_some_and(|s| (10_700.0..10_900.0).contains(&s));
    desk.until("get_status", json!({}), told).await?;
    let log = desk.call("list_sync_log", json!({ "limit": 100 })).await?;
    assert!(log["lines"].as_array().unwrap().iter().any(|line| line["event"] == "clock_wrong"), "{log}");

    let talk = desk.waiting_conversation().await?;
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    // Also where the server cannot be asked: what was measured is kept.
    let desk = desk.restart().await?;
    assert!(told(&desk.call("get_status", json!({})).await?));
    let written = json!({ "conversation_id": talk["id"], "text": "Escrito com o relógio errado" });
    desk.call("send_message", written).await?;
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["connection"] == "online" && status["waiting"] == 0).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let near = outsider.count(
        "select count(*) from app.messages where body = 'Escrito com o relógio errado'
         and sent_at between now() - interval '5 minutes' and now() + interval '1 minute'",
    );
    assert_eq!(near.await?, 1);
    Ok(())
}
