//! What stands in `message`: one part that says something, perhaps inside wrappers, beside parts for programs.

use balcao_domain::file::{FileType, Waveform};
use balcao_domain::message::{Choice, ContactCard, Content, GatewayId, Ignored, Media, Place};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::lenient::{self, body, count, first_text, is_true, small_count, text};

/// Wrappers inside wrappers that are followed. WhatsApp uses three.
const MAX_WRAPPERS: usize = 12;
/// Cards of one message that are kept, and characters of one card.
const MAX_CARDS: usize = 50;
const MAX_CARD_CHARS: usize = 8_192;
/// Options of a poll that are kept.
const MAX_OPTIONS: usize = 50;
/// Characters of a name, a title, an address.
const MAX_LINE_CHARS: usize = 500;
/// Largest picture that is kept with its message.
const MAX_THUMBNAIL_BYTES: usize = 6 * 1024;

/// Parts that say nothing to people, beside those that do.
const BESIDE: [&str; 9] = [
    "messageContextInfo",
    "contextInfo",
    "senderKeyDistributionMessage",
    "fastRatchetKeySenderKeyDistributionMessage",
    "base64",
    "mediaUrl",
    "speechToText",
    "mentions",
    "messageSecret",
];

type Reader = fn(part: &Value, message: &Value) -> Content;

/// The parts that say something, and how each is read: from the part, and the message around it.
const KNOWN: [(&str, Reader); 28] = [
    ("imageMessage", |part, _| Content::Image(media(part))),
    ("videoMessage", |part, _| Content::Video(media(part))),
    ("ptvMessage", |part, _| Content::Video(media(part))),
    ("audioMessage", audio),
    ("documentMessage", document),
    ("stickerMessage", |part, _| Content::Sticker(media(part))),
    ("locationMessage", |part, _| Content::Location(place(part, is_true(part, "isLive")))),
    ("liveLocationMessage", |part, _| Content::Location(place(part, true))),
    ("contactMessage", |part, _| Content::Contacts(vec![card(part)])),
    ("contactsArrayMessage", cards),
    ("buttonsResponseMessage", |part, _| {
        Content::ButtonReply(choice(part, &["selectedButtonId"], &["selectedDisplayText"]))
    }),
    ("templateButtonReplyMessage", |part, _| {
        Content::ButtonReply(choice(part, &["selectedId"], &["selectedDisplayText"]))
    }),
    ("interactiveResponseMessage", flow_reply),
    ("listResponseMessage", list_reply),
    ("pollCreationMessage", poll),
    ("pollCreationMessageV2", poll),
    ("pollCreationMessageV3", poll),
    ("pollCreationMessageV5", poll),
    ("pollUpdateMessage", vote),
    ("placeholderMessage", |_, _| Content::Placeholder),
    ("extendedTextMessage", |part, _| Content::Text(body(part, "text").unwrap_or_default())),
    // What businesses send: here the words of it are enough.
    ("templateMessage", |part, _| offered(&["hydratedContentText"], part.get("hydratedTemplate").unwrap_or(part))),
    ("highlyStructuredMessage", |part, _| offered(&["hydratedContentText"], part.get("hydratedHsm").unwrap_or(part))),
    ("buttonsMessage", |part, _| offered(&["contentText", "text"], part)),
    ("listMessage", |part, _| offered(&["description", "title"], part)),
    ("interactiveMessage", |part, _| offered(&["text"], part.get("body").unwrap_or(part))),
    ("groupInviteMessage", |part, _| offered(&["caption", "groupName"], part)),
    ("eventMessage", |part, _| offered(&["name", "description"], part)),
];

/// What a message says.
pub enum Said {
    /// Something that people see.
    Content(Content),
    /// An edit or a deletion of another message: the `protocolMessage`.
    Protocol(Value),
    /// A reaction to another message: the `reactionMessage`.
    Reaction(Value),
    /// Nothing that people see.
    Nothing(Ignored),
}

/// Follows wrappers to the message inside; `None` where there is none, or too many wrappers. Also says the name of the
/// innermost wrapper.
pub fn unwrap(message: &Value) -> Option<(&Value, &str)> {
    let mut inner = message;
    let mut wrapper = "";
    for _ in 0..=MAX_WRAPPERS {
        let object = inner.as_object()?;
        if let Some(naked) = object.get("message").filter(|message| message.is_object()) {
            inner = naked;
            continue;
        }
        let wrapped = object.iter().find_map(|(name, part)| {
            let message = part.get("message").filter(|message| message.is_object())?;
            // The edited text of a protocol message is no wrapper around what was said.
            (name != "protocolMessage" && !is_beside(name)).then_some((message, name.as_str()))
        });
        match wrapped {
            Some((message, name)) => (inner, wrapper) = (message, name),
            None => return Some((inner, wrapper)),
        }
    }
    None
}

/// Reads a message. `hint` is the kind as the gateway names it, for what is not recognised.
pub fn read(message: &Value, hint: &str) -> Said {
    let Some((inner, wrapper)) = unwrap(message) else { return unsupported(hint) };
    let part = |name: &str| inner.get(name).filter(|part| part.is_object());
    if let Some(protocol) = part("protocolMessage") {
        return Said::Protocol(protocol.clone());
    }
    if let Some(reaction) = part("reactionMessage") {
        return Said::Reaction(reaction.clone());
    }
    for (name, read) in KNOWN {
        if let Some(part) = part(name) {
            let content = read(part, inner);
            // A part whose words cannot be found is better shown as what it is than as an empty text.
            return match content {
                Content::Text(text) if text.is_empty() => unsupported(name),
                content => Said::Content(content),
            };
        }
    }
    // An empty text is kept as one: a later delivery may bring the words.
    if inner.get("conversation").is_some_and(Value::is_string) {
        return Said::Content(Content::Text(body(inner, "conversation").unwrap_or_default()));
    }
    nothing_known(inner, wrapper, hint)
}

/// A message without any part that is known.
fn nothing_known(inner: &Value, wrapper: &str, hint: &str) -> Said {
    // An album only announces pictures that come on their own; pinned and kept are marks on other messages.
    const MARKS: [&str; 3] = ["albumMessage", "pinInChatMessage", "keepInChatMessage"];
    let parts = inner.as_object();
    let has = |name: &str| parts.is_some_and(|parts| parts.contains_key(name));
    if MARKS.into_iter().any(has) {
        return Said::Nothing(Ignored::Housekeeping);
    }
    let names = || parts.into_iter().flat_map(|parts| parts.keys()).map(String::as_str);
    let strange = names().filter(|name| !is_beside(name) && *name != "conversation");
    match strange.min() {
        Some(_) if has(hint) => unsupported(hint),
        Some(name) => unsupported(name),
        None if has("senderKeyDistributionMessage") => Said::Nothing(Ignored::Housekeeping),
        None if wrapper.is_empty() => unsupported(hint),
        None => unsupported(wrapper),
    }
}

fn is_beside(name: &str) -> bool {
    BESIDE.contains(&name)
}

fn unsupported(kind: &str) -> Said {
    let kind = lenient::cut(kind.trim(), 80);
    Said::Content(Content::Unsupported { kind: if kind.is_empty() { "unknown".to_owned() } else { kind } })
}

/// A file, as either gateway spells what it knows of it.
pub fn media(part: &Value) -> Media {
    Media {
        caption: body(part, "caption").unwrap_or_default(),
        mime_type: first_text(part, &["mimetype", "mime_type"], 200),
        file_name: first_text(part, &["fileName", "filename"], 255),
        size_bytes: count(part, "fileLength").or_else(|| count(part, "file_size")),
        seconds: small_count(part, "seconds"),
        width: small_count(part, "width"),
        height: small_count(part, "height"),
        thumbnail: part.get("jpegThumbnail").and_then(thumbnail),
        handle: None,
        waveform: part.get("waveform").and_then(waveform),
    }
}

/// Bytes in any of their spellings, where it is known that they are some.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => STANDARD.decode(text.trim()).ok(),
        other => lenient::bytes(other),
    }
}

fn waveform(value: &Value) -> Option<Waveform> {
    Waveform::of(&bytes(value)?)
}

/// A small picture in any of its spellings, where it is one.
fn thumbnail(value: &Value) -> Option<String> {
    let bytes = bytes(value)?;
    let fits = bytes.len() <= MAX_THUMBNAIL_BYTES && FileType::of(&bytes).mime_type == "image/jpeg";
    fits.then(|| STANDARD.encode(bytes))
}

fn audio(part: &Value, message: &Value) -> Content {
    let mut media = media(part);
    if media.caption.is_empty() {
        media.caption = body(message, "speechToText").unwrap_or_default();
    }
    let voice = is_true(part, "ptt") || is_true(part, "voice");
    Content::Audio { media, voice }
}

fn document(part: &Value, _: &Value) -> Content {
    let media = media(part);
    let title = text(part, "title", 255).filter(|title| Some(title) != media.file_name.as_ref());
    Content::Document { media, title }
}

/// A place, as either gateway spells it.
pub fn place(part: &Value, live: bool) -> Place {
    let degrees = |keys: [&str; 2], limit: f64| {
        let number = keys.iter().find_map(|key| part.get(key)).and_then(Value::as_f64).unwrap_or_default();
        number.clamp(-limit, limit)
    };
    Place {
        latitude: degrees(["degreesLatitude", "latitude"], 90.0),
        longitude: degrees(["degreesLongitude", "longitude"], 180.0),
        name: first_text(part, &["name", "caption"], MAX_LINE_CHARS),
        address: text(part, "address", MAX_LINE_CHARS),
        live,
    }
}

fn card(part: &Value) -> ContactCard {
    ContactCard {
        name: text(part, "displayName", MAX_LINE_CHARS).unwrap_or_default(),
        vcard: text(part, "vcard", MAX_CARD_CHARS).unwrap_or_default(),
    }
}

fn cards(part: &Value, _: &Value) -> Content {
    let cards = part.get("contacts").and_then(Value::as_array).into_iter().flatten();
    Content::Contacts(cards.filter(|card| card.is_object()).take(MAX_CARDS).map(card).collect())
}

fn choice(part: &Value, ids: &[&str], titles: &[&str]) -> Choice {
    let id = first_text(part, ids, MAX_LINE_CHARS);
    let title = first_text(part, titles, MAX_LINE_CHARS);
    Choice { title: title.or_else(|| id.clone()).unwrap_or_default(), id, description: None }
}

fn list_reply(part: &Value, _: &Value) -> Content {
    let row = part.get("singleSelectReply").unwrap_or(&Value::Null);
    let mut choice = choice(part, &[], &["title"]);
    choice.id = text(row, "selectedRowId", MAX_LINE_CHARS);
    if choice.title.is_empty() {
        choice.title = choice.id.clone().unwrap_or_default();
    }
    choice.description = text(part, "description", MAX_LINE_CHARS);
    Content::ListReply(choice)
}

/// The answer to native buttons and lists: the id stands in JSON inside a text.
fn flow_reply(part: &Value, _: &Value) -> Content {
    let flow = part.get("nativeFlowResponseMessage").unwrap_or(&Value::Null);
    let parameters = flow
        .get("paramsJson")
        .and_then(Value::as_str)
        .and_then(|json| serde_json::from_str::<Value>(json).ok())
        .unwrap_or_default();
    let words = part.get("body").unwrap_or(&Value::Null);
    let mut choice = choice(&parameters, &["id", "selectedId"], &["title", "display_text"]);
    if let Some(shown) = text(words, "text", MAX_LINE_CHARS) {
        choice.title = shown;
    }
    match text(flow, "name", 80).as_deref() {
        Some("single_select" | "list") => Content::ListReply(choice),
        _ => Content::ButtonReply(choice),
    }
}

fn poll(part: &Value, _: &Value) -> Content {
    let options = part.get("options").and_then(Value::as_array).into_iter().flatten();
    Content::Poll {
        question: text(part, "name", MAX_LINE_CHARS).unwrap_or_default(),
        options: options.filter_map(|option| text(option, "optionName", MAX_LINE_CHARS)).take(MAX_OPTIONS).collect(),
    }
}

/// WhatsApp encrypts votes. A gateway that has the poll puts the words of what was chosen beside the encrypted ones, and none
/// where it could not decrypt them or where the vote was taken back, which looks the same then.
fn vote(part: &Value, _: &Value) -> Content {
    let key = part.get("pollCreationMessageKey").unwrap_or(&Value::Null);
    let vote = part.get("vote").unwrap_or(&Value::Null);
    let words = vote.get("selectedOptions").and_then(Value::as_array).and_then(|options| {
        let words = options.iter().map(|option| match option {
            Value::String(word) => Some(lenient::cut(word, MAX_LINE_CHARS)),
            // Digests of them, by a gateway that has not the poll.
            _ => text(option, "name", MAX_LINE_CHARS),
        });
        words.take(MAX_OPTIONS).collect::<Option<Vec<String>>>()
    });
    let is_encrypted = vote.get("encPayload").is_some_and(|payload| !payload.is_null());
    Content::Vote {
        poll: key.get("id").and_then(Value::as_str).and_then(GatewayId::new),
        options: words.filter(|words| !words.is_empty() || !is_encrypted),
    }
}

/// The words of something that offers buttons, a list or an invitation.
fn offered(keys: &[&str], part: &Value) -> Content {
    Content::Text(keys.iter().find_map(|key| body(part, key)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waveform_reads_the_same_in_every_spelling() {
        let values: Vec<u8> = (0..64).collect();
        for spelling in [json!(STANDARD.encode(&values)), json!({"type": "Buffer", "data": values})] {
            let read = media(&json!({"waveform": spelling})).waveform;
            assert_eq!(read.as_ref().map(Waveform::values), Some(&values[..]));
        }
        assert_eq!(media(&json!({"waveform": "no base64"})).waveform, None);
    }

    #[test]
    fn a_thumbnail_reads_the_same_in_every_spelling_and_is_a_picture() {
        let jpeg = b"\xff\xd8\xff\xe0small";
        let text = STANDARD.encode(jpeg);
        for spelling in [json!(text), json!({"type": "Buffer", "data": jpeg.to_vec()})] {
            assert_eq!(media(&json!({"jpegThumbnail": spelling})).thumbnail.as_deref(), Some(text.as_str()));
        }
        for other in
            [json!("PHN2Zz4="), json!("not base64"), json!(7), json!(STANDARD.encode([&jpeg[..], &[0; 7000]].concat()))]
        {
            assert_eq!(media(&json!({"jpegThumbnail": other})).thumbnail, None);
        }
    }
}
