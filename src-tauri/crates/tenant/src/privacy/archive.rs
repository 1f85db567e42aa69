//! A person's record as one file to hand over: a page for people, the same for programs, and the files that both name.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write, copy};
use std::path::Path;

use chrono_tz::Tz;
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::export::PARTS;
use super::page::Page;
use super::person::{About, name_of};

/// Names the shape of the document for programs; grows when the shape changes.
const FORMAT: &str = "balcao-person-3";

/// Pieces that wait to be written: a few files' pieces, and not a whole one.
const WAITING: usize = 8;

/// A part of what is written, in the order in which it stands there.
pub(super) enum Piece {
    /// A document of the part that is under way.
    Row(Value),
    /// The next part begins, or the files.
    PartEnds,
    /// A file begins.
    File(String),
    /// More of it.
    Bytes(Vec<u8>),
    /// What came of it is not all: it comes anew.
    Again,
    /// It is not what was stored: nothing of it is handed out.
    Lost,
    /// That was all.
    Ends,
}

/// A record that lies in a file without a name yet. Dropped without one it is gone.
pub struct PersonArchive {
    place: Option<TempPath>,
    /// What the person is called; empty for one without a name.
    pub name: String,
    /// Time zone of the clinic.
    pub time_zone: Tz,
    /// Documents in it.
    pub rows: u64,
    /// Files that it names and does not have: they could not be read.
    pub missing: Vec<String>,
}

impl PersonArchive {
    /// Gives it its place, in the folder where it was made; nothing that is there is written over.
    ///
    /// # Errors
    /// [`std::io::ErrorKind::AlreadyExists`] where something is there: another name may be tried. Any other when it cannot be
    /// put there.
    pub fn keep_as(&mut self, place: &Path) -> std::io::Result<()> {
        let Some(temporary) = self.place.take() else { return Ok(()) };
        temporary.persist_noclobber(place).map_err(|refused| {
            self.place = Some(refused.path);
            refused.error
        })
    }
}

/// Says how much there is, and not of whom.
impl std::fmt::Debug for PersonArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonArchive").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// What is known of a record when it is written.
struct Written {
    /// What the person is called.
    name: String,
    missing: Vec<String>,
}

/// A record that is being written, on a thread that may wait for a disk.
pub(super) struct Writing {
    pieces: mpsc::Sender<Piece>,
    writer: JoinHandle<std::io::Result<Written>>,
    place: TempPath,
    time_zone: Tz,
}

impl Writing {
    pub(super) fn begin(folder: &Path, about: About) -> std::io::Result<Self> {
        let (file, place) = NamedTempFile::with_prefix_in(".balcao-", folder)?.into_parts();
        // Nobody can open them: they are gone as soon as the program is. Which files are missing is known at the end, so that
        // what names them is put into the archive after them.
        let [page, document, held] = [(); 3].map(|()| tempfile::tempfile_in(folder));
        let (page, document, held) = (page?, document?, held?);
        let (pieces, waiting) = mpsc::channel(WAITING);
        let time_zone = about.time_zone;
        let writer = tokio::task::spawn_blocking(move || write(file, page, document, held, about, waiting));
        Ok(Self { pieces, writer, place, time_zone })
    }

    pub(super) async fn put(&mut self, piece: Piece) -> std::io::Result<()> {
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        // The writer has given up, and says why.
        (&mut self.writer).await.map_err(std::io::Error::other)?.and(Err(std::io::ErrorKind::BrokenPipe.into()))
    }

    /// All of it is on the disk.
    pub(super) async fn finish(mut self, rows: u64) -> std::io::Result<PersonArchive> {
        self.put(Piece::Ends).await?;
        let Written { name, missing } = self.writer.await.map_err(std::io::Error::other)??;
        Ok(PersonArchive { place: Some(self.place), name, time_zone: self.time_zone, rows, missing })
    }
}

fn write(
    file: File,
    page: File,
    document: File,
    held: File,
    about: About,
    mut pieces: mpsc::Receiver<Piece>,
) -> std::io::Result<Written> {
    let mut document = Document::begin(BufWriter::new(document), &about)?;
    let mut page = Page::new(BufWriter::new(page), about);
    let mut name = None;
    for part in PARTS {
        document.part(part)?;
        loop {
            match pieces.blocking_recv() {
                Some(Piece::Row(row)) => {
                    name.get_or_insert_with(|| name_of(&row).to_owned());
                    document.row(&row)?;
                    page.row(part, row)?;
                }
                Some(Piece::PartEnds) => break,
                // Nobody waits for it any more.
                _ => return Err(std::io::ErrorKind::Interrupted.into()),
            }
        }
        page.part_ends(part)?;
    }
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let missing = write_files(&mut zip, held, pieces)?;
    for (name, text) in [("dados.json", document.end(&missing)?), ("dados.html", page.end(&missing)?)] {
        let mut text = text.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        text.rewind()?;
        zip.start_file(name, SimpleFileOptions::default())?;
        copy(&mut text, &mut zip)?;
    }
    let file = zip.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(Written { name: name.unwrap_or_default(), missing })
}

/// Answers with those that are missing. Each is held back until all of it is there: what is once in an archive stays in its bytes.
fn write_files(
    zip: &mut ZipWriter<BufWriter<File>>,
    mut held: File,
    mut pieces: mpsc::Receiver<Piece>,
) -> std::io::Result<Vec<String>> {
    // Pictures and sound are as small as they get.
    let as_it_is = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let (mut missing, mut underway) = (Vec::new(), None::<String>);
    loop {
        let next = pieces.blocking_recv();
        if matches!(next, Some(Piece::File(_) | Piece::Ends))
            && let Some(name) = underway.take()
        {
            zip.start_file(name, as_it_is)?;
            held.rewind()?;
            copy(&mut held, zip)?;
        }
        match next {
            Some(Piece::File(name)) => {
                emptied(&mut held)?;
                underway = Some(name);
            }
            Some(Piece::Again) => emptied(&mut held)?,
            Some(Piece::Bytes(bytes)) => held.write_all(&bytes)?,
            Some(Piece::Lost) => missing.extend(underway.take()),
            Some(Piece::Ends) => return Ok(missing),
            _ => return Err(std::io::ErrorKind::Interrupted.into()),
        }
    }
}

fn emptied(file: &mut File) -> std::io::Result<()> {
    file.rewind()?;
    file.set_len(0)
}

/// The same for programs: every part under its name, a document on a line.
struct Document<W> {
    out: W,
    is_first_row: bool,
    has_part: bool,
}

impl<W: Write> Document<W> {
    fn begin(mut out: W, about: &About) -> std::io::Result<Self> {
        let (format, clinic, made_at) = (json!(FORMAT), json!(about.clinic), json!(about.now));
        write!(out, "{{\"format\": {format},\n\"clinic\": {clinic},\n\"made_at\": {made_at}")?;
        Ok(Self { out, is_first_row: true, has_part: false })
    }

    fn part(&mut self, part: &str) -> std::io::Result<()> {
        self.end_part()?;
        (self.is_first_row, self.has_part) = (true, true);
        write!(self.out, ",\n{}: [", json!(part))
    }

    fn row(&mut self, row: &Value) -> std::io::Result<()> {
        self.out.write_all(if self.is_first_row { b"\n" } else { b",\n" })?;
        self.is_first_row = false;
        Ok(serde_json::to_writer(&mut self.out, row)?)
    }

    fn end_part(&mut self) -> std::io::Result<()> {
        if self.has_part { self.out.write_all(b"]") } else { Ok(()) }
    }

    fn end(mut self, missing: &[String]) -> std::io::Result<W> {
        self.end_part()?;
        write!(self.out, ",\n\"missing_files\": {}\n}}\n", json!(missing))?;
        Ok(self.out)
    }
}
