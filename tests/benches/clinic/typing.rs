//! How long a letter in the composer takes to be painted: when nothing happens, and while thousands of messages arrive.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use balcao_testkit::gateway::Incoming;
use balcao_tests::webdriver::Window;
use serde_json::json;

use crate::counter::{Counter, INSTANCE};
use crate::measure::{Line, Sample, Target};
use crate::say;

/// Messages that arrive meanwhile.
const FLOOD: usize = 10_000;

/// So many people write them; the one whose thread is open is among them.
const PEOPLE: usize = 200;

const LETTERS: usize = 200;

/// Between two letters: ten in a second.
const PAUSE: Duration = Duration::from_millis(100);

const WATCH: &str = "window.__typed = [];
    document.querySelector('[data-testid=composer]').addEventListener('keydown', (event) => {
        const at = event.timeStamp;
        requestAnimationFrame(() => requestAnimationFrame(() => window.__typed.push(performance.now() - at)));
    }, true);";

/// From the key to the painted letter.
pub async fn run(counter: &mut Counter) -> Result<Line> {
    let person = |at: usize| format!("55119{:08}", 60_000_000 + at % PEOPLE);
    let first = counter.gateway.receive(INSTANCE, &Incoming::text(&person(0), "Enchente 0"));
    counter.stored("Enchente", 1).await?;
    let thread = counter.thread_of(&first).await?;
    let window = &counter.window;
    window.show_conversation(&thread.to_string()).await?;
    window.click_on("[data-testid=composer]", Duration::from_secs(20)).await?;
    window.run(WATCH, json!([])).await?;
    say(&format!("{LETTERS} letters in a quiet inbox"));
    let quiet = letters(window).await?;
    say(&format!("{LETTERS} letters while {FLOOD} messages arrive"));
    let begun = Instant::now();
    for at in 1..=FLOOD {
        counter.gateway.receive(INSTANCE, &Incoming::text(&person(at), &format!("Enchente {at}")));
    }
    let busy = letters(window).await?;
    let typed = begun.elapsed();
    counter.stored("Enchente", i64::try_from(FLOOD)? + 1).await?;
    let note = format!(
        "typed for {:.0} s of the {:.0} s in which they were stored",
        typed.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    Ok(Line {
        what: format!("key to painted letter while {FLOOD} arrive (floor: quiet)"),
        unit: "ms",
        tail: "p95",
        ours: Sample::of(&busy, 0.95),
        floor: Some(Sample::of(&quiet, 0.95)),
        target: Target::RatioAtMost(1.5),
        notes: vec![note],
    })
}

async fn letters(window: &Window) -> Result<Vec<f64>> {
    window.run("window.__typed.length = 0;", json!([])).await?;
    for at in 0..LETTERS {
        window.press(if at % 6 == 5 { " " } else { "a" }).await?;
        tokio::time::sleep(PAUSE).await;
    }
    // The last one has to be painted too.
    tokio::time::sleep(PAUSE * 10).await;
    let typed = window.run("return window.__typed;", json!([])).await?;
    serde_json::from_value(typed).context("what was typed has another shape")
}
