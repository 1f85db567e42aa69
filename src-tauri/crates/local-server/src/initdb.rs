//! Makes a new data folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use balcao_keychain::Secret;
use tokio::process::Command;

use crate::beside::{beside, put_in_place};
use crate::binaries::Binaries;
use crate::command;
use crate::connection::SUPERUSER;
use crate::data_folder::{DataFolder, restrict};
use crate::error::{LocalServerError, Result, last_lines, speaks_of_a_full_disk};

/// After the name of the data folder; the number of the process that makes it follows.
const UNFINISHED: &str = ".unfinished";

/// Makes the database in a folder beside its place and then moves it there, so that whoever is killed in between
/// leaves nothing that looks like a database. Leftovers of such an attempt are removed first; the folder has another name
/// each time, because an `initdb` whose program was killed goes on writing into its own.
pub(crate) async fn make(folder: &DataFolder, binaries: &Binaries, password: &Secret) -> Result<()> {
    remove_leftovers(&folder.path).await?;
    let unfinished = beside(&folder.path, &format!("{UNFINISHED}-{}", std::process::id()))?;
    remove(&unfinished).await?;
    fs::create_dir(&unfinished).map_err(LocalServerError::io("create", &unfinished))?;
    restrict(&unfinished)?;
    let (data, password_file) = (unfinished.join("data"), unfinished.join("password"));
    write_secret(&password_file, password)?;
    folder.account.own(&unfinished)?;

    let made = run(folder, binaries, &data, &password_file).await;
    fs::remove_file(&password_file).map_err(LocalServerError::io("remove", &password_file))?;
    let moved = made.and_then(|()| make_room(&folder.path)).and_then(|()| put_in_place(&data, &folder.path));
    let removed = remove(&unfinished).await;
    moved.and(removed)
}

/// What is written to at this moment may be left for the next time; the orphan that writes ends when its files are gone.
async fn remove_leftovers(place: &Path) -> Result<()> {
    let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else { return Ok(()) };
    let prefix = format!("{}{UNFINISHED}", name.to_string_lossy());
    for entry in fs::read_dir(parent).map_err(LocalServerError::io("list", parent))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix)
            && let Err(error) = remove(&entry.path()).await
        {
            tracing::warn!(%error, "an unfinished data folder is left for the next time");
        }
    }
    Ok(())
}

async fn run(folder: &DataFolder, binaries: &Binaries, data: &Path, password_file: &Path) -> Result<()> {
    let mut command = Command::from(command::under(folder.account, binaries, "initdb"));
    // The builtin locale sorts alike on every system, whatever its C library does; accents are sorted by the desk.
    command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]);
    command.args(["--auth=scram-sha-256", "--no-instructions", "--username", SUPERUSER]);
    command.arg("--pwfile").arg(password_file).arg("--pgdata").arg(data);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).output().await;
    let output = output.map_err(LocalServerError::io("run", &binaries.program("initdb")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if speaks_of_a_full_disk(&said) {
        return Err(LocalServerError::DiskFull { path: folder.path.clone() });
    }
    let said = if said.trim().is_empty() { output.status.to_string() } else { last_lines(&said) };
    Err(LocalServerError::InitFailed { output: said })
}

/// An empty folder may stand in the place; Windows does not rename over it. One that is not empty stays.
fn make_room(place: &Path) -> Result<()> {
    match fs::remove_dir(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LocalServerError::io("make room at", place)(error))
        }
        _ => Ok(()),
    }
}

fn write_secret(path: &Path, secret: &Secret) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(secret.expose().as_bytes()));
    written.map_err(LocalServerError::io("write", path))
}

/// Removes what is there, if anything. When `initdb` was killed, its own children may still write for a moment.
async fn remove(folder: &Path) -> Result<()> {
    let mut attempts = 0;
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if attempts < 50 => attempts += 1,
            Err(error) => return Err(LocalServerError::io("remove", folder)(error)),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
