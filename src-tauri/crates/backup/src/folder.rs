//! A folder of backups: an external disk, a folder that a cloud keeps in step, any folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::contents::Manifest;
use crate::error::{BackupError, Result};

/// How names of backups end.
pub const ENDING: &str = "balcao-backup";

/// How names of files end that are still being written.
pub(crate) const UNFINISHED: &str = "part";

/// A backup with the file beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Whether there is such a folder and something can be written there.
///
/// # Errors
/// [`BackupError::FolderMissing`], [`BackupError::FolderNotWritable`], [`BackupError::FolderFull`]
pub fn usable(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        return Err(BackupError::FolderMissing { folder: folder.to_owned() });
    }
    let probe = folder.join(format!("balcao-{:08x}.{UNFINISHED}", rand::random::<u32>()));
    let written =
        File::create_new(&probe).and_then(|mut file| file.write_all(b"balcao").and_then(|()| file.sync_all()));
    let removed = fs::remove_file(&probe);
    written.and(removed).map_err(BackupError::io("write", &probe))
}

/// Every backup in the folder that has a manifest, newest first. Other files are left out.
///
/// # Errors
/// [`BackupError::FolderMissing`]
pub fn list(folder: &Path) -> Result<Vec<Found>> {
    let missing = |_| BackupError::FolderMissing { folder: folder.to_owned() };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(missing)? {
        let path = entry.map_err(missing)?.path();
        if path.extension() == Some(OsStr::new(ENDING))
            && let Some(manifest) = manifest(&path)
        {
            found.push(Found { path, manifest });
        }
    }
    found.sort_by(|one, other| (other.manifest.taken_at, &other.path).cmp(&(one.manifest.taken_at, &one.path)));
    Ok(found)
}

/// What the file beside a backup says, if it is there and whole.
pub(crate) fn manifest(backup: &Path) -> Option<Manifest> {
    serde_json::from_slice(&fs::read(manifest_path(backup)).ok()?).ok()
}

pub(crate) fn manifest_path(backup: &Path) -> PathBuf {
    backup.with_extension("json")
}

/// The place of a backup of this moment, which nobody has taken.
pub(crate) fn place(folder: &Path, now: DateTime<Utc>) -> PathBuf {
    let stem = format!("balcao-{}", now.format("%Y%m%d-%H%M%S"));
    let names = std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}-{number}")));
    let mut places = names.map(|name| folder.join(format!("{name}.{ENDING}")));
    // The names go on for ever.
    places.find(|path| !path.exists()).unwrap_or_else(|| folder.join(ENDING))
}

/// Puts a finished file in its place, with the manifest before it: a backup that is seen has one.
pub(crate) fn put(unfinished: &Path, place: &Path, manifest: &Manifest) -> Result<()> {
    let beside = manifest_path(place);
    let text =
        serde_json::to_vec_pretty(manifest).map_err(io::Error::from).map_err(BackupError::io("write", &beside))?;
    let draft = beside.with_extension(format!("json.{UNFINISHED}"));
    let written = File::create(&draft).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    let outcome = written
        .and_then(|()| fs::rename(&draft, &beside))
        .and_then(|()| fs::rename(unfinished, place))
        .and_then(|()| sync(place));
    if outcome.is_err() {
        for left in [&draft, &beside] {
            let _ = fs::remove_file(left);
        }
    }
    outcome.map_err(BackupError::io("put in place", place))
}

/// The names have to get to the disk, too.
#[cfg(unix)]
fn sync(place: &Path) -> io::Result<()> {
    place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(windows)]
fn sync(_place: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes what interrupted backups left behind.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let ours = path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("balcao-"));
        if ours && path.extension() == Some(OsStr::new(UNFINISHED)) {
            // One that cannot be removed is in nobody's way.
            let _ = fs::remove_file(&path);
        }
    }
}
