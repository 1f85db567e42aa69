//! The folder of a desk: which clinic it opens. No secrets are in it; they are in the keyring under the profile's id.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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

const FILE: &str = "profile.json";

/// How often a profile that somebody else has is asked for again, and how soon.
const ATTEMPTS: u32 = 10;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

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
    /// The backup that is being brought back, until all of it is here: likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restoring: Option<PathBuf>,
    /// The clinic took this desk's login away: what is left of it here is being destroyed, or is and the person is still
    /// to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<Revoked>,
    /// The person leaves the clinic: what is here of it is being removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) leaving: Option<Leaving>,
    /// How the database that is here is shared on the network; absent, it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sharing: Option<SharingWish>,
}

/// What the person at the computer that holds the clinic has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharingWish {
    /// Whether other computers of the network may come in.
    pub(crate) on: bool,
    /// By which port.
    pub(crate) port: u16,
}

/// What is told about a clinic whose copy was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revoked {
    /// Its name.
    pub(crate) clinic_name: String,
    /// Writes that it never got.
    pub(crate) lost: u32,
    /// Its connections: this computer may have their keys.
    #[serde(default)]
    pub(crate) channels: Vec<Uuid>,
}

/// What has to be known of a clinic that is left, to remove all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaving {
    /// Its connections: this computer may have their keys.
    pub(crate) channels: Vec<Uuid>,
}

impl Profile {
    /// A profile of which nothing else is known yet.
    pub(crate) fn new(id: Uuid, kind: Kind) -> Self {
        Self { id, kind, address: None, unfinished: None, restoring: None, revoked: None, leaving: None, sharing: None }
    }

    /// Whether what was begun is still to be done.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished.is_some() || self.restoring.is_some()
    }

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
        keep(folder, FILE, self)
    }

    /// Removes it: the folder belongs to no clinic any more.
    pub(crate) fn remove(folder: &Path) -> Result<(), ApiError> {
        match std::fs::remove_file(path(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(not_writable(&error)),
            _ => settle(folder).map_err(|error| not_writable(&error)),
        }
    }

    /// Whether making the clinic needs the address of the server's administrator, which is kept nowhere.
    pub(crate) fn waits_for_administrator(&self) -> bool {
        self.kind == Kind::Remote && (self.unfinished.is_some() || self.restore_that_ended().is_some())
    }

    /// The backup whose restore onto a server ended before anything of it could last: where the clinic is, is written down
    /// before it lasts.
    pub(crate) fn restore_that_ended(&self) -> Option<&Path> {
        self.restoring.as_deref().filter(|_| self.kind == Kind::Remote && self.address.is_none())
    }

    pub(crate) fn cache_path(folder: &Path) -> PathBuf {
        folder.join("copy.db")
    }

    /// Where what was heard from gateways waits for the database, encrypted.
    pub(crate) fn journal_dir(folder: &Path) -> PathBuf {
        folder.join("journal")
    }

    pub(crate) fn server_dir(folder: &Path) -> PathBuf {
        folder.join("postgres")
    }
}

/// Two writers would take each other's unfinished file away.
static WRITING: Mutex<()> = Mutex::new(());

/// Writes something into a file of the profile, whole or not at all.
pub(crate) fn keep(folder: &Path, name: &str, what: &impl Serialize) -> Result<(), ApiError> {
    let text = serde_json::to_vec_pretty(what).map_err(ApiError::internal)?;
    let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let unfinished = folder.join(format!("{name}.new"));
    std::fs::write(&unfinished, text)
        .and_then(|()| File::open(&unfinished)?.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, folder.join(name)))
        .and_then(|()| settle(folder))
        .map_err(|error| not_writable(&error))
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// What was renamed or removed stays so, also after a power cut.
#[cfg(unix)]
fn settle(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Here a folder is no file that could be told to settle; the file system keeps the order of such changes itself.
#[cfg(not(unix))]
fn settle(_folder: &Path) -> std::io::Result<()> {
    Ok(())
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
    // A program that is being started by whoever had it just now has what that one had, until it is a program of its own.
    for attempt in 0.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(BETWEEN_ATTEMPTS),
            Err(TryLockError::WouldBlock) => {
                return Err(ApiError::new("profile_in_use", "another window of the program has this clinic open"));
            }
            Err(TryLockError::Error(error)) => return Err(not_writable(&error)),
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap(), None);
        let mut profile = Profile::new(Uuid::from_u128(1), Kind::Local);
        profile.write(folder.path()).unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap(), Some(profile.clone()));
        profile.revoked =
            Some(Revoked { clinic_name: "Boa Vista".to_owned(), lost: 3, channels: vec![Uuid::from_u128(2)] });
        profile.write(folder.path()).unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap(), Some(profile));
        Profile::remove(folder.path()).unwrap();
        assert_eq!(Profile::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn many_writers_at_once_leave_a_whole_profile() {
        let folder = tempfile::tempdir().unwrap();
        let write = &|id: u128| Profile::new(Uuid::from_u128(id), Kind::Local).write(folder.path());
        let ends = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|id| scope.spawn(move || (0..20).try_for_each(|_| write(id)))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        assert!(Profile::read(folder.path()).unwrap().is_some());
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
