//! Meta's webhooks: `{object, entry: [{changes: [{field, value}]}]}`, in any number, order and repetition.

use balcao_domain::message::{
    ChatAddress, Choice, ContactCard, Content, Effect, GatewayEvent, GatewayId, GatewayMessage, Ignored, Media, Person,
    Reaction, Via,
};
use balcao_domain::phone::Phone;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{address, content, lenient, status};

/// Cards of one message that are kept, and characters of a line on one.
const MAX_CARDS: usize = 50;
const MAX_LINE_CHARS: usize = 500;
const EMOJI_CHARS: usize = 16;

/// The id of the number that it is about.
pub(crate) fn phone_number_id(payload: &Value) -> Option<&str> {
    values(payload).find_map(|(_, value)| value.get("metadata")?.get("phone_number_id")?.as_str())
}

/// Reads one webhook.
pub(crate) fn parse(payload: &Value, received_at: DateTime<Utc>) -> Vec<GatewayEvent> {
    let mut events = Vec::new();
    for (field, value) in values(payload) {
        let before = events.len();
        events.extend(items(value, "messages").map(|object| message(value, object, false, received_at)));
        events.extend(items(value, "message_echoes").map(|object| message(value, object, true, received_at)));
        events.extend(items(value, "statuses").map(|object| reported(object, received_at)));
        if events.len() == before {
            events.push(match field {
                "messages" | "smb_message_echoes" => GatewayEvent::Ignored(Ignored::Malformed),
                other => GatewayEvent::Unknown(lenient::cut(&format!("cloud.{other}"), 80)),
            });
        }
    }
    if events.is_empty() {
        events.push(GatewayEvent::Ignored(Ignored::Malformed));
    }
    events
}

fn values(payload: &Value) -> impl Iterator<Item = (&str, &Value)> {
    items(payload, "entry").flat_map(|entry| items(entry, "changes")).filter_map(|change| {
        Some((change.get("field").and_then(Value::as_str).unwrap_or_default(), change.get("value")?))
    })
}

fn items<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text_in<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

fn message(value: &Value, object: &Value, from_me: bool, received_at: DateTime<Utc>) -> GatewayEvent {
    let sent_at = object.get("timestamp").and_then(lenient::instant).unwrap_or(received_at);
    if object.get("group_id").is_some() {
        return GatewayEvent::Ignored(Ignored::NotOnePerson);
    }
    if let Some(part) = object.get("reaction").filter(|part| part.is_object()) {
        let emoji = lenient::text(part, "emoji", EMOJI_CHARS).unwrap_or_default();
        let effect = Effect::Reaction(Reaction { from_me, emoji, at: sent_at });
        return on(text_in(part, "message_id"), effect);
    }
    let user = text_in(object, if from_me { "to" } else { "from" }).unwrap_or_default();
    let phone = Phone::from_whatsapp_user(user);
    let id = text_in(object, "id").and_then(GatewayId::new);
    let (Some(gateway_id), Some(phone), Some(chat)) = (id, phone, ChatAddress::new(&format!("{user}@s.whatsapp.net")))
    else {
        return GatewayEvent::Ignored(Ignored::Malformed);
    };
    let profile = items(value, "contacts").find(|contact| text_in(contact, "wa_id") == Some(user));
    let name = profile.and_then(|contact| lenient::text(contact.get("profile")?, "name", 200));
    let context = object.get("context").unwrap_or(&Value::Null);
    GatewayEvent::Message(Box::new(GatewayMessage {
        gateway_id,
        chat,
        person: Person { phone: Some(phone), lid: None },
        from_me,
        push_name: address::name(name).filter(|_| !from_me),
        sent_at,
        content: said(object),
        reply_to: text_in(context, "id").and_then(GatewayId::new),
        quoted_preview: None,
        status: None,
        via: Via::Live,
    }))
}

fn reported(object: &Value, received_at: DateTime<Utc>) -> GatewayEvent {
    let at = object.get("timestamp").and_then(lenient::instant).unwrap_or(received_at);
    match object.get("status").and_then(status::status) {
        Some(status) => on(text_in(object, "id"), Effect::Status { status, at }),
        None => GatewayEvent::Ignored(Ignored::UnknownStatus),
    }
}

fn on(id: Option<&str>, effect: Effect) -> GatewayEvent {
    match id.and_then(GatewayId::new) {
        Some(gateway_id) => GatewayEvent::Effect { gateway_id, effect },
        None => GatewayEvent::Ignored(Ignored::Malformed),
    }
}

fn said(object: &Value) -> Content {
    let kind = text_in(object, "type").unwrap_or_default();
    let part = object.get(kind).unwrap_or(&Value::Null);
    let chosen = |id: &str, title: &str, part: &Value| Choice {
        id: lenient::text(part, id, MAX_LINE_CHARS),
        title: lenient::text(part, title, MAX_LINE_CHARS).unwrap_or_default(),
        description: lenient::text(part, "description", MAX_LINE_CHARS),
    };
    match kind {
        "text" => match lenient::body(part, "body") {
            Some(text) => Content::Text(text),
            None => Content::Unsupported { kind: "text".to_owned() },
        },
        "image" => Content::Image(file(part)),
        "video" => Content::Video(file(part)),
        "sticker" => Content::Sticker(file(part)),
        "audio" => Content::Audio { media: file(part), voice: lenient::is_true(part, "voice") },
        "document" => Content::Document { media: file(part), title: None },
        "location" => Content::Location(content::place(part, false)),
        "contacts" => Content::Contacts(items(object, "contacts").take(MAX_CARDS).map(card).collect()),
        "button" => Content::ButtonReply(chosen("payload", "text", part)),
        "interactive" => match text_in(part, "type") {
            Some("button_reply") => {
                Content::ButtonReply(chosen("id", "title", part.get("button_reply").unwrap_or(&Value::Null)))
            }
            Some("list_reply") => {
                Content::ListReply(chosen("id", "title", part.get("list_reply").unwrap_or(&Value::Null)))
            }
            Some(other) => Content::Unsupported { kind: lenient::cut(&format!("interactive {other}"), 80) },
            None => Content::Unsupported { kind: "interactive".to_owned() },
        },
        "" => Content::Unsupported { kind: "unknown".to_owned() },
        other => Content::Unsupported { kind: lenient::cut(other, 80) },
    }
}

/// Meta gives files ids of its own.
fn file(part: &Value) -> Media {
    Media { handle: lenient::text(part, "id", MAX_LINE_CHARS), ..content::media(part) }
}

/// Meta takes cards apart; here they are put together again.
fn card(object: &Value) -> ContactCard {
    let line = |text: &str| text.replace(['\r', '\n'], " ");
    let name = object.get("name").and_then(|name| lenient::text(name, "formatted_name", MAX_LINE_CHARS));
    let name = name.unwrap_or_default();
    let mut vcard = format!("BEGIN:VCARD\nVERSION:3.0\nFN:{}\n", line(&name));
    for phone in items(object, "phones").take(10) {
        let shown = lenient::text(phone, "phone", 40).unwrap_or_default();
        match lenient::text(phone, "wa_id", 20) {
            Some(user) => vcard.push_str(&format!("TEL;waid={}:{}\n", line(&user), line(&shown))),
            None => vcard.push_str(&format!("TEL:{}\n", line(&shown))),
        }
    }
    vcard.push_str("END:VCARD");
    ContactCard { name, vcard }
}

#[cfg(test)]
mod tests {
    use balcao_domain::message::DeliveryStatus;
    use serde_json::json;

    use super::*;

    fn webhook(value: Value) -> Value {
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
    }

    fn one(part: Value) -> GatewayEvent {
        let mut object = json!({"from": "554188887777", "id": "wamid.A", "timestamp": "1795231256"});
        object.as_object_mut().unwrap().append(&mut part.as_object().unwrap().clone());
        let value = json!({
            "metadata": {"phone_number_id": "106540352242922"},
            "contacts": [{"wa_id": "554188887777", "profile": {"name": "Maria"}}],
            "messages": [object],
        });
        let mut events = parse(&webhook(value), DateTime::UNIX_EPOCH);
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn content_of(part: Value) -> Content {
        match one(part) {
            GatewayEvent::Message(message) => message.content,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_says_who_when_and_what_it_answers() {
        let event = one(json!({"type": "text", "text": {"body": "oi"}, "context": {"id": "wamid.Z", "from": "1"}}));
        let GatewayEvent::Message(message) = event else { panic!("a message is one") };
        assert_eq!(message.chat.as_str(), "554188887777@s.whatsapp.net");
        assert_eq!(message.person.phone, Phone::from_whatsapp_user("554188887777"));
        assert_eq!(message.push_name.as_deref(), Some("Maria"));
        assert_eq!(message.sent_at.timestamp(), 1_795_231_256);
        assert_eq!(message.content, Content::Text("oi".to_owned()));
        assert_eq!(message.reply_to, GatewayId::new("wamid.Z"));
        assert!(!message.from_me);
    }

    #[test]
    fn every_kind_has_its_face() {
        for (part, kind) in [
            (json!({"type": "image", "image": {"id": "9", "mime_type": "image/jpeg", "caption": "raio x"}}), "image"),
            (json!({"type": "audio", "audio": {"id": "9", "voice": true}}), "audio"),
            (json!({"type": "video", "video": {"id": "9"}}), "video"),
            (json!({"type": "document", "document": {"id": "9", "filename": "exame.pdf"}}), "document"),
            (json!({"type": "sticker", "sticker": {"id": "9"}}), "sticker"),
            (json!({"type": "location", "location": {"latitude": -25.4, "longitude": -49.2}}), "location"),
            (
                json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ana"}}, {"name": {"formatted_name": "Bia"}}]}),
                "contact",
            ),
            (json!({"type": "button", "button": {"payload": "sim", "text": "Sim"}}), "button_reply"),
            (
                json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "Sim"}}}),
                "button_reply",
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "9h"}}}),
                "list_reply",
            ),
            (json!({"type": "order", "order": {}}), "unsupported"),
            (json!({"type": "unsupported", "errors": [{"code": 131051}]}), "unsupported"),
            (json!({}), "unsupported"),
        ] {
            assert_eq!(content_of(part.clone()).kind(), kind, "{part}");
        }
        let Content::ButtonReply(choice) = content_of(
            json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "sim-1", "title": "Sim"}}}),
        ) else {
            panic!("a pressed button is one")
        };
        assert_eq!((choice.id.as_deref(), choice.title.as_str()), (Some("sim-1"), "Sim"));
    }

    #[test]
    fn every_message_and_status_of_a_batch_counts() {
        let value = |from: &str| {
            json!({
                "metadata": {"phone_number_id": "1"},
                "messages": [
                    {"from": from, "id": format!("{from}-1"), "timestamp": "1795231256", "type": "text", "text": {"body": "a"}},
                    {"from": from, "id": format!("{from}-2"), "timestamp": "1795231256", "type": "text", "text": {"body": "b"}},
                ],
                "statuses": [{"id": "wamid.S", "status": "failed", "timestamp": "1795231260", "errors": [{"code": 131026}]}],
            })
        };
        let change = |from: &str| json!({"field": "messages", "value": value(from)});
        let payload = json!({"entry": [
            {"changes": [change("554188887777")]},
            {"changes": [change("5511988887777"), {"field": "account_update", "value": {}}]},
        ]});
        let events = parse(&payload, DateTime::UNIX_EPOCH);
        let told: Vec<_> = events.iter().filter(|event| matches!(event, GatewayEvent::Message(_))).collect();
        assert_eq!((events.len(), told.len()), (7, 4));
        let at = DateTime::from_timestamp(1_795_231_260, 0).unwrap();
        let failed = Effect::Status { status: DeliveryStatus::Failed, at };
        assert!(
            events.contains(&GatewayEvent::Effect { gateway_id: GatewayId::new("wamid.S").unwrap(), effect: failed })
        );
        assert!(events.contains(&GatewayEvent::Unknown("cloud.account_update".to_owned())));
        assert_eq!(phone_number_id(&payload), Some("1"));
    }

    #[test]
    fn what_was_typed_on_the_clinics_phone_is_ours() {
        let payload = json!({"entry": [{"changes": [{"field": "smb_message_echoes", "value": {"message_echoes": [
            {"from": "5511999990003", "to": "554188887777", "id": "wamid.E", "timestamp": "1795231256", "type": "text", "text": {"body": "até já"}},
        ]}}]}]});
        let events = parse(&payload, DateTime::UNIX_EPOCH);
        let [GatewayEvent::Message(message)] = events.as_slice() else { panic!("{events:?}") };
        assert!(message.from_me && message.chat.as_str().starts_with("554188887777@"));
    }

    #[test]
    fn nonsense_is_said_to_be_such() {
        for payload in
            [json!(null), json!({"entry": {}}), json!({"entry": [{"changes": [{"value": {"messages": [1]}}]}]})]
        {
            let events = parse(&payload, DateTime::UNIX_EPOCH);
            assert!(events.iter().all(|event| matches!(event, GatewayEvent::Ignored(_))), "{payload}");
        }
    }
}
