//! Threads and people as the inbox shows them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::older::BEGINNING;
use crate::{Cache, Result, RowState, row_state};

/// What is read of a message, up to its conditions.
macro_rules! message_columns {
    () => {
        concat!(
            "select g.id, g.direction, g.sender_kind, m.name, g.kind, g.body, g.status, g.error_code, g.error_text, g.sent_at,
                 g.scheduled_for, g.delivered_at, g.read_at, g.edited_at is not null, g.revoked_at is not null,
                 g.quoted_preview, q.id, q.direction, q.kind, g.gateway_id, g.mentions, g.reactions, g.attachment,
                 g.conversation_id, ",
            row_state!("g.id"),
            ", case when g.kind = 'poll' then (
                    select json_group_array(json_object('from_me', v.direction = 'outbound', 'options',
                        json_extract(v.attachment, '$.options'))) from (
                        select v.direction, v.attachment from messages v
                        where v.reply_to_gateway_id = g.gateway_id and v.kind = 'unsupported'
                          and +v.conversation_id = g.conversation_id and v.revoked_at is null
                          and json_extract(v.attachment, '$.original_kind') = 'pollUpdateMessage'
                        order by v.sent_at, v.id) v) end
              from messages g left join members m on m.id = g.sender_id
              left join messages q on q.row = (select a.row from messages a where a.gateway_id = g.reply_to_gateway_id
                  and a.channel_id = g.channel_id limit 1)"
        )
    };
}

/// Whether a message stands aside until its time has come, or did and is called off. Of one that was called off and is wanted
/// after all, the database has not yet said so.
macro_rules! waits {
    () => {
        "(g.scheduled_for is not null and (g.status = 'queued' or (g.status = 'failed' and g.error_code = 'cancelled')))"
    };
}

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
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub sent_at: i64,
    pub scheduled_for: Option<i64>,
    pub delivered_at: Option<i64>,
    pub read_at: Option<i64>,
    pub edited: bool,
    pub revoked: bool,
    /// What the gateway calls it; nothing before it has it.
    pub gateway_id: Option<String>,
    pub quoted: Option<QuotedRow>,
    /// JSON array of members' ids.
    pub mentions: Option<String>,
    /// JSON array.
    pub reactions: String,
    /// JSON object.
    pub attachment: Option<String>,
    /// JSON array of the votes in a poll, oldest first.
    pub votes: Option<String>,
    pub state: RowState,
}

/// What a message answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct QuotedRow {
    /// First words, as they were when it was answered.
    pub preview: String,
    /// Id, direction and kind of the message, where it is here.
    pub message: Option<(Uuid, String, String)>,
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
    pub state: RowState,
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
            message_columns!(),
            " where g.conversation_id = ?1 and (g.sent_at, g.id) < (?2, ?3)
                and not ",
            waits!(),
            " and (g.sent_at >= coalesce(
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

    /// Messages of a conversation that wait for their time, the next first.
    pub async fn scheduled_messages(&self, conversation: Uuid) -> Result<Vec<MessageRow>> {
        let rows = sqlx::query(concat!(
            message_columns!(),
            " where g.conversation_id = ? and g.cancelled_at is null and ",
            waits!(),
            " order by g.scheduled_for, g.id"
        ))
        .bind(conversation)
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(message).collect())
    }

    /// One message, and the conversation it stands in.
    pub async fn message(&self, id: Uuid) -> Result<(Uuid, MessageRow)> {
        let row =
            sqlx::query(concat!(message_columns!(), " where g.id = ?")).bind(id).fetch_one(self.readers()).await?;
        Ok((row.get(23), message(&row)))
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
        let visits = sqlx::query(concat!(
            "select a.id, a.starts_at, s.name as service, coalesce(f.name, '') as professional, a.status, ",
            row_state!("a.id"),
            " as state from appointments a
             left join services s on s.id = a.service_id left join professionals f on f.id = a.professional_id
             where a.contact_id = ?1
               and (a.starts_at >= coalesce(
                        (select cast(value as integer) from sync_state where key = 'appointments_from'), ?2)
                 or exists (select 1 from older_people o where o.contact_id = ?1)
                 or exists (select 1 from effects e where e.entity_id = a.id))
             order by a.starts_at desc limit ?3"
        ))
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
                    state: RowState::from_rank(row.get("state")),
                })
                .collect(),
            no_show_count,
            lead: lead.map(|row| (row.get(0), row.get(1), row.get(2))),
        })
    }
}

fn message(row: &SqliteRow) -> MessageRow {
    let preview: Option<String> = row.get(15);
    let answers: Option<Uuid> = row.get(16);
    MessageRow {
        id: row.get(0),
        direction: row.get(1),
        sender_kind: row.get(2),
        sender_name: row.get(3),
        kind: row.get(4),
        body: row.get(5),
        status: row.get(6),
        error_code: row.get(7),
        error_text: row.get(8),
        sent_at: row.get(9),
        scheduled_for: row.get(10),
        delivered_at: row.get(11),
        read_at: row.get(12),
        edited: row.get(13),
        revoked: row.get(14),
        quoted: (preview.is_some() || answers.is_some()).then(|| QuotedRow {
            preview: preview.unwrap_or_default(),
            message: answers.map(|id| (id, row.get(17), row.get(18))),
        }),
        gateway_id: row.get(19),
        mentions: row.get(20),
        reactions: row.get(21),
        attachment: row.get(22),
        votes: row.get(25),
        state: RowState::from_rank(row.get(24)),
    }
}
