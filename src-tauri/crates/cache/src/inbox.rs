//! Conversations and threads as the inbox shows them.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::search::PeopleMatching;
use crate::{Cache, Result, RowState, row_state};

/// People that a search narrows a list to, at the most.
const MOST_PEOPLE: u32 = 1_000;

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the screen names them")]
pub enum InboxView {
    NeedsReply,
    Mine,
    Unassigned,
    Bot,
    Snoozed,
    Closed,
    All,
}

impl InboxView {
    const fn condition(self) -> &'static str {
        match self {
            Self::NeedsReply => "c.waiting_since is not null and c.handler = 'person' and c.status = 'open'",
            Self::Mine => "c.assignee_id = ?3 and c.status = 'open'",
            Self::Unassigned => "c.assignee_id is null and c.status = 'open'",
            Self::Bot => "c.handler = 'bot' and c.status = 'open'",
            Self::Snoozed => "c.status = 'snoozed'",
            Self::Closed => "c.status = 'closed'",
            Self::All => "true",
        }
    }

    /// Ends with the row's number in place of its id: that is in every index, so that a page far down the list is found
    /// without reading the rows above it.
    const fn order(self) -> &'static str {
        match self {
            Self::NeedsReply => "c.waiting_since, c.rowid",
            _ => "c.last_message_at desc, c.rowid",
        }
    }
}

/// How many conversations each view holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the views")]
pub struct Counts {
    pub needs_reply: u32,
    pub mine: u32,
    pub unassigned: u32,
    pub bot: u32,
    pub snoozed: u32,
    pub closed: u32,
    pub all: u32,
}

/// One conversation. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct ConversationRow {
    pub id: Uuid,
    pub contact_id: Uuid,
    pub channel_id: Uuid,
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub preview: String,
    pub last_kind: Option<String>,
    pub last_direction: Option<String>,
    pub last_message_at: Option<i64>,
    pub waiting_since: Option<i64>,
    pub unread_count: u32,
    pub handler: String,
    pub status: String,
    pub assignee: Option<String>,
    pub priority: String,
    /// JSON array of texts.
    pub labels: String,
    pub state: RowState,
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

const CONVERSATION: &str = concat!(
    "select c.id, c.contact_id, c.channel_id, p.name, p.profile_name, p.phone, c.last_message_preview, c.last_message_kind,
         c.last_message_direction, c.last_message_at, c.waiting_since, c.unread_count, c.handler, c.status,
         m.name as assignee, c.priority, c.labels, ",
    row_state!("c.id"),
    " as state from conversations c
      left join contacts p on p.id = c.contact_id left join members m on m.id = c.assignee_id "
);

impl Cache {
    /// A page of conversations. `search` narrows to people whose name or phone contains it. `me` is the member who asks.
    pub async fn conversations(
        &self,
        view: InboxView,
        me: Uuid,
        search: Option<&str>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<ConversationRow>> {
        let people = match search.map(PeopleMatching::of) {
            None => None,
            Some(Some(people)) => Some(people),
            Some(None) => return Ok(Vec::new()),
        };
        let narrowed = match &people {
            Some(people) => format!(" and c.contact_id in (select id from ({}))", people.rows),
            None => String::new(),
        };
        let (condition, order) = (view.condition(), view.order());
        let statement = format!(
            "{CONVERSATION} where c.rowid in
                 (select c.rowid from conversations c where {condition}{narrowed} order by {order} limit ?4 offset ?5)
             order by {order}"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(people.map(|people| people.needle))
            .bind(MOST_PEOPLE)
            .bind(me)
            .bind(limit)
            .bind(offset)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(conversation).collect())
    }

    /// How many conversations each view holds.
    pub async fn conversation_counts(&self, me: Uuid) -> Result<Counts> {
        let row = sqlx::query(
            "select (select count(*) from conversations where waiting_since is not null and handler = 'person' and status = 'open'),
                    (select count(*) from conversations where assignee_id = ?1 and status = 'open'),
                    (select count(*) from conversations where assignee_id is null and status = 'open'),
                    (select count(*) from conversations where handler = 'bot' and status = 'open'),
                    (select count(*) from conversations where status = 'snoozed'),
                    (select count(*) from conversations where status = 'closed'),
                    (select count(*) from conversations)",
        )
        .bind(me)
        .fetch_one(self.readers())
        .await?;
        Ok(Counts {
            needs_reply: row.get(0),
            mine: row.get(1),
            unassigned: row.get(2),
            bot: row.get(3),
            snoozed: row.get(4),
            closed: row.get(5),
            all: row.get(6),
        })
    }

    /// One conversation.
    pub async fn conversation(&self, id: Uuid) -> Result<ConversationRow> {
        let statement = format!("{CONVERSATION} where c.id = ?");
        let row = sqlx::query(AssertSqlSafe(statement)).bind(id).fetch_one(self.readers()).await?;
        Ok(conversation(&row))
    }

    /// Messages of a conversation, newest first; only those before `before` (microseconds, id) where it is given.
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
              where g.conversation_id = ?1 and (g.sent_at, g.id) < (?2, ?3) order by g.sent_at desc, g.id desc limit ?4"
        ))
        .bind(conversation)
        .bind(sent_at)
        .bind(id)
        .bind(limit)
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(message).collect())
    }

    /// Who a conversation is with.
    pub async fn person(&self, contact_id: Uuid) -> Result<PersonRow> {
        let mut connection = self.readers().acquire().await?;
        let contact = sqlx::query("select name, profile_name, phone, source, tags, notes from contacts where id = ?")
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
             where a.contact_id = ? order by a.starts_at desc limit 8",
        )
        .bind(contact_id)
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

fn conversation(row: &SqliteRow) -> ConversationRow {
    ConversationRow {
        id: row.get(0),
        contact_id: row.get(1),
        channel_id: row.get(2),
        name: row.get::<Option<String>, _>(3).unwrap_or_default(),
        profile_name: row.get(4),
        phone: row.get(5),
        preview: row.get(6),
        last_kind: row.get(7),
        last_direction: row.get(8),
        last_message_at: row.get(9),
        waiting_since: row.get(10),
        unread_count: row.get(11),
        handler: row.get(12),
        status: row.get(13),
        assignee: row.get(14),
        priority: row.get(15),
        labels: row.get(16),
        state: RowState::from_rank(row.get(17)),
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
