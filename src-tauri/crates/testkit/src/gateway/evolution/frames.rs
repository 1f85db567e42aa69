//! Events as socket.io writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// One WebSocket frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

/// An event and its attachments: bytes, spelt `{"type": "Buffer", "data": […]}`, leave the text for frames of their own.
pub(super) fn event(namespace: &str, name: &str, mut payload: Value, no_attachments: bool) -> Vec<Frame> {
    let mut attachments = Vec::new();
    if !no_attachments {
        take_bytes(&mut payload, &mut attachments);
    }
    let place = if namespace == "/" { String::new() } else { format!("{namespace},") };
    let data = json!([name, payload]);
    let text = match attachments.len() {
        0 => format!("42{place}{data}"),
        count => format!("45{count}-{place}{data}"),
    };
    [Frame::Text(text)].into_iter().chain(attachments.into_iter().map(Frame::Binary)).collect()
}

fn take_bytes(value: &mut Value, attachments: &mut Vec<Vec<u8>>) {
    if let Some(bytes) = bytes(value) {
        *value = json!({"_placeholder": true, "num": attachments.len()});
        attachments.push(bytes);
        return;
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| take_bytes(member, attachments)),
        Value::Array(items) => items.iter_mut().for_each(|item| take_bytes(item, attachments)),
        _ => {}
    }
}

/// The same value as a row has it: bytes as base64.
pub(super) fn stored(value: &Value) -> Value {
    match value {
        Value::Object(_) if bytes(value).is_some() => Value::String(STANDARD.encode(bytes(value).unwrap_or_default())),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| (name.clone(), stored(member)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(stored).collect(),
        other => other.clone(),
    }
}

/// Bytes in the spelling that stands for them here.
pub(super) fn buffer(bytes: &[u8]) -> Value {
    json!({"type": "Buffer", "data": bytes})
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let object = value.as_object().filter(|object| object.len() == 2)?;
    if object.get("type").and_then(Value::as_str) != Some("Buffer") {
        return None;
    }
    let data = object.get("data")?.as_array()?;
    data.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
}
