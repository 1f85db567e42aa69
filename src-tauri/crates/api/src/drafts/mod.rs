//! What somebody has begun to write and not sent.

mod types;

use std::sync::Arc;

use balcao_cache as cache;
use balcao_domain::Refusal;
use balcao_domain::message::MAX_BODY_CHARS;

pub use types::*;

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

pub(crate) async fn get_draft(desk: &Arc<Desk>, request: GetDraft) -> Result<Draft, ApiError> {
    let draft = desk.clinic().await?.cache.draft(request.conversation_id).await?;
    Ok(Draft { text: draft.text, note: draft.note, quoted_id: draft.quoted })
}

pub(crate) async fn keep_draft(desk: &Arc<Desk>, request: KeepDraft) -> Result<Nothing, ApiError> {
    if [&request.text, &request.note].into_iter().any(|text| text.chars().count() > MAX_BODY_CHARS) {
        return Err(Refusal::TextTooLong.into());
    }
    let draft = cache::Draft { text: request.text, note: request.note, quoted: request.quoted_id };
    desk.clinic().await?.cache.keep_draft(request.conversation_id, &draft).await?;
    Ok(Nothing {})
}
