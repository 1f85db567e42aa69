//! The envelope of the Evolution API: `{event, instance, data, …}`, and what each kind of event says. Meta's webhooks come
//! here under a name of their own.

use balcao_domain::message::{ConnectionState, Effect, GatewayEvent, GatewayId, Ignored, Via};
use balcao_domain::phone::Phone;
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;

use crate::address::{self, Peer};
use crate::cloud_api::webhook;
use crate::lenient;
use crate::message::{self, Around};
use crate::{protocol, status};

/// Reads one event. `payload` is the envelope, or under `cloud.webhook` what Meta sent; `received_at` stands in where the gateway gives no time (its own
/// `date_time` is local time with a false `Z` and is never used).
///
/// Any JSON is taken: what cannot be used comes out as [`GatewayEvent::Ignored`] or [`GatewayEvent::Unknown`].
pub fn parse(event: &str, payload: &Value, received_at: DateTime<Utc>) -> Vec<GatewayEvent> {
    // PostgreSQL keeps microseconds: an instant that is compared with a stored one must not have more.
    let received_at = received_at.trunc_subsecs(6);
    let own = own_phone(payload);
    let around = |via| Around { via, own: own.as_ref(), received_at };
    let data = payload.get("data").unwrap_or(&Value::Null);
    let name = canonical_name(event);
    match name.as_str() {
        "messages.upsert" => each(data, |object| message::read(object, around(Via::Live))),
        "messages.set" => each(data, |object| message::read(object, around(Via::History))),
        "send.message" => each(data, |object| message::read(object, around(Via::Api))),
        "messages.update" => each(data, |object| update(object, received_at)),
        "messages.edited" | "send.message.update" => each(data, |object| edited(object, around(Via::Live))),
        "messages.delete" => each(data, |object| deleted(object, received_at)),
        "contacts.upsert" | "contacts.update" | "contacts.set" => each(data, contact),
        "connection.update" => vec![connection(data)],
        "qrcode.updated" if data.get("qrcode").is_some_and(Value::is_object) => {
            vec![GatewayEvent::Connection { state: ConnectionState::Pairing, phone: None }]
        }
        "logout.instance" | "remove.instance" | "instance.delete" => {
            vec![GatewayEvent::Connection { state: ConnectionState::Disconnected, phone: None }]
        }
        "status.instance" if data.get("status").and_then(Value::as_str) == Some("closed") => {
            vec![GatewayEvent::Connection { state: ConnectionState::Disconnected, phone: None }]
        }
        "cloud.webhook" => webhook::parse(payload, received_at),
        known if has_no_use(known) => vec![GatewayEvent::Ignored(Ignored::NoUse)],
        unknown => vec![GatewayEvent::Unknown(lenient::cut(unknown, 80))],
    }
}

/// Name of an event as the stream spells it: `MESSAGES_UPSERT` of the settings is `messages.upsert`.
pub fn canonical_name(event: &str) -> String {
    event.trim().to_ascii_lowercase().replace('_', ".")
}

/// The gateway's name for the connection that an event belongs to.
pub fn instance(payload: &Value) -> Option<&str> {
    let Some(name) = payload.get("instance") else { return webhook::phone_number_id(payload) };
    let name = name.as_str().or_else(|| name.get("instanceName")?.as_str())?.trim();
    Some(name).filter(|name| !name.is_empty())
}

fn has_no_use(event: &str) -> bool {
    let families =
        ["chats.", "groups.", "group.", "group-participants.", "labels.", "presence.", "typebot.", "application."];
    matches!(event, "call" | "instance.create" | "status.instance" | "qrcode.updated" | "catalog" | "errors")
        || families.iter().any(|family| event.starts_with(family))
}

/// An object is one, an array is many, and nothing else is any.
fn each(data: &Value, read: impl Fn(&Value) -> GatewayEvent) -> Vec<GatewayEvent> {
    match data {
        Value::Array(items) => items.iter().map(read).collect(),
        Value::Object(_) => vec![read(data)],
        _ => vec![GatewayEvent::Ignored(Ignored::Malformed)],
    }
}

fn own_phone(payload: &Value) -> Option<Phone> {
    match address::peer(payload.get("sender")?.as_str()?) {
        Peer::Phone(phone) => Some(phone),
        _ => None,
    }
}

fn text_in<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// `{keyId, remoteJid, status, …}`. `messageId` is a row of the gateway's own database and matches nothing.
fn update(object: &Value, received_at: DateTime<Utc>) -> GatewayEvent {
    let key = object.get("key").unwrap_or(&Value::Null);
    if address::names_a_crowd(object, "remoteJid") || address::names_a_crowd(key, "remoteJid") {
        return GatewayEvent::Ignored(Ignored::NotOnePerson);
    }
    let id = text_in(object, "keyId").or_else(|| text_in(key, "id")).and_then(GatewayId::new);
    let Some(gateway_id) = id else { return GatewayEvent::Ignored(Ignored::Malformed) };
    match object.get("status").and_then(status::status) {
        Some(status) => GatewayEvent::Effect { gateway_id, effect: Effect::Status { status, at: received_at } },
        None => GatewayEvent::Ignored(Ignored::UnknownStatus),
    }
}

/// A `protocolMessage` as it is, or a whole message object around one.
fn edited(object: &Value, around: Around<'_>) -> GatewayEvent {
    if object.get("message").is_some_and(Value::is_object) {
        return match message::read(object, around) {
            // Only what happened to another message is told here.
            GatewayEvent::Message(_) => GatewayEvent::Ignored(Ignored::Malformed),
            other => other,
        };
    }
    protocol::read(object, around.received_at)
}

/// `{id, remoteJid, …}`, or a row of the gateway's database, whose own `id` means nothing and whose `key` counts.
fn deleted(object: &Value, received_at: DateTime<Utc>) -> GatewayEvent {
    let key = object.get("key").filter(|key| key.is_object()).unwrap_or(object);
    if address::names_a_crowd(key, "remoteJid") {
        return GatewayEvent::Ignored(Ignored::NotOnePerson);
    }
    match text_in(key, "id").and_then(GatewayId::new) {
        Some(gateway_id) => GatewayEvent::Effect { gateway_id, effect: Effect::Revoke { at: received_at } },
        None => GatewayEvent::Ignored(Ignored::Malformed),
    }
}

fn contact(object: &Value) -> GatewayEvent {
    let names = ["remoteJid", "id", "jid", "remoteJidAlt", "phoneNumber", "lid"];
    let addresses = names.iter().filter_map(|name| text_in(object, name)).filter(|address| address.contains('@'));
    if names.iter().any(|name| address::names_a_crowd(object, name)) {
        return GatewayEvent::Ignored(Ignored::NotOnePerson);
    }
    let person = address::person(addresses, None);
    if person.is_unknown() {
        return GatewayEvent::Ignored(Ignored::Malformed);
    }
    GatewayEvent::Contact { person, push_name: address::name(lenient::first_text(object, &["pushName", "name"], 200)) }
}

fn connection(data: &Value) -> GatewayEvent {
    let state = match text_in(data, "state") {
        Some("open") => ConnectionState::Connected,
        Some("connecting") => ConnectionState::Connecting,
        Some("close" | "closed") => ConnectionState::Disconnected,
        Some("refused") => ConnectionState::Refused,
        _ => return GatewayEvent::Ignored(Ignored::Malformed),
    };
    let phone = match text_in(data, "wuid").map(address::peer) {
        Some(Peer::Phone(phone)) => Some(phone),
        _ => None,
    };
    GatewayEvent::Connection { state, phone }
}
