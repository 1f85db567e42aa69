//! The program on a sample clinic: in a window where there is a display, otherwise as pictures.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::display::Session;
use crate::program::Program;
use crate::system::{self, Needs};
use crate::{artifacts, driver, postgres, progress, ui, workspace};

/// Options of the chore.
#[derive(Args)]
pub(crate) struct Demo {
    /// Takes pictures, also where there is a display.
    #[arg(long)]
    pictures: bool,
    /// Folder of the profile; without it, a folder under `target/demo`.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self) -> Result<()> {
        let pictures = self.pictures || !system::has_display();
        system::check(if pictures { Needs::Window } else { Needs::Build })?;
        let postgres = postgres::binaries()?;
        ui::build()?;
        if pictures {
            driver::program()?;
        }
        artifacts::window()?;
        if pictures {
            return take_pictures(postgres.root());
        }
        let profile = self.profile.unwrap_or_else(|| workspace::at("target/demo/profile"));
        std::fs::create_dir_all(&profile)?;
        progress::say(format_args!("open the window on {}", profile.display()));
        Program::new(workspace::built("balcao"))
            .arg("--profile")
            .arg(profile)
            .arg("--postgres")
            .arg(postgres.root())
            .run()
    }
}

/// Walks through the screens of a new sample clinic on a display that nobody sees.
fn take_pictures(postgres: &std::path::Path) -> Result<()> {
    let pictures = workspace::target("demo")?;
    for old in std::fs::read_dir(&pictures)?.flatten() {
        if old.path().extension().is_some_and(|extension| extension == "png") {
            std::fs::remove_file(old.path())?;
        }
    }
    progress::say("start a display, a session bus and a keyring");
    let session = Session::start()?;
    progress::say("walk through the screens");
    Program::new(workspace::built("balcao-tour"))
        .arg("--program")
        .arg(workspace::built("balcao"))
        .arg("--driver")
        .arg(driver::program()?)
        .arg("--postgres")
        .arg(postgres)
        .arg("--pictures")
        .arg(&pictures)
        .envs(session.env())
        .run()?;
    let mut taken: Vec<PathBuf> = std::fs::read_dir(&pictures)?.flatten().map(|entry| entry.path()).collect();
    taken.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    taken.sort();
    if taken.is_empty() {
        bail!("no picture was taken");
    }
    progress::say(format_args!("{} pictures:", taken.len()));
    for path in taken {
        println!("{}", path.display());
    }
    Ok(())
}
