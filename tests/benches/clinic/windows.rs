//! The real window beside the emptiest one: how long until something is seen, how much memory it takes, and how long a
//! message from another desk takes to be painted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use balcao_api::Desk;
use balcao_tenant::provision::Connection;
use balcao_tests::driver::{Driver, Program};
use balcao_tests::screens::Screen;
use balcao_tests::webdriver::Window;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::arrival::{commits, open_conversations, send};
use crate::measure::{Line, Sample, Target, milliseconds};
use crate::say;

const STARTS: usize = 9;

const PAINTED_MESSAGES: usize = 120;

/// Lines that the emptiest window paints.
const FRAMES: usize = 60;

/// How long a window has been open when its memory is counted: longer than visiting every screen takes.
const SETTLED: Duration = Duration::from_secs(30);

const MEMORY_RUNS: usize = 3;

/// The programs.
pub struct Windows {
    /// The program, and the profile it opens. Nobody else may have the profile open.
    pub program: Program,
    /// The emptiest window.
    pub empty: PathBuf,
    /// `tauri-driver`.
    pub driver: PathBuf,
}

impl Windows {
    /// From the start of the process to the first row of the inbox.
    pub async fn starts(&self) -> Result<Vec<Line>> {
        say(&format!("{STARTS} starts of the window"));
        let mut arguments = self.program.arguments();
        arguments.extend(["--report-paint".to_owned(), Screen::Inbox.content().to_owned()]);
        let nothing: [String; 0] = [];
        // The first ones read from the disk what the others find in memory.
        start(&self.empty, &nothing).await?;
        start(&self.program.path, &arguments).await?;
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for turn in 0..STARTS {
            if turn % 2 == 0 {
                floor.push(start(&self.empty, &nothing).await?);
                ours.push(start(&self.program.path, &arguments).await?);
            } else {
                ours.push(start(&self.program.path, &arguments).await?);
                floor.push(start(&self.empty, &nothing).await?);
            }
        }
        Ok(vec![Line {
            what: "start to the first painted row".to_owned(),
            unit: "ms",
            tail: "max",
            ours: Sample::of(&ours, 1.0),
            floor: Some(Sample::of(&floor, 1.0)),
            target: Target::RatioAtMost(1.3),
            notes: Vec::new(),
        }])
    }

    /// What the window and its helpers hold after every screen has been visited.
    pub async fn memory(&self) -> Result<Vec<Line>> {
        say("memory after visiting every screen");
        let empty = Program { path: self.empty.clone(), ..self.program.clone() };
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        let mut parts = Vec::new();
        for _ in 0..MEMORY_RUNS {
            for program in [&empty, &self.program] {
                let driver = Driver::start(&self.driver).await?;
                let begun = Instant::now();
                let window = driver.open(program).await?;
                if program.path == self.program.path {
                    visit(&window).await?;
                }
                tokio::time::sleep(SETTLED.saturating_sub(begun.elapsed())).await;
                let held = held(&program.path, &self.program.profile)?;
                let sum = held.values().sum::<f64>();
                if program.path == self.program.path {
                    ours.push(sum)
                } else {
                    floor.push(sum)
                }
                parts.push(held);
                window.close().await?;
            }
        }
        let text = |held: Option<&BTreeMap<String, f64>>| {
            let parts = held.into_iter().flatten().map(|(name, size)| format!("{name} {size:.0}"));
            parts.collect::<Vec<_>>().join(", ")
        };
        let [.., least, most] = parts.as_slice() else { bail!("nothing was counted") };
        Ok(vec![Line {
            what: "memory after every screen".to_owned(),
            unit: "MiB",
            tail: "max",
            ours: Sample::of(&ours, 1.0),
            floor: Some(Sample::of(&floor, 1.0)),
            target: Target::RatioAtMost(1.4),
            notes: vec![format!("MiB of ours: {}; of the empty window: {}", text(Some(most)), text(Some(least)))],
        }])
    }

    /// From the call that writes a message at another desk, and from its commit, until the window has painted it.
    pub async fn painted(&self, writer: &Arc<Desk>, login: &Connection) -> Result<Vec<Line>> {
        say(&format!("{PAINTED_MESSAGES} messages from a desk to the window"));
        let floor = Sample::of(&self.frames().await?, 0.95);
        let conversation = open_conversations(writer).await?.swap_remove(0);
        let driver = Driver::start(&self.driver).await?;
        let window = driver.open(&self.program).await?;
        window.wait_for(Screen::Inbox.content(), Duration::from_secs(30)).await?;
        window.show_conversation(&conversation).await?;
        let begin = begin_of_page(&window).await?;
        window.run(WATCH, json!([])).await?;
        let mut commits = commits(login).await?;
        let (mut from_button, mut from_commit) = (Vec::new(), Vec::new());
        for turn in 0..PAINTED_MESSAGES {
            while commits.try_recv().is_ok() {}
            let (begun, begun_here) = (unix_milliseconds()?, Instant::now());
            let message = send(writer, &conversation, &format!("Recado {turn}")).await?;
            let question = "return window.__painted[arguments[0]] ?? null;";
            let painted = told(&window, Duration::from_millis(250), question, json!([message.to_string()])).await?;
            let took = painted - begun;
            let committed = commits.recv().await.context("the notifications ended")?.duration_since(begun_here);
            from_button.push(took);
            from_commit.push(took - milliseconds(committed));
        }
        window.close().await?;
        let line = |what: &str, values: &[f64], notes: Vec<String>| Line {
            what: format!("desk to painted window, from the {what}"),
            unit: "ms",
            tail: "p95",
            // The first ones compile the page's code.
            ours: Sample::of(&values[20..], 0.95),
            floor: Some(floor.clone()),
            target: Target::TailAtMost(60.0),
            notes,
        };
        let least = "the floor is a line of text that the emptiest window puts on its page itself".to_owned();
        Ok(vec![line("button", &from_button, vec![begin, least]), line("commit", &from_commit, Vec::new())])
    }

    /// Milliseconds from a new line of text in the emptiest window until it has been painted.
    async fn frames(&self) -> Result<Vec<f64>> {
        let driver = Driver::start(&self.driver).await?;
        let window = driver.open(&Program { path: self.empty.clone(), ..self.program.clone() }).await?;
        let mut took = Vec::with_capacity(FRAMES);
        for _ in 0..FRAMES {
            window.run(LINE, json!([])).await?;
            took.push(told(&window, Duration::from_millis(150), "return window.__took;", json!([])).await?);
        }
        window.close().await?;
        Ok(took)
    }
}

/// When the page was read, and its first row painted, counted from its beginning.
async fn begin_of_page(window: &Window) -> Result<String> {
    let script = "const page = performance.getEntriesByType('navigation')[0];
        const row = performance.getEntriesByName('balcao:first-row')[0];
        return [page?.responseEnd, page?.domInteractive, page?.loadEventEnd, row?.startTime].map((at) => Math.round(at ?? 0));";
    let at = window.run(script, json!([])).await?;
    Ok(format!(
        "from the beginning of the page: answered {} ms, parsed {} ms, loaded {} ms, first row painted {} ms",
        at[0], at[1], at[2], at[3]
    ))
}

/// Notes when the frame with a new message has been painted: of two callbacks the second one runs after it.
const WATCH: &str = "window.__painted = {};
    new MutationObserver(() => {
        for (const message of document.querySelectorAll('[data-message-id]')) {
            const id = message.dataset.messageId;
            if (id in window.__painted) continue;
            window.__painted[id] = null;
            requestAnimationFrame(() => requestAnimationFrame(() => {
                window.__painted[id] = performance.timeOrigin + performance.now();
            }));
        }
    }).observe(document.body, { childList: true, subtree: true });";

/// The same for a line of text that is put on the page here.
const LINE: &str = "const begun = performance.now();
    window.__took = null;
    document.body.append(Object.assign(document.createElement('p'), { textContent: 'line' }));
    requestAnimationFrame(() => requestAnimationFrame(() => {
        window.__took = performance.now() - begun;
    }));";

/// What the page has noted for itself once something was painted, which it should be by the first look: asking costs the page
/// time.
async fn told(window: &Window, first_look: Duration, question: &str, about: Value) -> Result<f64> {
    let begun = Instant::now();
    tokio::time::sleep(first_look).await;
    while begun.elapsed() < Duration::from_secs(10) {
        if let Some(noted) = window.run(question, about.clone()).await?.as_f64() {
            return Ok(noted);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing was painted within 10 seconds")
}

async fn visit(window: &Window) -> Result<()> {
    for screen in Screen::ALL {
        window.go_to(screen).await?;
        if screen == Screen::Inbox {
            let conversations = window.conversations().await?;
            window.open_conversation(conversations.first().context("the inbox is empty")?).await?;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    window.go_to(Screen::Inbox).await
}

/// Starts a program, waits until it says that its page was painted, and ends it. Milliseconds from start to paint.
async fn start(program: &Path, arguments: &[String]) -> Result<f64> {
    let begun = unix_milliseconds()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let output = child.stdout.take().context("it has no output")?;
    let mut lines = BufReader::new(output).lines();
    let reported = async {
        while let Some(line) = lines.next_line().await? {
            if let Some(at) = serde_json::from_str::<Value>(&line).ok().and_then(|line| line["at_unix_ms"].as_f64()) {
                return Ok(at);
            }
        }
        bail!("{} ended without having painted", program.display())
    };
    let reported = tokio::time::timeout(Duration::from_secs(60), reported).await;
    let at = reported.with_context(|| format!("{} painted nothing within a minute", program.display()))??;
    let heard = unix_milliseconds()?;
    ensure!((begun..=heard + 2.0).contains(&at), "the page's clock is another one");
    end(child).await?;
    // What it leaves to the system is done before the next one starts.
    tokio::time::sleep(Duration::from_millis(700)).await;
    Ok(at - begun)
}

async fn end(mut child: Child) -> Result<()> {
    #[cfg(unix)]
    if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    }
    if tokio::time::timeout(Duration::from_secs(15), child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

/// Now, as the page's clock tells it.
pub fn unix_milliseconds() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e3)
}

/// The proportional share of memory, in MiB, of a program that was started with a profile and of all it has started, by
/// name.
fn held(program: &Path, profile: &Path) -> Result<BTreeMap<String, f64>> {
    let program = program.canonicalize()?;
    let (mut parents, mut top) = (BTreeMap::new(), None);
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Processes come and go meanwhile.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else { continue };
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let parent = field("PPid:").and_then(|id| id.parse::<u32>().ok()).unwrap_or(0);
        parents.insert(id, (parent, field("Name:").unwrap_or_default().to_owned()));
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let of_profile = String::from_utf8_lossy(&arguments).contains(&*profile.to_string_lossy());
        if of_profile && std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program) {
            top = Some(id);
        }
    }
    let top = top.context("the program is not running")?;
    let mut held = BTreeMap::new();
    for (id, (_, name)) in &parents {
        let mut at = *id;
        while at != top
            && let Some((parent, _)) = parents.get(&at)
        {
            at = *parent;
        }
        if at == top {
            let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let kib = text.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse().ok());
            *held.entry(name.clone()).or_insert(0.0) += kib.unwrap_or(0.0) / 1024.0;
        }
    }
    Ok(held)
}
