//! The log as a file for whoever helps: the same facts as on the screen, and nothing about people.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use balcao_cache::LogLine;

use super::events;
use super::types::ExportedLog;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

const PAGE: u32 = 500;

/// Names that are tried when the first one is taken.
const MOST_NAMES: u32 = 100;

pub(crate) async fn export_sync_log(desk: &Arc<Desk>, _: Nothing) -> Result<ExportedLog, ApiError> {
    let folder = export_folder(desk)?;
    let (lines, time_zone) = {
        let clinic = desk.clinic().await?;
        let mut lines: Vec<LogLine> = Vec::new();
        loop {
            let page = clinic.cache.log_page(lines.last().map(|line| line.id), PAGE).await?;
            if page.is_empty() {
                break;
            }
            lines.extend(page);
        }
        (lines, clinic.time_zone().await?)
    };
    let text = table(&lines, time_zone);
    let stamp = desk.clock.now().with_timezone(&time_zone).format("%Y-%m-%d-%H%M");
    let name = format!("balcao-registro-{stamp}");
    let path = save_new(folder, name, "csv", text).await?;
    Ok(ExportedLog { path: path.display().to_string(), lines: u32::try_from(lines.len()).unwrap_or(u32::MAX) })
}

/// Semicolons, because that is what spreadsheets expect where the decimal sign is a comma. Oldest first.
fn table(lines: &[LogLine], time_zone: chrono_tz::Tz) -> String {
    let mut text = String::from("utc;local;event;facts\r\n");
    for line in lines.iter().rev() {
        let facts: Vec<String> =
            events::facts(&line.event, &line.detail).iter().map(|(name, value)| format!("{name}={value}")).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{};{};{};{}\r\n",
            line.at.format("%Y-%m-%dT%H:%M:%SZ"),
            line.at.with_timezone(&time_zone).format("%Y-%m-%d %H:%M:%S"),
            events::name(&line.event),
            facts.join(" ")
        );
    }
    text
}

/// Where files for the person are put.
pub(crate) fn export_folder(desk: &Desk) -> Result<PathBuf, ApiError> {
    let folder = desk.options.export_dir.clone();
    folder.ok_or_else(|| ApiError::new("no_export_folder", "this account has no folder for downloads"))
}

/// Writes a file of this name and kind, or one with a number where there is one already. Answers where.
pub(crate) async fn save_new(
    folder: PathBuf,
    name: String,
    kind: impl Into<String>,
    contents: impl AsRef<[u8]> + Send + 'static,
) -> Result<PathBuf, ApiError> {
    let kind = kind.into();
    tokio::task::spawn_blocking(move || write_new(&folder, &name, &kind, contents.as_ref()))
        .await
        .map_err(ApiError::internal)?
        .map_err(|error| not_written(&error))
}

/// Why a file for the person is not there.
pub(crate) fn not_written(error: &std::io::Error) -> ApiError {
    match error.kind() {
        ErrorKind::StorageFull => ApiError::new("disk_full", "the disk is full"),
        kind => ApiError::new("export_failed", format!("the file cannot be written: {kind}")),
    }
}

/// Writes a file that was not there; what is there is never written over.
fn write_new(folder: &Path, name: &str, kind: &str, contents: &[u8]) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let (path, mut file) = new_place(folder, name, kind, |place| File::create_new(place))?;
    file.write_all(contents)?;
    Ok(path)
}

/// Puts something where nothing was: under this name, or one with a number where there is one already.
pub(crate) fn new_place<T>(
    folder: &Path,
    name: &str,
    kind: &str,
    mut put: impl FnMut(&Path) -> std::io::Result<T>,
) -> std::io::Result<(PathBuf, T)> {
    for number in 1..MOST_NAMES {
        let path = match number {
            1 => folder.join(format!("{name}.{kind}")),
            _ => folder.join(format!("{name}-{number}.{kind}")),
        };
        match put(&path) {
            Ok(there) => return Ok((path, there)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn line(event: &str, detail: &str) -> LogLine {
        let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        LogLine { id: 1, at, event: event.to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn the_file_has_facts_and_no_other_words() {
        let lines = [line("sent", "confirmed=2 parked=0"), line("line_down", "Maria;Souza code=timed_out")];
        let text = table(&lines, chrono_tz::America::Sao_Paulo);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[1], "2026-11-18T11:06:40Z;2026-11-18 08:06:40;line_down;code=timed_out");
        assert_eq!(rows[2], "2026-11-18T11:06:40Z;2026-11-18 08:06:40;sent;confirmed=2 parked=0");
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("Downloads");
        let first = write_new(&inside, "registro", "csv", b"one").unwrap();
        let second = write_new(&inside, "registro", "csv", b"two").unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "two");
    }
}
