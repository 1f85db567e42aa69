//! Folders are made beside their place and then moved there in one step, so that nobody ever finds half of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::{LocalServerError, Result};

/// The path of a neighbour, with a suffix to the name: on the same disk, as moving in one step needs.
pub(crate) fn beside(path: &Path, suffix: &str) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        let source = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(LocalServerError::io("use as a folder", path)(source));
    };
    let mut name = name.to_owned();
    name.push(suffix);
    Ok(path.with_file_name(name))
}

/// Moves a finished folder to its place, where nothing stands. May block for seconds: on Windows a scanner that has
/// just opened one of the new files holds up the whole folder.
pub(crate) fn put_in_place(finished: &Path, place: &Path) -> Result<()> {
    let mut attempts = if cfg!(windows) { 50 } else { 0 };
    loop {
        match fs::rename(finished, place) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && attempts > 0 => attempts -= 1,
            result => break result.map_err(LocalServerError::io("put in place", place))?,
        }
        thread::sleep(Duration::from_millis(100));
    }
    #[cfg(unix)]
    if let Some(parent) = place.parent() {
        // The files may be on the disk already; their new place has to get there too.
        let synced = fs::File::open(parent).and_then(|parent| parent.sync_all());
        synced.map_err(LocalServerError::io("write", parent))?;
    }
    Ok(())
}
