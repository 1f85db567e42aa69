//! The file of a message.

use std::fmt;

use balcao_domain::message::GatewayId;
use serde_json::Value;

use super::MessageRef;

/// Where the file of a message is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSource {
    /// The message that carries it.
    pub message: MessageRef,
    /// Meta's own id of the file: [`media_handle`] of the stored event.
    pub handle: Option<String>,
}

/// A file that was fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Download {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// MIME type, as the gateway says.
    pub mime_type: Option<String>,
    /// Its name, where it has one.
    pub file_name: Option<String>,
}

/// Shows how large it is and not what it is.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({} bytes of {:?})", self.bytes.len(), self.mime_type)
    }
}

/// Meta's id of the file that a message carries, from the event that brought it.
pub fn media_handle(payload: &Value, message: &GatewayId) -> Option<String> {
    crate::cloud_api::webhook::messages(payload).find_map(|(_, object)| {
        let is_it = object.get("id").and_then(Value::as_str) == Some(message.as_str());
        let kind = object.get("type").and_then(Value::as_str).filter(|_| is_it)?;
        object.get(kind)?.get("id")?.as_str().map(str::to_owned)
    })
}
