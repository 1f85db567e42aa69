//! What is said of a record as a whole.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// Whose it is, and when it was made.
#[derive(Clone)]
pub(super) struct About {
    /// What the clinic is called.
    pub(super) clinic: String,
    /// Its time zone.
    pub(super) time_zone: Tz,
    /// When it is made.
    pub(super) now: DateTime<Utc>,
}

/// A text of a document; empty when it is not there.
pub(super) fn said<'a>(document: &'a Value, key: &str) -> &'a str {
    document.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What a person is called; empty for one without a name.
pub(super) fn name_of(person: &Value) -> &str {
    ["name", "profile_name", "phone"]
        .map(|key| said(person, key))
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("")
}
