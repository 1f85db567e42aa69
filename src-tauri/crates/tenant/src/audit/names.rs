//! What the ids in the audit are called.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{AuditFilter, AuditRow};
use crate::connect::answered;
use crate::{Result, Tenant};

/// People at the most whose name fits a text: who types less than a name finds what is in the values.
const MOST_PEOPLE: i64 = 500;

/// A member as the audit knows them: also one who is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditMember {
    /// The member.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Whether they still are one.
    pub active: bool,
}

impl Tenant {
    /// Who may have done something: the members, also those who are gone.
    ///
    /// # Errors
    /// The ways in which a question can fail.
    pub async fn audit_members(&self) -> Result<Vec<AuditMember>> {
        let question = sqlx::query("select id, name, active from app.members order by active desc, lower(name), id");
        self.ask(async |connection| answered(question.fetch_all(connection)).await)
            .await?
            .iter()
            .map(|row| {
                Ok(AuditMember { id: row.try_get("id")?, name: row.try_get("name")?, active: row.try_get("active")? })
            })
            .collect()
    }

    /// Writes down that a part of the audit leaves the clinic: what was asked for, and how many lines.
    ///
    /// # Errors
    /// The ways in which a statement can fail.
    pub async fn record_audit_export(&self, details: &Value) -> Result<()> {
        let word = sqlx::query("select app.record_export('audit', null, $1)").bind(details);
        self.ask(async |connection| answered(word.execute(connection)).await).await.map(drop)
    }
}

/// The people whose name fits what is looked for.
pub(super) async fn people_called(connection: &mut PgConnection, filter: &AuditFilter) -> Result<Vec<Uuid>> {
    let Some(pattern) = filter.pattern() else { return Ok(Vec::new()) };
    let question = sqlx::query_scalar(
        "select c.id from app.contacts c where app.fold(c.name) like $1 or app.fold(c.profile_name) like $1
             union
             select p.contact_id from app.patients p where app.fold(p.name) like $1
             limit $2",
    )
    .bind(pattern)
    .bind(MOST_PEOPLE);
    answered(question.fetch_all(connection)).await
}

/// The names of whatever the rows speak of.
pub(super) async fn names_in(connection: &mut PgConnection, rows: &[AuditRow]) -> Result<HashMap<Uuid, String>> {
    let mut ids = BTreeSet::new();
    for row in rows {
        ids.extend([row.record_id, row.person_id, row.member_id, row.device_id].into_iter().flatten());
        ids.extend(row.old_values.values().chain(row.new_values.values()).filter_map(id));
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let question = sqlx::query(
        "select id, name from app.members where id = any ($1)
             union all select id, name from app.devices where id = any ($1)
             union all select id, coalesce(nullif(name, ''), profile_name, phone) from app.contacts where id = any ($1)
             union all select id, name from app.patients where id = any ($1)
             union all select id, name from app.professionals where id = any ($1)
             union all select id, name from app.services where id = any ($1)
             union all select id, name from app.rooms where id = any ($1)
             union all select id, name from app.channels where id = any ($1)
             union all select id, name from app.pipelines where id = any ($1)
             union all select id, name from app.pipeline_stages where id = any ($1)
             union all select id, name from app.loss_reasons where id = any ($1)
             union all select id, title from app.quick_replies where id = any ($1)",
    )
    .bind(ids.into_iter().collect::<Vec<_>>());
    let mut names = HashMap::new();
    for row in answered(question.fetch_all(connection)).await? {
        if let Some(name) = row.try_get::<Option<String>, _>("name")? {
            names.insert(row.try_get("id")?, name);
        }
    }
    Ok(names)
}

fn id(value: &Value) -> Option<Uuid> {
    // Thirty-six characters and no other text that could be read as one.
    value.as_str().filter(|text| text.len() == 36).and_then(|text| text.parse().ok())
}
