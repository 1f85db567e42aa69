//! How the programs of PostgreSQL are called: with nothing of our environment but what they need.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::binaries::Binaries;

/// What the operating system itself needs; on Windows no program starts without these.
#[cfg(windows)]
const INHERITED: &[&str] = &["SystemRoot", "SystemDrive", "windir", "ComSpec", "TEMP", "TMP", "PATHEXT"];
#[cfg(unix)]
const INHERITED: &[&str] = &["TMPDIR"];

/// A program under our own account.
pub(crate) fn bare(binaries: &Binaries, program: &str) -> Command {
    let mut command = Command::new(binaries.program(program));
    command.env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    // English messages, because they are searched for causes; UTC, because a new data folder takes over the time
    // zone it finds, and the sessions set their own.
    command.env("PATH", search_path(binaries)).env("LANG", "C").env("LC_ALL", "C").env("TZ", "UTC");
    // Our own working folder may be closed to the account of the server.
    command.current_dir(binaries.bin()).stdin(Stdio::null());
    #[cfg(unix)]
    {
        // Ctrl-C in a terminal is for the desk; the server is stopped by it in an orderly way.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    #[cfg(windows)]
    {
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
    }
    command
}

/// A program under the account of the server.
pub(crate) fn under(account: Account, binaries: &Binaries, program: &str) -> Command {
    let mut command = bare(binaries, program);
    account.apply(&mut command);
    command
}

#[cfg(unix)]
fn search_path(_: &Binaries) -> OsString {
    OsString::from("/usr/bin:/bin")
}

#[cfg(windows)]
fn search_path(binaries: &Binaries) -> OsString {
    let mut path = binaries.bin().into_os_string();
    if let Some(windows) = std::env::var_os("SystemRoot") {
        path.push(";");
        path.push(std::path::Path::new(&windows).join("System32"));
    }
    path
}
