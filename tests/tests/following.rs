//! A desk whose clinic is somewhere else now: it follows with a new invitation and loses nothing; and the way out of a clinic.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use balcao_api::{ApiError, Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use balcao_tenant::Role;
use balcao_tenant::members::{Code, Invitation, Invite, NewComer};
use balcao_tenant::provision::Connection;
use balcao_testkit::database::log_in;
use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desks::actors::{Actor, Outsider, sample_clinic};

const SAID: [&str; 2] = ["Bom dia! Já vejo para você.", "Tenho às 10h."];

/// A desk whose clinic does not answer any more, with two replies and a note that it never got, and a draft.
async fn left_behind(login: &Connection) -> Result<(Actor, Value)> {
    let desk = Actor::connect(login).await?;
    let talk = desk.waiting_conversation().await?;
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    for text in SAID {
        desk.call("send_message", json!({ "conversation_id": talk["id"], "text": text })).await?;
    }
    let note = json!({ "about": "contact", "id": talk["contact_id"], "text": "prefere a tarde" });
    desk.call("add_note", note).await?;
    desk.call("keep_draft", json!({ "conversation_id": talk["id"], "text": "Sobre a consulta" })).await?;
    assert_eq!(desk.counts().await?, (3, 0));
    Ok((desk, talk))
}

fn profile(desk: &Actor) -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(desk.folder().join("profile.json"))?)?)
}

/// Of the profile's own: the key of the copy and the password of the login.
async fn secrets(desk: &Actor) -> Result<[Option<String>; 2]> {
    let profile = profile(desk)?;
    let id = profile["id"].as_str().context("an id")?;
    let text = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
    let key = text(desk.keychain().get(&names::cache_key(id)).await?);
    Ok([key, text(desk.keychain().get(&names::database_password(id)).await?)])
}

/// Where the password of a login is that comes in.
async fn arrived(keychain: &Keychain, login: &str) -> Result<Option<Secret>> {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, login.as_bytes()).to_string();
    Ok(keychain.get(&names::database_password(&id)).await?)
}

/// What is sent and what is told.
async fn sealed(invitation: &Invitation) -> Result<Value> {
    let code = Code::random();
    Ok(json!({ "invitation": invitation.seal(&code)?, "code": code.to_string(), "computer_name": "Recepção" }))
}

/// Invites somebody new into a clinic.
async fn invited(owner: &Connection, name: &str) -> Result<Invitation> {
    let tenant = log_in(owner).await?;
    let comer = NewComer { name: name.to_owned(), email: None, role: Role::Attendant, agenda: None };
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let invited = tenant.invite(&Invite::Person(comer), None, &owner.address, now).await?.unwrap();
    tenant.close().await;
    Ok(invited.invitation)
}

async fn until_settled(desk: &Actor) -> Result<()> {
    let settled = |status: &Value| status["connection"] == "online" && status["waiting"] == 0;
    desk.until_within(Duration::from_secs(60), "get_status", json!({}), settled).await?;
    let parked = desk.call("list_operations", json!({ "state": "parked", "limit": 10 })).await?;
    assert_eq!(parked["rows"], json!([]));
    Ok(())
}

async fn said(outsider: &mut Outsider) -> Result<Option<String>> {
    let texts = format!("'{}', '{}'", SAID[0], SAID[1]);
    outsider
        .text(format!("select string_agg(body, '|' order by sent_at) from app.messages where body in ({texts})"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_follows_its_clinic_with_all_that_is_queued_and_what_was_cut_short_is_done_again() -> Result<()> {
    let clinic = sample_clinic().await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let owner = Actor::connect(clinic.owner()).await?;
    let (ana, talk) = left_behind(&clinic.add_member(Role::Attendant).await?).await?;
    let me = ana.call("get_session", json!({})).await?["member"].clone();
    // As after a restore.
    outsider.run("update internal.feed set epoch = gen_random_uuid()").await?;
    let invitation = owner.call("invite_member", json!({ "member_id": me["id"] })).await?;
    let wish = json!({ "invitation": invitation["text"], "code": invitation["code"], "computer_name": "Recepção" });
    let found = ana.call("peek_invitation", json!({ "invitation": wish["invitation"], "code": wish["code"] })).await?;
    assert_eq!((&found["clinic_name"], &found["member_name"]), (&json!("Clínica Teste"), &me["name"]));
    assert_eq!((&found["is_somebody_else"], &found["waiting"]), (&json!(false), &json!(3)));

    // Let in, and then the profile cannot be written: the computer is as it was.
    let (before, kept) = (profile(&ana)?, secrets(&ana).await?);
    let obstacle = ana.folder().join("profile.json.new");
    std::fs::create_dir(&obstacle)?;
    let refused = ana.call("follow_clinic", wish.clone()).await.unwrap_err();
    assert_eq!(refused.code, "profile_not_writable");
    ana.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    assert_eq!((profile(&ana)?, secrets(&ana).await?), (before.clone(), kept.clone()));
    assert_eq!(ana.counts().await?, (3, 0));
    std::fs::remove_dir(obstacle)?;
    let ana = ana.restart().await?;

    ana.call("follow_clinic", wish.clone()).await?;
    ana.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    until_settled(&ana).await?;
    assert_eq!(said(&mut outsider).await?.as_deref(), Some(SAID.join("|").as_str()), "once, and in order");
    assert_eq!(outsider.count("select count(*) from app.jobs where kind = 'send_message'").await?, 2);
    let notes = "select count(*) from app.contacts where notes like '%prefere a tarde%'";
    assert_eq!(outsider.count(notes).await?, 1);
    let log = ana.call("list_sync_log", json!({ "limit": 100 })).await?;
    let of = |event: &str| log["lines"].as_array().unwrap().iter().find(|line| line["event"] == event).cloned();
    assert_eq!(of("clinic_followed").unwrap()["facts"], json!({ "waiting": "3" }));
    assert!(of("epoch_changed").is_some(), "the copy was made anew");
    let draft = ana.call("get_draft", json!({ "conversation_id": talk["id"] })).await?;
    assert_eq!(draft["text"], "Sobre a consulta");
    assert_eq!(ana.call("get_session", json!({})).await?["member"], me);

    let after = profile(&ana)?;
    assert_eq!(after["id"], before["id"]);
    assert_ne!(after["address"]["user"], before["address"]["user"]);
    let [key, password] = secrets(&ana).await?;
    assert_eq!(key, kept[0], "the copy keeps its key");
    assert_ne!(password, kept[1], "the old login's password is gone");
    assert!(arrived(ana.keychain(), after["address"]["user"].as_str().unwrap()).await?.is_none(), "and kept once");
    ana.call("follow_clinic", wish).await?;
    assert_eq!(profile(&ana)?, after, "who has come in with it has nothing left to do");
    let ana = ana.restart().await?;
    ana.until("get_status", json!({}), |status| status["connection"] == "online").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_of_another_clinic_is_refused_and_everything_stays_as_it_was() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, _) = left_behind(&clinic.add_member(Role::Attendant).await?).await?;
    let stranger = clinic.another_clinic("Clínica Ipê").await?;
    let (before, kept) = (profile(&ana)?, secrets(&ana).await?);
    let refusal = async |wish: &Value| -> Result<String> {
        let code = ana.call("follow_clinic", wish.clone()).await.unwrap_err().code;
        assert_eq!((profile(&ana)?, secrets(&ana).await?), (before.clone(), kept.clone()));
        assert_eq!(ana.counts().await?, (3, 0));
        Ok(code)
    };

    let invitation = invited(&stranger.owner, "Pessoa attendant").await?;
    let wish = sealed(&invitation).await?;
    assert_eq!(refusal(&wish).await?, "other_clinic");
    let peeked = json!({ "invitation": wish["invitation"], "code": wish["code"] });
    assert_eq!(ana.call("peek_invitation", peeked).await.unwrap_err().code, "other_clinic");
    let mut outsider = Outsider::look(&clinic).await?;
    let used = format!(
        "select count(*) from internal.invitations where login = '{}' and accepted_at is not null",
        invitation.address.user
    );
    assert_eq!(outsider.count(used.clone()).await?, 0, "whom it is for can still come in with it");

    // One that says it is for this clinic, and one that does not say.
    for clinic_id in [Some(clinic.clinic_id()), None] {
        let invitation = invited(&stranger.owner, "Pessoa attendant").await?;
        let login = invitation.address.user.clone();
        assert_eq!(refusal(&sealed(&Invitation { clinic_id, ..invitation }).await?).await?, "other_clinic");
        assert!(arrived(ana.keychain(), &login).await?.is_none(), "nothing of it stays");
    }
    ana.line.mend();
    until_settled(&ana).await?;
    assert_eq!(said(&mut outsider).await?.as_deref(), Some(SAID.join("|").as_str()), "the old way is still there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_goes_out_as_somebody_else_only_when_the_person_agrees() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, _) = left_behind(&clinic.add_member(Role::Attendant).await?).await?;
    let mut wish = sealed(&invited(clinic.owner(), "Beatriz").await?).await?;
    let refused = ana.call("follow_clinic", wish.clone()).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.reference.as_deref()), ("other_member", Some("Beatriz")));
    assert_eq!(ana.counts().await?, (3, 0));
    wish["as_somebody_else"] = json!(true);
    ana.call("follow_clinic", wish).await?;
    ana.until("get_session", json!({}), |session| session["member"]["name"] == "Beatriz").await?;
    until_settled(&ana).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    assert_eq!(said(&mut outsider).await?.as_deref(), Some(SAID.join("|").as_str()));
    let writers = "select string_agg(distinct m.name, ',') from app.applied_operations o
                   join app.members m on m.clinic_id = o.clinic_id and m.id = o.member_id";
    assert_eq!(outsider.text(writers).await?.as_deref(), Some("Beatriz"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_a_clinic_is_told_what_is_lost_and_leaves_nothing_behind() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, _) = left_behind(&clinic.add_member(Role::Attendant).await?).await?;
    let refused = ana.call("leave_clinic", json!({})).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.reference.as_deref()), ("writes_wait", Some("3")));
    assert_eq!(ana.counts().await?, (3, 0), "nothing is lost by asking");
    let id = profile(&ana)?["id"].as_str().unwrap().to_owned();
    ana.call("leave_clinic", json!({ "confirm_loss": true })).await?;
    ana.until("get_session", json!({}), |session| session["state"] == "first_run").await?;
    let left: Vec<_> = std::fs::read_dir(ana.folder())?.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["profile.lock"]);
    for name in names::ALL {
        assert!(ana.keychain().get(&name(&id)).await?.is_none(), "the keyring has forgotten {}", name(&id));
    }
    // And the same computer comes in again.
    let invitation = invited(clinic.owner(), "Ana").await?;
    ana.call("join_clinic", sealed(&invitation).await?).await?;
    ana.until("get_session", json!({}), |session| session["member"]["name"] == "Ana").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_clinic_is_left_with_its_database() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("balcao-sample-").tempdir()?;
    // As root the database runs under another account, which has to get through.
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    let binaries = tokio::task::spawn_blocking(balcao_local_server::release::find_or_fetch).await??;
    let options = DeskOptions {
        profile_dir: folder.path().to_owned(),
        postgres_dir: Some(binaries.root().to_owned()),
        export_dir: None,
        app_version: "test".to_owned(),
    };
    let keychain = Keychain::in_memory();
    let desk = Desk::open_with(options, keychain.clone(), Clock::System).await?;
    let until = async |state: &str| -> Result<(), ApiError> {
        let begun = Instant::now();
        loop {
            let session = call(&desk, "get_session", json!({})).await?;
            if session["state"] == state {
                return Ok(());
            }
            let goes_on = begun.elapsed() < Duration::from_secs(120) && session["state"] != "failed";
            assert!(goes_on, "it never was {state}: {session}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    call(&desk, "start_sample_clinic", json!({})).await?;
    until("ready").await?;
    let refused = call(&desk, "follow_clinic", json!({ "invitation": "", "code": "", "computer_name": "x" })).await;
    assert_eq!(refused.unwrap_err().code, "clinic_is_here", "its database is on this computer");
    let profile: Value = serde_json::from_slice(&std::fs::read(folder.path().join("profile.json"))?)?;
    call(&desk, "leave_clinic", json!({})).await?;
    until("first_run").await?;
    let left: Vec<_> = std::fs::read_dir(folder.path())?.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["profile.lock"]);
    for name in names::ALL {
        let name = name(profile["id"].as_str().unwrap());
        assert!(keychain.get(&name).await?.is_none(), "the keyring has forgotten {name}");
    }
    desk.close().await;
    Ok(())
}
