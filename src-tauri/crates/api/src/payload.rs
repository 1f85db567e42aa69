//! What comes from a screen, before anybody reads it.

use serde_json::Value;

/// Texts without the character that no database keeps and nobody sees; the clipboard brings it along from some programs.
pub(crate) fn readable(mut payload: Value) -> Value {
    clean(&mut payload);
    payload
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => text.retain(|character| character != '\0'),
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_sees_is_left_out_wherever_it_stands() {
        let payload =
            json!({ "text": "bom\u{0} dia", "rooms": ["\u{0}", "Sala 1"], "clinic": { "name": "A\u{0}" }, "n": 1 });
        let read = json!({ "text": "bom dia", "rooms": ["", "Sala 1"], "clinic": { "name": "A" }, "n": 1 });
        assert_eq!(readable(payload), read);
    }
}
