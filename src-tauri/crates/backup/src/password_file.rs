//! The password of a login on its way to a program of PostgreSQL. Anybody of the same account reads the environment and the
//! arguments of a program, so it is in neither.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file for the setting `PGPASSFILE`, gone when this is dropped.
pub(crate) struct PasswordFile {
    path: PathBuf,
    _kept: Kept,
}

#[cfg(target_os = "linux")]
type Kept = File;

#[cfg(not(target_os = "linux"))]
type Kept = tempfile::NamedTempFile;

impl PasswordFile {
    /// On Linux it stands in memory only, without a name: the program opens it through this process, which nobody else may.
    #[cfg(target_os = "linux")]
    pub(crate) fn new(password: &str) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;

        use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

        let memory = memfd_create("balcao", MemfdFlags::CLOEXEC)?;
        // PostgreSQL passes over a file that others could read.
        fchmod(&memory, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(memory);
        write(&mut file, password)?;
        Ok(Self { path: format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into(), _kept: file })
    }

    /// Elsewhere a program can be handed nothing but a name: a file that only this account may read, of a login that
    /// expires by itself.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new(password: &str) -> io::Result<Self> {
        let mut file = tempfile::NamedTempFile::new()?;
        write(file.as_file_mut(), password)?;
        Ok(Self { path: file.path().to_owned(), _kept: file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// For every server, database and login: whoever has the file has only this one.
fn write(file: &mut File, password: &str) -> io::Result<()> {
    let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
    file.write_all(format!("*:*:*:*:{escaped}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_stands_there_as_long_as_it_is_kept() {
        let kept = PasswordFile::new("a:b\\c").unwrap();
        assert_eq!(std::fs::read_to_string(kept.path()).unwrap(), "*:*:*:*:a\\:b\\\\c\n");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(kept.path()).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let path = kept.path().to_owned();
        drop(kept);
        // Another file may have got its number meanwhile.
        assert_ne!(std::fs::read_to_string(path).unwrap_or_default(), "*:*:*:*:a\\:b\\\\c\n");
    }
}
