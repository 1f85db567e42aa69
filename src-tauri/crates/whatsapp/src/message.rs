//! The message object of the Evolution API: `{key, pushName, status, message, messageType, messageTimestamp, …}`.

use balcao_domain::message::{
    Content, Effect, GatewayEvent, GatewayId, GatewayMessage, Ignored, Person, Reaction, Via,
};
use balcao_domain::phone::Phone;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::address::{self, Peer};
use crate::content::{self, Said};
use crate::lenient;
use crate::{context, protocol, status};

/// Longest emoji that is kept, in characters: a family of four with skin tones has eleven.
const EMOJI_CHARS: usize = 16;

/// What is known around a message object.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// How it came.
    pub via: Via,
    /// The clinic's own number.
    pub own: Option<&'a Phone>,
    /// When the event came, for what carries no time.
    pub received_at: DateTime<Utc>,
}

/// Reads one message object.
pub fn read(object: &Value, around: Around<'_>) -> GatewayEvent {
    let key = object.get("key").unwrap_or(&Value::Null);
    let Some(remote) = key.get("remoteJid").and_then(Value::as_str) else {
        return GatewayEvent::Ignored(Ignored::Malformed);
    };
    if address::peer(remote) == Peer::NotOnePerson {
        return GatewayEvent::Ignored(Ignored::NotOnePerson);
    }
    let sent_at = object.get("messageTimestamp").and_then(lenient::instant).unwrap_or(around.received_at);
    let from_me = lenient::is_true(key, "fromMe");
    let content = match said(object) {
        Said::Content(content) => content,
        Said::Protocol(part) => return protocol::read(&part, sent_at),
        Said::Reaction(part) => return reaction(&part, from_me, sent_at),
        Said::Nothing(reason) => return GatewayEvent::Ignored(reason),
    };
    let person = person(object, key, remote, from_me, around.own);
    let id = key.get("id").and_then(Value::as_str).and_then(GatewayId::new);
    let (Some(gateway_id), Some(chat), false) = (id, address::chat(remote), person.is_unknown()) else {
        return GatewayEvent::Ignored(Ignored::Malformed);
    };
    let quoted = context::quoted(object);
    let voted_in = match &content {
        Content::Vote { poll, .. } => poll.clone(),
        _ => None,
    };
    GatewayEvent::Message(Box::new(GatewayMessage {
        gateway_id,
        chat,
        person,
        from_me,
        // On a message of ours the name is our own.
        push_name: address::name(lenient::text(object, "pushName", 200)).filter(|_| !from_me),
        sent_at,
        content,
        reply_to: voted_in.or(quoted.reply_to),
        quoted_preview: quoted.preview,
        status: object.get("status").and_then(status::status).filter(|_| from_me),
        via: around.via,
    }))
}

fn said(object: &Value) -> Said {
    let hint = object.get("messageType").and_then(Value::as_str).unwrap_or_default();
    match object.get("message").filter(|message| message.is_object()) {
        Some(message) => content::read(message, hint),
        None => without_message(object),
    }
}

/// WhatsApp announced something and did not say what. A text that this device could not decrypt comes later, under the
/// same id.
fn without_message(object: &Value) -> Said {
    const CIPHERTEXT: &str = "CIPHERTEXT";
    let stub = match object.get("messageStubType") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Number(number)) if number.as_i64() == Some(2) => CIPHERTEXT.to_owned(),
        Some(Value::Number(number)) => format!("stub {number}"),
        _ => CIPHERTEXT.to_owned(),
    };
    Said::Content(match stub.as_str() {
        CIPHERTEXT | "" => Content::Placeholder,
        other => Content::Unsupported { kind: lenient::cut(other, 80) },
    })
}

/// Who the chat is with, by what is trusted most. On a message of ours the sender's addresses are our own.
fn person(object: &Value, key: &Value, remote: &str, from_me: bool, own: Option<&Phone>) -> Person {
    let within = |holder: &'_ Value, name: &str| holder.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut others = vec![within(key, "remoteJidAlt")];
    if !from_me {
        for name in ["senderPn", "senderLid"] {
            others.extend([within(key, name), within(object, name)]);
        }
    }
    // The chat itself is believed even where it is the clinic's own number: a note to itself.
    let own = own.filter(|own| address::peer(remote) != Peer::Phone((*own).clone()));
    address::person([remote].into_iter().chain(others.iter().flatten().map(String::as_str)), own)
}

fn reaction(part: &Value, from_me: bool, sent_at: DateTime<Utc>) -> GatewayEvent {
    let target = part.get("key").and_then(|key| key.get("id")).and_then(Value::as_str).and_then(GatewayId::new);
    let Some(gateway_id) = target else { return GatewayEvent::Ignored(Ignored::Malformed) };
    // An empty text takes the reaction back.
    let emoji = lenient::text(part, "text", EMOJI_CHARS).unwrap_or_default();
    let at = part.get("senderTimestampMs").and_then(lenient::instant).unwrap_or(sent_at);
    GatewayEvent::Effect { gateway_id, effect: Effect::Reaction(Reaction { from_me, emoji, at }) }
}
