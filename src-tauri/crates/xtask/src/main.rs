//! What is done with this repository, as `cargo xtask COMMAND`.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

mod artifacts;
mod bench;
mod bindings;
mod check;
mod database;
mod demo;
mod dev;
mod display;
mod driver;
mod ending;
mod headless;
mod postgres;
mod program;
mod progress;
mod soak;
mod system;
mod test;
mod ui;
mod windows;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Balcão's chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Options {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Opens the window on a sample clinic; where there is no display, walks the three screens and takes pictures.
    Demo(demo::Demo),
    /// Runs the program and builds it again whenever its sources change.
    Dev(dev::Dev),
    /// Proves the program: lints, all tests, the screens in a browser, the real window.
    Test(test::Test),
    /// Checks format, lints, types and generated files.
    Check,
    /// Measures a desk on a clinic of a year, each number beside a floor taken in the same run.
    Bench(bench::Bench),
    /// Plays random histories of desks and databases for long.
    Soak(soak::Soak),
    /// Writes the TypeScript of the commands for the screens.
    Bindings,
    /// Compiles everything for Windows and runs there what needs neither a window nor a database.
    WindowsCheck {
        /// Folder of the Windows kit; made with `--setup` when it is not there yet.
        #[arg(long, value_name = "DIR")]
        kit: Option<PathBuf>,
        /// Script that makes the kit.
        #[arg(long, value_name = "FILE", default_value = "../shared/tools/windows-kit/setup.sh")]
        setup: PathBuf,
    },
}

fn main() -> ExitCode {
    ending::on_signals();
    let done = match Options::parse().chore {
        Chore::Demo(demo) => demo.run(),
        Chore::Dev(dev) => dev.run(),
        Chore::Test(test) => return test.run(),
        Chore::Check => check::run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Soak(soak) => soak.run(),
        Chore::Bindings => bindings::write(),
        Chore::WindowsCheck { kit, setup } => windows::run(kit, &setup),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
