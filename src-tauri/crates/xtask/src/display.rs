//! A display, a session bus and an unlocked keyring that nobody else uses, for windows and tests. All of it lives in a
//! folder of its own, so that the keyring and the settings of whoever runs this are not touched.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::ending::{Running, Scratch};

/// Size of the screen in pixels: the larger of the two sizes that pictures are taken at.
const SCREEN: &str = "1920x1080x24";

/// A private session. Everything ends when it is dropped.
pub(crate) struct Session {
    env: Vec<(&'static str, OsString)>,
    // Ended in this order.
    _keyring: Running,
    _bus: Running,
    _display: Running,
    _folder: Scratch,
}

impl Session {
    /// Starts it; it is ready when this returns.
    pub(crate) fn start() -> Result<Self> {
        let folder = Scratch::new("session")?;
        let (display, name) = start_display(folder.path())?;
        let mut env: Vec<(&'static str, OsString)> = vec![("DISPLAY", format!(":{name}").into())];
        for (setting, child) in [
            // A socket's path is short, so this one stands at the top.
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            let path = folder.path().join(child);
            make_private(&path)?;
            env.push((setting, path.into()));
        }
        env.push(("GDK_BACKEND", "x11".into()));
        env.push(("XDG_SESSION_TYPE", "x11".into()));
        // Without a screen reader these only cost time and warnings.
        env.push(("NO_AT_BRIDGE", "1".into()));
        let (bus, address) = start_bus(folder.path(), &env)?;
        env.push(("DBUS_SESSION_BUS_ADDRESS", address.into()));
        let keyring = start_keyring(&env)?;
        Ok(Self { env, _keyring: keyring, _bus: bus, _display: display, _folder: folder })
    }

    /// What a program needs to know to be part of this session.
    pub(crate) fn env(&self) -> impl Iterator<Item = (&'static str, OsString)> + '_ {
        self.env.iter().cloned()
    }
}

fn start_display(folder: &Path) -> Result<(Running, String)> {
    let log = std::fs::File::create(folder.join("display.log"))?;
    let mut command = Command::new("Xvfb");
    // It takes a free number and says which.
    command.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut display = Running::start(&mut command)?;
    let name = first_line(display.child().stdout.take()).context("Xvfb did not start")?;
    Ok((display, name))
}

fn start_bus(folder: &Path, env: &[(&'static str, OsString)]) -> Result<(Running, String)> {
    let log = std::fs::File::create(folder.join("bus.log"))?;
    let mut command = Command::new("dbus-daemon");
    command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
    command.arg(format!("--address=unix:path={}", folder.join("bus").display()));
    command.envs(env.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut bus = Running::start(&mut command)?;
    let address = first_line(bus.child().stdout.take()).context("the session bus did not start")?;
    Ok((bus, address))
}

fn start_keyring(env: &[(&'static str, OsString)]) -> Result<Running> {
    let mut command = Command::new("gnome-keyring-daemon");
    command.args(["--foreground", "--unlock", "--components=secrets"]).envs(env.iter().cloned());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut keyring = Running::start(&mut command)?;
    // The keyring is new, empty and gone afterwards.
    let mut input = keyring.child().stdin.take().context("the keyring takes no password")?;
    input.write_all(b"a password for a moment")?;
    drop(input);

    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let mut ask = Command::new("dbus-send");
        ask.args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"]);
        ask.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]).envs(env.iter().cloned());
        let answer = ask.stdin(Stdio::null()).stderr(Stdio::null()).output().context("cannot start dbus-send")?;
        if String::from_utf8_lossy(&answer.stdout).contains("true") {
            return Ok(keyring);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("the keyring was not ready within 20 seconds")
}

fn first_line(output: Option<impl Read>) -> Option<String> {
    let mut line = String::new();
    BufReader::new(output?).read_line(&mut line).ok()?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(folder);
    #[cfg(not(unix))]
    return std::fs::create_dir(folder);
}
