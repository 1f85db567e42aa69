//! Rows and how they are asked for: pages lose some where many have one second, as on the real server.

use axum::response::Response;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use super::books::{Books, Row};
use super::routes::{good, refused};
use super::{faults, frames};

/// Rows of a page where nobody says.
const USUAL_PAGE: u64 = 50;

pub(super) fn find_messages(books: &mut Books, name: &str, body: &Value) -> Result<Response, Response> {
    if faults::take(&mut books.faults.find_fails) {
        return Err(refused(500, "Internal Server Error", json!("PrismaClientKnownRequestError\n    at query")));
    }
    let Some(instance) = books.instances.get(name) else { return Err(refused(404, "Not Found", json!([]))) };
    let filter = &body["where"];
    let mut found: Vec<&Row> = instance.rows.iter().filter(|row| fits(row, filter)).collect();
    // The database sorts by the second and by nothing else: within one, each question sees another order.
    found.shuffle(&mut rand::rng());
    found.sort_by_key(|row| std::cmp::Reverse(row.at));
    let size = body["offset"].as_u64().unwrap_or(USUAL_PAGE).max(1);
    let page = body["page"].as_u64().unwrap_or(1).max(1);
    let total = found.len() as u64;
    let records: Vec<_> = found
        .into_iter()
        .skip(usize::try_from((page - 1) * size).unwrap_or(usize::MAX))
        .take(usize::try_from(size).unwrap_or(usize::MAX))
        .map(record)
        .collect();
    let messages = json!({"total": total, "pages": total.div_ceil(size), "currentPage": page, "records": records});
    Ok(good(200, &json!({"messages": messages})))
}

fn record(row: &Row) -> Value {
    let mut record = frames::stored(&row.message);
    if let Some(members) = record.as_object_mut() {
        members.remove("status");
        members.insert("id".to_owned(), json!(row.id));
        members
            .insert("MessageUpdate".to_owned(), row.updates.iter().map(|status| json!({"status": status})).collect());
    }
    record
}

fn fits(row: &Row, filter: &Value) -> bool {
    let (key, asked) = (&row.message["key"], &filter["key"]);
    let same = |name: &str| asked[name].is_null() || asked[name] == key[name];
    // False is as good as nothing.
    let from_me = asked["fromMe"] != Value::Bool(true) || key["fromMe"] == Value::Bool(true);
    let time = &filter["messageTimestamp"];
    let within = match (time["gte"].is_null(), time["lte"].is_null()) {
        (false, false) => second(&time["gte"]) <= row.at && row.at <= second(&time["lte"]),
        // One end alone does not count.
        _ => true,
    };
    ["id", "remoteJid", "remoteJidAlt", "participant"].into_iter().all(same) && from_me && within
}

/// As JavaScript reads a date: a number is milliseconds.
fn second(spelt: &Value) -> i64 {
    match spelt {
        Value::String(text) => {
            chrono::DateTime::parse_from_rfc3339(text).map_or(i64::MIN, |instant| instant.timestamp())
        }
        other => other.as_i64().unwrap_or(i64::MIN) / 1000,
    }
}
