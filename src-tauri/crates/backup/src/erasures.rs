//! Who is to stay forgotten: a backup does not know of erasures that came after it, so the list of all of them stands beside
//! the backups, as ids, and is gone through again after a restore. It is sealed with the words of the backups: a list that
//! somebody else could write would erase whom they like.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{BackupError, Result};
use crate::folder::UNFINISHED;
use crate::seal::{self, Sealing};
use crate::words::Words;

/// Longest list that is read, in bytes: some hundred thousand people.
const LONGEST: u64 = 64 << 20;

/// Keeps the list beside the backups that these words open, in place of the one before.
///
/// # Errors
/// As [`crate::make`]
pub async fn keep_erasures(folder: &Path, words: &Words, list: &Value) -> Result<()> {
    let (place, words, list) = (place(folder, words), words.clone(), list.to_string());
    let failed = BackupError::io("write", &place);
    let work = tokio::task::spawn_blocking(move || {
        let draft = place.with_extension(UNFINISHED);
        let written = || {
            let mut sealing = Sealing::begin(File::create(&draft)?, &words)?;
            sealing.write_all(list.as_bytes())?;
            sealing.finish()?;
            fs::rename(&draft, &place)
        };
        written().inspect_err(|_| {
            // The next one writes over it, if it cannot be removed now.
            let _ = fs::remove_file(&draft);
        })
    });
    work.await.unwrap_or_else(|panic| Err(panic.into())).map_err(failed)
}

/// Adds to the list beside the backups that these words open. Whoever stands there already stays: of several databases that are
/// backed up into one folder, each has its own.
///
/// # Errors
/// As [`crate::make`]; [`BackupError::WrongWords`] and [`BackupError::Damaged`] where the list that is there cannot be read.
pub async fn add_erasures(folder: &Path, words: &Words, list: &Value) -> Result<()> {
    let (there, theirs) = (place(folder, words), words.clone());
    let reading = tokio::task::spawn_blocking(move || read(there, &theirs));
    let failed = BackupError::io("read", folder);
    let mut all = reading.await.map_err(|panic| failed(panic.into()))??;
    let known = all.as_array().cloned().unwrap_or_default();
    let more: Vec<Value> = list.as_array().into_iter().flatten().filter(|one| !known.contains(one)).cloned().collect();
    if more.is_empty() {
        return Ok(());
    }
    all = Value::Array([known, more].concat());
    keep_erasures(folder, words, &all).await
}

/// The list beside a backup; empty where there is none. One that is damaged or somebody else's is a reason to stop: whoever
/// was forgotten must not come back unnoticed.
pub(crate) fn beside(backup: &Path, words: &Words) -> Result<Value> {
    backup.parent().map_or(Ok(Value::Array(Vec::new())), |folder| read(place(folder, words), words))
}

fn read(place: PathBuf, words: &Words) -> Result<Value> {
    if !place.exists() {
        return Ok(Value::Array(Vec::new()));
    }
    let mut text = Vec::new();
    seal::open(&place, words)?.take(LONGEST).read_to_end(&mut text).map_err(|error| seal::of_reading(error, &place))?;
    serde_json::from_slice(&text).map_err(|_| BackupError::Damaged { file: place })
}

fn place(folder: &Path, words: &Words) -> PathBuf {
    folder.join(format!("balcao-erasures-{}.age", words.series()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn the_list_is_found_beside_a_backup_by_its_words_and_nobody_else_can_write_one() {
        let (folder, words) = (tempfile::tempdir().unwrap(), Words::draw().unwrap());
        let backup = folder.path().join("balcao-1.balcao-backup");
        assert_eq!(beside(&backup, &words).unwrap(), json!([]));
        let list = json!([{ "clinic_id": "c", "id": "p" }]);
        keep_erasures(folder.path(), &words, &json!([])).await.unwrap();
        keep_erasures(folder.path(), &words, &list).await.unwrap();
        assert_eq!(beside(&backup, &words).unwrap(), list);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        let another = json!({ "clinic_id": "d", "id": "q" });
        add_erasures(folder.path(), &words, &json!([another])).await.unwrap();
        add_erasures(folder.path(), &words, &json!([])).await.unwrap();
        assert_eq!(beside(&backup, &words).unwrap(), json!([list[0], another]), "nobody is lost");
        keep_erasures(folder.path(), &words, &list).await.unwrap();
        let other = Words::draw().unwrap();
        assert_eq!(beside(&backup, &other).unwrap(), json!([]), "that is another series");
        let forged = place(folder.path(), &words);
        keep_erasures(folder.path(), &other, &list).await.unwrap();
        fs::rename(place(folder.path(), &other), &forged).unwrap();
        assert!(matches!(beside(&backup, &words), Err(BackupError::WrongWords)));
        fs::write(&forged, "[]").unwrap();
        assert!(beside(&backup, &words).is_err());
    }
}
