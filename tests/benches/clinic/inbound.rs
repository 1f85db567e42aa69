//! What a person writes, from the event at the gateway to the painted row: through the agent, the database, the copy and the
//! page, all on one computer.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_testkit::gateway::Incoming;
use balcao_tests::webdriver::Window;
use serde_json::json;

use crate::arrival::{Floor, commits};
use crate::counter::{Counter, INSTANCE};
use crate::measure::{Line, Sample, Target, milliseconds};
use crate::say;
use crate::windows::unix_milliseconds;

const MESSAGES: usize = 120;

/// The first ones compile the page's code.
const WARM: usize = 20;

/// Somebody who has not written before.
const PERSON: &str = "5511977776666";

/// Notes when the page is told of a change, and when the frames have been painted that show a text in its thread and in the
/// list: of two callbacks the second one runs after the frame.
const WATCH: &str = "window.__told = [];
    window.__seen = {};
    const now = () => performance.timeOrigin + performance.now();
    const note = (what) => {
        if (what in window.__seen) return;
        window.__seen[what] = null;
        requestAnimationFrame(() => requestAnimationFrame(() => (window.__seen[what] = now())));
    };
    new MutationObserver(() => {
        for (const body of document.querySelectorAll('[data-testid=message] .body'))
            note(`message ${body.textContent.trim()}`);
        for (const row of document.querySelectorAll('[data-testid=conversation-row] .preview'))
            note(`row ${row.textContent.trim()}`);
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
    const { invoke, transformCallback } = window.__TAURI_INTERNALS__;
    const handler = transformCallback(() => window.__told.push(now()));
    return invoke('plugin:event|listen', { event: 'change', target: { kind: 'Any' }, handler });";

/// The least that painting a line takes.
const LEAST: &str = "const begun = performance.now();
    const line = document.createElement('div');
    line.textContent = 'Recado';
    line.style.cssText = 'position:fixed;top:0;left:0';
    document.body.append(line);
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
        line.remove();
        done(performance.now() - begun);
    })));";

/// From the event until it is painted, in the open thread and in the list.
pub async fn run(counter: &mut Counter) -> Result<Vec<Line>> {
    say(&format!("{MESSAGES} messages from the gateway to the window"));
    let first = counter.gateway.receive(INSTANCE, &Incoming::text(PERSON, "Primeiro recado"));
    counter.stored("Primeiro recado", 1).await?;
    let thread = counter.thread_of(&first).await?;
    counter.window.show_conversation(&thread.to_string()).await?;
    counter.window.run(WATCH, json!([])).await?;
    let (mut commits, mut floor) = (commits(&counter.login).await?, Floor::open(&counter.login).await?);
    let newest = "select id from app.messages where conversation_id = $1 order by sent_at desc limit 1";
    let known = sqlx::query_scalar(newest).bind(thread).fetch_one(&mut counter.admin).await?;
    let (mut whole, mut listed, mut least) = (Vec::new(), Vec::new(), Vec::new());
    let (mut stored, mut copied, mut painted) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..MESSAGES {
        while commits.try_recv().is_ok() {}
        let text = format!("Recado número {turn}");
        let (begun, begun_here) = (unix_milliseconds()?, Instant::now());
        counter.gateway.receive(INSTANCE, &Incoming::text(PERSON, &text));
        let in_thread = seen(&counter.window, &format!("message {text}")).await?;
        let in_list = seen(&counter.window, &format!("row {text}")).await?;
        let committed = milliseconds(commits.recv().await.context("no commit was told")?.duration_since(begun_here));
        let told = "return window.__told.find((at) => at >= arguments[0]) ?? null;";
        let told = counter.window.run(told, json!([begun + committed])).await?.as_f64();
        whole.push(in_thread - begun);
        listed.push(in_list - begun);
        stored.push(committed);
        if let Some(told) = told {
            copied.push(told - begun - committed);
            painted.push(in_thread - told);
        }
        let paint = counter.window.run(LEAST, json!([])).await?.as_f64().context("nothing was painted")?;
        least.push(milliseconds(floor.once(known).await?) + paint);
    }
    let part = |name: &str, values: &[f64]| {
        let sample = Sample::of(values.get(WARM..).unwrap_or_default(), 0.95);
        format!("{name} {:.1} ms (p95 {:.1})", sample.median, sample.tail)
    };
    let parts = [
        part("committed by the database", &stored),
        part("then in the copy, and told to the page", &copied),
        part("then painted", &painted),
    ];
    let line = |what: &str, values: &[f64], notes: Vec<String>| Line {
        what: format!("event at the gateway to the painted {what}"),
        unit: "ms",
        tail: "p95",
        ours: Sample::of(&values[WARM..], 0.95),
        floor: Some(Sample::of(&least[WARM..], 0.95)),
        target: Target::TailAtMost(250.0),
        notes,
    };
    Ok(vec![line("message", &whole, vec![parts.join(", ")]), line("row of the list", &listed, Vec::new())])
}

async fn seen(window: &Window, what: &str) -> Result<f64> {
    let begun = Instant::now();
    // Asking costs the page time, so it is left alone until the text should be there.
    tokio::time::sleep(Duration::from_millis(400)).await;
    while begun.elapsed() < Duration::from_secs(15) {
        let at = window.run("return window.__seen[arguments[0]] ?? null;", json!([what])).await?;
        if let Some(at) = at.as_f64() {
            return Ok(at);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{what:?} was not painted within 15 seconds")
}
