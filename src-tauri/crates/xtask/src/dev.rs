//! The program while it is being written: screens change as their sources do, the rest is built and started again.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::ending::Running;
use crate::program::Program;
use crate::system::{self, Needs};
use crate::{postgres, progress, ui, workspace};

/// Where the screens are served while they are being written; as in `ui/vite.config.ts`.
const SCREENS: &str = "http://localhost:1420";

/// Where the program without a window listens.
const HEADLESS: &str = "127.0.0.1:1421";

/// Options of the chore.
#[derive(Args)]
pub(crate) struct Dev {
    /// Folder of the profile; without it, a folder under `target/dev`.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
    /// Without a window, for a browser; the default where there is no display.
    #[arg(long)]
    browser: bool,
}

impl Dev {
    pub(crate) fn run(self) -> Result<()> {
        let browser = self.browser || !system::has_display();
        system::check(Needs::Build)?;
        let postgres = postgres::binaries()?;
        // The window's build wants them, even if it does not show them.
        ui::build()?;
        let folder = workspace::target("dev")?;
        let profile = self.profile.unwrap_or_else(|| folder.join("profile"));
        std::fs::create_dir_all(&profile)?;
        let token = folder.join("token");
        let _screens = Program::of_ui("vite").env("BALCAO_URL", format!("http://{HEADLESS}")).start()?;

        loop {
            let seen = newest();
            let mut program = if browser {
                Program::cargo()
                    .args(["run", "--package", "balcao-headless", "--", "--listen", HEADLESS, "--token-file"])
                    .arg(&token)
            } else {
                let server = serde_json::json!({"build": {"devUrl": SCREENS}});
                Program::cargo().args(["run", "--package", "balcao", "--"]).env("TAURI_CONFIG", server.to_string())
            };
            program = program.arg("--profile").arg(&profile).arg("--postgres").arg(postgres.root());
            let mut running = program.start()?;
            if browser {
                progress::say(format_args!(
                    "open {SCREENS} with sessionStorage['balcao-token'] from {}",
                    token.display()
                ));
            }
            if !ended_by_itself(&mut running, seen)? {
                progress::say("sources changed");
            } else if browser {
                wait_for_change(seen);
            } else {
                // The window was closed, or the build failed.
                match running.child().wait().context("lost sight of the program")? {
                    status if status.success() => return Ok(()),
                    _ => wait_for_change(seen),
                }
            }
        }
    }
}

/// Waits until the program ends or a source changes.
fn ended_by_itself(running: &mut Running, seen: Option<SystemTime>) -> Result<bool> {
    loop {
        if running.child().try_wait()?.is_some() {
            return Ok(true);
        }
        if newest() != seen {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(700));
    }
}

fn wait_for_change(seen: Option<SystemTime>) {
    progress::say("waiting for a change of the sources");
    while newest() == seen {
        std::thread::sleep(Duration::from_millis(700));
    }
}

fn newest() -> Option<SystemTime> {
    ["src-tauri", "migrations", "Cargo.toml"].iter().filter_map(|path| ui::newest(&workspace::at(path))).max()
}
