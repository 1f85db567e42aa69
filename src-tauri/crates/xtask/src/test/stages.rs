//! The stages that run tests. Each one fails when its runner ran nothing.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::database::{Embedded, Oldest};
use crate::display::Session;
use crate::headless::Headless;
use crate::program::{Program, Said};
use crate::test::counts::Counts;
use crate::{artifacts, driver, postgres, progress, soak, system, ui, workspace};

/// What the tests are run in: a display and a keyring that nobody else uses, and databases.
pub(crate) struct Surroundings {
    session: Session,
    embedded: Embedded,
    oldest: Option<Oldest>,
    shortfall: Option<&'static str>,
}

impl Surroundings {
    pub(crate) fn start() -> Result<Self> {
        let oldest = Oldest::start()?;
        let shortfall = shortfall(oldest.is_some(), system::has_packages())?;
        Ok(Self { session: Session::start()?, embedded: Embedded::start()?, oldest, shortfall })
    }

    /// What is missing of the proof here, to be said where the sum is.
    pub(crate) fn shortfall(&self) -> Option<&'static str> {
        self.shortfall
    }

    fn env(&self) -> Result<Vec<(&'static str, OsString)>> {
        let mut env: Vec<_> = self.session.env().collect();
        env.push(("BALCAO_TEST_DATABASE_URL", self.embedded.url().into()));
        if let Some(oldest) = &self.oldest {
            env.push(("BALCAO_TEST_DATABASE_URL_15", oldest.url().into()));
        }
        env.push((balcao_local_server::BINARIES_ENV, postgres::binaries()?.root().into()));
        Ok(env)
    }
}

/// What is missing without the oldest PostgreSQL. Where its package could be installed, and so was asked for, that is a failure.
fn shortfall(oldest_is_there: bool, has_packages: bool) -> Result<Option<&'static str>> {
    if !oldest_is_there && has_packages {
        bail!("PostgreSQL 15 is not where its package puts it: the tests would run on 18 only");
    }
    Ok((!oldest_is_there).then_some("PostgreSQL 15 is not installed here: the tests ran on 18 only"))
}

/// Of the tests that are marked as in need of something: those that have a stage of their own, the one that this
/// stage has the keyring for, and the one that another test runs.
const APART: [&str; 6] = [
    "the_real_window",
    "the_keyring_of_the_system",
    "asks_a_keyring_that_is_not_there",
    "the_real_desks",
    "the_real_agents",
    "random_histories",
];

/// Tests that run at the same time.
const AT_ONCE: usize = 4;

/// The tests of all crates.
pub(crate) fn rust(surroundings: &Surroundings) -> Result<Counts> {
    let tests = Program::cargo().args(["test", "--workspace", "--no-fail-fast"]);
    // No page of documentation holds code that runs: looking for it costs as much as reading every crate again.
    let mut tests = tests.args(["--lib", "--bins", "--tests", "--examples", "--"]);
    for name in APART {
        tests = tests.args(["--skip", name]);
    }
    // Most of them wait for databases and for time to pass: more at once than there are processors.
    let tests = tests.env("RUST_TEST_THREADS", AT_ONCE.to_string());
    let mut counts = cargo(tests.envs(surroundings.env()?), "rust")?;
    let keyring = artifacts::test("keychain")?.args(["--ignored", APART[1]]);
    counts += cargo(keyring.envs(surroundings.env()?), "keyring")?;
    Ok(counts)
}

/// Random histories: both explorations at the same time, each this many seconds.
const SECONDS: u32 = 80;

/// Random histories. The seeds are told also when all is well.
pub(crate) fn histories(surroundings: &Surroundings) -> Result<Counts> {
    let log = workspace::target("logs")?.join("histories.log");
    let tests = artifacts::test("histories")?
        .args(["--show-output", "random_histories"])
        .env("BALCAO_HISTORIES_SECONDS", SECONDS.to_string())
        .env("BALCAO_HISTORIES_SEED", soak::fresh_seed().to_string())
        .envs(surroundings.env()?);
    let said = tests.logged(&log)?;
    for line in said.text.lines().filter(|line| line.contains("with the seed")) {
        progress::say(format_args!("  {line}"));
    }
    judge(said, |said| Some(Counts::of_cargo(&said.text)), "histories")
}

/// Desks and agents in processes of their own. Two at a time: most of them wait for something to be noticed.
pub(crate) fn processes(surroundings: &Surroundings) -> Result<Counts> {
    let mut counts = Counts::default();
    for name in ["processes", "agents", "setup", "secrets"] {
        let tests = artifacts::test(name)?
            .args(["--include-ignored", "--show-output", "--test-threads", "2"])
            .env("BALCAO_HEADLESS", workspace::built("balcao-headless"))
            .env("BALCAO_AGENT", workspace::built("balcao-agent"))
            .envs(surroundings.env()?);
        counts += cargo(tests, name)?;
    }
    Ok(counts)
}

/// The real window, driven end to end.
pub(crate) fn window(surroundings: &Surroundings) -> Result<Counts> {
    let tests = artifacts::test("window")?
        .args(["--include-ignored", "--test-threads", "1", "the_real_window"])
        .env("BALCAO_PROGRAM", workspace::built("balcao"))
        .env("BALCAO_DRIVER", driver::program()?)
        .envs(surroundings.env()?);
    cargo(tests, "window")
}

/// The tests of the screens' parts.
pub(crate) fn ui() -> Result<Counts> {
    let report = workspace::target("logs")?.join("vitest.json");
    let tests = Program::of_ui("vitest").args(["run", "--reporter=default", "--reporter=json", "--outputFile"]);
    screens(tests.arg(&report), &report, "vitest", Counts::of_vitest)
}

/// The screens in a browser, over the program without a window.
pub(crate) fn playwright(surroundings: &Surroundings) -> Result<Counts> {
    let logs = workspace::target("logs")?;
    let headless = Headless::start(&ui::built()?, &logs.join("headless.log"), surroundings.env()?)?;
    let tests = |name: &str| {
        let report = logs.join(format!("{name}.json"));
        let tests = Program::of_ui("playwright")
            .args(["test", "--reporter=list,json"])
            .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
            .envs(surroundings.env()?);
        anyhow::Ok((tests, report))
    };
    let (real, report) = tests("playwright")?;
    let real = real.env("BALCAO_URL", &headless.url).env("BALCAO_TOKEN", &headless.token);
    let mut counts = screens(real, &report, "playwright", Counts::of_playwright)?;
    // An invented clinic gets into states that the program is not put into from outside.
    let (invented, report) = tests("playwright-invented")?;
    counts += screens(invented, &report, "playwright-invented", Counts::of_playwright)?;
    Ok(counts)
}

fn cargo(tests: Program, name: &str) -> Result<Counts> {
    let said = tests.logged(&workspace::target("logs")?.join(format!("{name}.log")))?;
    judge(said, |said| Some(Counts::of_cargo(&said.text)), name)
}

fn screens(tests: Program, report: &Path, name: &str, read: fn(&Value) -> Option<Counts>) -> Result<Counts> {
    // An old report must not speak for a run that made none.
    if report.exists() {
        std::fs::remove_file(report)?;
    }
    let said = tests.logged(&workspace::target("logs")?.join(format!("{name}.log")))?;
    let text = std::fs::read_to_string(report).unwrap_or_default();
    judge(said, |_| read(&serde_json::from_str(&text).ok()?), name)
}

/// Shows what a failing runner said. One that failed without a failed test, or ran nothing, counts as a failure.
fn judge(said: Said, read: impl Fn(&Said) -> Option<Counts>, name: &str) -> Result<Counts> {
    let mut counts = read(&said).unwrap_or_default();
    if !said.ok {
        println!("{}", said.text);
        counts.failed = counts.failed.max(1);
    }
    if counts.is_empty() {
        println!("{}", said.text);
        bail!("{name} ran no test");
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_database_is_missed_where_it_could_be_had_and_only_told_of_elsewhere() {
        assert_eq!(shortfall(true, true).unwrap(), None);
        assert!(shortfall(false, true).is_err());
        assert!(shortfall(false, false).unwrap().is_some_and(|told| told.contains("18 only")));
    }
}
