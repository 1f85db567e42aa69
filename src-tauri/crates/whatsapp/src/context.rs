//! What a message answers.

use balcao_domain::message::GatewayId;
use serde_json::Value;

use crate::content::{self, Said};
use crate::lenient;

/// Length of a quotation, in characters.
const QUOTED_CHARS: usize = 300;

/// The id of the quoted message, and the first words of it.
pub struct Quoted {
    pub reply_to: Option<GatewayId>,
    pub preview: Option<String>,
}

/// Finds the quotation: beside the message, or within the part of it that says something.
pub fn quoted(object: &Value) -> Quoted {
    let beside = object.get("contextInfo").filter(|context| context.is_object());
    let within = || {
        let (message, _) = content::unwrap(object.get("message")?)?;
        message.as_object()?.values().find_map(|part| part.get("contextInfo").filter(|context| context.is_object()))
    };
    let Some(context) = beside.or_else(within) else { return Quoted { reply_to: None, preview: None } };
    let reply_to = context.get("stanzaId").and_then(Value::as_str).and_then(GatewayId::new);
    let preview = context.get("quotedMessage").and_then(|message| match content::read(message, "") {
        Said::Content(content) => Some(lenient::cut(&content.body(), QUOTED_CHARS)).filter(|words| !words.is_empty()),
        _ => None,
    });
    Quoted { preview: preview.filter(|_| reply_to.is_some()), reply_to }
}
