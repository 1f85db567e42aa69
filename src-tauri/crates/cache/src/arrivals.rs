//! Messages that came in and wait for a person of the clinic.

use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::values::id_list;
use crate::views::NOT_BLOCKED;
use crate::{Cache, Result};

/// A message that waits, and who wrote it. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct ArrivalRow {
    pub conversation_id: Uuid,
    pub assignee_id: Option<Uuid>,
    /// Messages of the thread that wait.
    pub unread_count: u32,
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub id: Uuid,
    pub sent_at: i64,
    pub kind: String,
    pub body: String,
}

/// Threads that wait for a person: the bot's are the bot's, and whoever is blocked waits for nobody.
const WAITING: &str = "c.waiting_since is not null and c.handler = 'person' and c.status = 'open'";

impl Cache {
    /// The newest messages that were written after `since` and wait for a person, of some threads or of all.
    pub async fn arrivals(&self, since: i64, threads: Option<&[Uuid]>, most: u32) -> Result<Vec<ArrivalRow>> {
        let among = if threads.is_some() { " and c.id in (select unhex(value) from json_each(?2))" } else { "" };
        let statement = format!(
            "select c.id, c.assignee_id, c.unread_count, p.name, p.profile_name, p.phone, g.id, g.sent_at, g.kind, g.body
             from conversations c
             join messages g on g.conversation_id = c.id and g.sent_at >= c.waiting_since and g.sent_at > ?1
             left join contacts p on p.id = c.contact_id
             where {WAITING}{NOT_BLOCKED}{among} and g.direction = 'inbound' and g.revoked_at is null
             order by g.sent_at desc, g.id desc limit ?3"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(since)
            .bind(threads.map(|threads| id_list(threads.iter().copied())))
            .bind(most)
            .fetch_all(self.readers())
            .await?;
        Ok(rows
            .iter()
            .map(|row| ArrivalRow {
                conversation_id: row.get(0),
                assignee_id: row.get(1),
                unread_count: row.get(2),
                name: row.get::<Option<String>, _>(3).unwrap_or_default(),
                profile_name: row.get(4),
                phone: row.get(5),
                id: row.get(6),
                sent_at: row.get(7),
                kind: row.get(8),
                body: row.get(9),
            })
            .collect())
    }

    /// Those of some threads that still wait for a person.
    pub async fn still_waiting(&self, threads: &[Uuid]) -> Result<Vec<Uuid>> {
        let statement = format!(
            "select c.id from conversations c where {WAITING}{NOT_BLOCKED} and c.id in (select unhex(value) from json_each(?))"
        );
        let rows = sqlx::query_scalar(AssertSqlSafe(statement)).bind(id_list(threads.iter().copied()));
        Ok(rows.fetch_all(self.readers()).await?)
    }
}
