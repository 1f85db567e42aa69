//! Files of messages at Meta: an address for a few minutes, then the file.

use serde_json::Value;
use url::Url;

use super::{CloudApi, good};
use crate::gateway::{Download, GatewayError, MediaSource};
use crate::rest::Question;

impl CloudApi {
    pub(crate) async fn download(&self, source: &MediaSource, limit: usize) -> Result<Download, GatewayError> {
        let handle = source.handle.as_deref().ok_or(GatewayError::Gone)?;
        let question = Question::get(self.0.setting.graph.rest(&[handle]));
        let place = match good(self.0.graph.ask(question).await.map_err(GatewayError::from)?) {
            Err(GatewayError::Refused { .. } | GatewayError::NoInstance) => return Err(GatewayError::Gone),
            place => place?,
        };
        let text = |key: &str| place.get(key).and_then(Value::as_str);
        let url = text("url").and_then(|url| Url::parse(url).ok()).ok_or(GatewayError::Gone)?;
        // The token goes along: to nobody who could read it on the way, unless Graph itself is spoken to so.
        if url.scheme() != "https" && url.scheme() != self.0.setting.graph.rest(&[]).scheme() {
            return Err(GatewayError::NotAGateway("a file lies at an address without encryption"));
        }
        let question = Question::get(url).within(self.0.timing.send).at_most(limit);
        let answer = self.0.graph.ask(question).await.map_err(GatewayError::from)?;
        match answer.status {
            200 => Ok(Download {
                mime_type: text("mime_type").map(str::to_owned).or(answer.kind),
                bytes: answer.body,
                file_name: None,
            }),
            404 | 410 => Err(GatewayError::Gone),
            _ => Err(answer.good().err().unwrap_or(GatewayError::Gone)),
        }
    }
}
