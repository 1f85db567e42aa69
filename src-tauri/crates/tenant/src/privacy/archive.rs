//! A person's record as one file to hand over: a page for people, and the same for programs.

use std::io::{Cursor, Write as _};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;

use super::export::{PARTS, PersonRecord};

/// Names the shape of the document for programs; grows when the shape changes.
const FORMAT: &str = "balcao-person-1";

impl PersonRecord {
    /// For programs: every part under its name.
    pub fn document(&self, now: DateTime<Utc>) -> Value {
        let mut document = Map::new();
        document.insert("format".to_owned(), json!(FORMAT));
        document.insert("clinic".to_owned(), json!(self.clinic));
        document.insert("made_at".to_owned(), json!(now));
        for part in PARTS {
            document.insert(part.to_owned(), Value::Array(self.part(part).to_vec()));
        }
        Value::Object(document)
    }

    /// A zip with the page, the document, and the files of the messages, which both name.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn archive(&self, now: DateTime<Utc>) -> std::io::Result<Vec<u8>> {
        let page = self.page(now);
        let document = serde_json::to_vec_pretty(&self.document(now))?;
        let files = self.files().iter().map(|file| (file.name.as_str(), file.bytes.as_slice()));
        let own = [("dados.html", page.as_bytes()), ("dados.json", document.as_slice())];
        Ok(packed(own.into_iter().chain(files))?)
    }
}

fn packed<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
