//! Files of messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Evolution;
use crate::gateway::{Download, GatewayError, MediaSource};
use crate::lenient;
use crate::rest::Question;

/// Room for what stands around a file in an answer.
const AROUND_BYTES: usize = 64 * 1024;

impl Evolution {
    pub(crate) async fn download(&self, source: &MediaSource, limit: usize) -> Result<Download, GatewayError> {
        let body = json!({"message": {"key": {"id": source.message.gateway_id.as_str()}}, "convertToMp4": false});
        let question = Question::post(self.about("chat", "getBase64FromMediaMessage"), &body)
            .within(self.0.timing.send)
            .at_most(limit.saturating_mul(4) / 3 + AROUND_BYTES);
        let answer = match self.ask(question).await {
            // The link has expired, or the server has no such message.
            Err(GatewayError::Refused { .. }) => return Err(GatewayError::Gone),
            answer => answer?,
        };
        let encoded = answer.get("base64").and_then(Value::as_str).ok_or(GatewayError::Gone)?;
        // Some versions put the type before it, as in an address.
        let encoded = encoded.split_once(";base64,").map_or(encoded, |(_, encoded)| encoded);
        let bytes = STANDARD.decode(encoded.trim()).map_err(|_| GatewayError::NotAGateway("a file is no base64"))?;
        if bytes.len() > limit {
            return Err(GatewayError::TooLarge);
        }
        Ok(Download {
            bytes,
            mime_type: lenient::text(&answer, "mimetype", 200),
            file_name: lenient::text(&answer, "fileName", 255),
        })
    }
}
