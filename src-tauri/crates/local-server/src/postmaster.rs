//! The file `postmaster.pid` in the data folder: who serves it, and where.

use std::fs;
use std::path::Path;

use crate::error::{LocalServerError, Result};
use crate::process::Process;

const FILE: &str = "postmaster.pid";

/// A server that is running on a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) process: Process,
    /// `None` while the server has not written it yet.
    pub(crate) port: Option<u16>,
}

impl Postmaster {
    /// What the pid file says, whether or not it still holds.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        // The fourth line is the port. A server that has just begun has written fewer lines.
        let content = fs::read_to_string(data_dir.join(FILE)).ok()?;
        let mut lines = content.lines().map(str::trim);
        // A negative number stands for a backend without postmaster, which this program never runs.
        let process = Process::new(lines.next()?.parse().ok()?)?;
        Some(Self { process, port: lines.nth(2).and_then(|port| port.parse().ok()) })
    }

    /// The server that runs on this data folder now, if any. A pid file that a crash left behind does not count, nor
    /// does one whose process number has gone to another program.
    pub(crate) fn running(data_dir: &Path) -> Option<Self> {
        Self::read(data_dir).filter(|postmaster| postmaster.process.serves(data_dir))
    }
}

/// Makes sure that a pid file left behind does not prevent a start. To be called when no server is
/// [running](Postmaster::running).
///
/// PostgreSQL itself replaces the file of a dead process, after checking that no child of the crashed server still uses
/// the shared memory named in it. It refuses, however, when the process number is alive again as another program.
/// Removing the file would do away with that check; so the number alone is exchanged, for the one that PostgreSQL never
/// takes for another server: that of the process that starts it.
pub(crate) fn disarm_stale_file(data_dir: &Path) -> Result<()> {
    let path = data_dir.join(FILE);
    let Ok(content) = fs::read_to_string(&path) else { return Ok(()) };
    let number = content.lines().next().unwrap_or_default().trim();
    let process = number.parse().ok().and_then(Process::new);
    if process.is_some_and(|process| !process.is_alive()) {
        return Ok(());
    }
    match content.split_once('\n').filter(|_| cfg!(unix) && process.is_some()) {
        Some((_, rest)) => {
            fs::write(&path, format!("{}\n{rest}", std::process::id())).map_err(LocalServerError::io("correct", &path))
        }
        // Without a second line there is nothing to check; on Windows the check does not use this file.
        None => fs::remove_file(&path).map_err(LocalServerError::io("remove", &path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), content).unwrap();
        folder
    }

    #[test]
    fn a_pid_file_tells_process_and_port() {
        let folder = folder_with("4242\n/data\n1712346200\n54321\n\n127.0.0.1\n  8826964 65536\nready   \n");
        let postmaster = Postmaster::read(folder.path()).unwrap();
        assert_eq!((postmaster.process.id(), postmaster.port), (4242, Some(54321)));

        let begun = Postmaster::read(folder_with("4242\n/data\n").path()).unwrap();
        assert_eq!(begun.port, None, "the port comes later");
        assert_eq!(Postmaster::read(folder_with("").path()), None);
        assert_eq!(Postmaster::read(folder_with("-7\n/data\n").path()), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_number_of_another_program_is_exchanged_and_the_rest_is_kept() {
        let another = std::process::Command::new("sleep").arg("60").spawn();
        let mut another = another.unwrap();
        let folder = folder_with(&format!("{}\n/data\n1712346200\n54321\n\n127.0.0.1\n 77 88\nready\n", another.id()));
        assert_eq!(Postmaster::running(folder.path()), None, "sleep is not a server");

        disarm_stale_file(folder.path()).unwrap();
        let content = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(content.lines().next(), Some(std::process::id().to_string().as_str()));
        assert_eq!(content.lines().nth(6), Some(" 77 88"), "PostgreSQL still checks the shared memory");
        another.kill().unwrap();
        another.wait().unwrap();
    }
}
