//! The files of the copy in the folder of a desk.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::ApiError;
use crate::profile::Profile;

/// Removes the copy itself; files that were set aside stay.
pub(crate) fn remove_copy(folder: &Path) -> Result<(), ApiError> {
    let copy = Profile::cache_path(folder);
    // The file first: what is left of its log says nothing without it, and is dropped when a new one is begun.
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = copy.clone().into_os_string();
        name.push(suffix);
        remove(Path::new(&name))?;
    }
    Ok(())
}

/// Removes the copy and everything that was ever set aside of it.
pub(crate) fn remove_all(folder: &Path) -> Result<(), ApiError> {
    let mut first_problem = remove_copy(folder).err();
    for entry in std::fs::read_dir(folder).map_err(|error| in_the_way(&error))?.flatten() {
        let copy = Profile::cache_path(folder);
        let Some(prefix) = copy.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if entry.file_name().to_string_lossy().starts_with(&prefix)
            && let Err(problem) = remove(&entry.path())
        {
            first_problem.get_or_insert(problem);
        }
    }
    first_problem.map_or(Ok(()), Err)
}

fn remove(path: &Path) -> Result<(), ApiError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(in_the_way(&error)),
        _ => Ok(()),
    }
}

fn in_the_way(error: &std::io::Error) -> ApiError {
    ApiError::new("profile_not_writable", format!("a file of the copy cannot be removed: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[&str] = &[
        "copy.db",
        "copy.db-wal",
        "copy.db-shm",
        "copy.db.damaged-20261121T080000",
        "copy.db.damaged-20261121T080000-wal",
        "copy.db.before-migration-20261121T080000",
    ];

    fn left(remove: fn(&Path) -> Result<(), ApiError>) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in FILES.iter().chain(&["profile.json", "preferences.json"]) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        remove(folder.path()).unwrap();
        remove(folder.path()).unwrap();
        let mut left: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        left
    }

    #[test]
    fn everything_of_the_copy_goes_and_nothing_else() {
        assert_eq!(left(remove_all), ["preferences.json", "profile.json"]);
    }

    #[test]
    fn what_was_set_aside_stays_when_the_copy_is_made_anew() {
        assert_eq!(left(remove_copy).len(), 5);
    }
}
