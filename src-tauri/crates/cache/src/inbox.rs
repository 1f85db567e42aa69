//! Threads and people as the inbox shows them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::older::BEGINNING;
use crate::{Cache, Result, RowState, row_state};

/// One message. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct MessageRow {
    pub id: Uuid,
    pub direction: String,
    pub sender_kind: String,
    pub sender_name: Option<String>,
    pub kind: String,
    pub body: String,
    pub status: String,
    pub error_text: Option<String>,
    pub sent_at: i64,
    pub delivered_at: Option<i64>,
    pub read_at: Option<i64>,
    pub edited: bool,
    pub revoked: bool,
    pub quoted_preview: Option<String>,
    /// JSON array.
    pub reactions: String,
    /// JSON object.
    pub attachment: Option<String>,
    pub state: RowState,
}

/// Who a conversation is with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct PersonRow {
    pub contact_id: Uuid,
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub source: Option<String>,
    /// JSON array of texts.
    pub tags: String,
    pub notes: String,
    pub is_blocked: bool,
    pub patients: Vec<String>,
    pub visits: Vec<PersonVisitRow>,
    pub no_show_count: u32,
    /// Id, title and stage of the open or latest lead.
    pub lead: Option<(Uuid, String, String)>,
}

/// A visit of a person. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct PersonVisitRow {
    pub id: Uuid,
    pub starts_at: i64,
    pub service: Option<String>,
    pub professional: String,
    pub status: String,
}

impl Cache {
    /// Messages of a conversation, newest first, as far back as the copy is whole; only those before `before` (microseconds,
    /// id) where it is given. What this computer has queued is always among them.
    pub async fn messages(
        &self,
        conversation: Uuid,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<MessageRow>> {
        let (sent_at, id) = before.unwrap_or((i64::MAX, Uuid::max()));
        let rows = sqlx::query(concat!(
            "select g.id, g.direction, g.sender_kind, m.name as sender_name, g.kind, g.body, g.status, g.error_text, g.sent_at,
                 g.delivered_at, g.read_at, g.edited_at is not null as edited, g.revoked_at is not null as revoked,
                 g.quoted_preview, g.reactions, g.attachment, ",
            row_state!("g.id"),
            " as state from messages g left join members m on m.id = g.sender_id
              where g.conversation_id = ?1 and (g.sent_at, g.id) < (?2, ?3)
                and (g.sent_at >= coalesce(
                         (select cast(value as integer) from sync_state where key = 'messages_from'), ?5)
                  or (g.sent_at, g.id) >= (select t.sent_at, t.id from older_threads t where t.conversation_id = ?1)
                  or exists (select 1 from effects e where e.entity_id = g.id))
              order by g.sent_at desc, g.id desc limit ?4"
        ))
        .bind(conversation)
        .bind(sent_at)
        .bind(id)
        .bind(limit)
        .bind(BEGINNING)
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(message).collect())
    }

    /// Who a conversation is with, and their latest visits as far back as the copy is whole.
    pub async fn person(&self, contact_id: Uuid, most_visits: u32) -> Result<PersonRow> {
        let mut connection = self.readers().acquire().await?;
        let contact = sqlx::query("select name, profile_name, phone, source, tags, notes, status = 'blocked' as is_blocked from contacts where id = ?")
            .bind(contact_id)
            .fetch_optional(&mut *connection)
            .await?;
        let patients = sqlx::query(
            "select name from patients where contact_id = ? and active = 1 order by relation = 'self' desc, name",
        )
        .bind(contact_id)
        .fetch_all(&mut *connection)
        .await?;
        let visits = sqlx::query(
            "select a.id, a.starts_at, s.name as service, coalesce(f.name, '') as professional, a.status from appointments a
             left join services s on s.id = a.service_id left join professionals f on f.id = a.professional_id
             where a.contact_id = ?1
               and (a.starts_at >= coalesce(
                        (select cast(value as integer) from sync_state where key = 'appointments_from'), ?2)
                 or exists (select 1 from older_people o where o.contact_id = ?1)
                 or exists (select 1 from effects e where e.entity_id = a.id))
             order by a.starts_at desc limit ?3",
        )
        .bind(contact_id)
        .bind(BEGINNING)
        .bind(most_visits)
        .fetch_all(&mut *connection)
        .await?;
        let no_show_count: u32 =
            sqlx::query_scalar("select count(*) from appointments where contact_id = ? and status = 'no_show'")
                .bind(contact_id)
                .fetch_one(&mut *connection)
                .await?;
        let lead = sqlx::query(
            "select l.id, l.title, coalesce(s.name, '') from leads l left join pipeline_stages s on s.id = l.stage_id
             where l.contact_id = ? order by l.closed_at is not null, l.stage_entered_at desc limit 1",
        )
        .bind(contact_id)
        .fetch_optional(&mut *connection)
        .await?;
        Ok(PersonRow {
            contact_id,
            name: contact.as_ref().map(|row| row.get("name")).unwrap_or_default(),
            profile_name: contact.as_ref().and_then(|row| row.get("profile_name")),
            phone: contact.as_ref().and_then(|row| row.get("phone")),
            source: contact.as_ref().and_then(|row| row.get("source")),
            tags: contact.as_ref().map_or_else(|| "[]".to_owned(), |row| row.get("tags")),
            notes: contact.as_ref().map(|row| row.get("notes")).unwrap_or_default(),
            is_blocked: contact.as_ref().is_some_and(|row| row.get("is_blocked")),
            patients: patients.iter().map(|row| row.get(0)).collect(),
            visits: visits
                .iter()
                .map(|row| PersonVisitRow {
                    id: row.get("id"),
                    starts_at: row.get("starts_at"),
                    service: row.get("service"),
                    professional: row.get("professional"),
                    status: row.get("status"),
                })
                .collect(),
            no_show_count,
            lead: lead.map(|row| (row.get(0), row.get(1), row.get(2))),
        })
    }
}

fn message(row: &SqliteRow) -> MessageRow {
    MessageRow {
        id: row.get(0),
        direction: row.get(1),
        sender_kind: row.get(2),
        sender_name: row.get(3),
        kind: row.get(4),
        body: row.get(5),
        status: row.get(6),
        error_text: row.get(7),
        sent_at: row.get(8),
        delivered_at: row.get(9),
        read_at: row.get(10),
        edited: row.get(11),
        revoked: row.get(12),
        quoted_preview: row.get(13),
        reactions: row.get(14),
        attachment: row.get(15),
        state: RowState::from_rank(row.get(16)),
    }
}
