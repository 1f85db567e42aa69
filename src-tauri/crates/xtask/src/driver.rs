//! What drives a real window: `tauri-driver` in front of the web view's own driver.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::{progress, system, workspace};

const VERSION: &str = "2.0.6";

/// The driver's program, installed under `target/tools` when it is nowhere.
pub(crate) fn program() -> Result<PathBuf> {
    if !cfg!(target_os = "linux") {
        bail!("windows are driven on Linux only");
    }
    if system::has("tauri-driver") {
        return Ok("tauri-driver".into());
    }
    let tools = workspace::target("tools")?;
    let driver = tools.join("bin/tauri-driver");
    if !driver.is_file() {
        progress::say(format_args!("install tauri-driver {VERSION} (a minute or two)"));
        Program::cargo()
            .args(["install", "tauri-driver", "--version", VERSION, "--locked", "--quiet", "--root"])
            .arg(&tools)
            .arg("--target-dir")
            .arg(tools.join("build"))
            .quiet()?;
        // Only the program is wanted.
        let _ = std::fs::remove_dir_all(tools.join("build"));
    }
    Ok(driver)
}
