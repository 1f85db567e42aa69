//! Everything that proves the program, in stages; the last line is the sum of what the runners counted.

pub(crate) mod counts;
mod stages;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::driver;
use crate::system::{self, Needs};
use crate::{artifacts, bindings, check, postgres, progress, ui, windows};
use counts::Counts;
use stages::Surroundings;

/// Options of the chore.
#[derive(Args)]
pub(crate) struct Test {
    /// Runs these stages only.
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    only: Vec<Stage>,
    /// Checks Windows as well, with a kit that this script makes.
    #[arg(long, value_name = "SETUP")]
    then_windows: Option<PathBuf>,
}

/// A part of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Format, lints, types and generated files.
    Check,
    /// The tests of all crates.
    Rust,
    /// Random histories of desks and databases, with a seed that stays and a fresh one.
    Histories,
    /// Desks and agents in processes of their own, with everything that can be killed and frozen under them.
    Processes,
    /// The tests of the screens' parts.
    Ui,
    /// The screens in a browser, over the program without a window.
    Playwright,
    /// The real window.
    Window,
    /// Windows, with `--then-windows`.
    Windows,
}

impl Stage {
    const ALL: [Self; 8] = [
        Self::Check,
        Self::Rust,
        Self::Histories,
        Self::Processes,
        Self::Ui,
        Self::Playwright,
        Self::Window,
        Self::Windows,
    ];

    /// Whether a display, a keyring and databases are needed.
    fn needs_surroundings(self) -> bool {
        matches!(self, Self::Rust | Self::Histories | Self::Processes | Self::Playwright | Self::Window)
    }
}

impl Test {
    /// Runs the stages and prints the sum as the last line.
    pub(crate) fn run(self) -> ExitCode {
        let counts = self.stages().unwrap_or_else(|error| {
            println!("\n{error:#}");
            Counts::FAILURE
        });
        progress::say(format_args!("done after {} minutes", progress::elapsed().as_secs().div_ceil(60)));
        println!("{counts}");
        if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn stages(&self) -> Result<Counts> {
        let chosen: Vec<Stage> = Stage::ALL.into_iter().filter(|stage| self.has(*stage)).collect();
        self.prepare(&chosen)?;
        let surroundings = if chosen.iter().any(|stage| stage.needs_surroundings()) {
            progress::say("start a display, a keyring and databases for the tests");
            Some(Surroundings::start()?)
        } else {
            None
        };
        let mut all = Counts::default();
        for stage in chosen {
            progress::say(format_args!("— {stage:?} —"));
            let begun = Instant::now();
            let done = self.stage(stage, surroundings.as_ref());
            let counts = done.unwrap_or_else(|error| {
                println!("\n{error:#}\n");
                Counts::FAILURE
            });
            progress::say(format_args!("— {stage:?}: {counts} ({} s) —", begun.elapsed().as_secs()));
            all += counts;
        }
        if let Some(shortfall) = surroundings.as_ref().and_then(Surroundings::shortfall) {
            progress::say(shortfall);
        }
        Ok(all)
    }

    fn has(&self, stage: Stage) -> bool {
        let wanted = self.only.is_empty() || self.only.contains(&stage);
        wanted && (stage != Stage::Windows || self.then_windows.is_some())
    }

    /// What takes long and is shared, before anything is started.
    fn prepare(&self, chosen: &[Stage]) -> Result<()> {
        system::check(Needs::Tests)?;
        if chosen.iter().any(|stage| stage.needs_surroundings()) {
            postgres::binaries()?;
        }
        ui::build()?;
        if chosen.contains(&Stage::Window) {
            driver::program()?;
        }
        if chosen.iter().any(|stage| stage.needs_surroundings()) {
            artifacts::everything()?;
        }
        Ok(())
    }

    fn stage(&self, stage: Stage, surroundings: Option<&Surroundings>) -> Result<Counts> {
        match (stage, surroundings) {
            (Stage::Check, _) => {
                // The screens are checked by programs that use one processor.
                std::thread::scope(|together| {
                    let screens = together.spawn(check::screens);
                    check::rust().and_then(|()| bindings::check()).and(screens.join().expect("it does not panic"))
                })?;
                // Not tests: they count only when they fail.
                Ok(Counts::default())
            }
            (Stage::Ui, _) => stages::ui(),
            (Stage::Rust, Some(surroundings)) => stages::rust(surroundings),
            (Stage::Histories, Some(surroundings)) => stages::histories(surroundings),
            (Stage::Processes, Some(surroundings)) => stages::processes(surroundings),
            (Stage::Playwright, Some(surroundings)) => stages::playwright(surroundings),
            (Stage::Window, Some(surroundings)) => stages::window(surroundings),
            (Stage::Windows, _) => match &self.then_windows {
                Some(setup) => windows::check(None, setup),
                None => Ok(Counts::default()),
            },
            (_, None) => anyhow::bail!("the surroundings of the tests are missing"),
        }
    }
}
