//! The real window, end to end. It needs a display, a keyring and the drivers, which `cargo xtask test` provides.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "window/confined.rs"]
mod confined;
#[path = "window/display.rs"]
mod display;
#[path = "window/jobs.rs"]
mod jobs;
#[path = "window/life.rs"]
mod life;
#[path = "window/locked.rs"]
mod locked;
#[path = "window/moved.rs"]
mod moved;
#[path = "window/notified.rs"]
mod notified;
#[path = "window/place.rs"]
mod place;
#[path = "window/staying.rs"]
mod staying;
#[path = "window/steps.rs"]
mod steps;

use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_tests::driver::Driver;
use balcao_tests::screens::Screen;
use balcao_tests::webdriver::Window;
use balcao_tests::writes::{By, Card, Movable};
use place::Place;

/// How long making the sample clinic may take.
const PREPARING: Duration = Duration::from_secs(180);

/// How soon the status line says that the database is gone.
const NOTICED: Duration = Duration::from_secs(5);

/// How soon everything has landed once the database is back.
const LANDED: Duration = Duration::from_secs(60);

/// One write on each screen.
struct Writes {
    text: String,
    visit: Movable,
    card: Card,
    is_lost: bool,
    conversation: String,
}

impl Writes {
    /// Chooses what to write, apart from what was written before.
    async fn choose(window: &Window, text: &str, is_lost: bool, before: &[&Self]) -> Result<Self> {
        let visits: Vec<&str> = before.iter().map(|writes| writes.visit.visit.as_str()).collect();
        let cards: Vec<&str> = before.iter().map(|writes| writes.card.lead.as_str()).collect();
        Ok(Self {
            text: text.to_owned(),
            visit: window.find_movable(&visits).await?,
            card: window.find_card(if is_lost { "lost" } else { "open" }, &cards).await?,
            is_lost,
            conversation: window.conversations().await?.into_iter().next().context("no conversation is shown")?,
        })
    }

    /// Makes the writes as a person does.
    async fn make(&self, window: &Window, by: By) -> Result<()> {
        window.go_to(Screen::Inbox).await?;
        window.open_conversation(&self.conversation).await?;
        window.reply(&self.text).await?;
        window.go_to(Screen::Agenda).await?;
        window.move_visit(&self.visit, by).await?;
        window.move_card(&self.card, self.is_lost).await
    }

    /// Whether the clinic's database has each of them once.
    async fn assert_landed(&self, place: &Place) -> Result<()> {
        let mut database = place.database().await?;
        let messages: i64 =
            sqlx::query_scalar("select count(*) from app.messages where body = $1 and direction = 'outbound'")
                .bind(&self.text)
                .fetch_one(&mut database)
                .await?;
        assert_eq!(messages, 1, "{:?} is in the database once", self.text);
        let starts_at: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("select starts_at from app.appointments where id = $1::uuid")
                .bind(&self.visit.visit)
                .fetch_one(&mut database)
                .await?;
        assert_eq!(starts_at, self.visit.wanted, "the visit stands where it was moved to");
        let (stage, has_reason): (String, bool) =
            sqlx::query_as("select stage_id::text, loss_reason_id is not null from app.leads where id = $1::uuid")
                .bind(&self.card.lead)
                .fetch_one(&mut database)
                .await?;
        assert_eq!((stage, has_reason), (self.card.stage.clone(), self.is_lost), "the lead is in its column");
        Ok(())
    }
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_keeps_every_write_through_a_dead_database_and_a_killed_program() -> Result<()> {
    let place = Place::new()?;
    let driver = Driver::start(&place.driver).await?;
    let window = driver.open(&place.program()).await?;
    window.start_sample(PREPARING).await?;
    window.wait_for_status("online", LANDED, |line| line.connection == "online").await?;
    for screen in Screen::ALL {
        window.go_to(screen).await?;
    }

    window.go_to(Screen::Inbox).await?;
    let online = Writes::choose(&window, "Bom dia! Já vou verificar para você.", false, &[]).await?;
    online.make(&window, By::Mouse).await?;
    window.wait_for_status("that nothing waits", LANDED, |line| line.waiting == 0 && line.needs_you == 0).await?;
    online.assert_landed(&place).await?;

    window.go_to(Screen::Inbox).await?;
    // Chosen before the database is gone, made after.
    let offline = Writes::choose(&window, "Temos amanhã às 15h, pode ser?", true, &[&online]).await?;
    place.kill_database()?;
    window.wait_for_status("offline", NOTICED, |line| line.connection == "offline").await?;
    offline.make(&window, By::Keys).await?;
    let line = window.wait_for_status("that three wait", NOTICED, |line| line.waiting == 3).await?;
    assert_eq!((line.connection.as_str(), line.needs_you), ("offline", 0), "it says what is kept");
    // The one that asked for the reason of the loss may still be on its way out.
    let dialogs = "return [...document.querySelectorAll('[role=dialog], [role=alertdialog]')].map((each) => each.outerHTML.slice(0, 200));";
    let begun = std::time::Instant::now();
    loop {
        let left: Vec<String> = serde_json::from_value(window.run(dialogs, serde_json::json!([])).await?)?;
        if left.is_empty() {
            break;
        }
        assert!(begun.elapsed() < NOTICED, "nobody is stopped by a dialog: {left:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    place.kill_program().await?;
    drop(driver);
    let driver = Driver::start(&place.driver).await?;
    let window = driver.open(&place.program()).await?;
    window.wait_until_ready(LANDED).await?;
    window.show_conversation(&offline.conversation).await?;
    window.wait_for_message(&offline.text, "outbound").await?;
    window.wait_until_moved(&offline.visit).await?;
    window
        .wait_for_status("that all has landed", LANDED, |line| {
            line.connection == "online" && line.waiting == 0 && line.needs_you == 0
        })
        .await?;

    online.assert_landed(&place).await?;
    offline.assert_landed(&place).await?;
    assert_eq!(place.operations().await?, place::once_and_in_order(6), "every operation was applied once, in order");
    window.close().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_says_that_another_one_has_the_profile() -> Result<()> {
    let place = Place::new()?;
    let (first, second) = (Driver::start(&place.driver).await?, Driver::start(&place.driver).await?);
    let window = first.open(&place.program()).await?;
    window.wait_for("[data-testid=start-sample]", Duration::from_secs(30)).await?;

    let other = second.open(&place.program()).await?;
    let said = other.wait_for("[data-testid=session-failed]", Duration::from_secs(30)).await?;
    assert_eq!(other.attribute(&said, "data-code").await?.as_deref(), Some("profile_in_use"));
    let words = other.text_of("[data-testid=session-failed]", Duration::from_secs(30)).await?;
    assert!(!words.contains("profile_in_use"), "it is said in words");

    // The first window is closed, and the second one goes on.
    window.close().await?;
    place.wait_until_free().await?;
    other.click_on("[data-testid=session-failed] ~ .actions button", Duration::from_secs(5)).await?;
    other.wait_for("[data-testid=start-sample]", Duration::from_secs(10)).await?;
    other.close().await
}
