//! What stands in the way of opening a clinic is said plainly, and costs nothing.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use balcao_api::{Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_testkit::database::{EmptyDatabase, TestDatabase, server};
use serde_json::{Value, json};

async fn open(folder: &Path, keychain: &Keychain) -> Result<Arc<Desk>, balcao_api::ApiError> {
    let options = DeskOptions {
        profile_dir: folder.to_owned(),
        postgres_dir: None,
        export_dir: None,
        app_version: "test".to_owned(),
    };
    Desk::open_with(options, keychain.clone(), Clock::System).await
}

async fn settled(desk: &Arc<Desk>) -> Value {
    loop {
        let session = call(desk, "get_session", json!({})).await.unwrap();
        if session["state"] != "preparing" {
            return session;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Tries an address on a new profile; returns the code of the refusal.
async fn refusal(address: &str, password: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let desk = open(folder.path(), &Keychain::in_memory()).await?;
    let error = call(&desk, "connect_clinic", json!({ "address": address, "password": password })).await.unwrap_err();
    assert!(!error.message.contains(password) || password.is_empty(), "a password is in no message");
    assert_eq!(settled(&desk).await["state"], "first_run", "nothing is kept of an address that does not work");
    assert!(!folder.path().join("profile.json").exists());
    Ok(error.code)
}

#[tokio::test]
async fn each_reason_why_an_address_does_not_work_has_its_own_answer() -> Result<()> {
    let clinic = TestDatabase::fresh().await?;
    let (address, password) = (&clinic.owner().address, clinic.owner().password.clone().unwrap());
    let here = address.to_url();
    assert_eq!(refusal(&here, "not the password").await?, "wrong_password");
    assert_eq!(refusal("not an address", &password).await?, "invalid_address");
    assert_eq!(refusal("postgres://x@no-such-host.invalid/db?sslmode=verify-full", &password).await?, "unknown_host");
    assert_eq!(refusal("postgres://x@10.255.255.1/db?sslmode=disable", &password).await?, "plain_text_refused");
    assert_eq!(
        refusal(&format!("postgres://{}@127.0.0.1:1/{}", address.user, address.database), &password).await?,
        "unreachable"
    );
    let empty = EmptyDatabase::on(server().await?).await?;
    let unprovisioned = here.replace(&address.database, empty.name());
    assert!(["schema_missing", "not_admitted"].contains(&refusal(&unprovisioned, &password).await?.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_second_program_on_the_same_profile_is_told_and_changes_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = open(folder.path(), &Keychain::in_memory()).await?;
    assert_eq!(open(folder.path(), &Keychain::in_memory()).await.unwrap_err().code, "profile_in_use");
    assert_eq!(settled(&first).await["state"], "first_run");
    Ok(())
}

#[tokio::test]
async fn a_profile_that_cannot_be_read_is_left_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("profile.json"), "{")?;
    let desk = open(folder.path(), &Keychain::in_memory()).await?;
    let session = settled(&desk).await;
    assert_eq!((&session["state"], &session["problem"]["code"]), (&json!("failed"), &json!("profile_damaged")));
    assert_eq!(std::fs::read_to_string(folder.path().join("profile.json"))?, "{");
    Ok(())
}

#[tokio::test]
async fn binaries_that_are_missing_are_said_to_be_missing_and_trying_again_goes_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let nowhere = folder.path().join("no binaries here");
    let options = DeskOptions {
        profile_dir: folder.path().join("perfil da clínica"),
        postgres_dir: Some(nowhere),
        export_dir: None,
        app_version: "test".to_owned(),
    };
    if std::env::var_os(balcao_local_server::BINARIES_ENV).is_some() {
        return Ok(()); // The setting would find them.
    }
    let desk = Desk::open_with(options, Keychain::in_memory(), Clock::System).await?;
    let wish = json!({ "clinic_name": "São João", "owner_name": "Ana", "time_zone": "America/Sao_Paulo", "vertical": "human" });
    call(&desk, "start_local_clinic", wish).await?;
    let session = settled(&desk).await;
    assert_eq!(session["problem"]["code"], "binaries_missing");
    call(&desk, "retry_session", json!({})).await?;
    assert_eq!(settled(&desk).await["problem"]["code"], "binaries_missing", "the wish is kept and tried again");
    Ok(())
}

#[tokio::test]
async fn what_a_person_types_is_checked_before_anything_is_done() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let desk = open(folder.path(), &Keychain::in_memory()).await?;
    let wish = |name: &str, zone: &str| json!({ "clinic_name": name, "owner_name": "Ana", "time_zone": zone, "vertical": "human" });
    let error = call(&desk, "start_local_clinic", wish("  ", "America/Sao_Paulo")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.reference.as_deref()), ("invalid_request", Some("clinic_name")));
    let error = call(&desk, "start_local_clinic", wish("São João", "America/Atlantis")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.reference.as_deref()), ("invalid_request", Some("time_zone")));
    assert_eq!(call(&desk, "no_such_command", json!({})).await.unwrap_err().code, "unknown_command");
    assert_eq!(call(&desk, "send_message", json!({ "text": 7 })).await.unwrap_err().code, "bad_payload");
    assert_eq!(call(&desk, "get_board", json!({ "limit": 1 })).await.unwrap_err().code, "no_session");
    Ok(())
}
