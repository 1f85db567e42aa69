//! What people noted about a person or a visit.

use sqlx::Row as _;
use uuid::Uuid;

use crate::{Cache, Error, Result};

/// The rows that carry notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// A person.
    Contact,
    /// A visit.
    Appointment,
}

/// Notes as they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesRow {
    /// All of it, what is queued included.
    pub text: String,
    /// Lines that this computer has queued and the database has not confirmed, in order.
    pub queued: Vec<QueuedNote>,
}

/// A line on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedNote {
    /// The operation that carries it; two notes written one after the other may share one.
    pub operation_id: Uuid,
    /// What it adds.
    pub text: String,
    /// Whether it was refused and a person decides.
    pub parked: bool,
}

impl Noted {
    /// The copied table.
    pub const fn entity(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Appointment => "appointments",
        }
    }
}

impl Cache {
    /// The notes of a row.
    pub async fn notes(&self, about: Noted, id: Uuid) -> Result<NotesRow> {
        let mut connection = self.readers().acquire().await?;
        let text: Option<String> = match about {
            Noted::Contact => sqlx::query_scalar("select notes from contacts where id = ?"),
            Noted::Appointment => sqlx::query_scalar("select notes from appointments where id = ?"),
        }
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
        let queued = sqlx::query(
            "select operation_id, json_extract(fields, '$.notes.append'), state = 'parked' from outbox
             where entity_id = ? and entity = ? and json_extract(fields, '$.notes.append') is not null order by seq",
        )
        .bind(id)
        .bind(about.entity())
        .fetch_all(&mut *connection)
        .await?;
        Ok(NotesRow {
            text: text.ok_or(Error::NotFound)?,
            queued: queued
                .iter()
                .map(|row| QueuedNote { operation_id: row.get(0), text: row.get(1), parked: row.get(2) })
                .collect(),
        })
    }
}
