//! The audit as its owner and admins ask for it: who did what, newest first, a page at a time.
//!
//! Who did it, about whom and when are looked up in an index. What else is asked for is looked for along the time, a piece at a
//! time: an audit of years is read no further than a person waits for, and the answer says where to go on.

mod filter;
mod names;

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

pub use filter::AuditFilter;
pub use names::AuditMember;
use names::{names_in, people_called};

use crate::connect::{answered, finish};
use crate::{Result, Tenant};

/// Rows of one piece that is looked through: some hundredths of a second for the server.
const PIECE_ROWS: i64 = 5_000;

/// Pieces that one question looks through at the most.
const MOST_PIECES: u32 = 20;

/// A place in the audit: what comes after it is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditPlace {
    /// When.
    pub at: DateTime<Utc>,
    /// Which of the rows of that instant.
    pub id: Uuid,
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// The row.
    pub id: Uuid,
    /// When it happened: the beginning of the transaction.
    pub at: DateTime<Utc>,
    /// insert, update, delete, or what else was done.
    pub action: String,
    /// The table, where it was a row.
    pub table_name: Option<String>,
    /// The row it was done to.
    pub record_id: Option<Uuid>,
    /// The person it is about.
    pub person_id: Option<Uuid>,
    /// Who did it; none when it was the server's administrator.
    pub member_id: Option<Uuid>,
    /// On which computer.
    pub device_id: Option<Uuid>,
    /// With which program.
    pub application: Option<String>,
    /// From which address; gone after ninety days.
    pub address: Option<IpAddr>,
    /// What was there before; of a change, only what changed.
    pub old_values: Map<String, Value>,
    /// What is there now.
    pub new_values: Map<String, Value>,
}

/// A page of the audit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditPage {
    /// Newest first. Fewer than asked for, even none, when the search was long: `next` goes on.
    pub rows: Vec<AuditRow>,
    /// Where to go on; none at the end.
    pub next: Option<AuditPlace>,
    /// Names of the members, computers, people and things that the rows speak of, as they are now.
    pub names: HashMap<Uuid, String>,
}

impl Tenant {
    /// A page of the audit from before a place, newest first.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for everybody but owner and admins.
    pub async fn audit(&self, filter: &AuditFilter, before: Option<AuditPlace>, limit: u32) -> Result<AuditPage> {
        self.ask(async |connection| read_page(connection, filter, before, i64::from(limit)).await).await
    }

    /// Whether something was written in the clinic after a moment, by whomever: of what the audit takes down, and of messages,
    /// of which it does not.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for everybody but owner and admins.
    pub async fn is_written_since(&self, moment: DateTime<Utc>) -> Result<bool> {
        let question = sqlx::query_scalar(
            "select exists (select from app.audit_logs where clinic_id = (select app.current_clinic()) and at >= $1
                            and action in ('insert', 'update', 'delete', 'squeeze_in', 'erasure') and table_name <> 'devices')
                 or exists (select from app.messages where clinic_id = (select app.current_clinic()) and updated_at >= $1)",
        )
        .bind(moment);
        self.ask(async |connection| answered(question.fetch_one(connection)).await).await
    }
}

/// In a transaction of its own, because of how it is planned: whose row it is has no statistics, so the planner takes a clinic
/// for a small part of the table and would sort all of its audit to have the newest. The indexes have it in that order.
async fn read_page(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    before: Option<AuditPlace>,
    limit: i64,
) -> Result<AuditPage> {
    let mut transaction = answered(connection.begin()).await?;
    let page = read_page_in(&mut transaction, filter, before, limit).await;
    finish(transaction, page).await
}

async fn read_page_in(
    transaction: &mut PgConnection,
    filter: &AuditFilter,
    before: Option<AuditPlace>,
    limit: i64,
) -> Result<AuditPage> {
    // That it does not sort either, the connection has been told.
    answered(sqlx::raw_sql("set local enable_bitmapscan = off").execute(&mut *transaction)).await?;
    let people = people_called(transaction, filter).await?;
    let mut page = AuditPage { next: before, ..AuditPage::default() };
    for _piece in 0..MOST_PIECES {
        let found = i64::try_from(page.rows.len()).unwrap_or(i64::MAX);
        let (rows, next) = read_piece(transaction, filter, &people, page.next, limit - found).await?;
        page.rows.extend(rows);
        page.next = next;
        if page.next.is_none() || i64::try_from(page.rows.len()).unwrap_or(i64::MAX) >= limit {
            break;
        }
    }
    page.names = names_in(transaction, &page.rows).await?;
    Ok(page)
}

/// What one piece has of it, and where the next begins.
async fn read_piece(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    people: &[Uuid],
    before: Option<AuditPlace>,
    limit: i64,
) -> Result<(Vec<AuditRow>, Option<AuditPlace>)> {
    // Where an index finds everything that is asked for, a piece is a page.
    let piece = if filter.looks_through() { PIECE_ROWS } else { limit };
    let sql = format!(
            "with piece as materialized (
                 select a.id, a.at, a.action, a.table_name, a.record_id, a.person_id, a.member_id, a.device_id, a.application,
                        host(a.address) as address, a.old_values, a.new_values
                 from app.audit_logs a where {} order by a.at desc, a.id desc limit $1
             ), ending as (select p.at, p.id, count(*) over () as passed from piece p order by p.at, p.id limit 1),
             hits as (select p.* from piece p where {} order by p.at desc, p.id desc limit $2)
             select e.at as end_at, e.id as end_id, e.passed, h.* from ending e left join hits h on true
             order by h.at desc, h.id desc",
            filter.found_by_index(before.is_some()),
            filter.looked_for(),
        );
    let question = sqlx::query(AssertSqlSafe(sql))
        .bind(piece)
        .bind(limit)
        .bind(before.map(|place| place.at))
        .bind(before.map(|place| place.id))
        .bind(filter.member_id)
        .bind(filter.person_id)
        .bind(filter.from)
        .bind(filter.until)
        .bind(&filter.tables)
        .bind(&filter.actions)
        .bind(filter.pattern())
        .bind(people);
    let answer = answered(question.fetch_all(connection)).await?;
    let Some(first) = answer.first() else { return Ok((Vec::new(), None)) };
    let ended = AuditPlace { at: first.try_get("end_at")?, id: first.try_get("end_id")? };
    let passed: i64 = first.try_get("passed")?;
    let mut rows = Vec::new();
    for row in &answer {
        if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
            rows.push(read(row)?);
        }
    }
    let next = match rows.last() {
        // The page is full; the piece may have more.
        Some(last) if i64::try_from(rows.len()).is_ok_and(|found| found >= limit) => {
            Some(AuditPlace { at: last.at, id: last.id })
        }
        _ => (passed >= piece).then_some(ended),
    };
    Ok((rows, next))
}

fn read(row: &PgRow) -> Result<AuditRow> {
    let values = |name: &str| -> Result<Map<String, Value>> {
        Ok(row.try_get::<Option<Json<Map<String, Value>>>, _>(name)?.map(|Json(values)| values).unwrap_or_default())
    };
    Ok(AuditRow {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        action: row.try_get("action")?,
        table_name: row.try_get("table_name")?,
        record_id: row.try_get("record_id")?,
        person_id: row.try_get("person_id")?,
        member_id: row.try_get("member_id")?,
        device_id: row.try_get("device_id")?,
        application: row.try_get("application")?,
        address: row.try_get::<Option<String>, _>("address")?.and_then(|text| text.parse().ok()),
        old_values: values("old_values")?,
        new_values: values("new_values")?,
    })
}
