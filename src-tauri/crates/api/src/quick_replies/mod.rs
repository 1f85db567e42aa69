//! Texts that are sent often: keeping them, and filling them in.

mod types;
mod values;

use std::sync::Arc;

use balcao_cache::{Effect, NewOperation, WriteKind};
use balcao_domain::Refusal;
use balcao_domain::quick_reply::{self, KNOWN_VARIABLES};
use balcao_domain::reply::LONGEST_TEXT;
use serde_json::{Map, json};
use uuid::Uuid;

pub use types::*;
pub(crate) use values::visit_time;

use crate::clinic::OpenClinic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{entity, object};
use crate::operations::Written;

pub(crate) async fn list_quick_replies(desk: &Arc<Desk>, _: Nothing) -> Result<QuickReplies, ApiError> {
    let clinic = desk.clinic().await?;
    let rows = clinic.cache.quick_replies().await?;
    Ok(QuickReplies {
        replies: rows
            .into_iter()
            .map(|row| QuickReply {
                id: row.id,
                shortcut: row.shortcut,
                title: row.title,
                body: row.body,
                state: row.state.into(),
            })
            .collect(),
        may_change: may_change(&clinic).await?,
        variables: KNOWN_VARIABLES.map(str::to_owned).to_vec(),
    })
}

pub(crate) async fn save_quick_reply(desk: &Arc<Desk>, request: SaveQuickReply) -> Result<Written, ApiError> {
    let wanted = quick_reply::QuickReply::validate(&request.shortcut, &request.title, &request.body)?;
    let clinic = desk.clinic().await?;
    refuse_others(&clinic).await?;
    let known = clinic.cache.quick_replies().await?;
    if known.iter().any(|row| row.shortcut == wanted.shortcut && Some(row.id) != request.id) {
        return Err(Refusal::ShortcutTaken.into());
    }
    let (kind, id) = match request.id {
        Some(id) => (WriteKind::Patch, id),
        None => (WriteKind::Insert, Uuid::now_v7()),
    };
    let mut fields =
        object(json!({ "shortcut": wanted.shortcut, "title": wanted.title, "body": wanted.body, "active": true }));
    if let Some(row) = known.iter().find(|row| Some(row.id) == request.id) {
        let now = object(json!({ "shortcut": row.shortcut, "title": row.title, "body": row.body, "active": true }));
        fields.retain(|column, value| now.get(column) != Some(value));
        if fields.is_empty() {
            return Ok(Written { operation_id: None, entity_id: id });
        }
    }
    write(&clinic, "save_quick_reply", kind, id, fields).await
}

pub(crate) async fn remove_quick_reply(desk: &Arc<Desk>, request: RemoveQuickReply) -> Result<Written, ApiError> {
    let clinic = desk.clinic().await?;
    refuse_others(&clinic).await?;
    write(&clinic, "remove_quick_reply", WriteKind::Delete, request.id, Map::new()).await
}

pub(crate) async fn fill_text(desk: &Arc<Desk>, request: FillText) -> Result<FilledText, ApiError> {
    if request.text.chars().count() > LONGEST_TEXT {
        return Err(Refusal::TextTooLong.into());
    }
    let clinic = desk.clinic().await?;
    let known = values::known(&clinic, request.conversation_id).await?;
    let given = |name: &str| request.values.iter().find(|(written, _)| quick_reply::variable_name(written) == name);
    let filled = quick_reply::fill(&request.text, |name| match given(name) {
        Some((_, value)) => Some(value.trim().to_owned()),
        None => known.get(name).cloned(),
    });
    Ok(FilledText { text: filled.text, missing: filled.missing })
}

async fn write(
    clinic: &OpenClinic,
    action: &'static str,
    kind: WriteKind,
    id: Uuid,
    fields: Map<String, serde_json::Value>,
) -> Result<Written, ApiError> {
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action,
        kind,
        effect: Effect { entity: entity("quick_replies")?, entity_id: id, fields },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    let operation_id = clinic.cache.enqueue(operation).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: id })
}

/// The database has the last word; here it is said at once.
async fn may_change(clinic: &OpenClinic) -> Result<bool, ApiError> {
    let me = clinic.cache.member(clinic.me().await?).await?;
    Ok(me.is_some_and(|member| matches!(&*member.role, "owner" | "admin")))
}

async fn refuse_others(clinic: &OpenClinic) -> Result<(), ApiError> {
    match may_change(clinic).await? {
        true => Ok(()),
        false => Err(ApiError::new("not_permitted", "quick replies are changed by the clinic's owner and admins")),
    }
}
