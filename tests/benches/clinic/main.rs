//! What a desk costs on a clinic of a year, each number beside a floor that is taken in the same run, in turns.
//!
//! Run by `cargo xtask bench`, which builds everything and provides a server, a display and a keyring. Without them
//! (`cargo bench --package balcao-tests`) the windows are left out and the server of the tests is used.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

mod arrival;
mod busy;
mod by_hand;
mod counter;
mod desks;
mod drain;
mod first_copy;
mod idle;
mod inbound;
mod ingest;
mod measure;
mod memory;
mod resume;
mod screens;
mod scrolling;
mod statements;
mod surroundings;
mod ten_desks;
mod typing;
mod wall;
mod windows;
mod wire;
mod writes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Instant;

use anyhow::Result;
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_testkit::sample::Size;
use balcao_tests::driver::Program;
use clap::{Parser, ValueEnum};
use serde_json::json;

use counter::Counter;
use desks::Profile;
use first_copy::Copied;
use measure::Line;
use surroundings::Clinic;
use windows::Windows;

/// Measures a desk on a clinic of a year.
#[derive(Parser)]
struct Options {
    /// Said by `cargo bench`; without it nothing is measured, as when tests are only compiled and started.
    #[arg(long, hide = true)]
    bench: bool,
    /// Writes the numbers to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures these only.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
    /// Measures on the small clinic: to see that everything runs, not for its numbers.
    #[arg(long)]
    small: bool,
    /// Prints how each statement of the screens is run.
    #[arg(long)]
    explain: bool,
    /// An administrator's URL of a server; without it, that of the tests.
    #[arg(long, env = "BALCAO_BENCH_SERVER", hide_env_values = true)]
    server: Option<String>,
    /// Keeps the generated clinic on the server for runs with the same key.
    #[arg(long)]
    key: Option<String>,
    /// The program with the window.
    #[arg(long, requires = "empty_window", requires = "driver")]
    program: Option<PathBuf>,
    /// The emptiest window.
    #[arg(long)]
    empty_window: Option<PathBuf>,
    /// `tauri-driver`.
    #[arg(long)]
    driver: Option<PathBuf>,
    /// The program without a window.
    #[arg(long)]
    headless: Option<PathBuf>,
    /// Makes one bare copy into this file and prints the memory it took.
    #[arg(long, hide = true)]
    bare_copy: Option<PathBuf>,
}

/// A part of what is measured. The first copy is always made, because everything else reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Every question of the screens.
    Screens,
    /// The first copy.
    FirstCopy,
    /// First copies that are interrupted.
    Resume,
    /// Memory of a first copy.
    Memory,
    /// The questions of the screens while something large is going on.
    Busy,
    /// A thousand queued writes.
    Drain,
    /// From one desk to nine others.
    TenDesks,
    /// From desk to desk.
    Arrival,
    /// What fifty idle desks cost.
    Idle,
    /// What row security and the audit cost the database.
    Wall,
    /// How fast a sweep of a gateway is stored.
    Ingest,
    /// Start and memory of the window.
    Windows,
    /// From a desk to the painted window.
    Painted,
    /// Frames of a very long thread and a full list.
    Scrolling,
    /// From the gateway to the painted window.
    Inbound,
    /// Letters in the composer while thousands of messages arrive.
    Typing,
}

impl Part {
    /// Those that are seen in the window of the computer that does the background work.
    const AT_THE_COUNTER: [Self; 3] = [Self::Scrolling, Self::Inbound, Self::Typing];

    /// Whether it has a clinic of its own.
    fn is_apart(self) -> bool {
        matches!(self, Self::Wall | Self::Ingest) || Self::AT_THE_COUNTER.contains(&self)
    }
}

impl Options {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Prints one line with the seconds since the start.
fn say(text: &str) {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    println!("[{:>4} s]   {text}", BEGUN.elapsed().as_secs());
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        println!("nothing is measured without --bench");
        return ExitCode::SUCCESS;
    }
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    if let Some(file) = &options.bare_copy {
        return memory::bare(file).await;
    }
    // None of these needs the clinic of a year.
    let mut apart = if options.has(Part::Wall) { wall::run(options.server.clone()).await? } else { Vec::new() };
    if options.has(Part::Ingest) {
        apart.extend(ingest::run(options.server.clone()).await?);
    }
    apart.extend(at_the_counter(options).await?);
    let needs_a_clinic = options.only.is_empty() || options.only.iter().any(|part| !part.is_apart());
    let mut lines = if needs_a_clinic { of_desks(options).await? } else { Vec::new() };
    lines.extend(apart);
    println!("\n{}", measure::table(&lines));
    if let Some(file) = &options.json {
        let report = json!({
            "taken_at": Clock::System.now(),
            "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            "lines": lines.iter().map(Line::json).collect::<Vec<_>>(),
        });
        std::fs::write(file, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

async fn of_desks(options: &Options) -> Result<Vec<Line>> {
    let now = Clock::System.now();
    let size = if options.small { Size::Small } else { Size::Year };
    let clinic = Clinic::prepare(options.server.clone(), options.key.as_deref(), size, now).await?;
    let scratch = surroundings::scratch()?;
    let measured = measure(options, &clinic, scratch.path()).await;
    clinic.remove().await?;
    let mut lines = measured?;
    if options.has(Part::Idle) {
        let clinic = Clinic::prepare(options.server.clone(), options.key.as_deref(), Size::Small, now).await?;
        let measured = idle::run(&clinic, scratch.path()).await;
        clinic.remove().await?;
        lines.extend(measured?);
    }
    Ok(lines)
}

/// What is seen in the window of the computer that does the background work.
async fn at_the_counter(options: &Options) -> Result<Vec<Line>> {
    let (Some(program), Some(driver)) = (&options.program, &options.driver) else { return Ok(Vec::new()) };
    if !Part::AT_THE_COUNTER.iter().any(|part| options.has(*part)) {
        return Ok(Vec::new());
    }
    let (server, key, now) = (options.server.clone(), options.key.as_deref(), Clock::System.now());
    let clinic = Clinic::prepare(server, key, Size::Small, now).await?;
    let scratch = surroundings::scratch()?;
    let measured = async {
        let mut counter = Counter::open(&clinic, program, driver, scratch.path()).await?;
        let mut lines = Vec::new();
        if options.has(Part::Scrolling) {
            lines.extend(scrolling::run(&counter).await?);
        }
        if options.has(Part::Inbound) {
            lines.extend(inbound::run(&mut counter).await?);
        }
        if options.has(Part::Typing) {
            lines.push(typing::run(&mut counter).await?);
        }
        counter.close().await?;
        anyhow::Ok(lines)
    };
    let measured = measured.await;
    clinic.remove().await?;
    measured
}

async fn measure(options: &Options, clinic: &Clinic, folder: &Path) -> Result<Vec<Line>> {
    let (ana, bia) = (clinic.add_desk("Ana").await?, clinic.add_desk("Bia").await?);
    let turns = if options.has(Part::FirstCopy) { vec![&ana, &bia, &ana] } else { vec![&ana, &bia] };
    let (mut lines, mut copied) = first_copy::run(folder, &turns).await?;
    if !options.has(Part::FirstCopy) {
        lines.clear();
    }
    for spare in copied.drain(2..) {
        spare.desk.close().await;
    }
    let [Copied { desk: writer, .. }, Copied { desk: reader, profile }] = copied.as_slice() else {
        anyhow::bail!("two desks are needed");
    };
    reader.close().await;
    let (writer, profile) = (writer.clone(), profile.clone());
    drop(copied);
    if (options.has(Part::Windows) || options.has(Part::Painted))
        && let (Some(path), Some(empty), Some(driver)) = (&options.program, &options.empty_window, &options.driver)
    {
        // The program looks for its secrets in the keyring of the session.
        let of_window = Profile { folder: folder.join("window"), keychain: Keychain::system() };
        say("a first copy for the window");
        let (desk, _) = of_window.connect(&bia).await?;
        first_copy::wait_until_indexed(&of_window).await?;
        desk.close().await;
        drop(desk);
        let program = Program { path: path.clone(), profile: of_window.folder.clone(), postgres: None };
        let windows = Windows { program, empty: empty.clone(), driver: driver.clone() };
        if options.has(Part::Windows) {
            lines.extend(windows.starts().await?);
            lines.extend(windows.memory().await?);
        }
        if options.has(Part::Painted) {
            lines.extend(windows.painted(&writer, &bia).await?);
        }
    }
    if options.has(Part::Screens) {
        lines.extend(screens::run(&profile, options.explain).await?);
    }
    if options.has(Part::Resume) {
        lines.extend(resume::run(folder, &ana).await?);
    }
    if options.has(Part::Memory)
        && let Some(headless) = &options.headless
    {
        lines.extend(memory::run(folder, &ana, headless).await?);
    }
    // From here on people who wait are answered.
    if options.has(Part::Busy) {
        lines.extend(busy::run(&profile, &bia, &ana, folder).await?);
    }
    if options.has(Part::Drain) {
        lines.extend(drain::run(&profile, &bia, folder).await?);
    }
    if options.has(Part::TenDesks) {
        lines.extend(ten_desks::run(clinic, &profile, folder).await?);
    }
    if options.has(Part::Arrival) {
        let reader = profile.open_confirmed().await?;
        lines.extend(arrival::run(&writer, &reader, &bia).await?);
        reader.close().await;
    }
    writer.close().await;
    Ok(lines)
}
