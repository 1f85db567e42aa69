//! Events that were heard and are not in the database yet, on the disk of this computer.
//!
//! A file of frames, added to and synced before an event counts as heard, emptied when the database has them all. It is
//! encrypted with a key of the keyring: events are patients' words. After a crash everything in it is stored again, which is
//! harmless: the database knows events by their digests.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

/// Bytes of the key.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Longest frame that is believed: a history of a phone comes in parts of a few megabytes.
const MAX_FRAME: u32 = 96 * 1024 * 1024;
/// Largest file. A database that is away for longer than that is caught up with by a sweep.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// An event, scrubbed of secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub event: String,
    /// What the gateway sent.
    pub payload: Value,
    /// When it was heard.
    pub received_at: DateTime<Utc>,
    /// Its place in the order of a relay.
    pub position: Option<u64>,
}

// The payload is a patient's words.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("event", &self.event)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// Up to where a journal was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(u64);

/// The journal of one connection. Clones are the same one.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
    arrived: Arc<Notify>,
}

struct Inner {
    file: File,
    cipher: XChaCha20Poly1305,
    /// What is before has been stored.
    done: u64,
    /// Where the next frame goes.
    end: u64,
}

impl Journal {
    /// Opens the journal in this file, made if there is none. A frame that was cut off in a crash is dropped: it was never said
    /// to be heard. What another key has written cannot be read by anybody, and is dropped, too.
    ///
    /// # Errors
    /// Of the file system.
    pub fn open(path: &Path, key: &[u8; KEY_BYTES]) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut inner = Inner { file, cipher: XChaCha20Poly1305::new(key.into()), done: 0, end: 0 };
        inner.end = inner.readable()?;
        inner.file.set_len(inner.end)?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)), arrived: Arc::new(Notify::new()) })
    }

    /// Adds entries; when this returns, they survive whatever happens to this computer.
    ///
    /// # Errors
    /// Of the file system, and [`io::ErrorKind::StorageFull`] when the journal itself is full.
    pub fn append(&self, entries: &[Entry]) -> io::Result<()> {
        let mut inner = self.lock();
        let mut frames = Vec::new();
        for entry in entries {
            inner.seal(entry, &mut frames)?;
        }
        if inner.end + frames.len() as u64 > MAX_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let end = inner.end;
        inner.file.seek(SeekFrom::Start(end))?;
        inner.file.write_all(&frames)?;
        inner.file.sync_data()?;
        inner.end = end + frames.len() as u64;
        drop(inner);
        self.arrived.notify_one();
        Ok(())
    }

    /// The oldest entries that are not done, at most so many, and the mark behind them. None when there are none.
    ///
    /// # Errors
    /// Of the file system.
    pub fn next(&self, most: usize) -> io::Result<Option<(Vec<Entry>, Mark)>> {
        let mut inner = self.lock();
        let mut place = inner.done;
        let mut entries = Vec::new();
        while entries.len() < most && place < inner.end {
            let Some((entry, behind)) = inner.frame(place)? else { break };
            entries.push(entry);
            place = behind;
        }
        Ok((!entries.is_empty()).then_some((entries, Mark(place))))
    }

    /// The database has everything before the mark. An empty journal takes no room.
    ///
    /// # Errors
    /// Of the file system.
    pub fn done(&self, mark: Mark) -> io::Result<()> {
        let mut inner = self.lock();
        inner.done = inner.done.max(mark.0.min(inner.end));
        if inner.done == inner.end && inner.end > 0 {
            inner.file.set_len(0)?;
            (inner.done, inner.end) = (0, 0);
        }
        Ok(())
    }

    /// Waits until something was added since this was last asked.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Lengths are moved after the file, so that a panic leaves them behind at worst.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Length of the file up to the last whole frame.
    fn readable(&mut self) -> io::Result<u64> {
        self.end = self.file.metadata()?.len();
        let mut place = 0;
        while let Some((_, behind)) = self.frame(place)? {
            place = behind;
        }
        Ok(place)
    }

    fn seal(&self, entry: &Entry, frames: &mut Vec<u8>) -> io::Result<()> {
        let plain = serde_json::to_vec(entry)?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), plain.as_slice());
        let sealed = sealed.map_err(|_| io::ErrorKind::InvalidData)?;
        let length = u32::try_from(NONCE_BYTES + sealed.len()).ok().filter(|length| *length <= MAX_FRAME);
        frames.extend_from_slice(&length.ok_or(io::ErrorKind::InvalidInput)?.to_le_bytes());
        frames.extend_from_slice(&nonce);
        frames.extend_from_slice(&sealed);
        Ok(())
    }

    /// The entry at a place and the place behind it; `None` at the end, and where nothing whole stands.
    fn frame(&mut self, place: u64) -> io::Result<Option<(Entry, u64)>> {
        if place + 4 > self.end {
            return Ok(None);
        }
        let mut length = [0; 4];
        self.file.seek(SeekFrom::Start(place))?;
        self.file.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let behind = place + 4 + u64::from(length);
        if behind > self.end || length > MAX_FRAME || (length as usize) < NONCE_BYTES {
            return Ok(None);
        }
        let mut frame = vec![0; length as usize];
        self.file.read_exact(&mut frame)?;
        let Some((nonce, sealed)) = frame.split_first_chunk::<NONCE_BYTES>() else { return Ok(None) };
        let Ok(plain) = self.cipher.decrypt(&XNonce::from(*nonce), sealed) else { return Ok(None) };
        Ok(serde_json::from_slice(&plain).ok().map(|entry| (entry, behind)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];

    fn entry(words: &str) -> Entry {
        Entry {
            event: "messages.upsert".into(),
            payload: json!({"data": {"message": {"conversation": words}}}),
            received_at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
            position: None,
        }
    }

    #[test]
    fn what_was_not_done_is_there_again_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let journal = Journal::open(&path, &KEY).unwrap();
        journal.append(&[entry("um"), entry("dois"), entry("três")]).unwrap();
        let (first, mark) = journal.next(2).unwrap().unwrap();
        assert_eq!(first, [entry("um"), entry("dois")]);
        journal.done(mark).unwrap();
        assert_eq!(journal.next(9).unwrap().unwrap().0, [entry("três")]);
        drop(journal);
        let again = Journal::open(&path, &KEY).unwrap();
        let (all, mark) = again.next(9).unwrap().unwrap();
        assert_eq!(all.len(), 3, "what was stored comes once more, which the database does not mind");
        again.done(mark).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        assert!(again.next(9).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_was_cut_off_is_dropped_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        Journal::open(&path, &KEY).unwrap().append(&[entry("um"), entry("dois")]).unwrap();
        let whole = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(whole - 3).unwrap();
        let journal = Journal::open(&path, &KEY).unwrap();
        journal.append(&[entry("três")]).unwrap();
        assert_eq!(journal.next(9).unwrap().unwrap().0, [entry("um"), entry("três")]);
    }

    #[test]
    fn nobody_reads_it_without_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        Journal::open(&path, &KEY).unwrap().append(&[entry("minha senha é gato")]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(4).any(|piece| piece == b"gato"));
        assert!(Journal::open(&path, &[8; KEY_BYTES]).unwrap().next(1).unwrap().is_none());
    }
}
