//! Search in the copy: people by pieces of name or phone, messages by words, accents ignored.

use balcao_domain::text::fold;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::{Cache, Result};

/// Rows indexed in one transaction: short enough that a person's write in between does not wait.
const INDEX_STEP: i64 = 1_000;

/// Messages that are looked at, at each end of what a search finds.
const FOUND_AT_EACH_END: u32 = 400;

/// A person that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct FoundPersonRow {
    pub contact_id: Uuid,
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub conversation_id: Option<Uuid>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct FoundMessageRow {
    pub id: Uuid,
    pub conversation_id: Uuid,
    pub name: String,
    pub body: String,
    /// Microseconds since 1970.
    pub sent_at: i64,
}

/// Where messages are looked for; what is absent narrows nothing. Instants are microseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageScope {
    /// In this conversation.
    pub conversation: Option<Uuid>,
    /// Sent at or after.
    pub from: Option<i64>,
    /// Sent before.
    pub until: Option<i64>,
}

/// Contacts whose name or phone contains a text, the latest to talk first.
pub(crate) struct PeopleMatching {
    /// SQL with the columns `row` and `id`; `?1` is the needle and `?2` how many at the most.
    pub(crate) rows: &'static str,
    pub(crate) needle: String,
}

impl PeopleMatching {
    /// `None` when the text holds nothing to look for.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        // Pieces of a phone are typed with and without punctuation; names hold no digits.
        let looks_like_phone = digits.len() >= 3 && text.chars().all(|c| !c.is_alphabetic());
        let needle = if looks_like_phone { digits } else { fold(text) };
        if needle.is_empty() {
            return None;
        }
        if needle.chars().count() >= 3 {
            return Some(Self {
                rows: "select c.row, c.id from contacts_search s join contacts c on c.row = s.rowid
                       where contacts_search match ?1 order by c.last_interaction_at desc limit ?2",
                needle: format!("\"{}\"", needle.replace('"', "\"\"")),
            });
        }
        // Too short for the index: the beginning of a name, among those who talked last.
        Some(Self {
            rows: "select row, id from contacts where name like ?1 || '%' order by last_interaction_at desc limit ?2",
            needle: text.trim().replace(['%', '_'], ""),
        })
    }
}

impl Cache {
    /// Brings the search indexes up to date by one step. Returns whether more is left.
    pub async fn index_step(&self) -> Result<bool> {
        let mut transaction = self.begin_repeatable().await?;
        let mut more = false;
        for (entity, columns) in [("messages", "body"), ("contacts", "name, phone")] {
            let until: i64 = sqlx::query_scalar("select indexed_until from search_progress where entity = ?")
                .bind(entity)
                .fetch_one(&mut *transaction)
                .await?;
            let (end, rows): (Option<i64>, i64) = sqlx::query_as(AssertSqlSafe(format!(
                "select max(row), count(*) from (select row from {entity} where row > ? order by row limit {INDEX_STEP})"
            )))
            .bind(until)
            .fetch_one(&mut *transaction)
            .await?;
            if let Some(end) = end {
                more |= rows == INDEX_STEP;
                sqlx::query(AssertSqlSafe(format!(
                    "insert into {entity}_search (rowid, {columns}) select row, {columns} from {entity} where row > ? and row <= ?"
                )))
                .bind(until)
                .bind(end)
                .execute(&mut *transaction)
                .await?;
                sqlx::query("update search_progress set indexed_until = ? where entity = ?")
                    .bind(end)
                    .bind(entity)
                    .execute(&mut *transaction)
                    .await?;
            }
            // Changed rows that were indexed before.
            let again = sqlx::query("select row from search_again where entity = ? limit 1000")
                .bind(entity)
                .fetch_all(&mut *transaction)
                .await?;
            for row in &again {
                let row: i64 = row.get(0);
                for statement in [
                    format!("delete from {entity}_search where rowid = ?1"),
                    format!("insert into {entity}_search (rowid, {columns}) select row, {columns} from {entity} where row = ?1
                             and row <= (select indexed_until from search_progress where entity = '{entity}')"),
                    format!("delete from search_again where entity = '{entity}' and row = ?1"),
                ] {
                    sqlx::query(AssertSqlSafe(statement)).bind(row).execute(&mut *transaction).await?;
                }
            }
            more |= again.len() == 1_000;
        }
        transaction.commit().await?;
        Ok(more)
    }

    /// People whose name or phone contains the text.
    pub async fn search_people(&self, text: &str, limit: u32) -> Result<Vec<FoundPersonRow>> {
        let Some(people) = PeopleMatching::of(text) else { return Ok(Vec::new()) };
        let statement = format!(
            "select p.id, p.name, p.profile_name, p.phone,
                 (select c.id from conversations c where c.contact_id = p.id order by c.last_message_at desc limit 1)
             from contacts p where p.row in (select row from ({})) order by p.last_interaction_at desc",
            people.rows
        );
        let rows =
            sqlx::query(AssertSqlSafe(statement)).bind(people.needle).bind(limit).fetch_all(self.readers()).await?;
        Ok(rows
            .iter()
            .map(|row| FoundPersonRow {
                contact_id: row.get(0),
                name: row.get(1),
                profile_name: row.get(2),
                phone: row.get(3),
                conversation_id: row.get(4),
            })
            .collect())
    }

    /// Messages that contain every word of the text, the last one as a beginning; newest first.
    pub async fn search_messages(&self, text: &str, scope: MessageScope, limit: u32) -> Result<Vec<FoundMessageRow>> {
        let words: Vec<String> = fold(text)
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| format!("\"{word}\""))
            .collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!("{}*", words.join(" "));
        // Newest first without reading everything that was found: the first copy numbers its rows from the newest to the
        // oldest, and what arrives later gets higher numbers still. So the newest ones stand at the two ends.
        // Where only some are wanted, they may stand anywhere.
        let found = if scope == MessageScope::default() {
            "select row from (select rowid as row from messages_search where messages_search match ?1
                              order by rowid limit ?3)
             union
             select row from (select rowid as row from messages_search where messages_search match ?1
                              order by rowid desc limit ?3)"
        } else {
            "select rowid as row from messages_search where messages_search match ?1"
        };
        let statement = format!(
            "with found as ({found}),
             newest as materialized (
                 select g.id, g.conversation_id, g.body, g.sent_at from found join messages g on g.row = found.row
                 where g.revoked_at is null and (?4 is null or g.conversation_id = ?4)
                   and (?5 is null or g.sent_at >= ?5) and (?6 is null or g.sent_at < ?6)
                 order by g.sent_at desc limit ?2)
             select g.id, g.conversation_id, coalesce(nullif(p.name, ''), p.profile_name, p.phone, ''), g.body, g.sent_at
             from newest g left join conversations c on c.id = g.conversation_id left join contacts p on p.id = c.contact_id
             order by g.sent_at desc",
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(query)
            .bind(limit)
            .bind(FOUND_AT_EACH_END)
            .bind(scope.conversation)
            .bind(scope.from)
            .bind(scope.until)
            .fetch_all(self.readers())
            .await?;
        Ok(rows
            .iter()
            .map(|row| FoundMessageRow {
                id: row.get(0),
                conversation_id: row.get(1),
                name: row.get(2),
                body: row.get(3),
                sent_at: row.get(4),
            })
            .collect())
    }
}
