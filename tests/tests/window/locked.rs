//! The lock, with the window that it is for.

use std::time::Duration;

use anyhow::Result;
use balcao_tests::webdriver::{CONTROL, ENTER, Window};
use serde_json::{Value, json};

use crate::place::{Place, make_clinic};

const SOON: Duration = Duration::from_secs(20);

/// What is answered while the screens are locked.
const ANSWERED: [&str; 3] = ["get_session", "get_preferences", "unlock"];

/// Keeps every change that the page is told of.
const LISTEN: &str = "window.heard = [];
    const handler = window.__TAURI_INTERNALS__.transformCallback((event) => window.heard.push(...event.payload.topics));
    window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event: 'change', target: { kind: 'Any' }, handler });";

async fn fill(window: &Window, field: &str, text: &str) -> Result<()> {
    let field = window.wait_for(field, SOON).await?;
    window.write(&field, text).await
}

/// What the page was told of since it was last asked, but for the lock itself.
async fn heard(window: &Window) -> Result<Vec<String>> {
    let mut heard: Vec<String> =
        serde_json::from_value(window.run("return window.heard.splice(0);", json!([])).await?)?;
    heard.retain(|topic| topic != "session" && topic != "preferences");
    Ok(heard)
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_shows_and_answers_nothing_until_the_pin_was_typed() -> Result<()> {
    let place = Place::new()?;
    let (driver, window) = place.open().await?;
    make_clinic(&window).await?;
    window.wait_for_status("online", SOON, |line| line.connection == "online").await?;

    window.run("location.hash = '#/settings';", json!([])).await?;
    window.click_on("[data-testid=change-lock]", SOON).await?;
    for field in ["new", "again"] {
        fill(&window, &format!("[data-testid=lock-form] input[name={field}]"), "482917").await?;
    }
    window.click_on("[data-testid=lock-form] button.primary", SOON).await?;
    window.wait_for("[data-testid=lock-now]", SOON).await?;
    window.run(LISTEN, json!([])).await?;
    window.press_with(CONTROL, 'l').await?;
    window.wait_for("[data-testid=locked]", SOON).await?;

    // A patient comes in while nobody is there.
    tokio::time::sleep(Duration::from_secs(1)).await;
    heard(&window).await?;
    let mut database = place.database().await?;
    sqlx::query("insert into app.contacts (clinic_id, name) select id, 'Aparecida Nogueira' from app.clinics")
        .execute(&mut database)
        .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(heard(&window).await?, Vec::<String>::new(), "no change is told of");
    for command in balcao_api::catalogue().iter().filter(|command| !ANSWERED.contains(&command.name)) {
        let answer = window.invoke("call", json!({"command": command.name, "payload": {}})).await?;
        let Err(problem) = answer else { panic!("{} is answered: {answer:?}", command.name) };
        assert_eq!(problem["code"], "locked", "{}", command.name);
    }
    let shown = window.run("return document.body.textContent;", json!([])).await?;
    assert!(shown.as_str().is_some_and(|text| text.contains("Clínica Acácia") && !text.contains("Júlia")), "{shown}");
    assert!(window.find_all("[data-testid=go-inbox]").await?.is_empty());

    fill(&window, "[data-testid=locked] input[name=pin]", "000000").await?;
    window.press(&ENTER.to_string()).await?;
    window.wait_for("[data-testid=locked] [role=alert]:not(:empty)", SOON).await?;
    assert_eq!(window.call("get_session", json!({})).await?["state"], "locked", "a wrong PIN opens nothing");

    // Ending the program does not open it either.
    place.kill_program().await?;
    drop(driver);
    let (_driver, window) = place.open().await?;
    window.wait_for("[data-testid=locked]", SOON).await?;
    let refused = window.invoke("call", json!({"command": "get_team", "payload": {}})).await?;
    assert_eq!(refused.unwrap_err()["code"], "locked");
    fill(&window, "[data-testid=locked] input[name=pin]", "482917").await?;
    window.press(&ENTER.to_string()).await?;
    window.wait_for("[data-testid=go-inbox]", SOON).await?;

    let found = search(&window, "aparecida").await?;
    assert!(found.to_string().contains("Aparecida Nogueira"), "what came meanwhile is there: {found}");
    window.close().await
}

/// What came while the program was not running is copied soon after.
async fn search(window: &Window, text: &str) -> Result<Value> {
    let begun = std::time::Instant::now();
    loop {
        let found = window.call("search_everything", json!({"text": text, "limit": 5})).await?;
        if found.to_string().contains("Nogueira") || begun.elapsed() > SOON {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
