//! Scrolling through a list, a piece in every frame, and what the page makes of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::webdriver::Window;

/// What was seen on the way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Scrolled {
    /// Milliseconds from frame to frame.
    pub gaps: Vec<f64>,
    /// Milliseconds of each frame in which the page did something: scripts, style, layout and the record of what is painted.
    pub work: Vec<f64>,
    /// The most rows of messages or conversations that were drawn at once.
    pub rows: usize,
    /// How much there was to scroll through in the end, in pixels.
    pub height: f64,
}

/// Goes on until the list has not moved for a while, or there were so many frames.
const SCROLL: &str = "const [selector, step, most] = arguments;
    const frame = document.querySelector(selector);
    const found = (window.__scrolled = { gaps: [], work: [], rows: 0, height: 0, over: false });
    const after = new MessageChannel();
    let last, begun, still = 0;
    after.port1.onmessage = () => found.work.push(performance.now() - begun);
    const turn = (now) => {
        if (last !== undefined) found.gaps.push(now - last);
        last = now;
        begun = performance.now();
        const before = frame.scrollTop;
        frame.scrollTop = before + step;
        still = frame.scrollTop === before ? still + 1 : 0;
        // A task of its own, after this frame.
        after.port2.postMessage(0);
        if (frame.id !== 'plain') {
            const rows = frame.querySelectorAll('[data-testid=message], [data-testid=conversation-row]').length;
            found.rows = Math.max(found.rows, rows);
        }
        found.height = frame.scrollHeight;
        found.over = still > 60 || found.gaps.length >= most;
        if (!found.over) requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);";

/// Lays a list of plain rows over an element.
const PLAIN: &str = "const [selector, rows, height] = arguments;
    const box = document.querySelector(selector).getBoundingClientRect();
    const plain = document.createElement('div');
    plain.id = 'plain';
    plain.style.cssText = `position:fixed;z-index:99;overflow-y:auto;background:var(--page);
        left:${box.x}px;top:${box.y}px;width:${box.width}px;height:${box.height}px`;
    for (let at = 1; at <= rows; at++) {
        const row = document.createElement('div');
        row.style.height = `${height}px`;
        row.textContent = `${at}. Bom dia, ainda tem horário para a semana que vem?`;
        plain.append(row);
    }
    document.body.append(plain);";

impl Window {
    /// Scrolls what matches a selector by so many pixels in every frame, to its end or for `most` frames.
    ///
    /// # Errors
    /// It was not over in time.
    pub async fn scroll(&self, selector: &str, step: i32, most: usize, patience: Duration) -> Result<Scrolled> {
        self.run(SCROLL, json!([selector, step, most])).await?;
        let begun = Instant::now();
        while self.run("return window.__scrolled.over;", json!([])).await? != true {
            ensure!(begun.elapsed() < patience, "{selector} was not scrolled through within {patience:?}");
            // Asking costs the page time.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let found = self.run("return window.__scrolled;", json!([])).await?;
        serde_json::from_value(found).context("what was seen has another shape")
    }

    /// Lays as plain a list as there can be over an element: `#plain`.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn lay_plain_list(&self, over: &str, rows: usize, height: u32) -> Result<()> {
        self.run(PLAIN, json!([over, rows, height])).await.map(drop)
    }

    /// Takes that list away.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn take_plain_list(&self) -> Result<()> {
        self.run("document.getElementById('plain').remove();", json!([])).await.map(drop)
    }
}
