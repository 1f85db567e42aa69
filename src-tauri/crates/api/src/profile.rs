//! The folder of a desk: which clinic it opens. No secrets are in it; they are in the keyring under the profile's id.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use balcao_tenant::Address;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ApiError;
use crate::session::StartLocalClinic;

/// Where the clinic's database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A sample clinic in the embedded server.
    Sample,
    /// This computer is the clinic.
    Local,
    /// A server elsewhere.
    Remote,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

/// What `profile.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Names the keyring's entries of this profile.
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    /// The clinic's database; of an embedded server it is where it was last found. Absent until it is known.
    pub(crate) address: Option<Address>,
    /// What the person asked for, until all of it is done: a set-up that was interrupted goes on.
    pub(crate) unfinished: Option<StartLocalClinic>,
}

impl Profile {
    /// Reads the profile of a folder; `None` when there is none yet.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, ApiError> {
        let text = match std::fs::read(path(folder)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(not_writable(&error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|_| {
            ApiError::new("profile_damaged", "profile.json cannot be read").about(path(folder).display().to_string())
        })
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), ApiError> {
        let text = serde_json::to_vec_pretty(self).map_err(ApiError::internal)?;
        let unfinished = folder.join("profile.json.new");
        std::fs::write(&unfinished, text)
            .and_then(|()| File::open(&unfinished)?.sync_all())
            .and_then(|()| std::fs::rename(&unfinished, path(folder)))
            .map_err(|error| not_writable(&error))
    }

    pub(crate) fn cache_path(folder: &Path) -> PathBuf {
        folder.join("copy.db")
    }

    pub(crate) fn server_dir(folder: &Path) -> PathBuf {
        folder.join("postgres")
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("profile.json")
}

fn not_writable(error: &std::io::Error) -> ApiError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return ApiError::new("disk_full", "the disk is full");
    }
    ApiError::new("profile_not_writable", format!("the profile folder cannot be used: {}", error.kind()))
}

/// Makes the folder and takes it for this process: two programs on one profile would write over each other.
pub(crate) fn lock(folder: &Path) -> Result<File, ApiError> {
    std::fs::create_dir_all(folder).map_err(|error| not_writable(&error))?;
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(folder.join("profile.lock"))
        .map_err(|error| not_writable(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(ApiError::new("profile_in_use", "another window of the program has this clinic open"))
        }
        Err(TryLockError::Error(error)) => Err(not_writable(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap(), None);
        let profile = Profile { id: Uuid::from_u128(1), kind: Kind::Local, address: None, unfinished: None };
        profile.write(folder.path()).unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap(), Some(profile));
    }

    #[test]
    fn a_damaged_profile_is_said_to_be_damaged_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(path(folder.path()), "{\"id\":").unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap_err().code, "profile_damaged");
        assert_eq!(std::fs::read_to_string(path(folder.path())).unwrap(), "{\"id\":");
    }

    #[test]
    fn a_profile_is_open_in_one_place_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        assert_eq!(lock(folder.path()).unwrap_err().code, "profile_in_use");
        drop(first);
        assert!(lock(folder.path()).is_ok());
    }
}
