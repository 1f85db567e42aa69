//! Two computers of one clinic: the one invites, the other comes, works, and is sent away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use balcao_api::{Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, names};
use balcao_tenant::Role;
use serde_json::{Value, json};

use crate::desks::actors::{Actor, sample_clinic};

struct Newcomer {
    desk: Arc<Desk>,
    keychain: Keychain,
    folder: tempfile::TempDir,
}

impl Newcomer {
    async fn new() -> Result<Self> {
        let (folder, keychain) = (tempfile::tempdir()?, Keychain::in_memory());
        let options = DeskOptions {
            profile_dir: folder.path().to_owned(),
            postgres_dir: None,
            export_dir: None,
            app_version: "test".to_owned(),
        };
        let desk = Desk::open_with(options, keychain.clone(), Clock::System).await?;
        Ok(Self { desk, keychain, folder })
    }

    async fn join(&self, invitation: &Value, code: &str) -> Result<Value, String> {
        let wish = json!({ "invitation": invitation["text"], "code": code, "computer_name": "Recepção 2" });
        call(&self.desk, "join_clinic", wish).await.map_err(|problem| problem.code)
    }

    async fn until(&self, state: &str) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let session = call(&self.desk, "get_session", json!({})).await?;
            if session["state"] == state {
                return Ok(session);
            }
            if Instant::now() > deadline {
                bail!("the session never was {state}: {session}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Another code of the right form.
fn another(code: &str) -> String {
    loop {
        let other = balcao_tenant::members::Code::random().to_string();
        if other != code {
            return other;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_computer_comes_in_with_text_and_code_and_is_sent_away_again() -> Result<()> {
    let clinic = sample_clinic().await?;
    let owner = Actor::connect(clinic.owner()).await?;
    let wish = json!({ "member_id": null, "name": "Ana Souza", "email": "ana@example.org", "role": "attendant",
                       "agenda_id": null, "device_name": null });
    let invitation = owner.call("invite_member", wish.clone()).await?;
    let code = invitation["code"].as_str().unwrap();
    assert!(invitation["picture"]["size"].as_u64().unwrap() > 40);
    assert_eq!(
        owner.call("invite_member", wish).await?["member_name"],
        "Ana Souza",
        "who has not come is invited again"
    );

    let ana = Newcomer::new().await?;
    assert_eq!(ana.join(&invitation, "ABC").await, Err("code_mistyped".to_owned()));
    assert_eq!(ana.join(&invitation, &another(code)).await, Err("wrong_code".to_owned()));
    assert_eq!(ana.join(&json!({ "text": "bom dia" }), code).await, Err("not_an_invitation".to_owned()));
    owner.line.cut();
    let unreachable = ana.join(&invitation, code).await.unwrap_err();
    assert!(["unreachable", "connection_lost"].contains(&unreachable.as_str()), "{unreachable}");
    owner.line.mend();
    assert!(!ana.folder.path().join("profile.json").exists(), "nothing is left of what did not succeed");

    ana.join(&invitation, &code.to_lowercase()).await.map_err(anyhow::Error::msg)?;
    let session = ana.until("ready").await?;
    assert_eq!((&session["member"]["name"], &session["member"]["role"]), (&json!("Ana Souza"), &json!("attendant")));
    let profile: Value = serde_json::from_slice(&std::fs::read(ana.folder.path().join("profile.json"))?)?;
    let entry = names::database_password(profile["id"].as_str().unwrap());
    assert!(ana.keychain.get(&entry).await?.is_some(), "its password is in the keyring");

    let thief = Newcomer::new().await?;
    assert_eq!(thief.join(&invitation, code).await, Err("invitation_used".to_owned()), "a copy of it is worth nothing");

    let team = owner.until("get_team", json!({}), |team| {
        team["members"].as_array().unwrap().iter().any(|member| member["name"] == "Ana Souza")
    });
    let team = team.await?;
    let hers = team["members"].as_array().unwrap().iter().find(|member| member["name"] == "Ana Souza").unwrap();
    assert_eq!(hers["computers"][0]["name"], "Recepção 2");
    assert!(hers["computers"][0]["last_seen_at"].is_string(), "{hers}");
    assert_eq!(team["members"][0]["computers"][0]["is_this"], true);
    assert_ne!(team["members"][0]["computers"][0]["name"], Value::Null, "the owner's computer has told its name");

    let refused = call(&ana.desk, "get_team", json!({})).await.unwrap_err();
    assert_eq!(refused.code, "not_permitted");
    owner.call("revoke_computer", json!({ "id": hers["computers"][0]["id"] })).await?;
    let told = ana.until("revoked").await?;
    assert_eq!(told["clinic_name"], "Clínica Teste");
    assert!(!ana.folder.path().join("copy.db").exists(), "the copy on it is destroyed");
    assert!(ana.keychain.get(&entry).await?.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_another_role_sees_it_without_starting_again() -> Result<()> {
    let clinic = sample_clinic().await?;
    let owner = Actor::connect(clinic.owner()).await?;
    let ana = Actor::connect(&clinic.add_member(Role::Viewer).await?).await?;
    let session = ana.call("get_session", json!({})).await?;
    assert_eq!(session["member"]["role"], "viewer");
    let change = json!({ "member_id": session["member"]["id"], "role": "admin", "agenda_id": null });
    owner.call("change_role", change).await?;
    ana.until("get_session", json!({}), |session| session["member"]["role"] == "admin").await?;
    ana.until("get_team", json!({}), |team| team["roles"] == json!(["attendant", "professional", "viewer"])).await?;
    Ok(())
}
