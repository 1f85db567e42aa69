//! Frames while the long thread and the full list are scrolled, beside a plain list that is scrolled in the same window: what
//! draws without a graphics card is slow for both.

use std::time::Duration;

use anyhow::{Result, ensure};
use balcao_tests::scrolling::Scrolled;
use serde_json::json;

use crate::counter::{Counter, MESSAGES};
use crate::measure::{Line, Sample, Target};
use crate::say;

/// Pixels in a frame of somebody who holds a page key down: a page of 600 pixels thirty times a second. No wheel is faster.
const HELD: i32 = 300;

/// Pixels in a frame of somebody who drags the thumb: two screens, so that every frame has nothing but new rows.
const DRAGGED: i32 = 1200;

/// What a person takes for smooth, in milliseconds.
const SMOOTH: f64 = 50.0;

/// More frames than any of the ways has.
const MOST_FRAMES: usize = 8_000;

/// More rows than stand on a page and its margins.
const MOST_ROWS: usize = 120;

const PATIENCE: Duration = Duration::from_secs(300);

const THREAD: &str = "[data-testid=thread]";
const LIST: &str = "section.list [role=list]";

/// Up the long thread to its beginning and down again, through the list of all open threads, and filtering it.
pub async fn run(counter: &Counter) -> Result<Vec<Line>> {
    let window = &counter.window;
    open_anew(counter).await?;
    window.lay_plain_list(THREAD, usize::try_from(MESSAGES)?, 54).await?;
    say("a plain list");
    let mut floors = Vec::new();
    for step in [HELD, DRAGGED] {
        // As long a way: what the machine does now and then, it does to both.
        let down = window.scroll("#plain", step, MOST_FRAMES, PATIENCE).await?;
        let up = window.scroll("#plain", -step, MOST_FRAMES, PATIENCE).await?;
        floors.push((both(&down.gaps, &up.gaps), both(&down.work, &up.work)));
    }
    window.take_plain_list().await?;
    let mut lines = Vec::new();
    for (what, place, way) in [("a thread of 20,000", THREAD, -1), ("a list of 2,000", LIST, 1)] {
        for ((step, how), floor) in [(HELD, "a page key held"), (DRAGGED, "the thumb dragged")].into_iter().zip(&floors)
        {
            let what = format!("{what}, {how}");
            say(&what);
            open_anew(counter).await?;
            let there = window.scroll(place, way * step, MOST_FRAMES, PATIENCE).await?;
            ensure!(there.height > f64::from(DRAGGED) * 50.0, "{what} is {} pixels high", there.height);
            let back = window.scroll(place, -way * step, MOST_FRAMES, PATIENCE).await?;
            for scrolled in [&there, &back] {
                ensure!(scrolled.rows < MOST_ROWS, "{} rows of {what} were drawn at once", scrolled.rows);
            }
            lines.extend(of(&what, step, &there, &back, floor));
        }
    }
    lines.push(filtering(counter).await?);
    Ok(lines)
}

/// Opens the long thread as somebody does who comes to it: nothing of it is here but its newest messages.
async fn open_anew(counter: &Counter) -> Result<()> {
    counter.window.run("location.hash = '#/inbox/all';", json!([])).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    counter.window.show_conversation(&counter.long.to_string()).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

fn both(one: &[f64], other: &[f64]) -> Vec<f64> {
    [one, other].concat()
}

fn of(what: &str, step: i32, there: &Scrolled, back: &Scrolled, floor: &(Vec<f64>, Vec<f64>)) -> [Line; 2] {
    // What a hand can do is to be smooth in every frame.
    let (tail, share, target) = match step {
        HELD => ("max", 1.0, Target::TailAtMost(SMOOTH)),
        _ => ("p99", 0.99, Target::RatioAtMost(1.5)),
    };
    let (gaps, work) = (both(&there.gaps, &back.gaps), both(&there.work, &back.work));
    let late = |gaps: &[f64]| format!("{} of {}", gaps.iter().filter(|gap| **gap > SMOOTH).count(), gaps.len());
    let line = |what: String, ours: &[f64], floor: &[f64], target, notes| Line {
        what,
        unit: "ms",
        tail,
        ours: Sample::of(ours, share),
        floor: Some(Sample::of(floor, share)),
        target,
        notes,
    };
    let notes = vec![format!(
        "frames over {SMOOTH} ms: {}{} (of the plain list {}{}); at most {} rows drawn",
        late(&gaps),
        slowest(&gaps),
        late(&floor.0),
        slowest(&floor.0),
        there.rows.max(back.rows)
    )];
    [
        line(format!("from frame to frame, {what}"), &gaps, &floor.0, target, notes),
        line(format!("work in a frame, {what}"), &work, &floor.1, Target::TailAtMost(SMOOTH), Vec::new()),
    ]
}

/// Where the latest frames were, so that what was going on there can be found.
fn slowest(gaps: &[f64]) -> String {
    let mut late: Vec<_> = gaps.iter().enumerate().filter(|(_, gap)| **gap > SMOOTH).collect();
    late.sort_by(|one, other| other.1.total_cmp(one.1));
    late.iter().take(10).map(|(at, gap)| format!(", {gap:.0} ms at {at}")).collect()
}

/// From a letter in the filter until the rows that fit are painted.
async fn filtering(counter: &Counter) -> Result<Line> {
    say("filtering it");
    let script = "const [word] = arguments;
        const field = document.querySelector('[data-testid=inbox-filter]');
        const painted = () => performance.getEntriesByName('balcao:painted:inbox').length;
        const before = painted();
        const begun = performance.now();
        field.value = word;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        return new Promise((done) => {
            const look = () => (painted() > before ? done(performance.now() - begun) : requestAnimationFrame(look));
            look();
        });";
    let mut took = Vec::new();
    for word in ["m", "ma", "mar", "mari", "maria", "", "s", "si", "sil", "silv", "silva", ""].repeat(4) {
        took.extend(counter.window.run(script, json!([word])).await?.as_f64());
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(Line {
        what: "a letter in the filter of 2,000 to the painted rows".to_owned(),
        unit: "ms",
        tail: "p95",
        ours: Sample::of(&took, 0.95),
        floor: None,
        target: Target::TailAtMost(150.0),
        notes: Vec::new(),
    })
}
