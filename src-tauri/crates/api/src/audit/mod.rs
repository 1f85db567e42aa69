//! Who did what, for the owner and admins. All of it is asked of the database itself: nothing of it is in the copy.

mod export;
mod topic;
mod types;
mod values;

use std::sync::Arc;

use balcao_tenant::audit::{AuditFilter, AuditPage, AuditPlace};

pub(crate) use export::export_audit;
pub use types::*;

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::line;

/// Longest page.
const LONGEST_PAGE: u32 = 200;

/// Longest text that is looked for, in characters.
const LONGEST_TEXT: usize = 200;

pub(crate) async fn list_audit(desk: &Arc<Desk>, request: ListAudit) -> Result<AuditEntries, ApiError> {
    let filter = filter(&request.wish)?;
    let before = request.before.map(|point| AuditPlace { at: point.at, id: point.id });
    let tenant = line(desk).await?;
    let page = tenant.audit(&filter, before, request.limit.clamp(1, LONGEST_PAGE)).await;
    tenant.close().await;
    Ok(shown(&page?))
}

pub(crate) async fn get_audit_people(desk: &Arc<Desk>, _: Nothing) -> Result<AuditPeople, ApiError> {
    let tenant = line(desk).await?;
    let members = tenant.audit_members().await;
    tenant.close().await;
    let members = members?
        .into_iter()
        .map(|member| AuditActor { id: member.id, name: member.name, active: member.active })
        .collect();
    Ok(AuditPeople { members })
}

fn filter(wish: &AuditWish) -> Result<AuditFilter, ApiError> {
    let invalid = |field: &str, reason: &str| ApiError::new("invalid_request", reason).about(field);
    if wish.text.as_deref().is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
        return Err(invalid("text", "at most 200 characters are looked for"));
    }
    let (tables, actions) = match wish.topic.as_deref() {
        None => (Vec::new(), Vec::new()),
        Some(name) => topic::named(name).ok_or_else(|| invalid("topic", "there is no such topic"))?,
    };
    Ok(AuditFilter {
        member_id: wish.member_id,
        person_id: wish.person_id,
        from: wish.from,
        until: wish.until,
        tables,
        actions,
        text: wish.text.clone(),
    })
}

fn shown(page: &AuditPage) -> AuditEntries {
    AuditEntries {
        entries: page.rows.iter().map(|row| values::entry(row, &page.names)).collect(),
        next: page.next.map(|place| AuditPoint { at: place.at, id: place.id }),
    }
}
