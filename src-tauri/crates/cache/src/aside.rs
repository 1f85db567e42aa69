//! The files beside the copy: damaged ones that were set aside, copies from before a migration, and one in the making.
//!
//! None of them is ever written over, all of them are encrypted under the copy's own key, and of each sort the newest are kept.

use std::path::{Path, PathBuf};

use balcao_domain::clock::Clock;

use crate::{Error, Result};

/// What a file beside the copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Could not be read.
    Damaged,
    /// From before a migration.
    BeforeMigration,
}

impl Sort {
    const fn word(self) -> &'static str {
        match self {
            Self::Damaged => ".damaged-",
            Self::BeforeMigration => ".before-migration-",
        }
    }

    const fn kept(self) -> usize {
        match self {
            Self::Damaged => 3,
            Self::BeforeMigration => 2,
        }
    }
}

/// Of one file there may be three.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// A new copy is filled under this name…
pub(crate) fn in_the_making(path: &Path) -> PathBuf {
    with_suffix(path, ".rebuilding")
}

/// …and has this one from when it is complete until it has taken the damaged one's place.
fn complete(path: &Path) -> PathBuf {
    with_suffix(path, ".rebuilt")
}

/// A name for a file of that sort that no file has.
pub(crate) fn name(path: &Path, sort: Sort, clock: &Clock) -> PathBuf {
    let stamp = clock.now().format("%Y%m%dT%H%M%S").to_string();
    let numbers = (0..).map(|number| match number {
        0 => with_suffix(path, &format!("{}{stamp}", sort.word())),
        number => with_suffix(path, &format!("{}{stamp}.{number}", sort.word())),
    });
    let taken = |name: &PathBuf| PARTS.iter().any(|part| with_suffix(name, part).exists());
    numbers.into_iter().find(|name| !taken(name)).unwrap_or_else(|| with_suffix(path, sort.word()))
}

/// The new copy is complete and closed: it takes the place of the damaged one, which is set aside. Whatever moment this is
/// interrupted at, the next start goes on with it. Returns where the damaged one is now.
pub(crate) fn replace(path: &Path, clock: &Clock) -> Result<Option<PathBuf>> {
    // Closing a file that could not be brought to its end leaves a log, in which the writes are.
    if PARTS[1..].iter().any(|part| with_suffix(&in_the_making(path), part).exists()) {
        return Err(Error::NotWritable(std::io::ErrorKind::Other));
    }
    rename(&in_the_making(path), &complete(path))?;
    finish(path, clock)
}

/// Goes on with a replacement that was interrupted; without one there is nothing to do.
pub(crate) fn finish(path: &Path, clock: &Clock) -> Result<Option<PathBuf>> {
    if !complete(path).exists() {
        return Ok(None);
    }
    let aside = name(path, Sort::Damaged, clock);
    let mut moved = false;
    for part in PARTS {
        let from = with_suffix(path, part);
        if from.exists() {
            rename(&from, &with_suffix(&aside, part))?;
            moved = true;
        }
    }
    // Last: as long as the new copy has not its name, the damaged one's log must not be taken for its own.
    rename(&complete(path), path)?;
    prune(path, Sort::Damaged, &aside);
    Ok(moved.then_some(aside))
}

/// Removes what an interrupted attempt has left of a new copy; the damaged one is read once more.
pub(crate) fn clear_the_making(path: &Path) -> Result<()> {
    for part in PARTS {
        let leftover = with_suffix(&in_the_making(path), part);
        if leftover.exists() {
            std::fs::remove_file(leftover).map_err(|error| Error::NotWritable(error.kind()))?;
        }
    }
    Ok(())
}

/// Keeps the newest files of a sort, and `newest` whatever its name says: a clock may have been set back. One that cannot be
/// removed is left for the next time.
pub(crate) fn prune(path: &Path, sort: Sort, newest: &Path) {
    let mut others: Vec<PathBuf> = beside(path, sort.word()).into_iter().filter(|name| name != newest).collect();
    others.sort();
    let too_many = others.len().saturating_sub(sort.kept().saturating_sub(1));
    for old in &others[..too_many] {
        for part in PARTS {
            let _ = std::fs::remove_file(with_suffix(old, part));
        }
    }
}

/// Removes all of them: they hold what was erased from the copy since.
pub(crate) fn remove_all(path: &Path) -> Result<()> {
    for old in [Sort::Damaged, Sort::BeforeMigration].into_iter().flat_map(|sort| beside(path, sort.word())) {
        for file in PARTS.map(|part| with_suffix(&old, part)).into_iter().filter(|file| file.exists()) {
            std::fs::remove_file(file).map_err(|error| Error::NotWritable(error.kind()))?;
        }
    }
    Ok(())
}

/// The files of a sort, without their logs.
fn beside(path: &Path, word: &str) -> Vec<PathBuf> {
    let (Some(folder), Some(own)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)));
    let start = format!("{own}{word}");
    names
        .filter(|(_, name)| name.starts_with(&start) && !PARTS[1..].iter().any(|part| name.ends_with(part)))
        .map(|(path, _)| path)
        .collect()
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| Error::NotWritable(error.kind()))
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
