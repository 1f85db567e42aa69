//! Reading JSON whose spelling varies by gateway version and transport.

use balcao_domain::message::MAX_BODY_CHARS;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The text under this key, without NUL characters (PostgreSQL stores none), at most so many characters; `None` when it
/// is absent, empty or no text.
pub fn text(object: &Value, key: &str, max_chars: usize) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(|text| cut(text, max_chars)).filter(|text| !text.is_empty())
}

/// As [`text`], with the length a message may have.
pub fn body(object: &Value, key: &str) -> Option<String> {
    text(object, key, MAX_BODY_CHARS)
}

/// The first of these keys that has a text.
pub fn first_text(object: &Value, keys: &[&str], max_chars: usize) -> Option<String> {
    keys.iter().find_map(|key| text(object, key, max_chars))
}

/// At most so many characters of it, without NUL.
pub fn cut(text: &str, max_chars: usize) -> String {
    text.chars().filter(|character| *character != '\0').take(max_chars).collect()
}

/// A 64-bit number in any of its spellings: number, text, or `{low, high, unsigned}`.
pub fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_u64().and_then(|big| i64::try_from(big).ok()))
            // Truncation is meant, and the cast saturates.
            .or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(_) => long(value),
        _ => None,
    }
}

/// `{low, high, unsigned}`: the halves of a 64-bit number as JavaScript keeps them.
pub fn long(value: &Value) -> Option<i64> {
    let low = value.get("low")?.as_i64()?;
    let high = value.get("high")?.as_i64()?;
    let half = |number: i64| (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&number);
    // The halves are bit patterns: a negative one stands for its upper half.
    (half(low) && half(high)).then_some((high << 32) | (low & 0xffff_ffff))
}

/// A number that is not negative, as [`whole`] reads it.
pub fn count(object: &Value, key: &str) -> Option<u64> {
    object.get(key).and_then(whole).and_then(|number| u64::try_from(number).ok())
}

/// As [`count`], where 32 bits are enough.
pub fn small_count(object: &Value, key: &str) -> Option<u32> {
    count(object, key).and_then(|number| u32::try_from(number).ok())
}

/// Whether the key holds `true`, `1` or their texts.
pub fn is_true(object: &Value, key: &str) -> bool {
    match object.get(key) {
        Some(Value::Bool(value)) => *value,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(Value::String(text)) => text == "true" || text == "1",
        _ => false,
    }
}

/// An instant in seconds or milliseconds since 1970. `None` for what cannot be one: WhatsApp began in 2009.
pub fn instant(value: &Value) -> Option<DateTime<Utc>> {
    const FIRST_SECOND: i64 = 1_230_768_000;
    const LAST_SECOND: i64 = 4_102_444_800;
    let number = whole(value)?;
    let milliseconds = if number > LAST_SECOND { number } else { number.checked_mul(1000)? };
    (FIRST_SECOND * 1000..LAST_SECOND * 1000)
        .contains(&milliseconds)
        .then(|| DateTime::from_timestamp_millis(milliseconds))
        .flatten()
}

/// Bytes in two of their four spellings: `{"type": "Buffer", "data": […]}` and `{"0": …, "1": …}`. The other two are a
/// base64 text, which cannot be told from any other text, and an attachment, which the transport puts in its place.
pub fn bytes(value: &Value) -> Option<Vec<u8>> {
    let object = value.as_object()?;
    let byte = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
    if object.len() == 2 && object.get("type").and_then(Value::as_str) == Some("Buffer") {
        return object.get("data")?.as_array()?.iter().map(byte).collect();
    }
    if object.is_empty() || !object.contains_key("0") {
        return None;
    }
    (0..object.len()).map(|index| object.get(&index.to_string()).and_then(byte)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_number_reads_the_same_in_every_spelling() {
        let milliseconds = 1_795_231_256_000_i64;
        let low = (milliseconds & 0xffff_ffff) as u32 as i32;
        let high = milliseconds >> 32;
        for spelling in [
            json!(milliseconds),
            json!(milliseconds.to_string()),
            json!({"low": low, "high": high, "unsigned": false}),
            json!({"low": low as u32, "high": high, "unsigned": true}),
        ] {
            assert_eq!(whole(&spelling), Some(milliseconds), "{spelling}");
            assert_eq!(instant(&spelling), DateTime::from_timestamp_millis(milliseconds));
        }
        assert_eq!(whole(&json!({"low": -1, "high": -1, "unsigned": false})), Some(-1));
        assert_eq!(whole(&json!({"low": 1})), None);
        assert_eq!(whole(&json!({"low": i64::MAX, "high": i64::MIN})), None);
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart() {
        assert_eq!(instant(&json!(1_795_231_256)), instant(&json!(1_795_231_256_000_i64)));
        for nonsense in [json!(0), json!(-5), json!(i64::MAX), json!(1e300), json!("soon"), json!(null)] {
            assert_eq!(instant(&nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn bytes_read_the_same_in_both_spellings_of_an_object() {
        assert_eq!(bytes(&json!({"type": "Buffer", "data": [74, 80, 255]})), Some(vec![74, 80, 255]));
        assert_eq!(bytes(&json!({"0": 74, "1": 80, "2": 255})), Some(vec![74, 80, 255]));
        for other in [json!({}), json!({"0": 300}), json!({"0": 1, "2": 2}), json!({"type": "Buffer"}), json!([1, 2])] {
            assert_eq!(bytes(&other), None, "{other}");
        }
    }

    #[test]
    fn text_loses_nul_and_what_is_too_long() {
        let object = json!({"a": "o\u{0}i", "b": "\u{0}", "c": "ação"});
        assert_eq!(text(&object, "a", 10).as_deref(), Some("oi"));
        assert_eq!(text(&object, "b", 10), None);
        assert_eq!(text(&object, "c", 3).as_deref(), Some("açã"));
    }
}
