//! What a desk costs on a clinic of a year, each number beside a floor that is taken in the same run.

mod server;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::Value;

use crate::display::Session;
use crate::program::Program;
use crate::system::{self, Needs};
use crate::{driver, progress, ui, workspace};
use server::Server;

/// What the generated clinic follows from.
const SOURCES: [&str; 3] =
    ["migrations/tenant", "src-tauri/crates/testkit/src/sample", "src-tauri/crates/tenant/src/provision"];

/// Options of the chore.
#[derive(Args)]
pub(crate) struct Bench {
    /// Writes the numbers to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures these parts only: windows, painted, screens, first-copy, resume, memory, busy, drain, ten-desks, arrival,
    /// idle, wall, ingest, scrolling, inbound, typing.
    #[arg(long, value_name = "PART,PART")]
    only: Option<String>,
    /// Measures on the small clinic: to see that everything runs, not for its numbers.
    #[arg(long)]
    small: bool,
    /// Prints how each statement of the screens is run.
    #[arg(long)]
    explain: bool,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        system::check(Needs::Window)?;
        ui::build()?;
        let driver = driver::program()?;
        let built = Built::make()?;
        progress::say("start a display, a session bus, a keyring and a database");
        let session = Session::start()?;
        let server = Server::start()?;
        let mut bench = Program::new(&built.bench)
            .arg("--bench")
            .arg("--program")
            .arg(&built.window)
            .arg("--empty-window")
            .arg(&built.empty_window)
            .arg("--driver")
            .arg(driver)
            .arg("--headless")
            .arg(&built.headless)
            // Holds a password, which arguments would show to everybody.
            .env("BALCAO_BENCH_SERVER", server.url())
            .envs(session.env());
        if server.is_kept() {
            bench = bench.arg("--key").arg(key()?);
        }
        if let Some(file) = &self.json {
            bench = bench.arg("--json").arg(std::path::absolute(file)?);
        }
        if let Some(parts) = &self.only {
            bench = bench.arg("--only").arg(parts);
        }
        if self.small {
            bench = bench.arg("--small");
        }
        if self.explain {
            bench = bench.arg("--explain");
        }
        progress::say("measure");
        bench.run()
    }
}

/// Programs as they are released.
struct Built {
    bench: PathBuf,
    window: PathBuf,
    empty_window: PathBuf,
    headless: PathBuf,
}

impl Built {
    fn make() -> Result<Self> {
        progress::say("build what is measured as it is released (many minutes the first time)");
        let said = Program::cargo()
            .args(["build", "--release", "--quiet", "--message-format=json-render-diagnostics"])
            .args(["--package", "balcao", "--bin", "balcao", "--example", "empty_window"])
            .args(["--package", "balcao-headless", "--bin", "balcao-headless"])
            .args(["--package", "balcao-tests", "--bench", "clinic"])
            .output()?;
        let find = |kind: &str, name: &str| {
            let built = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|line| {
                let target = &line["target"];
                let wanted = target["name"] == name && target["kind"][0] == kind;
                line["executable"].as_str().filter(|_| wanted).map(PathBuf::from)
            });
            built.with_context(|| format!("the build has left no {name}"))
        };
        Ok(Self {
            bench: find("bench", "clinic")?,
            window: find("bin", "balcao")?,
            empty_window: find("example", "empty_window")?,
            headless: find("bin", "balcao-headless")?,
        })
    }
}

/// Changes with whatever the generated clinic follows from. The bench adds the day.
fn key() -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&workspace::at(source), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
