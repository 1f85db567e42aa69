//! `balcao-agent audit`: who did what, newest first, for a terminal or another program.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;

use anyhow::Result;
use balcao_tenant::Tenant;
use balcao_tenant::audit::{AuditFilter, AuditRow};
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use crate::desk::Desk;

/// Rows that are asked for at once.
const PAGE: u32 = 500;

/// Who did what, newest first; under the login of an owner or admin. That it was taken out is written down in it.
#[derive(Args)]
pub struct Audit {
    #[command(flatten)]
    desk: Desk,
    /// What this member did, by id.
    #[arg(long, value_name = "ID")]
    member: Option<Uuid>,
    /// What is about this person, by the id of the contact.
    #[arg(long, value_name = "ID")]
    person: Option<Uuid>,
    /// Not before, such as 2026-11-24T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Before.
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    /// In the values or the name of the person.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Entries at the most.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Audit {
    /// Prints what is asked for, once the database has written that down.
    pub async fn run(self) -> Result<()> {
        let filter = AuditFilter {
            member_id: self.member,
            person_id: self.person,
            from: self.since,
            until: self.until,
            text: self.text,
            ..AuditFilter::default()
        };
        let tenant = self.desk.connect().await?;
        let lines = read(&tenant, &filter, self.limit, self.json).await;
        tenant.close().await;
        let mut out = std::io::stdout().lock();
        for line in lines? {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

async fn read(tenant: &Tenant, filter: &AuditFilter, limit: u32, as_json: bool) -> Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    let mut before = None;
    loop {
        let missing = limit.saturating_sub(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        let page = tenant.audit(filter, before, missing.min(PAGE)).await?;
        lines.extend(page.rows.iter().map(|row| line(row, &page.names, as_json)));
        before = page.next;
        if before.is_none() || lines.len() >= limit as usize {
            break;
        }
    }
    tenant.record_audit_export(&json!({ "entries": lines.len(), "from": filter.from, "until": filter.until })).await?;
    Ok(lines)
}

fn line(row: &AuditRow, names: &HashMap<Uuid, String>, as_json: bool) -> String {
    let name = |id: Option<Uuid>| id.and_then(|id| names.get(&id).map(String::as_str));
    if as_json {
        return json!({
            "id": row.id, "at": row.at, "action": row.action, "table": row.table_name, "row": row.record_id,
            "person": row.person_id, "member": row.member_id, "member_name": name(row.member_id),
            "computer": row.device_id, "computer_name": name(row.device_id), "program": row.application,
            "address": row.address, "before": row.old_values, "after": row.new_values,
        })
        .to_string();
    }
    let changed: BTreeSet<&str> = row.new_values.keys().chain(row.old_values.keys()).map(String::as_str).collect();
    [
        row.at.format("%Y-%m-%d %H:%M:%S").to_string(),
        name(row.member_id).unwrap_or("-").to_owned(),
        name(row.device_id).unwrap_or("-").to_owned(),
        format!("{} {}", row.action, row.table_name.as_deref().unwrap_or_default()).trim_end().to_owned(),
        changed.into_iter().collect::<Vec<_>>().join(","),
    ]
    .map(|cell| cell.replace(['\t', '\n', '\r'], " "))
    .join("\t")
}
