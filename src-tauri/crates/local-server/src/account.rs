//! Under which account the server runs.
//!
//! On people's computers it is simply theirs. PostgreSQL refuses to run as root, though, and containers and build
//! machines often have nothing else: there its processes, and only they, run under an account without rights.

use std::path::Path;
use std::process::Command;

use crate::error::Result;

#[cfg(unix)]
use crate::error::LocalServerError;

/// The account of the server's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    /// User and group number, when it is not our own account. Always `None` on Windows.
    other: Option<(u32, u32)>,
}

#[cfg(windows)]
impl Account {
    pub(crate) fn of_server(_data_dir: &Path) -> Self {
        Self { other: None }
    }

    pub(crate) fn apply(self, _command: &mut Command) {}

    pub(crate) fn check_reach(self, _path: &Path) -> Result<()> {
        Ok(())
    }

    pub(crate) fn check_passage(self, _path: &Path) -> Result<()> {
        Ok(())
    }

    pub(crate) fn own(self, _path: &Path) -> Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
impl Account {
    /// Our own; as root the owner of an existing data folder, else `postgres` if there is such an account, else
    /// `nobody`.
    pub(crate) fn of_server(data_dir: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;

        if !rustix::process::geteuid().is_root() {
            return Self { other: None };
        }
        let owner = std::fs::metadata(data_dir).ok().map(|data| (data.uid(), data.gid())).filter(|(uid, _)| *uid != 0);
        let account = owner.or_else(|| {
            let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
            find_account(&accounts, "postgres").or_else(|| find_account(&accounts, "nobody"))
        });
        Self { other: Some(account.unwrap_or((65_534, 65_534))) }
    }

    pub(crate) fn apply(self, command: &mut Command) {
        use std::os::unix::process::CommandExt;

        if let Some((uid, gid)) = self.other {
            command.uid(uid).gid(gid);
        }
    }

    /// Whether the account can go through every folder above this path, and read and enter (or run) the path itself.
    ///
    /// # Errors
    /// [`LocalServerError::Unreachable`] with the first folder that is closed.
    pub(crate) fn check_reach(self, path: &Path) -> Result<()> {
        self.check(path, 0o5)
    }

    /// Whether the account can go through this folder and all above it.
    ///
    /// # Errors
    /// [`LocalServerError::Unreachable`] with the first folder that is closed.
    pub(crate) fn check_passage(self, path: &Path) -> Result<()> {
        self.check(path, 0o1)
    }

    fn check(self, path: &Path, at_the_end: u32) -> Result<()> {
        use std::os::unix::fs::MetadataExt;

        let Some((uid, gid)) = self.other else { return Ok(()) };
        let path = path.canonicalize().map_err(LocalServerError::io("find", path))?;
        for step in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
            let found = std::fs::metadata(step).map_err(LocalServerError::io("look at", step))?;
            let bits = match found.mode() {
                mode if found.uid() == uid => mode >> 6,
                mode if found.gid() == gid => mode >> 3,
                mode => mode,
            };
            let needed = if step == path { at_the_end } else { 0o1 };
            if bits & needed != needed {
                return Err(LocalServerError::Unreachable { folder: step.to_owned(), uid });
            }
        }
        Ok(())
    }

    /// Gives the path, and all that is in it, to the account, unless it has it already.
    pub(crate) fn own(self, path: &Path) -> Result<()> {
        use std::os::unix::fs::MetadataExt;

        let Some((uid, gid)) = self.other else { return Ok(()) };
        let found = std::fs::symlink_metadata(path).map_err(LocalServerError::io("look at", path))?;
        if found.uid() == uid {
            return Ok(());
        }
        if found.is_dir() {
            for entry in std::fs::read_dir(path).map_err(LocalServerError::io("list", path))? {
                self.own(&entry.map_err(LocalServerError::io("list", path))?.path())?;
            }
        }
        // The folder last: until then a repeated call starts again.
        std::os::unix::fs::lchown(path, Some(uid), Some(gid)).map_err(LocalServerError::io("change the owner of", path))
    }
}

/// User and group number of an account in the format of `/etc/passwd`.
#[cfg(unix)]
fn find_account(accounts: &str, name: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let accounts = "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:/\npostgres:x:101:104::/var/lib:/bin/sh\n";
        assert_eq!(find_account(accounts, "postgres"), Some((101, 104)));
        assert_eq!(find_account(accounts, "nobody"), None);
    }

    #[test]
    fn the_first_closed_folder_is_named() {
        use std::os::unix::fs::PermissionsExt;

        let open = tempfile::tempdir().unwrap();
        std::fs::set_permissions(open.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let closed = open.path().join("closed");
        std::fs::create_dir_all(closed.join("inner")).unwrap();
        std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();

        let stranger = Account { other: Some((4_000_000, 4_000_000)) };
        stranger.check_reach(open.path()).unwrap();
        let refusal = stranger.check_reach(&closed.join("inner")).unwrap_err();
        let expected = closed.canonicalize().unwrap();
        assert!(matches!(&refusal, LocalServerError::Unreachable { folder, .. } if *folder == expected), "{refusal}");
    }
}
