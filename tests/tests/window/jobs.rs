//! The jobs of the inbox in the real window, with the keys alone and with the mouse alone, and how many presses each takes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_tests::driver::Driver;
use balcao_tests::webdriver::{CONTROL, ENTER, ESCAPE, Window};
use balcao_tests::writes::By;
use serde_json::{Value, json};

use crate::place::Place;

/// Counts the presses that reach the page; the tests of the screens in a browser use the same.
const RECORDER: &str = include_str!("../../../ui/e2e/recorder.js");

const SOON: Duration = Duration::from_secs(20);
const PREPARING: Duration = Duration::from_secs(180);

/// Presses by job: at most, with the keys, with the mouse.
type Table = BTreeMap<&'static str, [u64; 3]>;

struct Desk<'a> {
    window: &'a Window,
    by: By,
    table: &'a mut Table,
}

impl Desk<'_> {
    /// Opens a place, with the focus nowhere in it.
    async fn open(&self, place: &str, there: &str) -> Result<()> {
        self.window.run("location.hash = arguments[0];", json!([place])).await?;
        self.window.wait_for(there, SOON).await?;
        self.window.run("document.activeElement?.blur();", json!([])).await?;
        Ok(())
    }

    /// Begins to count.
    async fn begin(&self) -> Result<()> {
        self.window.run(RECORDER, json!([])).await?;
        self.window.run("window.balcaoSteps.begin();", json!([])).await.map(drop)
    }

    /// A press: of the keys, or with the mouse on this.
    async fn press(&self, keys: &str, button: &str) -> Result<()> {
        match self.by {
            By::Keys => self.window.press(keys).await,
            By::Mouse => self.window.click_on(button, SOON).await,
        }
    }

    /// The same with the control key held.
    async fn press_held(&self, key: char, button: &str) -> Result<()> {
        match self.by {
            By::Keys => self.window.press_with(CONTROL, key).await,
            By::Mouse => self.window.click_on(button, SOON).await,
        }
    }

    /// Waits until a question to the page is answered with yes.
    async fn until(&self, what: &str, script: &str, arguments: Value) -> Result<()> {
        let begun = Instant::now();
        while self.window.run(script, arguments.clone()).await? != true {
            ensure!(begun.elapsed() < SOON, "{what}: not within {SOON:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn until_focused(&self, selector: &str) -> Result<()> {
        let script = "return document.activeElement?.matches(arguments[0]) ?? false;";
        self.until(&format!("{selector} has the focus"), script, json!([selector])).await
    }

    /// The job is done: what it took.
    async fn done(&mut self, job: &'static str, most: u64) -> Result<()> {
        let taken = self.window.run("return window.balcaoSteps.taken();", json!([])).await?;
        let count = |name: &str| taken[name].as_u64().context("nothing was counted");
        let (keys, mouse) = (count("keys")?, count("mouse")?);
        let (name, ours, others, at) = match self.by {
            By::Keys => ("keys", keys, mouse, 1),
            By::Mouse => ("mouse", mouse, keys, 2),
        };
        let row = self.table.entry(job).or_insert([most, 0, 0]);
        row[at] = ours;
        let picture = folder()?.join(format!("window-{}-{name}.png", job.replace(' ', "-")));
        std::fs::write(picture, self.window.picture().await?)?;
        ensure!(others == 0, "{job}: something else than the {name} was used");
        ensure!((1..=most).contains(&ours), "{job}: {ours} presses of the {name} instead of at most {most}");
        Ok(())
    }

    async fn threads(&self, view: &str) -> Result<Vec<Value>> {
        let list = self.window.call("list_conversations", json!({"view": view, "limit": 500})).await?;
        list["rows"].as_array().cloned().context("the list has no rows")
    }

    /// Opens the first thread of a view.
    async fn open_first(&self, view: &str) -> Result<String> {
        let threads = self.threads(view).await?;
        let id = threads.first().and_then(|row| row["id"].as_str()).with_context(|| format!("{view} is empty"))?;
        self.open(&format!("#/inbox/{view}/{id}"), "[data-testid=message]").await?;
        Ok(id.to_owned())
    }

    async fn answer(&mut self) -> Result<()> {
        self.open("#/inbox/needs_reply", "[data-testid=conversation-row]").await?;
        let id = self.window.conversations().await?.swap_remove(0);
        let text = format!("Bom dia! Já respondo, {}.", self.table.len());
        self.begin().await?;
        self.press(&ENTER.to_string(), "[data-testid=row-answer]").await?;
        self.until_focused("[data-testid=composer]").await?;
        self.window.press(&text).await?;
        self.press(&ENTER.to_string(), "[data-testid=send]").await?;
        self.window.wait_for_message(&text, "outbound").await?;
        let gone = "return document.querySelector(`[data-conversation-id=\"${arguments[0]}\"]`) === null;";
        self.until("whoever was answered no longer waits", gone, json!([id])).await?;
        self.done("answer who has waited longest", 2).await
    }

    async fn hand_over(&mut self, job: &'static str, view: &str, to: &str) -> Result<()> {
        let id = self.open_first(view).await?;
        self.begin().await?;
        self.press("t", "[data-testid=act-hand-over]").await?;
        let begun = Instant::now();
        while !self.threads("all").await?.iter().any(|row| row["id"] == *id && row["handler"] == to) {
            ensure!(begun.elapsed() < SOON, "{job}: nothing happened");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.done(job, 1).await
    }

    async fn book(&mut self) -> Result<()> {
        self.open_first("all").await?;
        self.begin().await?;
        self.press("b", "[data-testid=act-book]").await?;
        self.window.wait_for("[data-testid=free-time]:nth-of-type(3)", SOON).await?;
        if self.by == By::Keys {
            self.until_focused("[data-testid=free-time] input").await?;
        }
        self.press("2", "[data-testid=free-time]:nth-of-type(2)").await?;
        let chosen = "return document.querySelectorAll('[data-testid=free-time] input')[1]?.checked ?? false;";
        self.until("the second time is chosen", chosen, json!([])).await?;
        self.press(&ENTER.to_string(), "[data-testid=book]").await?;
        let ready = "return /ficou marcad/.test(document.querySelector('[data-testid=composer]')?.value ?? '');";
        self.until("the text lies ready", ready, json!([])).await?;
        self.done("book the next free slot", 3).await?;
        self.window.click_on("[data-testid=toast-act]", SOON).await
    }

    async fn find(&mut self) -> Result<()> {
        self.open("#/inbox/all", "[data-testid=conversation-row]").await?;
        let threads = self.threads("all").await?;
        let name =
            threads.iter().filter_map(|row| row["name"].as_str()).find(|name| name.contains(['ã', 'é', 'á', 'ç']));
        let name = name.context("nobody has an accent")?.to_owned();
        let plain: String = name.to_lowercase().chars().map(bare).collect();
        self.begin().await?;
        self.press("/", "[data-testid=inbox-filter]").await?;
        self.until_focused("[data-testid=inbox-filter]").await?;
        self.window.press(&plain).await?;
        // Whoever else has these letters in the name stays in the list, in whatever spelling.
        let shown = "const plain = (text) => text.normalize('NFD').replace(/\\p{M}/gu, '').toLowerCase();
            const names = [...document.querySelectorAll('[data-testid=conversation-row] .name')].map((each) => each.textContent);
            return names.includes(arguments[0]) && names.every((name) => plain(name).includes(plain(arguments[0])));";
        self.until("the person is found", shown, json!([name])).await?;
        self.done("find a person without accents", 1).await?;
        self.window.press(&ESCAPE.to_string()).await
    }

    async fn look(&mut self, job: &'static str, key: char, button: &str, panel: &str) -> Result<()> {
        self.begin().await?;
        self.press_held(key, &format!("[data-testid={button}]")).await?;
        self.window.wait_for(&format!("[data-testid={panel}]"), SOON).await?;
        self.done(job, 1).await?;
        self.window.press(&ESCAPE.to_string()).await?;
        let gone = "return document.querySelector(`[data-testid=${arguments[0]}]`) === null;";
        self.until("the panel is closed", gone, json!([panel])).await
    }
}

fn bare(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

/// Where the table and the pictures go.
fn folder() -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/steps");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn told(table: &Table) -> String {
    let row = |job: &str, cells: [String; 3]| format!("{job:<32}{:>8}{:>8}{:>8}\n", cells[0], cells[1], cells[2]);
    let head = row("job", ["at most", "keys", "mouse"].map(str::to_owned));
    table.iter().fold(head, |text, (job, cells)| text + &row(job, cells.map(|cell| cell.to_string())))
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_lets_every_job_of_the_inbox_be_done_in_a_few_steps() -> Result<()> {
    let place = Place::new()?;
    let driver = Driver::start(&place.driver).await?;
    let window = driver.open(&place.program()).await?;
    window.start_sample(PREPARING).await?;
    window.resize(1366, 768).await?;
    let mut table = Table::new();
    for by in [By::Keys, By::Mouse] {
        let mut desk = Desk { window: &window, by, table: &mut table };
        desk.answer().await?;
        desk.hand_over("take from the bot", "bot", "person").await?;
        desk.hand_over("give back to the bot", "unassigned", "bot").await?;
        desk.book().await?;
        desk.find().await?;
        desk.look("see what waits to be sent", '4', "open-waiting", "waiting-panel").await?;
        desk.look("see what needs a decision", '5', "open-needs-you", "needs-you-panel").await?;
    }
    let table = told(&table);
    println!("{table}");
    std::fs::write(folder()?.join("window.txt"), table)?;
    window.close().await
}
