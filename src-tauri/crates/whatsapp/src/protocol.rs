//! `protocolMessage`: what WhatsApp's programs tell each other about a message that was sent before.

use balcao_domain::message::{Content, Effect, GatewayEvent, GatewayId, Ignored};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::address;
use crate::content::{self, Said};
use crate::lenient;

/// Reads an edit or a deletion for everyone. `at` is when it was said, where the part itself does not tell.
pub fn read(part: &Value, at: DateTime<Utc>) -> GatewayEvent {
    let key = part.get("key").unwrap_or(&Value::Null);
    if address::names_a_crowd(key, "remoteJid") {
        return GatewayEvent::Ignored(Ignored::NotOnePerson);
    }
    let at = part.get("timestampMs").and_then(lenient::instant).unwrap_or(at);
    let edited = part.get("editedMessage").filter(|edited| edited.is_object());
    let effect = match (kind(part), edited) {
        (Kind::Edit, Some(edited)) | (Kind::Untold, Some(edited)) => match new_text(edited) {
            Some(body) => Effect::Edit { body, at },
            None => return GatewayEvent::Ignored(Ignored::Malformed),
        },
        (Kind::Revoke, _) => Effect::Revoke { at },
        (Kind::Edit | Kind::Untold, None) => return GatewayEvent::Ignored(Ignored::Malformed),
        (Kind::Other, _) => return GatewayEvent::Ignored(Ignored::Housekeeping),
    };
    match key.get("id").and_then(Value::as_str).and_then(GatewayId::new) {
        Some(gateway_id) => GatewayEvent::Effect { gateway_id, effect },
        None => GatewayEvent::Ignored(Ignored::Malformed),
    }
}

enum Kind {
    Revoke,
    Edit,
    Other,
    Untold,
}

fn kind(part: &Value) -> Kind {
    match part.get("type") {
        Some(Value::String(name)) => match name.as_str() {
            "REVOKE" => Kind::Revoke,
            "MESSAGE_EDIT" => Kind::Edit,
            _ => Kind::Other,
        },
        // The numbers of the protocol, where the gateway passes the decoded message on as it is.
        Some(Value::Number(number)) => match number.as_i64() {
            Some(0) => Kind::Revoke,
            Some(14) => Kind::Edit,
            _ => Kind::Other,
        },
        _ => Kind::Untold,
    }
}

/// The text or caption that an edit puts in place. A caption may be emptied, a text may not.
fn new_text(edited: &Value) -> Option<String> {
    match content::read(edited, "") {
        Said::Content(content @ (Content::Image(_) | Content::Video(_) | Content::Document { .. })) => {
            Some(content.body())
        }
        Said::Content(Content::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}
