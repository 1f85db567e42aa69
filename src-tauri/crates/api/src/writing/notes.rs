//! Notes to the team, which stand in the thread and never leave the clinic.

use std::sync::Arc;

use balcao_domain::{note, reply};
use serde_json::json;

use super::types::{SeeMentions, WriteNote};
use super::{below, insert, patch, row_of};
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{instant, object};
use crate::operations::Written;

pub(crate) async fn write_note(desk: &Arc<Desk>, request: WriteNote) -> Result<Written, ApiError> {
    let text = reply::validate_text(&request.text)?;
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    let team = clinic.cache.people_at_work().await?;
    let named = note::mentioned(text, team.iter().map(|member| (member.id, member.name.as_str())));
    let sent_at = below(&row, clinic.cache.server_now().await?);
    let mut message = row_of(&clinic, &row, text, sent_at).await?;
    message.extend(object(json!({ "direction": "internal", "status": "received", "mentions": named })));
    insert(&clinic, "write_note", message, Vec::new()).await
}

pub(crate) async fn see_mentions(desk: &Arc<Desk>, request: SeeMentions) -> Result<Nothing, ApiError> {
    let clinic = desk.clinic().await?;
    let seen_at = json!({ "seen_at": instant(clinic.cache.server_now().await?) });
    for mention in clinic.cache.unseen_mentions(clinic.me().await?, request.conversation_id).await? {
        patch(&clinic, "see_mention", "mentions", mention, object(seen_at.clone()), &["seen_at"]).await?;
    }
    Ok(Nothing {})
}
