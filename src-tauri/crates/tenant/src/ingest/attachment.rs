//! What a message carries beside its text, as the column `attachment` holds it. A field is there only where it is known.

use balcao_domain::message::{Content, Media};
use serde_json::{Map, Value, json};

/// Kind of a message that the gateway has announced and not delivered.
const PLACEHOLDER: &str = "placeholder";

/// Kind of a vote in a poll: one of those that older programs show by a word.
const VOTE: &str = "pollUpdateMessage";

/// `None` where the text is all. `file` is what became of the file, where there is one.
pub(super) fn of(content: &Content, file: Option<&str>) -> Option<Value> {
    let fields = fields(content)?;
    Some(without_nulls(match content.file() {
        Some(_) => with(fields, json!({"file": file})),
        None => fields,
    }))
}

fn fields(content: &Content) -> Option<Value> {
    Some(match content {
        Content::Text(_) => return None,
        Content::Image(media) | Content::Video(media) | Content::Sticker(media) => about(media),
        Content::Audio { media, voice } => {
            let waveform = media.waveform.as_ref().map(|waveform| waveform.values());
            with(about(media), json!({"voice": voice, "waveform": waveform}))
        }
        Content::Document { media, title } => with(about(media), json!({"title": title})),
        Content::Location(place) => json!({
            "latitude": place.latitude, "longitude": place.longitude, "title": place.name, "address": place.address,
            "live": place.live,
        }),
        Content::Contacts(cards) => json!({
            "title": cards.first().map(|card| &card.name),
            "cards": cards.iter().map(|card| json!({"name": card.name, "vcard": card.vcard})).collect::<Vec<_>>(),
        }),
        Content::ButtonReply(choice) | Content::ListReply(choice) => {
            json!({"title": choice.title, "option_id": choice.id, "description": choice.description})
        }
        Content::Poll { question, options } => json!({"title": question, "options": options}),
        Content::Vote { options, .. } => json!({"original_kind": VOTE, "options": options}),
        Content::Placeholder => json!({"original_kind": PLACEHOLDER}),
        Content::Unsupported { kind } => json!({"original_kind": kind}),
    })
}

/// Whether a stored message says nothing yet, so that a later delivery may fill it.
pub(super) fn is_missing(kind: &str, body: &str, attachment: Option<&Value>) -> bool {
    let placeholder =
        || attachment.and_then(|fields| fields.get("original_kind")).and_then(Value::as_str) == Some(PLACEHOLDER);
    body.is_empty() && (kind == "text" || (kind == "unsupported" && placeholder()))
}

fn about(media: &Media) -> Value {
    json!({
        "mime_type": media.mime_type, "file_name": media.file_name, "size_bytes": media.size_bytes,
        "seconds": media.seconds, "width": media.width, "height": media.height, "thumbnail": media.thumbnail,
    })
}

fn with(mut fields: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    fields
}

fn without_nulls(fields: Value) -> Value {
    match fields {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use balcao_domain::file::Waveform;

    use super::*;

    #[test]
    fn only_what_is_known_is_written() {
        let media = Media { mime_type: Some("audio/ogg".into()), seconds: Some(4), ..Media::default() };
        assert_eq!(
            of(&Content::Audio { media: media.clone(), voice: true }, Some("pending")),
            Some(json!({"mime_type": "audio/ogg", "seconds": 4, "voice": true, "file": "pending"}))
        );
        let media = Media { waveform: Waveform::of(&[1, 50]), ..media };
        assert_eq!(of(&Content::Audio { media, voice: true }, None).unwrap()["waveform"], json!([1, 50]));
        assert_eq!(of(&Content::Text("oi".into()), None), None);
        let vote = |options| of(&Content::Vote { poll: None, options }, None);
        assert_eq!(vote(Some(vec![])), Some(json!({"original_kind": VOTE, "options": []})), "it was taken back");
        assert_eq!(vote(None), Some(json!({"original_kind": VOTE})), "nobody can read it");
    }

    #[test]
    fn a_placeholder_is_recognised_when_it_comes_back_from_the_database() {
        let stored = of(&Content::Placeholder, None);
        assert!(is_missing(Content::Placeholder.kind(), "", stored.as_ref()));
        let unsupported = of(&Content::Unsupported { kind: "orderMessage".into() }, None);
        assert!(!is_missing("unsupported", "", unsupported.as_ref()));
        assert!(!is_missing("image", "", None), "a picture without caption says something");
    }
}
