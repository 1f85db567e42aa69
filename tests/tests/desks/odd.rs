//! What no screen sends and a hand at the developer tools may: every command with values at the ends of their kinds.

use serde_json::{Map, Value, json};

/// What would end the walk, or do for real what it says with whatever it is given.
const LEFT_OUT: [&str; 4] = ["reset_copy", "leave_clinic", "lock_now", "diagnose_connection"];

/// Every command with every field of it at every end, the others as usual.
pub fn calls() -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for command in balcao_api::catalogue() {
        if LEFT_OUT.contains(&command.name) {
            continue;
        }
        let schema = command.request.to_value();
        let definitions = schema["$defs"].clone();
        let usual = usual(&schema, &definitions, 0);
        calls.push((command.name, usual.clone()));
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        for (name, field) in &fields {
            for value in ends(field, &definitions) {
                let mut payload = usual.clone();
                payload[name] = value;
                calls.push((command.name, payload));
            }
        }
    }
    calls
}

fn resolved<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    let named = schema["$ref"].as_str().and_then(|name| definitions.get(name.rsplit('/').next()?));
    let of_many = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| schema[*key].as_array()?.first());
    match named.or(of_many) {
        Some(inner) => resolved(inner, definitions),
        None => schema,
    }
}

fn kind(schema: &Value) -> &str {
    schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("string")
}

fn usual(schema: &Value, definitions: &Value, depth: u32) -> Value {
    let schema = resolved(schema, definitions);
    if let Some(only) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return only.clone();
    }
    match (kind(schema), schema["format"].as_str()) {
        ("object", _) if depth < 4 => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let filled: Map<String, Value> =
                fields.iter().map(|(name, field)| (name.clone(), usual(field, definitions, depth + 1))).collect();
            Value::Object(filled)
        }
        ("array", _) => json!([usual(&schema["items"], definitions, depth + 1)]),
        ("integer" | "number", _) => json!(7),
        ("boolean", _) => json!(false),
        (_, Some("uuid")) => json!("00000000-0000-7000-8000-000000000001"),
        (_, Some("date")) => json!("2026-11-24"),
        (_, Some("date-time")) => json!("2026-11-24T12:00:00Z"),
        _ => json!("a"),
    }
}

fn ends(schema: &Value, definitions: &Value) -> Vec<Value> {
    let schema = resolved(schema, definitions);
    match (kind(schema), schema["format"].as_str()) {
        ("integer" | "number", _) => {
            vec![json!(0), json!(-1), json!(u32::MAX), json!(i32::MAX), json!(i32::MIN), json!(i64::MAX), json!(1e300)]
        }
        (_, Some("date")) => {
            vec![json!("+262142-12-31"), json!("-262143-01-01"), json!("0001-01-01"), json!("9999-12-31")]
        }
        (_, Some("date-time")) => {
            vec![json!("+262142-12-31T23:59:59Z"), json!("-262143-01-01T00:00:00Z"), json!("9999-12-31T23:59:59Z")]
        }
        (_, Some("uuid")) => {
            vec![json!("ffffffff-ffff-ffff-ffff-ffffffffffff"), json!("00000000-0000-0000-0000-000000000000")]
        }
        ("array", _) => vec![json!([]), Value::Array(vec![usual(&schema["items"], definitions, 1); 3_000])],
        ("string", _) if schema.get("enum").is_none() => [
            String::new(),
            " ".repeat(9),
            "\0".to_owned(),
            "%_\\'\";--".to_owned(),
            "🦷\u{202e}".repeat(5_000),
            "x".repeat(1 << 20),
        ]
        .map(Value::String)
        .to_vec(),
        _ => vec![Value::Null, json!({}), json!("🦷")],
    }
}
