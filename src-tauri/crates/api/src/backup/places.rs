//! Choosing a folder or a backup on this computer: names of folders and of backups, and nothing else of a disk.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::types::{FolderEntry, Folders, ListFolders};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::session::Session;

/// More than anybody looks through.
const MOST: usize = 500;

/// Names of folders that programs of clouds keep in step, as they stand in the folder of an account.
const CLOUDS: [&str; 6] = ["OneDrive", "Google Drive", "GoogleDrive", "Dropbox", "iCloud Drive", "Nextcloud"];

/// Before there is a clinic, and on the computer that holds it: elsewhere nobody has a folder to choose.
pub(crate) async fn list_folders(desk: &Arc<Desk>, request: ListFolders) -> Result<Folders, ApiError> {
    if matches!(desk.session(), Session::Ready { .. }) {
        desk.local_profile()?;
    }
    let listing = tokio::task::spawn_blocking(move || match request.path {
        Some(path) => inside(Path::new(&path)),
        None => Ok(Folders { path: None, parent: None, folders: beginnings(), backups: Vec::new() }),
    });
    listing.await.map_err(ApiError::internal)?
}

fn inside(path: &Path) -> Result<Folders, ApiError> {
    let missing =
        || ApiError::new("backup_folder_missing", "there is no such folder").about(path.display().to_string());
    if !path.is_absolute() {
        return Err(missing());
    }
    let (mut folders, mut backups) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(|_| missing())?.flatten().take(MOST * 10) {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if path.is_dir() {
            if !name.starts_with(['.', '$']) {
                folders.push(of("folder", name, &path));
            }
        } else if path.extension() == Some(OsStr::new(balcao_backup::ENDING)) {
            backups.push(of("backup", name, &path));
        }
    }
    folders.sort_by_key(|folder| folder.name.to_lowercase());
    // The name begins with the time.
    backups.sort_by(|one, other| other.name.cmp(&one.name));
    folders.truncate(MOST);
    backups.truncate(MOST);
    let parent = path.parent().map(|parent| parent.display().to_string());
    Ok(Folders { path: Some(path.display().to_string()), parent, folders, backups })
}

/// Where somebody would put a backup: a disk that can be carried, a folder that a cloud keeps, their own.
fn beginnings() -> Vec<FolderEntry> {
    let mut found: Vec<FolderEntry> =
        drives().into_iter().map(|drive| of("drive", last_name(&drive), &drive)).collect();
    if let Some(home) = dirs::home_dir() {
        for name in CLOUDS {
            let path = home.join(name);
            if path.is_dir() {
                found.push(of("cloud", name.to_owned(), &path));
            }
        }
        for (kind, path) in
            [("documents", dirs::document_dir()), ("desktop", dirs::desktop_dir()), ("home", Some(home))]
        {
            if let Some(path) = path.filter(|path| path.is_dir()) {
                found.push(of(kind, last_name(&path), &path));
            }
        }
    }
    found
}

/// Disks that can be taken out, as the system shows them; on Windows every letter that is there.
fn drives() -> Vec<PathBuf> {
    #[cfg(windows)]
    return ('A'..='Z').map(|letter| PathBuf::from(format!("{letter}:\\"))).filter(|path| path.is_dir()).collect();
    #[cfg(target_os = "macos")]
    let around = vec![PathBuf::from("/Volumes")];
    #[cfg(all(unix, not(target_os = "macos")))]
    let around: Vec<PathBuf> = {
        let user = dirs::home_dir().and_then(|home| home.file_name().map(OsStr::to_owned)).unwrap_or_default();
        vec![Path::new("/run/media").join(&user), Path::new("/media").join(&user), PathBuf::from("/mnt")]
    };
    #[cfg(unix)]
    around
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .take(MOST)
        .collect()
}

fn of(kind: &str, name: String, path: &Path) -> FolderEntry {
    FolderEntry { name, path: path.display().to_string(), kind: kind.to_owned() }
}

fn last_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Whether two folders are on one disk, as far as the system says: what stands on one is lost with it.
pub(super) fn on_one_disk(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let disk = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
        disk(one).is_some_and(|disk_of_one| disk(other) == Some(disk_of_one))
    }
    #[cfg(not(unix))]
    {
        let disk = |path: &Path| path.components().next().map(|first| first.as_os_str().to_ascii_lowercase());
        disk(one) == disk(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_shows_folders_and_backups_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Fotos", "arquivos", ".ssh"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["balcao-20261121-123000.balcao-backup", "balcao-20261122-123000.balcao-backup", "senhas.txt"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let listing = inside(folder.path()).unwrap();
        let names = |entries: &[FolderEntry]| entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&listing.folders), ["arquivos", "Fotos"]);
        assert_eq!(
            names(&listing.backups),
            ["balcao-20261122-123000.balcao-backup", "balcao-20261121-123000.balcao-backup"]
        );
        assert_eq!(listing.parent, folder.path().parent().map(|parent| parent.display().to_string()));
    }

    #[test]
    fn what_is_no_folder_of_this_computer_is_said_to_be_missing() {
        for path in ["", "fotos", "../..", "/nao/ha/tal/pasta"] {
            assert_eq!(inside(Path::new(path)).unwrap_err().code, "backup_folder_missing", "{path}");
        }
        assert!(on_one_disk(Path::new("/"), Path::new("/")));
    }
}
