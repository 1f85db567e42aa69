//! `balcao-tour`: walks through the screens of a new sample clinic and takes pictures of them.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use balcao_tests::driver::{Driver, Program};
use balcao_tests::screens::Screen;
use balcao_tests::webdriver::Window;
use chrono::{Days, NaiveDate};
use clap::Parser;
use serde_json::json;

/// Sizes of the pictures in pixels: the one that the screens are designed for, and a large one.
const SIZES: [(u32, u32); 2] = [(1366, 768), (1920, 1080)];

const THEMES: [&str; 2] = ["light", "dark"];

/// How long making a sample clinic may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// Walks through the screens of a new sample clinic and takes pictures of them.
#[derive(Parser)]
struct Options {
    /// The program.
    #[arg(long)]
    program: PathBuf,
    /// The driver, `tauri-driver`.
    #[arg(long)]
    driver: PathBuf,
    /// Folder of the PostgreSQL for the sample clinic.
    #[arg(long)]
    postgres: Option<PathBuf>,
    /// Folder for the pictures.
    #[arg(long)]
    pictures: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let begun = Instant::now();
    let say = |text: &str| println!("         {:>5.1} s {text}", begun.elapsed().as_secs_f64());
    let folder = profile_folder()?;
    let program = Program { path: options.program, profile: folder.path().join("profile"), postgres: options.postgres };
    let driver = Driver::start(&options.driver).await?;
    let window = driver.open(&program).await.context("the window did not open")?;
    say("the window is open");
    let toured = tour(&window, &options.pictures, say).await;
    if toured.is_err() {
        // Whatever it shows says more than the error.
        std::fs::write(options.pictures.join("failure.png"), window.picture().await?)?;
    }
    let closed = window.close().await;
    toured.and(closed)
}

async fn tour(window: &Window, pictures: &Path, say: impl Fn(&str)) -> Result<()> {
    window.wait_for("[data-testid=start-sample]", Duration::from_secs(30)).await?;
    for theme in THEMES {
        for (width, height) in SIZES {
            set(window, theme, width, height).await?;
            take(window, pictures, "first-run", theme, width).await?;
        }
    }
    set(window, THEMES[0], SIZES[0].0, SIZES[0].1).await?;
    window.start_sample(PATIENCE).await?;
    say("the sample clinic is open");
    let (conversation, day) = (talkative(window).await?, busy_day(window).await?);
    for theme in THEMES {
        for (width, height) in SIZES {
            set(window, theme, width, height).await?;
            window.go_to(Screen::Inbox).await?;
            window.show_conversation(&conversation).await?;
            take(window, pictures, "inbox", theme, width).await?;
            window.go_to(Screen::Agenda).await?;
            for span in ["day", "week"] {
                window.run("location.hash = arguments[0];", json!([format!("#/agenda/{span}/{day}")])).await?;
                window.wait_for(&format!("[data-span={span}] [data-testid=visit]"), Duration::from_secs(15)).await?;
                take(window, pictures, &format!("agenda-{span}"), theme, width).await?;
            }
            window.go_to(Screen::Leads).await?;
            take(window, pictures, "leads", theme, width).await?;
        }
        say(&format!("{theme}: inbox, agenda and leads"));
    }
    Ok(())
}

/// Of the conversations at the top of the list, the one with the most messages.
async fn talkative(window: &Window) -> Result<String> {
    let mut best = (0, String::new());
    for id in window.conversations().await?.into_iter().take(12) {
        let thread = window.call("get_thread", json!({"conversation_id": id, "limit": 50})).await?;
        let count = thread["messages"].as_array().map_or(0, Vec::len);
        if count > best.0 {
            best = (count, id);
        }
    }
    Ok(best.1)
}

/// Of the days from today on, the one with the most visits.
async fn busy_day(window: &Window) -> Result<String> {
    let today = window.run("return new Date().toISOString().slice(0, 10);", json!([])).await?;
    let today: NaiveDate = today.as_str().context("the page knows no day")?.parse()?;
    let mut best = (0, today);
    for day in (0..7).filter_map(|ahead| today.checked_add_days(Days::new(ahead))) {
        let agenda = window.call("get_agenda", json!({"from": day, "days": 1})).await?;
        let count = agenda["visits"].as_array().map_or(0, Vec::len);
        if count > best.0 {
            best = (count, day);
        }
    }
    Ok(best.1.to_string())
}

/// Before there is a clinic nothing is kept, so the theme is set on the page as the screens do it.
async fn set(window: &Window, theme: &str, width: u32, height: u32) -> Result<()> {
    let kept = window.call("set_preferences", json!({"locale": "pt-BR", "theme": theme})).await;
    if kept.is_err() {
        window.run("document.documentElement.dataset.theme = arguments[0];", json!([theme])).await?;
    }
    window.wait_for(&format!("html[data-theme={theme}]"), Duration::from_secs(5)).await?;
    window.resize(width, height).await
}

async fn take(window: &Window, pictures: &Path, name: &str, theme: &str, width: u32) -> Result<()> {
    // Transitions take up to 120 ms, and what was just asked for has to come in.
    tokio::time::sleep(Duration::from_millis(700)).await;
    std::fs::write(pictures.join(format!("{name}-{width}-{theme}.png")), window.picture().await?)?;
    Ok(())
}

/// A folder that the account of the database can pass through, also when it is another one.
fn profile_folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("balcao-tour-").tempdir()?;
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    Ok(folder)
}
