//! When two deliveries are one event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::event::canonical_name;
use crate::lenient;

/// Parts of the envelope that differ between two deliveries of one event.
const OF_THE_DELIVERY: [&str; 3] = ["date_time", "server_url", "apikey"];

/// SHA-256 over the event's name and its scrubbed payload in one canonical spelling: names in order, bytes as base64,
/// 64-bit numbers as numbers, without what belongs to the delivery. The same event heard over another transport has the
/// same digest.
pub fn digest(event: &str, scrubbed: &Value) -> [u8; 32] {
    let mut canonical = canonical_name(event);
    canonical.push('\n');
    write(scrubbed, true, &mut canonical);
    Sha256::digest(canonical.as_bytes()).into()
}

fn write(value: &Value, is_envelope: bool, out: &mut String) {
    match value {
        Value::Object(members) => {
            if let Some(bytes) = lenient::bytes(value) {
                return out.push_str(&Value::String(STANDARD.encode(bytes)).to_string());
            }
            if let (2 | 3, Some(number)) = (members.len(), lenient::long(value)) {
                return out.push_str(&number.to_string());
            }
            // The map keeps names in order only where nobody in the build asked serde_json for the order of the text.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, member) in members {
                if is_envelope && OF_THE_DELIVERY.contains(&name.as_str()) {
                    continue;
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write(member, false, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, false, out);
                out.push(',');
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_deliveries_of_one_event_have_one_digest() {
        let first = json!({"instance": "a", "date_time": "2026-01-01T00:00:00Z", "server_url": "http://x", "data": {"id": "1"}});
        let second = json!({"data": {"id": "1"}, "instance": "a", "date_time": "2026-01-01T00:00:09Z"});
        assert_eq!(digest("messages.delete", &first), digest("MESSAGES_DELETE", &second));
    }

    #[test]
    fn the_spelling_of_bytes_and_long_numbers_does_not_matter() {
        let spelled = |hash: Value, length: Value| {
            digest("messages.upsert", &json!({"data": {"fileSha256": hash, "fileLength": length}}))
        };
        let one = spelled(json!("SlD/"), json!(12345));
        assert_eq!(
            one,
            spelled(
                json!({"type": "Buffer", "data": [74, 80, 255]}),
                json!({"low": 12345, "high": 0, "unsigned": true})
            )
        );
        assert_eq!(one, spelled(json!({"0": 74, "1": 80, "2": 255}), json!(12345)));
        assert_ne!(one, spelled(json!("SlD+"), json!(12345)));
    }

    #[test]
    fn another_event_or_another_word_has_another_digest() {
        let payload = json!({"data": {"id": "1", "date_time": "inside the data it counts"}});
        assert_ne!(digest("messages.delete", &payload), digest("messages.update", &payload));
        assert_ne!(digest("messages.delete", &payload), digest("messages.delete", &json!({"data": {"id": "1"}})));
    }
}
