//! Rows of the audit as people read them: names in place of ids, each value with how it is to be read.

use std::collections::{BTreeSet, HashMap};

use balcao_tenant::audit::AuditRow;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{AuditChange, AuditEntry, AuditPerson, AuditShape, AuditValue};

/// What says nothing to people: which row of whom it is is told otherwise.
const HIDDEN: [&str; 6] = ["id", "clinic_id", "created_at", "match_key", "stage_entered_at", "metadata"];

/// What is read first; the rest follows by name.
const FIRST: [&str; 14] = [
    "name",
    "title",
    "role",
    "status",
    "starts_at",
    "ends_at",
    "professional_id",
    "patient_id",
    "contact_id",
    "service_id",
    "room_id",
    "stage_id",
    "squeezed_in",
    "squeeze_reason",
];

/// What holds stable names.
const CODES: [&str; 13] = [
    "status",
    "role",
    "kind",
    "handler",
    "priority",
    "vertical",
    "plan",
    "relation",
    "source",
    "direction",
    "what",
    "reason",
    "platform",
];

/// Tables whose rows have a name that says which one it is.
const NAMED: [&str; 2] = ["contacts", "appointments"];

pub(super) fn entry(row: &AuditRow, names: &HashMap<Uuid, String>) -> AuditEntry {
    let name = |id: Option<Uuid>| id.and_then(|id| names.get(&id).cloned());
    let kind = row.table_name.clone();
    let subject = if kind.as_deref().is_none_or(|kind| NAMED.contains(&kind)) {
        None
    } else {
        name(row.record_id).or_else(|| {
            // What is gone is called as it was called then.
            ["name", "title"].iter().find_map(|field| {
                row.old_values.get(*field).or(row.new_values.get(*field)).and_then(Value::as_str).map(str::to_owned)
            })
        })
    };
    AuditEntry {
        id: row.id,
        at: row.at,
        action: row.action.clone(),
        kind,
        who: name(row.member_id),
        computer: name(row.device_id).filter(|name| name != "?"),
        program: row.application.clone().filter(|text| !text.is_empty()),
        address: row.address.map(|address| address.to_string()),
        person: row.person_id.map(|id| AuditPerson { id, name: name(Some(id)) }),
        subject,
        changes: changes(row, names),
    }
}

fn changes(row: &AuditRow, names: &HashMap<Uuid, String>) -> Vec<AuditChange> {
    let person = row.person_id.map(|id| id.to_string());
    let fields: BTreeSet<&String> = row.old_values.keys().chain(row.new_values.keys()).collect();
    let mut changes: Vec<AuditChange> = fields
        .into_iter()
        .filter(|field| !HIDDEN.contains(&field.as_str()))
        .filter(|field| {
            field.as_str() != "contact_id" || {
                let told = |values: &serde_json::Map<String, Value>| {
                    values.get("contact_id").and_then(Value::as_str).map(str::to_owned)
                };
                // Whom it is about stands above; that it is about somebody else now is a change.
                [told(&row.old_values), told(&row.new_values)].into_iter().flatten().any(|id| Some(id) != person)
            }
        })
        .filter_map(|field| {
            let read = |values: &serde_json::Map<String, Value>| values.get(field).and_then(|v| value(field, v, names));
            let (before, after) = (read(&row.old_values), read(&row.new_values));
            (before.is_some() || after.is_some()).then(|| AuditChange { field: field.clone(), before, after })
        })
        .collect();
    let place = |change: &AuditChange| FIRST.iter().position(|first| *first == change.field).unwrap_or(FIRST.len());
    changes.sort_by_key(place);
    changes
}

/// A value; none where nothing stands.
fn value(field: &str, value: &Value, names: &HashMap<Uuid, String>) -> Option<AuditValue> {
    let (shape, text) = match value {
        Value::Null => return None,
        Value::Bool(flag) => (AuditShape::Flag, flag.to_string()),
        Value::Number(number) if field.ends_with("_cents") => (AuditShape::Money, number.to_string()),
        Value::Number(number) if field.ends_with("_minute") => (AuditShape::Clock, number.to_string()),
        Value::Number(number) if field == "weekday" => (AuditShape::Code, format!("weekday_{number}")),
        Value::Number(number) => (AuditShape::Number, number.to_string()),
        Value::String(text) => of_text(field, text, names)?,
        Value::Array(_) | Value::Object(_) => {
            let text = plain(value);
            if text.is_empty() {
                return None;
            }
            (AuditShape::Text, text)
        }
    };
    Some(AuditValue { shape, text })
}

fn of_text(field: &str, text: &str, names: &HashMap<Uuid, String>) -> Option<(AuditShape, String)> {
    if text.trim().is_empty() {
        return None;
    }
    if text.len() == 36
        && let Ok(id) = text.parse::<Uuid>()
    {
        return Some(
            names.get(&id).map_or_else(|| (AuditShape::Gone, text.to_owned()), |name| (AuditShape::Text, name.clone())),
        );
    }
    // Only columns of ours are times and days: what somebody wrote is a text, whatever it looks like.
    let when = ["_at", "_until", "_from", "_date"].iter().any(|ending| field.ends_with(ending));
    if when && let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((AuditShape::Time, at.with_timezone(&Utc).to_rfc3339()));
    }
    if when && text.parse::<NaiveDate>().is_ok() {
        return Some((AuditShape::Date, text.to_owned()));
    }
    let shape = if CODES.contains(&field) { AuditShape::Code } else { AuditShape::Text };
    Some((shape, text.to_owned()))
}

/// A list or an object in one line.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        Value::Object(values) => values
            .iter()
            .map(|(name, value)| (name, plain(value)))
            .filter(|(name, text)| !text.is_empty() && *name != "id")
            .map(|(name, text)| format!("{name}: {text}"))
            .collect::<Vec<_>>()
            .join("; "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(old: Value, new: Value) -> AuditRow {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        AuditRow {
            id: Uuid::nil(),
            at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
            action: "update".to_owned(),
            table_name: Some("appointments".to_owned()),
            record_id: Some(Uuid::from_u128(1)),
            person_id: Some(Uuid::from_u128(2)),
            member_id: Some(Uuid::from_u128(3)),
            device_id: None,
            application: None,
            address: None,
            old_values: map(old),
            new_values: map(new),
        }
    }

    #[test]
    fn a_change_is_told_with_names_and_in_the_order_people_read() {
        let (lima, gone) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let names = HashMap::from([
            (lima, "Dra. Lima".to_owned()),
            (Uuid::from_u128(2), "Maria".to_owned()),
            (Uuid::from_u128(3), "Ana".to_owned()),
        ]);
        let entry = entry(
            &row(
                json!({ "notes": "", "professional_id": gone, "starts_at": "2026-11-24T17:30:00+00:00", "price_cents": 100 }),
                json!({ "notes": "2026-11-24", "professional_id": lima, "starts_at": "2026-11-24T18:00:00+00:00",
                        "price_cents": 18_000, "clinic_id": gone }),
            ),
            &names,
        );
        assert_eq!((entry.who.as_deref(), entry.person.unwrap().name.as_deref()), (Some("Ana"), Some("Maria")));
        let told: Vec<(String, Option<AuditShape>, Option<String>)> = entry
            .changes
            .iter()
            .map(|change| {
                let after = change.after.as_ref();
                (change.field.clone(), after.map(|value| value.shape), after.map(|value| value.text.clone()))
            })
            .collect();
        let expected = |field: &str, shape, text: &str| (field.to_owned(), Some(shape), Some(text.to_owned()));
        assert_eq!(
            told,
            [
                expected("starts_at", AuditShape::Time, "2026-11-24T18:00:00+00:00"),
                expected("professional_id", AuditShape::Text, "Dra. Lima"),
                expected("notes", AuditShape::Text, "2026-11-24"),
                expected("price_cents", AuditShape::Money, "18000"),
            ]
        );
        assert_eq!(entry.changes[1].before.as_ref().unwrap().shape, AuditShape::Gone);
        assert_eq!(entry.changes[2].before, None, "nothing stood there");
    }

    #[test]
    fn that_a_row_is_about_somebody_else_now_is_told() {
        let (old, new) = (Uuid::from_u128(9), Uuid::from_u128(2));
        let names = HashMap::new();
        let same = entry(&row(json!({}), json!({ "contact_id": new })), &names);
        assert!(same.changes.is_empty(), "{:?}", same.changes);
        let other = entry(&row(json!({ "contact_id": old }), json!({ "contact_id": new })), &names);
        assert_eq!(other.changes.len(), 1);
    }

    #[test]
    fn lists_and_objects_are_told_in_a_line() {
        let names = HashMap::new();
        let read = |given: Value| value("tags", &given, &names).map(|value| value.text);
        assert_eq!(read(json!(["vip", "retorno"])).as_deref(), Some("vip, retorno"));
        assert_eq!(read(json!({ "a": 1, "b": [] })).as_deref(), Some("a: 1"));
        assert_eq!(read(json!([])), None);
    }
}
