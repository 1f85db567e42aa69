//! Events whose bytes come in frames of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Bytes that the attachments of one event may have together.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// An event that waits for its attachments.
#[derive(Debug)]
pub struct Assembly {
    data: Value,
    /// Attachments so far, as base64; `None` where they are only counted: too much of them, or nothing to put them into.
    kept: Option<Vec<Option<String>>>,
    bytes: usize,
    missing: usize,
}

/// What an attachment completed.
#[derive(Debug, PartialEq)]
pub enum Put {
    /// More must follow.
    Waiting,
    /// The event with every attachment in its place, as base64: the spelling that the rest of the program reads.
    Whole(Value),
    /// It is over, and too large or not as it was announced.
    Broken,
}

impl Assembly {
    /// An event that announced this many attachments, at least one. `None` is one that cannot be read.
    pub fn new(data: Option<Value>, attachments: usize) -> Self {
        Self { kept: data.is_some().then(Vec::new), data: data.unwrap_or_default(), bytes: 0, missing: attachments }
    }

    /// Takes the next attachment.
    pub fn put(&mut self, attachment: &[u8]) -> Put {
        self.missing = self.missing.saturating_sub(1);
        self.bytes = self.bytes.saturating_add(attachment.len());
        if self.bytes > MAX_BYTES {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(Some(STANDARD.encode(attachment)));
        }
        if self.missing > 0 {
            return Put::Waiting;
        }
        let mut data = self.data.take();
        let filled = self.kept.take().is_some_and(|mut kept| fill(&mut data, &mut kept));
        if filled { Put::Whole(data) } else { Put::Broken }
    }
}

/// Puts attachments in the place of `{"_placeholder": true, "num": n}`. `false` when one is asked for that is not there,
/// or a second time: an event does not grow by being put together.
fn fill(value: &mut Value, attachments: &mut [Option<String>]) -> bool {
    match value {
        Value::Object(members) => {
            if members.get("_placeholder") == Some(&Value::Bool(true)) {
                let number = members.get("num").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
                let attachment = number.and_then(|number| attachments.get_mut(number)?.take());
                *value = attachment.map_or(Value::Null, Value::String);
                return !value.is_null();
            }
            members.values_mut().all(|member| fill(member, attachments))
        }
        Value::Array(items) => items.iter_mut().all(|item| fill(item, attachments)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attachments_take_their_places_as_base64() {
        let data = json!(["messages.upsert", {"b": {"_placeholder": true, "num": 1}, "list": [{"_placeholder": true, "num": 0}], "c": 1}]);
        let mut assembly = Assembly::new(Some(data), 2);
        assert_eq!(assembly.put(b"JP\xff"), Put::Waiting);
        let whole = json!(["messages.upsert", {"b": "", "list": ["SlD/"], "c": 1}]);
        assert_eq!(assembly.put(b""), Put::Whole(whole));
    }

    #[test]
    fn a_place_without_its_attachment_breaks_only_this_event() {
        for place in [
            json!({"_placeholder": true, "num": 7}),
            json!({"_placeholder": true}),
            json!({"_placeholder": true, "num": -1}),
        ] {
            assert_eq!(Assembly::new(Some(json!(["a", place])), 1).put(b"x"), Put::Broken);
        }
        let place = json!({"_placeholder": true, "num": 0});
        assert_eq!(
            Assembly::new(Some(json!(["a", place, place])), 1).put(b"x"),
            Put::Broken,
            "one attachment in two places"
        );
        let innocent = json!(["a", {"_placeholder": "true", "num": 7}]);
        assert_eq!(Assembly::new(Some(innocent.clone()), 1).put(b"x"), Put::Whole(innocent));
    }

    #[test]
    fn what_is_too_large_is_counted_to_its_end_and_not_kept() {
        let mut assembly = Assembly::new(Some(json!(["a"])), 3);
        let large = vec![0; MAX_BYTES / 2 + 1];
        assert_eq!(assembly.put(&large), Put::Waiting);
        assert_eq!(assembly.put(&large), Put::Waiting);
        assert!(assembly.kept.is_none());
        assert_eq!(assembly.put(b"x"), Put::Broken);
        let mut unread = Assembly::new(None, 2);
        assert_eq!((unread.put(b"x"), unread.put(b"y")), (Put::Waiting, Put::Broken));
    }
}
