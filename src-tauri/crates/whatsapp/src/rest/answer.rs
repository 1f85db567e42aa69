//! What comes back, and the many shapes of a refusal.

use std::fmt;

use serde_json::Value;

use crate::gateway::GatewayError;

/// Characters of the gateway's words that are kept.
const MAX_WORDS: usize = 300;

/// An answer, whatever it says.
pub(crate) struct Answer {
    pub status: u16,
    /// Its content type.
    pub kind: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer as JSON; null for what is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The answer as JSON where it is a good one.
    pub(crate) fn good(&self) -> Result<Value, GatewayError> {
        let json = self.json();
        match self.status {
            200..300 if json.is_null() => Err(GatewayError::NotAGateway("its answer is no JSON")),
            200..300 => Ok(json),
            status => Err(failure(status, &json)),
        }
    }
}

/// Shows no content.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// What a status other than success means, whatever was asked.
fn failure(status: u16, json: &Value) -> GatewayError {
    let text = words(json);
    match status {
        300..400 => GatewayError::NotAGateway("it leads elsewhere"),
        // The API of a gateway says so in JSON; a web server that knows nothing of it says so in HTML.
        404 | 405 if json.is_null() => GatewayError::NotAGateway("it knows no such call"),
        401 => GatewayError::KeyRefused,
        404 => GatewayError::NoInstance,
        413 => GatewayError::TooLarge,
        429 => GatewayError::TooMany,
        _ if json.to_string().contains("LICENSE_REQUIRED") => GatewayError::LicenceRequired,
        403 if text.contains("already in use") => GatewayError::NameTaken,
        403 => GatewayError::KeyRefused,
        400..500 => GatewayError::Refused { status, text },
        _ => GatewayError::Failed { status, text },
    }
}

/// The words of a refusal: `response.message` or `message`, a text, a list, lists of lists or objects; else `error`. Numbers
/// of people are taken out, and of an internal stack only the first line is kept.
pub(crate) fn words(json: &Value) -> String {
    let places =
        [json.get("response").and_then(|response| response.get("message")), json.get("message"), json.get("error")];
    let mut found = places.into_iter().flatten().filter_map(|place| {
        let mut pieces = Vec::new();
        gather(place, &mut pieces, 0);
        Some(pieces.join("; ")).filter(|text| !text.is_empty())
    });
    redacted(&found.next().unwrap_or_default())
}

fn gather(value: &Value, pieces: &mut Vec<String>, depth: usize) {
    match value {
        _ if depth > 5 || pieces.len() > 20 => {}
        Value::String(text) => pieces.extend(text.lines().next().map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| gather(item, pieces, depth + 1)),
        Value::Object(members) => {
            members.get("message").into_iter().for_each(|message| gather(message, pieces, depth + 1));
        }
        _ => {}
    }
}

/// Without runs of digits that may be somebody's number, and not longer than what is kept.
pub(crate) fn redacted(text: &str) -> String {
    const LONGEST_RUN: usize = 6;
    let mut kept = String::new();
    let mut run = String::new();
    for sign in text.chars().filter(|sign| !sign.is_control()).chain([' ']) {
        if sign.is_ascii_digit() {
            run.push(sign);
            continue;
        }
        kept.push_str(if run.len() > LONGEST_RUN { "…" } else { &run });
        run.clear();
        kept.push(sign);
    }
    kept.trim().chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_found_in_every_shape_of_a_refusal() {
        for (json, expected) in [
            (json!({"status": 401, "error": "Unauthorized", "response": {"message": "Unauthorized"}}), "Unauthorized"),
            (
                json!({"status": 400, "error": "Bad Request", "response": {"message": ["Owned media must be a url or base64"]}}),
                "Owned media must be a url or base64",
            ),
            (
                json!({"status": 400, "response": {"message": [["instance requires property \"text\""]]}}),
                "instance requires property \"text\"",
            ),
            (
                json!({"status": 400, "response": {"message": [{"jid": "5511988887777@s.whatsapp.net", "exists": false, "number": "5511988887777"}]}}),
                "",
            ),
            (json!({"message": ["numbers is not an array"]}), "numbers is not an array"),
            (
                json!({"status": 500, "error": "Internal Server Error", "response": {"message": "TypeError: x\n    at y"}}),
                "TypeError: x",
            ),
            (json!({"status": 400, "error": "Internal Server Error"}), "Internal Server Error"),
            (json!({"error": {"message": "(#100) Invalid parameter", "code": 100}}), "(#100) Invalid parameter"),
            (json!(null), ""),
        ] {
            assert_eq!(words(&json), expected, "{json}");
        }
    }

    #[test]
    fn numbers_of_people_are_no_words() {
        assert_eq!(
            redacted("no session for 5511988887777@s.whatsapp.net (131047)"),
            "no session for …@s.whatsapp.net (131047)"
        );
        assert_eq!(redacted(&"x".repeat(1000)).len(), 300);
    }

    #[test]
    fn a_status_says_whose_matter_it_is() {
        let named = |status, json: Value| failure(status, &json);
        assert_eq!(named(401, json!({})), GatewayError::KeyRefused);
        assert_eq!(named(404, json!({"status": 404})), GatewayError::NoInstance);
        assert_eq!(named(404, Value::Null), GatewayError::NotAGateway("it knows no such call"));
        assert_eq!(named(302, Value::Null), GatewayError::NotAGateway("it leads elsewhere"));
        assert_eq!(named(503, json!({"error": "LICENSE_REQUIRED"})), GatewayError::LicenceRequired);
        let taken = json!({"status": 403, "response": {"message": ["This name \"a\" is already in use."]}});
        assert_eq!(named(403, taken), GatewayError::NameTaken);
        assert!(!named(502, Value::Null).is_permanent());
    }
}
