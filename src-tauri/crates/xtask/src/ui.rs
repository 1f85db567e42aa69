//! The screens: their packages and their build.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};

use crate::program::Program;
use crate::{progress, system, workspace};

/// Oldest Node that the build tools run on.
const NODE: (u32, u32) = (20, 19);

/// Installs the packages when they are older than the lock file.
pub(crate) fn install() -> Result<()> {
    check_node()?;
    let lock = workspace::at("ui/package-lock.json");
    let installed = workspace::at("ui/node_modules/.package-lock.json");
    if changed(&installed) >= changed(&lock) {
        return Ok(());
    }
    progress::say("install the packages of the screens");
    // Not `npm ci`: it gives up on a lock file without the programs for other systems that a registry does not offer.
    npm()
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"])
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .quiet()
}

/// Installs and builds when something is newer than the last build.
pub(crate) fn build() -> Result<()> {
    install()?;
    let built = changed(&workspace::at("ui/dist/index.html"));
    if built.is_some() && built >= sources().iter().filter_map(|path| newest(path)).max() {
        return Ok(());
    }
    progress::say("build the screens");
    npm().args(["run", "--silent", "build"]).quiet()
}

/// npm in the folder of the screens.
pub(crate) fn npm() -> Program {
    Program::new(if cfg!(windows) { "npm.cmd" } else { "npm" }).dir(workspace::at("ui"))
}

fn check_node() -> Result<()> {
    if !system::has("node") && !cfg!(windows) {
        bail!("Node is missing; install version {}.{} or newer from https://nodejs.org", NODE.0, NODE.1);
    }
    let version = Program::new("node").arg("--version").output()?;
    let mut parts = version.trim().trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        bail!("`node --version` said {version}");
    };
    if (major, minor) < NODE {
        bail!(
            "Node {} is too old; install version {}.{} or newer from https://nodejs.org",
            version.trim(),
            NODE.0,
            NODE.1
        );
    }
    Ok(())
}

fn sources() -> Vec<PathBuf> {
    let folders = ["src", "build", "public", "messages", "project.inlang/settings.json"];
    let files = ["index.html", "package-lock.json", "vite.config.ts", "svelte.config.js", "tsconfig.json"];
    folders.iter().chain(&files).map(|path| workspace::at("ui").join(path)).collect()
}

/// When the newest file at or under a path was changed.
pub(crate) fn newest(path: &Path) -> Option<SystemTime> {
    // Made by the builds themselves.
    if path.ends_with("src/paraglide") || path.ends_with("src-tauri/gen") {
        return None;
    }
    match std::fs::read_dir(path) {
        Ok(entries) => entries.filter_map(|entry| newest(&entry.ok()?.path())).max(),
        Err(_) => changed(path),
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|found| found.modified()).ok()
}

/// The folder of the built screens.
///
/// # Errors
/// They are not built.
pub(crate) fn built() -> Result<PathBuf> {
    let folder = workspace::at("ui/dist");
    folder.join("index.html").metadata().context("the screens are not built")?;
    Ok(folder)
}
