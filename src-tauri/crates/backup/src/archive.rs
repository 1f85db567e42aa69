//! A backup that is read: what it holds, and its archive as the text of one section after the other.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use age::stream::StreamReader;
use balcao_local_server::Binaries;
use balcao_tenant::SCHEMA_VERSION;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::contents::{Contents, FIRST_LINE, LONGEST};
use crate::dump::last_lines;
use crate::error::{BackupError, Result};
use crate::watch::{Step, Watch};
use crate::words::Words;
use crate::{erasures, folder, seal};

/// A backup whose words are known.
#[derive(Debug, Clone)]
pub struct Archive {
    path: PathBuf,
    words: Words,
    /// What it holds.
    pub contents: Contents,
}

type Plain = BufReader<StreamReader<BufReader<File>>>;

impl Archive {
    /// Opens a backup and reads what it says of itself.
    ///
    /// # Errors
    /// [`BackupError::WrongWords`], [`BackupError::NotABackup`], [`BackupError::Damaged`], [`BackupError::Newer`]
    pub fn open(path: &Path, words: &Words) -> Result<Self> {
        let (contents, _) = read(path, words)?;
        if contents.schema_version > SCHEMA_VERSION {
            return Err(BackupError::Newer { found: contents.schema_version, known: SCHEMA_VERSION });
        }
        Ok(Self { path: path.to_owned(), words: words.clone(), contents })
    }

    /// Compares the file with its checksum, where there is one beside it. What is altered inside is found anyway.
    ///
    /// # Errors
    /// [`BackupError::Damaged`], [`BackupError::Cancelled`]
    pub async fn check(&self, watch: &Watch) -> Result<()> {
        let Some(manifest) = folder::manifest(&self.path) else { return Ok(()) };
        let (path, watch) = (self.path.clone(), watch.clone());
        let work = tokio::task::spawn_blocking(move || {
            let found = seal::digest(&path, |done| {
                watch.tell(Step::Read, done, Some(manifest.bytes));
                watch.check()
            })?;
            if found == manifest.sha256 { Ok(()) } else { Err(BackupError::Damaged { file: path }) }
        });
        work.await.unwrap_or_else(|_| Err(self.damaged()))
    }

    /// The text of one section (`pre-data`, `data` or `post-data`) as it comes out of `pg_restore`.
    pub(crate) fn section(&self, binaries: &Binaries, name: &str) -> Result<Section> {
        let mut command = Command::from(binaries.command("pg_restore"));
        command.arg(format!("--section={name}")).args(["--file=-", "--no-comments", "--no-security-labels"]);
        command.args(["--no-tablespaces", "--no-publications", "--no-subscriptions"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let failed = |error: io::Error| BackupError::Program { program: "pg_restore", said: error.to_string() };
        let mut child = command.spawn().map_err(failed)?;
        let missing = || BackupError::Program { program: "pg_restore", said: "it has no streams".to_owned() };
        let mut stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let mut stderr = child.stderr.take().ok_or_else(missing)?;
        // Decryption is work for a thread; what it yields waits here for the program.
        let (chunks, mut waiting) = mpsc::channel::<Vec<u8>>(8);
        let (path, words) = (self.path.clone(), self.words.clone());
        let decryption = tokio::task::spawn_blocking(move || decrypt(&path, &words, &chunks));
        let feed = tokio::spawn(async move {
            while let Some(chunk) = waiting.recv().await {
                if stdin.write_all(&chunk).await.is_err() {
                    // It has read all that it needs. The thread ends when nobody takes what it yields.
                    break;
                }
            }
            drop((stdin, waiting));
            decryption.await.unwrap_or(Ok(()))
        });
        let said = tokio::spawn(async move {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said).await;
            said
        });
        Ok(Section { child, stdout: Some(stdout), feed, said })
    }

    /// Who was forgotten after this backup was made, as the list beside it says.
    pub(crate) fn erasures(&self) -> Result<serde_json::Value> {
        erasures::beside(&self.path, &self.words)
    }

    fn damaged(&self) -> BackupError {
        BackupError::Damaged { file: self.path.clone() }
    }
}

/// A section on its way.
pub(crate) struct Section {
    child: Child,
    stdout: Option<ChildStdout>,
    feed: JoinHandle<Result<()>>,
    said: JoinHandle<String>,
}

impl Section {
    /// The stream itself, once.
    pub(crate) fn stream(&mut self) -> Result<ChildStdout> {
        let gone = || BackupError::Program { program: "pg_restore", said: "it was read twice".to_owned() };
        self.stdout.take().ok_or_else(gone)
    }

    /// All of it as text.
    pub(crate) async fn text(mut self) -> Result<String> {
        let mut text = String::new();
        let read = self.stream()?.read_to_string(&mut text).await;
        self.end().await?;
        read.map_err(|error| BackupError::Program { program: "pg_restore", said: error.to_string() })?;
        Ok(text)
    }

    /// Whether it came out whole. What was found wrong with the file is the cause of whatever else is.
    pub(crate) async fn end(mut self) -> Result<()> {
        drop(self.stdout.take());
        let status = self.child.wait().await;
        self.feed.await.unwrap_or(Ok(()))?;
        let said = self.said.await.unwrap_or_default();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(BackupError::Program { program: "pg_restore", said: last_lines(&said) }),
            Err(error) => Err(BackupError::Program { program: "pg_restore", said: error.to_string() }),
        }
    }
}

fn decrypt(path: &Path, words: &Words, chunks: &mpsc::Sender<Vec<u8>>) -> Result<()> {
    let (_, mut plain) = read(path, words)?;
    loop {
        let mut chunk = vec![0; 256 * 1024];
        let length = plain.read(&mut chunk).map_err(|error| seal::of_reading(error, path))?;
        chunk.truncate(length);
        if length == 0 || chunks.blocking_send(chunk).is_err() {
            return Ok(());
        }
    }
}

/// What a backup says of itself, and the archive that follows.
fn read(path: &Path, words: &Words) -> Result<(Contents, Plain)> {
    let mut plain = BufReader::with_capacity(256 * 1024, seal::open(path, words)?);
    let mut line = Vec::new();
    let mut next = |plain: &mut Plain| {
        line.clear();
        plain.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(|error| seal::of_reading(error, path))?;
        Ok::<_, BackupError>(line.clone())
    };
    let not_ours = || BackupError::NotABackup { file: path.to_owned() };
    if next(&mut plain)? != FIRST_LINE.as_bytes() {
        return Err(not_ours());
    }
    let contents = serde_json::from_slice(&next(&mut plain)?).map_err(|_| not_ours())?;
    Ok((contents, plain))
}
