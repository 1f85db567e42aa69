//! A clinic of two computers, from its first day through a disaster, on the screens of each.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::place::Place;
use crate::steps::{
    CLOUD, PATIENT, SOON, back_up, find_patient, follow, found, invite, invite_again, join, pass_a_note, restore,
    share, until,
};

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_carries_a_clinic_from_its_first_day_through_a_disaster() -> Result<()> {
    let (reception, counter, new) = (Place::new()?, Place::new()?, Place::new()?);
    let (driver, owner) = reception.open().await?;
    found(&owner).await?;
    let mut database = reception.database().await?;
    sqlx::query("insert into app.contacts (clinic_id, name) select id, $1 from app.clinics")
        .bind(PATIENT)
        .execute(&mut database)
        .await?;
    drop(database);

    share(&owner).await?;
    let (invitation, code) = invite(&owner, "Ana Souza").await?;
    let (_her_driver, ana) = counter.open().await?;
    join(&ana, &invitation, &code).await?;
    pass_a_note(&owner, &ana, "ligou e volta na terça").await?;
    pass_a_note(&ana, &owner, "trouxe os exames").await?;
    let cloud = reception.home().join(CLOUD);
    std::fs::create_dir(&cloud)?;
    let (words, file) = back_up(&owner).await?;
    let mut secrets = [reception.secrets().await?, counter.secrets().await?].concat();
    ensure!(secrets.len() > 6, "every kind of entry is there: {}", secrets.len());

    // Everything was on the screens of both, and what the engine of a window keeps is no place for it.
    assert!(reception.profile().join("webview").exists() && counter.profile().join("webview").exists());
    secrets.extend([words.clone(), code.replace('-', ""), code]);
    let said = [PATIENT, "ligou e volta na terça", "trouxe os exames"].map(str::to_owned);
    for place in [&reception, &counter] {
        assert_eq!(place.whereabouts(&[&secrets[..], &said].concat())?, Vec::<String>::new());
    }

    // The disk of the first computer is gone, with the clinic's database on it.
    reception.kill_program().await?;
    reception.kill_database()?;
    drop(driver);
    std::fs::remove_dir_all(reception.profile())?;
    until(&ana, "get_status", json!({}), |status| status["connection"] == "offline").await?;
    let patient = find_patient(&ana).await?;
    ana.call("add_note", json!({"about": "contact", "id": patient, "text": "prefere a tarde"})).await?;

    let brought = new.home().join(CLOUD);
    std::fs::create_dir(&brought)?;
    for entry in std::fs::read_dir(cloud)? {
        let entry = entry?;
        std::fs::copy(entry.path(), brought.join(entry.file_name()))?;
    }
    let (_driver, heir) = new.open().await?;
    restore(&heir, &words, &file, None).await?;
    let patient = find_patient(&heir).await?;
    let notes = heir.call("get_notes", json!({"about": "contact", "id": patient})).await?.to_string();
    assert!(notes.contains("volta na terça") && notes.contains("trouxe os exames"), "{notes}");
    let session = heir.call("get_session", json!({})).await?;
    assert_eq!((&session["clinic"]["name"], &session["member"]["role"]), (&json!("Clínica Acácia"), &json!("owner")));
    let team = heir.call("get_team", json!({})).await?;
    let hers = team["members"].as_array().context("a team")?.iter().find(|member| member["name"] == "Ana Souza");
    let left = hers.map_or(0, |member| member["computers"].as_array().map_or(0, Vec::len));
    assert_eq!(left, 0, "no computer of the old database is let into this one: {team}");

    // Hers is let in again, with what she wrote meanwhile.
    share(&heir).await?;
    let (invitation, code) = invite_again(&heir).await?;
    follow(&ana, &invitation, &code).await?;
    let about = json!({"about": "contact", "id": patient});
    until(&heir, "get_notes", about, |notes| notes.to_string().contains("prefere a tarde")).await?;

    // Hers is the only computer that can be sent away: the other one is this one.
    heir.run("location.hash = '#/inbox';", json!([])).await?;
    heir.run("location.hash = '#/settings';", json!([])).await?;
    heir.click_on("[data-testid=revoke-computer]", SOON).await?;
    heir.click_on("[data-testid=revoke-computer-yes]", SOON).await?;
    let told = ana.text_of("[data-testid=session-revoked]", SOON).await?;
    assert!(told.contains("Clínica Acácia"), "she is told which clinic it was");
    assert!(!counter.profile().join("copy.db").exists(), "her copy is destroyed");
    let refused = ana.invoke("call", json!({"command": "search_everything", "payload": {"text": PATIENT, "limit": 5}}));
    assert_eq!(refused.await?.unwrap_err()["code"], "no_session", "nothing of it is answered any more");
    ana.click_on("[data-testid=session-revoked] ~ .actions .button.primary", SOON).await?;
    ana.wait_for("[data-testid=start-join]", SOON).await?;
    heir.close().await?;
    secrets.extend(new.secrets().await?);
    for place in [&new, &counter] {
        assert_eq!(place.whereabouts(&[&secrets[..], &said].concat())?, Vec::<String>::new());
    }

    // The look finds what is there.
    std::fs::write(new.profile().join("webview/planted"), format!("…{}…{PATIENT}…", secrets[0]))?;
    assert_eq!(new.whereabouts(&[secrets[0].clone(), PATIENT.to_owned()])?.len(), 2);
    Ok(())
}
