//! Files of messages on this computer: shown, saved, fetched, and brought to the database.

mod away;
mod bringing;
mod exports;
mod line;
mod types;
pub(crate) mod voice;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use balcao_cache::{Cache, StoredMedia};
use balcao_domain::file::{Face, FileType, safe_name};
use balcao_sync::{Connection, Dial, Status};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use types::*;

use self::exports::Export;
use crate::commands::Nothing;
use crate::copy::{export_folder, save_new};
use crate::desk::Desk;
use crate::error::ApiError;

/// Longest end of a name that counts as its kind.
const LONGEST_KIND: usize = 8;

/// Files of an open clinic.
#[derive(Debug)]
pub(crate) struct Files {
    cache: Cache,
    line: line::FileLine,
    status: watch::Receiver<Status>,
    progress: Progress,
    /// Held while it is noted what was saved to the disk.
    noting: tokio::sync::Mutex<()>,
    /// Rings when the audit has something to be told.
    bell: Notify,
}

/// Whoever brings files, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Bringing(JoinHandle<()>);

impl Drop for Bringing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How far files are that are on their way: bytes that are there, and bytes in all.
#[derive(Debug, Default)]
struct Progress(Mutex<BTreeMap<Uuid, (usize, usize)>>);

impl Progress {
    fn set(&self, message: Uuid, done: usize, total: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(message, (done, total));
    }

    fn remove(&self, message: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&message);
    }

    fn told(&self) -> Uploads {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = all.iter().map(|(message, (done, total))| Upload {
            message_id: *message,
            done_bytes: *done as f64,
            total_bytes: *total as f64,
        });
        Uploads { rows: rows.collect() }
    }
}

impl Files {
    pub(crate) fn open(cache: Cache, dial: Dial, status: watch::Receiver<Status>) -> (Arc<Self>, Bringing) {
        let files = Arc::new(Self {
            cache,
            line: line::FileLine::new(dial),
            status,
            progress: Progress::default(),
            noting: tokio::sync::Mutex::default(),
            bell: Notify::new(),
        });
        let bringing = Bringing(tokio::spawn(bringing::run(files.clone())));
        (files, bringing)
    }

    /// The file of a message: from this computer, or fetched and kept.
    async fn contents(&self, message: Uuid) -> Result<StoredMedia, ApiError> {
        if let Some(file) = self.cache.media(message).await? {
            return Ok(file);
        }
        if self.status.borrow().connection != Connection::Online {
            return Err(ApiError::new("media_offline", "the file is not on this computer, and there is no line"));
        }
        if let Some(file) = self.fetched(message).await? {
            return Ok(file);
        }
        self.bring_back(message).await?;
        self.fetched(message).await?.ok_or_else(missing)
    }

    /// The file from the database, and kept; `None` where it is not there.
    async fn fetched(&self, message: Uuid) -> Result<Option<StoredMedia>, ApiError> {
        let mut turn = self.line.turn().await;
        // Somebody else may have wanted it, too.
        if let Some(file) = self.cache.media(message).await? {
            return Ok(Some(file));
        }
        let found = turn.ask(async |tenant| tenant.media(message).await).await?;
        let Some(found) = found else { return Ok(None) };
        let file = StoredMedia { mime_type: found.mime_type, file_name: found.file_name, bytes: found.bytes };
        self.cache.keep_media(message, &file).await?;
        Ok(Some(file))
    }
}

fn missing() -> ApiError {
    ApiError::new("media_missing", "the clinic does not have this file")
}

/// The files of the clinic that is open, without holding it open.
async fn files(desk: &Desk) -> Result<Arc<Files>, ApiError> {
    Ok(desk.clinic().await?.files.clone())
}

pub(crate) async fn get_media(desk: &Arc<Desk>, request: MediaOfMessage) -> Result<MediaContents, ApiError> {
    let file = files(desk).await?.contents(request.message_id).await?;
    let is = FileType::of(&file.bytes);
    Ok(MediaContents {
        mime_type: is.mime_type.to_owned(),
        size_bytes: file.bytes.len() as f64,
        base64: (is.face != Face::Document).then(|| STANDARD.encode(&file.bytes)),
    })
}

pub(crate) async fn save_media(desk: &Arc<Desk>, request: MediaOfMessage) -> Result<SavedMedia, ApiError> {
    let folder = export_folder(desk)?;
    let (files, message, person) = {
        let clinic = desk.clinic().await?;
        let (conversation, message) = clinic.cache.message(request.message_id).await?;
        (clinic.files.clone(), message, clinic.cache.conversation(conversation).await?.contact_id)
    };
    let file = files.contents(request.message_id).await?;
    let day = crate::inbox::at(message.sent_at).format("%Y-%m-%d");
    let (name, kind) = name_of(file.file_name.as_deref(), &file.bytes, &format!("{}-{day}", word(&message.kind)));
    let (id, bytes) = (Uuid::new_v4(), file.bytes.len());
    let export = Export { id, person, kind: message.kind, bytes, at: desk.clock.now() };
    // While the clinic is held open: one that is being left has told all that is noted.
    desk.clinic().await?.files.note_export(export).await?;
    let path = match save_new(folder, name, kind, file.bytes).await {
        Ok(path) => path,
        Err(problem) => {
            files.forget_export(id).await?;
            return Err(problem);
        }
    };
    files.bell.notify_one();
    Ok(SavedMedia { path: path.display().to_string() })
}

pub(crate) async fn fetch_media(desk: &Arc<Desk>, request: MediaOfMessage) -> Result<MediaWanted, ApiError> {
    let files = files(desk).await?;
    let mut turn = files.line.turn().await;
    Ok(MediaWanted { wanted: turn.ask(async |tenant| tenant.fetch_media(request.message_id).await).await? })
}

pub(crate) async fn list_uploads(desk: &Arc<Desk>, _: Nothing) -> Result<Uploads, ApiError> {
    Ok(files(desk).await?.progress.told())
}

/// How a file without a name is called. Files are for people here, so this is their language.
fn word(kind: &str) -> &'static str {
    match kind {
        "image" => "foto",
        "audio" => "audio",
        "video" => "video",
        "sticker" => "figurinha",
        _ => "arquivo",
    }
}

/// Under what name and with which end a file is saved. What can be shown ends as what it is, whatever it is called.
fn name_of(given: Option<&str>, bytes: &[u8], otherwise: &str) -> (String, String) {
    let is = FileType::of(bytes);
    let given = given.map(safe_name).filter(|name| !name.is_empty()).unwrap_or_else(|| otherwise.to_owned());
    let (stem, end) = match given.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() && !end.is_empty() && end.len() <= LONGEST_KIND && !end.contains(' ') => {
            (stem.to_owned(), Some(end.to_owned()))
        }
        _ => (given, None),
    };
    match end {
        Some(end) if is.face == Face::Document && is.mime_type != "application/pdf" => (stem, end),
        _ => (stem, is.extension.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_saved_as_what_it_is() {
        let jpeg = b"\xff\xd8\xff\xe0";
        let named = |given, bytes: &[u8]| {
            let (stem, end) = name_of(given, bytes, "foto-2026-03-02");
            format!("{stem}.{end}")
        };
        assert_eq!(named(None, jpeg), "foto-2026-03-02.jpg");
        assert_eq!(named(Some("raio x.exe"), jpeg), "raio x.jpg");
        assert_eq!(named(Some("../exame.pdf"), b"%PDF-1.4"), "exame.pdf");
        assert_eq!(named(Some("laudo.docx"), b"PK\x03\x04"), "laudo.docx");
        assert_eq!(named(Some("sem fim"), b"??"), "sem fim.bin");
    }
}
