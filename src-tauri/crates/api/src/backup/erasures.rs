//! The list of who was forgotten, beside the backups: under the words in use, and under those before them for as long as a
//! backup is there that they open.

use std::path::Path;

use balcao_backup::Words;
use balcao_keychain::{Secret, names};
use uuid::Uuid;

use crate::desk::Desk;
use crate::error::ApiError;

/// How many words of before are remembered: what the smallest keyring takes in one entry.
const MOST: usize = 8;

/// Keeps the list; it is written only when there is somebody new in it, or a new place for it.
pub(crate) async fn keep_erasures(desk: &Desk) -> Result<(), ApiError> {
    let dialling = desk.clinic().await?.line.dial();
    let tenant = dialling.await?;
    let list = tenant.list_erasures().await;
    tenant.close().await;
    let list = list?;
    let book = desk.backup_book();
    let Some(folder) = book.folder else { return Ok(()) };
    let words = desk.words_of(&folder).await?;
    let series: Vec<String> = words.iter().map(Words::series).collect();
    let kept = (list.as_array().map_or(0, Vec::len), folder.clone(), series.join(" "));
    if book.erasures.as_ref() != Some(&kept) && kept.0 + usize::from(book.erasures.is_some()) > 0 {
        for words in &words {
            balcao_backup::keep_erasures(&folder, words, &list).await?;
        }
        desk.note_backup(|book| book.erasures = Some(kept))?;
    }
    Ok(())
}

impl Desk {
    /// The words in use, and after them those of before that open a backup of the folder.
    async fn words_of(&self, folder: &Path) -> Result<Vec<Words>, ApiError> {
        let profile = self.local_profile()?;
        let mut words = vec![self.backup_words(profile.id).await?];
        let former = self.former_words(profile.id).await?;
        if !former.is_empty() {
            let folder = folder.to_owned();
            // Disks that sleep take seconds to answer.
            let listed = tokio::task::spawn_blocking(move || balcao_backup::list(&folder)).await;
            let found = listed.map_err(ApiError::internal)??;
            let opens = |words: &Words| found.iter().any(|found| found.manifest.series == words.series());
            words.extend(former.into_iter().filter(opens));
        }
        Ok(words)
    }

    /// The words in use.
    pub(super) async fn backup_words(&self, profile: Uuid) -> Result<Words, ApiError> {
        let kept = self.keychain.get(&names::backup_words(&profile.to_string())).await?;
        let kept = kept.ok_or_else(|| ApiError::new("backup_words_missing", "the keyring has no recovery words"))?;
        Ok(Words::parse(kept.expose())?)
    }

    /// Remembers the words in use, before others take their place. Ones that the keyring has lost are gone: the list beside
    /// their backups stays as it is.
    pub(super) async fn remember_words(&self, profile: Uuid) -> Result<(), ApiError> {
        let Ok(words) = self.backup_words(profile).await else { return Ok(()) };
        let mut former = self.former_words(profile).await?;
        former.retain(|known| *known != words);
        former.insert(0, words);
        let lines: Vec<&str> = former.iter().take(MOST).map(|words| words.secret().expose()).collect();
        let entry = names::former_backup_words(&profile.to_string());
        Ok(self.keychain.set(&entry, &Secret::new(lines.join("\n"))).await?)
    }

    /// The latest first.
    async fn former_words(&self, profile: Uuid) -> Result<Vec<Words>, ApiError> {
        let kept = self.keychain.get(&names::former_backup_words(&profile.to_string())).await?;
        Ok(kept.iter().flat_map(|kept| kept.expose().lines()).filter_map(|line| Words::parse(line).ok()).collect())
    }
}
