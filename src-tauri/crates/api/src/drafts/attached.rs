//! Files beside an answer that was not sent, and what is being spoken.

use std::sync::Arc;

use balcao_cache as cache;
use balcao_domain::Refusal;
use balcao_domain::file::MOST_DOCUMENT_BYTES;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::types::*;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

impl From<cache::AttachedFile> for AttachedFile {
    fn from(file: cache::AttachedFile) -> Self {
        let about = file.about;
        let voice = about.voice.and_then(|voice| serde_json::from_str(&voice).ok());
        let state = match voice {
            _ if about.whole && file.kept_bytes == file.size_bytes => AttachedState::Whole,
            // Whatever there is of what was spoken can be heard.
            Some(_) if file.kept_bytes > 0 => AttachedState::Interrupted,
            _ => AttachedState::Gone,
        };
        Self {
            id: about.id,
            file_name: about.file_name,
            mime_type: about.mime_type,
            size_bytes: file.size_bytes as f64,
            voice,
            state,
        }
    }
}

pub(crate) async fn keep_attached(desk: &Arc<Desk>, request: KeepAttached) -> Result<Nothing, ApiError> {
    let bytes = STANDARD
        .decode(&request.base64)
        .map_err(|_| ApiError::new("bad_payload", "the bytes of a file are base64").about("base64"))?;
    let clinic = desk.clinic().await?;
    if request.number == 0 {
        // Nothing comes back of a thread that is gone.
        clinic.cache.conversation(request.conversation_id).await?;
    }
    if bytes.len() as u64 > MOST_DOCUMENT_BYTES {
        return Err(Refusal::FileTooLarge.into());
    }
    let of = cache::Attached {
        id: request.file_id,
        conversation: request.conversation_id,
        file_name: request.file_name,
        mime_type: request.mime_type,
        voice: request.voice.as_ref().map(serde_json::to_string).transpose().map_err(ApiError::internal)?,
        whole: request.whole,
    };
    clinic.cache.keep_attached(cache::AttachedPiece { of, number: request.number, bytes }).await?;
    Ok(Nothing {})
}

pub(crate) async fn get_attached(desk: &Arc<Desk>, request: AttachedOfDraft) -> Result<AttachedContents, ApiError> {
    let (file, bytes) = desk.clinic().await?.cache.attached_file(request.file_id).await?;
    let mime_type = file.about.mime_type.clone();
    // The window may have known more of it than a copy that was mended meanwhile.
    if AttachedFile::from(file).state == AttachedState::Gone {
        return Err(cache::Error::NotFound.into());
    }
    Ok(AttachedContents { mime_type, base64: STANDARD.encode(bytes) })
}

pub(crate) async fn drop_attached(desk: &Arc<Desk>, request: AttachedOfDraft) -> Result<Nothing, ApiError> {
    desk.clinic().await?.cache.drop_attached(request.file_id).await?;
    Ok(Nothing {})
}
