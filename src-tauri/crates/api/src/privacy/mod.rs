//! A person's own data, for the owner and admins: handed out as a file, or forgotten. All of it is asked of the database
//! itself, which decides who may.

mod types;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use balcao_domain::text::fold;
use balcao_tenant::privacy::{ErasurePreview, ExportError, ExportProgress, PersonArchive, Reason};
use tokio::sync::Notify;

pub use types::*;

use crate::commands::Nothing;
use crate::copy::{export_folder, new_place, not_written};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::line;

/// The export that is being made.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    progress: Mutex<PersonExport>,
    calling_off: Notify,
}

impl Underway {
    fn told(&self) -> PersonExport {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, progress: PersonExport) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

pub(crate) async fn get_person_data(desk: &Arc<Desk>, wish: GetPersonData) -> Result<PersonData, ApiError> {
    let tenant = line(desk).await?;
    let preview = tenant.preview_erasure(wish.contact_id).await;
    tenant.close().await;
    preview?.map(shown).ok_or_else(nobody)
}

pub(crate) async fn get_person_export(desk: &Arc<Desk>, _: Nothing) -> Result<PersonExport, ApiError> {
    Ok(desk.person_export.told())
}

pub(crate) async fn cancel_person_export(desk: &Arc<Desk>, _: Nothing) -> Result<Nothing, ApiError> {
    desk.person_export.calling_off.notify_waiters();
    Ok(Nothing {})
}

pub(crate) async fn export_person(desk: &Arc<Desk>, wish: ExportPerson) -> Result<ExportedPerson, ApiError> {
    // What nobody can receive is not read out.
    let folder = export_folder(desk)?;
    tokio::fs::create_dir_all(&folder).await.map_err(|error| not_written(&error))?;
    let called_off = desk.person_export.calling_off.notified();
    let tenant = line(desk).await?;
    let now = desk.clock.now();
    let told = |progress: ExportProgress| desk.person_export.tell(progress.into());
    let made = tokio::select! {
        made = tenant.export_person(wish.contact_id, &folder, now, told) => Some(made),
        () = called_off => None,
    };
    tenant.close().await;
    desk.person_export.tell(PersonExport::default());
    let archive = match made {
        None => return Ok(ExportedPerson { path: None, rows: 0, missing: Vec::new() }),
        Some(Err(ExportError::Database(error))) => return Err(error.into()),
        Some(Err(ExportError::Away(code))) => {
            return Err(ApiError::new(code, "a file is not brought back from the bucket"));
        }
        Some(Err(ExportError::File(error))) => return Err(not_written(&error)),
        Some(Ok(None)) => return Err(nobody()),
        Some(Ok(Some(archive))) => archive,
    };
    let missing = archive.missing.clone();
    let rows = u32::try_from(archive.rows).unwrap_or(u32::MAX);
    let day = now.with_timezone(&archive.time_zone).format("%Y-%m-%d");
    let name = format!("dados-{}-{day}", file_name(&archive.name));
    let path =
        tokio::task::spawn_blocking(move || placed(archive, &folder, &name)).await.map_err(ApiError::internal)?;
    let path = path.map_err(|error| not_written(&error))?;
    Ok(ExportedPerson { path: Some(path.display().to_string()), rows, missing })
}

fn placed(mut archive: PersonArchive, folder: &Path, name: &str) -> std::io::Result<PathBuf> {
    new_place(folder, name, "zip", |place| archive.keep_as(place)).map(|(place, ())| place)
}

pub(crate) async fn erase_person(desk: &Arc<Desk>, wish: ErasePerson) -> Result<ErasedPerson, ApiError> {
    let reason = Reason::from_name(&wish.reason)
        .ok_or_else(|| ApiError::new("invalid_request", "there is no such reason").about("reason"))?;
    let tenant = line(desk).await?;
    let erased = async {
        let preview = tenant.preview_erasure(wish.contact_id).await?.ok_or_else(nobody)?;
        if !same_name(&preview.name, &wish.typed_name) {
            return Err(ApiError::new("name_differs", "the name that was typed is another").about("typed_name"));
        }
        tenant.erase_person(wish.contact_id, reason).await?.ok_or_else(nobody)
    };
    let erased = erased.await;
    tenant.close().await;
    let erased = erased?;
    Ok(ErasedPerson {
        messages: erased.messages,
        visits_kept: erased.visits_kept,
        visits_cancelled: erased.visits_cancelled,
    })
}

fn nobody() -> ApiError {
    ApiError::new("not_found", "there is no such person")
}

/// Accents, capitals and spaces do not matter to somebody who types a name they read.
fn same_name(name: &str, typed: &str) -> bool {
    let words = |text: &str| fold(text).split_whitespace().collect::<Vec<_>>().join(" ");
    words(name) == words(typed)
}

/// A name as part of a file's name: letters and digits of every system.
fn file_name(name: &str) -> String {
    let plain: String = fold(name).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).take(4).collect();
    if words.is_empty() { "pessoa".to_owned() } else { words.join("-").chars().take(60).collect() }
}

impl From<ExportProgress> for PersonExport {
    fn from(progress: ExportProgress) -> Self {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            part: Some(progress.part.to_owned()),
            rows: u32::try_from(progress.rows).unwrap_or(u32::MAX),
            files_done: number(progress.files_done),
            files: number(progress.files),
        }
    }
}

fn shown(preview: ErasurePreview) -> PersonData {
    PersonData {
        name: preview.name,
        erased_at: preview.erased_at,
        patients: preview.patients,
        patients_kept: preview.patients_kept,
        addresses: preview.addresses,
        messages: preview.messages,
        visits: preview.visits,
        visits_ahead: preview.visits_ahead,
        leads_open: preview.leads_open,
        leads_closed: preview.leads_closed,
        waiting_list: preview.waiting_list,
        audit_entries: preview.audit_entries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_typed_as_people_type() {
        assert!(same_name("Zulmira  Conceição", " zulmira conceicao "));
        assert!(!same_name("Zulmira Conceição", "Zulmira"));
        assert!(!same_name("Zulmira", ""));
    }

    #[test]
    fn any_name_becomes_one_that_every_system_takes() {
        for (name, expected) in [
            ("Zulmira Conceição", "zulmira-conceicao"),
            ("../..\\C:\\Windows", "c-windows"),
            ("+55 11 98888-7777", "55-11-98888-7777"),
            ("愛", "pessoa"),
            ("", "pessoa"),
        ] {
            assert_eq!(file_name(name), expected, "{name}");
        }
    }
}
