//! What may be stored of an event: everything but secrets, and nothing that is only bulk.

use serde_json::Value;

use crate::lenient;

/// Names whose values open something: the instance's token, keys of files, sessions and pairing.
const SECRETS: [&str; 12] = [
    "apikey",
    "token",
    "accesstoken",
    "authtoken",
    "authorization",
    "password",
    "secret",
    "hash",
    "mediakey",
    "messagesecret",
    "pairingcode",
    "privatekey",
];
/// Of these only what is small is kept, in bytes of JSON.
const PICTURES: [&str; 5] = ["jpegthumbnail", "thumbnail", "pngthumbnail", "waveform", "streamingsidecar"];
const MAX_PICTURE_BYTES: usize = 16_384;
/// Of a file itself nothing is kept but what may be no file.
const MAX_FILE_BYTES: usize = 4_096;
/// Longest text, in characters: a body with all it may have.
const MAX_TEXT_CHARS: usize = 70_000;
/// Deepest nesting. No parser of JSON hands over more.
const MAX_DEPTH: usize = 127;

/// The event without secrets (keys, tokens, pairing codes), without files and large thumbnails, and without the NUL
/// characters that PostgreSQL cannot store. Scrubbing twice changes nothing more.
pub fn scrub(payload: &Value) -> Value {
    clean(payload, 0, false)
}

/// `pairs` says that this is about pairing a phone: there also the code and its picture are secrets.
fn clean(value: &Value, depth: usize, pairs: bool) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    match value {
        Value::String(text) => Value::String(lenient::cut(text, MAX_TEXT_CHARS)),
        Value::Array(items) => Value::Array(items.iter().map(|item| clean(item, depth + 1, pairs)).collect()),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, member)| {
                let name = plain(name);
                let opens = SECRETS.contains(&name.as_str()) || (pairs && matches!(name.as_str(), "code" | "base64"));
                let bulk = (name == "base64" && weight(member) > MAX_FILE_BYTES)
                    || (PICTURES.contains(&name.as_str()) && weight(member) > MAX_PICTURE_BYTES);
                !opens && !bulk
            });
            kept.map(|(name, member)| (lenient::cut(name, 300), clean(member, depth + 1, pairs || name == "qrcode")))
                .collect()
        }
        other => other.clone(),
    }
}

/// `media_key`, `mediaKey` and `MediaKey` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Bytes of it as JSON, about.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 1 + weight(item)).sum(),
        Value::Object(members) => members.iter().map(|(name, member)| name.len() + weight(member)).sum(),
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_opens_anything_is_stored() {
        let payload = json!({
            "event": "messages.upsert", "instance": "recepcao", "apikey": "tok-1",
            "data": {
                "key": {"id": "3A01", "remoteJid": "5511977776666@s.whatsapp.net"},
                "message": {
                    "imageMessage": {"caption": "receita", "mediaKey": {"type": "Buffer", "data": [1, 2]}, "media_key": "AQI="},
                    "messageContextInfo": {"messageSecret": "c2VjcmV0"},
                },
                "token": "tok-2", "accessToken": "tok-3", "hash": {"apikey": "tok-4"},
            },
        });
        let stored = scrub(&payload).to_string();
        for secret in ["tok-", "AQI=", "c2VjcmV0", "mediaKey"] {
            assert!(!stored.contains(secret), "{secret} is still in {stored}");
        }
        assert!(stored.contains("receita") && stored.contains("3A01"));
    }

    #[test]
    fn a_pairing_code_is_not_stored() {
        let payload = json!({"data": {"qrcode": {"instance": "recepcao", "pairingCode": "ABCD1234", "code": "2@xyz", "base64": "data:image/png;base64,QR"}}});
        assert_eq!(scrub(&payload), json!({"data": {"qrcode": {"instance": "recepcao"}}}));
    }

    #[test]
    fn small_thumbnails_stay_and_large_ones_go() {
        let of =
            |bytes: usize| json!({"imageMessage": {"jpegThumbnail": {"type": "Buffer", "data": vec![255; bytes]}}});
        assert_eq!(scrub(&of(100)), of(100));
        assert_eq!(scrub(&of(5000)), json!({"imageMessage": {}}));
        assert_eq!(scrub(&json!({"base64": "A".repeat(9000)})), json!({}));
    }

    #[test]
    fn nul_is_removed_from_texts_and_names() {
        assert_eq!(scrub(&json!({"a\u{0}b": ["x\u{0}y"]})), json!({"ab": ["xy"]}));
    }
}
