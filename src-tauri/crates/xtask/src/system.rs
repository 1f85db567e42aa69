//! Packages of the system, where they can be looked at: on Debian and its relatives.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::program::Program;
use crate::progress;

/// For building the window.
const BUILD: &[&str] = &[
    "build-essential",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "pkg-config",
];

/// For opening and driving the window where there is no display, with a keyring.
const DISPLAY: &[&str] =
    &["dbus-bin", "dbus-daemon", "fonts-dejavu", "gnome-keyring", "webkit2gtk-driver", "xauth", "xvfb"];

/// For the tests: a browser, and the oldest PostgreSQL that is supported.
const TESTS: &[&str] = &["chromium", "postgresql-15"];

/// What a chore needs of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// To compile.
    Build,
    /// To open the window without a display.
    Window,
    /// To run every test.
    Tests,
}

/// Whether packages of the system can be looked at: what a chore needs of it can be had then.
pub(crate) fn has_packages() -> bool {
    cfg!(target_os = "linux") && has("dpkg-query")
}

/// Makes sure that the packages are there: as root they are installed, otherwise the line that does it is said.
///
/// # Errors
/// Something is missing, and this is not root or apt failed.
pub(crate) fn check(needs: Needs) -> Result<()> {
    if !has_packages() {
        return Ok(());
    }
    let mut wanted = BUILD.to_vec();
    if needs != Needs::Build {
        wanted.extend(DISPLAY);
    }
    if needs == Needs::Tests {
        wanted.extend(TESTS);
    }
    if !python_has_pip() {
        wanted.push("python3-pip");
    }
    let missing = missing(&wanted);
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() {
        let list = missing.join(" ");
        bail!(
            "packages of the system are missing; run this and then the same again:\n  sudo apt-get install -y {list}"
        );
    }
    progress::say(format_args!("install {}", missing.join(" ")));
    apt().arg("update").quiet()?;
    apt().args(["install", "-y", "--no-install-recommends"]).args(missing).quiet()
}

fn apt() -> Program {
    // Another program may be installing something just now.
    Program::new("apt-get").args(["-qq", "-o", "DPkg::Lock::Timeout=300"]).env("DEBIAN_FRONTEND", "noninteractive")
}

fn missing(wanted: &[&'static str]) -> Vec<&'static str> {
    let installed = Command::new("dpkg-query")
        .args(["-W", "-f", "${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .stderr(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let is_installed = |package: &&&str| installed.lines().any(|line| line == format!("{package} installed"));
    wanted.iter().filter(|package| !is_installed(package)).copied().collect()
}

/// The database is fetched with it.
fn python_has_pip() -> bool {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    pip.status().is_ok_and(|status| status.success())
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| Path::new(&folder).join(program).is_file())
}

/// Whether there is a display to open a window on.
pub(crate) fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Whether this runs as root.
pub(crate) fn is_root() -> bool {
    #[cfg(unix)]
    return rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    return false;
}
