//! What somebody has begun to write and not sent, and the files beside it.

mod attached;
mod types;

use std::sync::Arc;

use balcao_cache as cache;
use balcao_domain::Refusal;
use balcao_domain::message::MAX_BODY_CHARS;

pub(crate) use attached::{drop_attached, get_attached, keep_attached};
pub use types::*;

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

pub(crate) async fn get_draft(desk: &Arc<Desk>, request: GetDraft) -> Result<Draft, ApiError> {
    let clinic = desk.clinic().await?;
    let draft = clinic.cache.draft(request.conversation_id).await?;
    let files = clinic.cache.attached(request.conversation_id).await?;
    let files = files.into_iter().map(AttachedFile::from).collect();
    Ok(Draft { text: draft.text, note: draft.note, quoted_id: draft.quoted, files })
}

pub(crate) async fn keep_draft(desk: &Arc<Desk>, request: KeepDraft) -> Result<Nothing, ApiError> {
    if [&request.text, &request.note].into_iter().any(|text| text.chars().count() > MAX_BODY_CHARS) {
        return Err(Refusal::TextTooLong.into());
    }
    let draft = cache::Draft { text: request.text, note: request.note, quoted: request.quoted_id };
    desk.clinic().await?.cache.keep_draft(request.conversation_id, &draft).await?;
    Ok(Nothing {})
}
