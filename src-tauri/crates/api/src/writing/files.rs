//! Files to people.

use std::sync::Arc;

use balcao_cache::{Effect, NewOperation, OutgoingMedia, WriteKind};
use balcao_domain::file::{FileType, Waveform, most_bytes, safe_name};
use balcao_domain::{Refusal, reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{answered, below, quote, row_of};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{entity, object};
use crate::media::{SendFile, VoiceNote, voice};
use crate::operations::Written;

pub(crate) async fn send_file(desk: &Arc<Desk>, request: SendFile) -> Result<Written, ApiError> {
    let bytes = STANDARD
        .decode(&request.base64)
        .map_err(|_| ApiError::new("bad_payload", "the bytes of a file are base64").about("base64"))?;
    if bytes.is_empty() {
        return Err(Refusal::FileEmpty.into());
    }
    let spoken = request.voice.is_some();
    let (bytes, spoken_of) = match &request.voice {
        Some(note) => spoken_note(note, bytes)?,
        None => (bytes, Map::new()),
    };
    let is = FileType::of(&bytes);
    let kind = is.message_kind();
    if bytes.len() as u64 > most_bytes(kind) {
        return Err(Refusal::FileTooLarge.into());
    }
    let caption = request.caption.trim();
    let caption = match caption {
        "" => "",
        _ if kind == "audio" => "",
        text => reply::validate_text(text)?,
    };
    let clinic = desk.clinic().await?;
    let row = clinic.cache.conversation(request.conversation_id).await?;
    if row.is_blocked {
        return Err(Refusal::PersonBlocked.into());
    }
    let now = clinic.cache.server_now().await?;
    let sent_at = below(&row, now);
    let name = Some(safe_name(&request.file_name)).filter(|name| !name.is_empty() && !spoken);
    let otherwise = if spoken { "voz" } else { "arquivo" };
    let name = name.unwrap_or_else(|| format!("{otherwise}.{}", is.extension));
    let mut attachment = object(json!({
        "mime_type": is.mime_type, "file_name": name, "size_bytes": bytes.len(), "file": "uploading",
    }));
    attachment.extend(spoken_of);
    let mut message = row_of(&clinic, &row, caption, sent_at).await?;
    message.extend(object(json!({
        "direction": "outbound", "status": "queued", "kind": kind, "attachment": attachment,
    })));
    if let Some(quoted) = request.quoted_id {
        message.extend(quote(&clinic, request.conversation_id, quoted).await?);
    }
    let mut follows = answered(&row, caption, now, sent_at);
    follows.insert("last_message_kind".to_owned(), json!(kind));
    let message_id = Uuid::now_v7();
    let operation = NewOperation {
        operation_id: Uuid::now_v7(),
        action: "send_message",
        kind: WriteKind::Insert,
        effect: Effect { entity: entity("messages")?, entity_id: message_id, fields: message },
        followers: vec![Effect { entity: entity("conversations")?, entity_id: row.id, fields: follows }],
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    };
    let file = OutgoingMedia { message: message_id, mime_type: is.mime_type.to_owned(), file_name: name, bytes };
    let operation_id = clinic.cache.enqueue_with_file(operation, &file, request.attached_id).await?;
    clinic.sync.written();
    Ok(Written { operation_id, entity_id: message_id })
}

/// A recording as it goes, and what is known of it beside its bytes.
fn spoken_note(note: &VoiceNote, recorded: Vec<u8>) -> Result<(Vec<u8>, Map<String, Value>), ApiError> {
    let voice = voice::of_recording(recorded)
        .ok_or_else(|| ApiError::new("voice_unreadable", "the recording is none, or nothing is in it"))?;
    let about = json!({
        "voice": true,
        "seconds": voice.seconds.unwrap_or(note.seconds),
        "waveform": Waveform::of(&note.waveform).map(|waveform| waveform.values().to_vec()).unwrap_or_default(),
    });
    Ok((voice.bytes, object(about)))
}
