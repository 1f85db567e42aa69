//! Closing the window, and starting with the system: on the computer that holds the clinic and elsewhere.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::display::Display;
use crate::place::{Place, make_clinic};

const SOON: Duration = Duration::from_secs(30);

async fn until(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < SOON, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_closed_where_no_clinic_is_ends_the_program() -> Result<()> {
    let place = Place::new()?;
    let display = Display::connect()?;
    let (_driver, window) = place.open().await?;
    window.wait_for("[data-testid=start-sample]", SOON).await?;
    display.ask_to_close(display.window_of(place.pid()?)?)?;
    place.wait_until_free().await
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_closed_where_the_clinic_is_is_put_aside_and_the_database_goes_on() -> Result<()> {
    let place = Place::new()?;
    let display = Display::connect()?;
    let (_driver, window) = place.open().await?;
    make_clinic(&window).await?;
    let shown = display.window_of(place.pid()?)?;
    display.ask_to_close(shown)?;
    // An icon beside the clock needs a desktop that has a place for it; without one the window is minimised.
    display.wait_until_put_aside(shown).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(window.call("get_session", json!({})).await?["state"], "ready", "the program goes on");
    place.database().await.context("so does the database that other computers work with")?;

    // The end of the session is another thing: then the database is stopped in order.
    place.end_program().await?;
    assert!(!place.profile().join("postgres/postmaster.pid").exists(), "no database is left behind");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_starts_with_the_system_where_the_clinic_is_unless_somebody_objects() -> Result<()> {
    let place = Place::at_home()?;
    let entry = place.home().join(".config/autostart/Balcão.desktop");
    let (driver, window) = place.open().await?;
    window.wait_for("[data-testid=start-sample]", SOON).await?;
    assert!(!entry.exists(), "a computer without a clinic starts nothing");
    make_clinic(&window).await?;
    until("the entry", || entry.exists()).await?;
    let text = std::fs::read_to_string(&entry)?;
    let line = format!("Exec=\"{}\" --in-background", place.program().path.display());
    assert!(text.lines().any(|each| each == line), "{text}");

    // Started by hand while it runs: the one that runs comes forward, and the other one ends.
    let mut again = Command::new(place.program().path);
    again.envs(place.settings()?).kill_on_drop(true);
    let ended = tokio::time::timeout(SOON, again.status()).await.context("two programs run")??;
    assert!(ended.success(), "{ended}");
    assert_eq!(window.call("get_session", json!({})).await?["state"], "ready");

    // Whoever takes it out of the system's own list is not argued with.
    place.end_program().await?;
    drop(driver);
    std::fs::remove_file(&entry)?;
    let (driver, window) = place.open().await?;
    window.wait_until_ready(SOON).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!entry.exists(), "it is not written again");
    place.end_program().await?;
    drop(driver);

    // The clinic has moved to a server of somebody else: nothing is left to be started here.
    std::fs::write(&entry, text)?;
    let profile = place.profile().join("profile.json");
    let mut known: Value = serde_json::from_slice(&std::fs::read(&profile)?)?;
    known["kind"] = json!("remote");
    std::fs::write(&profile, serde_json::to_vec(&known)?)?;
    let (_driver, _window) = place.open().await?;
    until("the end of the entry", || !entry.exists()).await
}
