//! Notes about people and visits: lines that are added and contradict nobody.

mod types;

use std::sync::Arc;

use balcao_cache::{Effect, NewOperation, Noted, WriteKind};
use balcao_domain::note;
use serde_json::json;
use uuid::Uuid;

pub use types::*;

use crate::clinic::OpenClinic;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{entity, object};
use crate::operations::Written;

pub(crate) async fn add_note(desk: &Arc<Desk>, request: AddNote) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    let (noted, id) = place(&clinic, request.about, request.id).await?;
    let me = clinic.cache.member(clinic.me().await?).await?;
    let author = me.as_ref().map(|member| member.name.as_str());
    let line = note::line(&request.text, author, clinic.cache.server_now().await?, clinic.time_zone().await?)?;
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action: "add_note",
        kind: WriteKind::Patch,
        effect: Effect {
            entity: entity(noted.entity())?,
            entity_id: id,
            fields: object(json!({ "notes": { "append": line } })),
        },
        followers: Vec::new(),
        unchecked: &["notes"],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: id })
}

pub(crate) async fn get_notes(desk: &Arc<Desk>, request: GetNotes) -> Result<Notes, ApiError> {
    let clinic = desk.clinic().await?;
    let (noted, id) = place(&clinic, request.about, request.id).await?;
    let row = clinic.cache.notes(noted, id).await?;
    let queued: Vec<QueuedNote> = row
        .queued
        .into_iter()
        .map(|note| QueuedNote { operation_id: note.operation_id, text: note.text, parked: note.parked })
        .collect();
    Ok(Notes { entity_id: id, text: confirmed(&row.text, &queued).to_owned(), queued })
}

/// What stands there without the queued lines, which are shown on their own: they are the end of it.
fn confirmed<'a>(text: &'a str, queued: &[QueuedNote]) -> &'a str {
    queued.iter().rev().fold(text, |text, note| {
        text.strip_suffix(note.text.as_str()).map_or(text, |before| before.strip_suffix('\n').unwrap_or(before))
    })
}

/// Where the notes are kept.
async fn place(clinic: &OpenClinic, about: NoteAbout, id: Uuid) -> Result<(Noted, Uuid), ApiError> {
    Ok(match about {
        NoteAbout::Contact => (Noted::Contact, id),
        NoteAbout::Appointment => (Noted::Appointment, id),
        NoteAbout::Lead => (Noted::Contact, clinic.cache.lead(id).await?.contact_id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(text: &str) -> QueuedNote {
        QueuedNote { operation_id: Uuid::nil(), text: text.to_owned(), parked: false }
    }

    #[test]
    fn queued_lines_are_not_shown_twice() {
        assert_eq!(confirmed("a\nb\nc", &[queued("b"), queued("c")]), "a");
        assert_eq!(confirmed("b", &[queued("b")]), "");
        assert_eq!(confirmed("a\nb", &[]), "a\nb");
        assert_eq!(confirmed("a\nc", &[queued("b"), queued("c")]), "a", "the first of two is in the database already");
    }
}
