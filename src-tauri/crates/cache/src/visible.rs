//! What a row shows: what the database has, and what waits for it, in order. Without I/O.

use balcao_domain::feed::{ColumnKind, Entity};
use serde_json::{Map, Value};

use crate::WriteKind;

/// A queued write as one row sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waiting {
    /// What it does with its own row.
    pub kind: WriteKind,
    /// Whether this row is its own one, or follows along.
    pub own: bool,
    /// Was refused; a person decides.
    pub parked: bool,
    /// Values by column.
    pub fields: Map<String, Value>,
}

/// The row that the screens show: `None` where there is none.
///
/// A parked write keeps its own row as the person left it and lets go of the rows that would only have followed; a parked
/// delete lets its row be seen again, so that a person can look at what is to be deleted. An insert adds nothing to a row that
/// the database has already, and a patch makes no row out of nothing.
pub(crate) fn visible(
    entity: &Entity,
    stands: Option<&Map<String, Value>>,
    waiting: &[Waiting],
) -> Option<Map<String, Value>> {
    // Kept from a database that is not the clinic's any more (see `forget_copy`): only what waits keeps it in sight.
    let known = stands.filter(|row| !waiting.is_empty() || version_of(row) > 0);
    let mut shown = known.cloned();
    for write in waiting {
        match (write.kind, write.own) {
            (WriteKind::Insert, true) if shown.is_none() => {
                merge(entity, shown.get_or_insert_default(), &write.fields);
            }
            (WriteKind::Insert, true) => {}
            (WriteKind::Delete, true) if write.parked => {}
            (WriteKind::Delete, true) => shown = None,
            (_, false) if write.parked => {}
            _ => {
                if let Some(row) = &mut shown {
                    merge(entity, row, &write.fields);
                }
            }
        }
    }
    shown
}

/// The database has done a write: its effect is part of what it has now. `version` is the version of the write's own row
/// there, where there is a row. What stands here already may be newer, or be this very version with the effect in it.
pub(crate) fn confirm(entity: &Entity, stands: &mut Option<Map<String, Value>>, write: &Waiting, version: Option<i64>) {
    let known = stands.as_ref().map_or(0, version_of);
    match (write.kind, write.own) {
        (WriteKind::Delete, true) => {
            if version.is_none_or(|version| version <= known) {
                *stands = None;
            }
        }
        (_, true) => {
            // A row that is not in the database any more does not come back.
            if (stands.is_none() && version.is_none()) || version.is_some_and(|version| version <= known) {
                return;
            }
            let row = stands.get_or_insert_default();
            merge(entity, row, &write.fields);
            row.insert("version".to_owned(), version.unwrap_or(known).into());
        }
        (_, false) => {
            if let Some(row) = stands {
                merge(entity, row, &write.fields);
            }
        }
    }
}

/// A newer version of the row arrived. One that is older than what stands here changes nothing.
pub(crate) fn replace(stands: &mut Option<Map<String, Value>>, row: Map<String, Value>) {
    if stands.as_ref().map_or(0, version_of) <= version_of(&row) {
        *stands = Some(row);
    }
}

/// Writes the wanted values over a row; `{"append": text}` for a column of text adds a line to what stands there.
fn merge(entity: &Entity, row: &mut Map<String, Value>, fields: &Map<String, Value>) {
    for (column, wanted) in fields {
        let value = match appended(entity, column, wanted) {
            Some(text) => match row.get(column).and_then(Value::as_str) {
                None | Some("") => text.into(),
                Some(old) => format!("{old}\n{text}").into(),
            },
            None => wanted.clone(),
        };
        row.insert(column.clone(), value);
    }
}

/// The text that a value adds to what stands in its column. In a document the same shape is only a document.
pub(crate) fn appended<'a>(entity: &Entity, column: &str, wanted: &'a Value) -> Option<&'a str> {
    if entity.kind_of(column) != Some(ColumnKind::Text) {
        return None;
    }
    wanted.as_object()?.get("append")?.as_str()
}

fn version_of(row: &Map<String, Value>) -> i64 {
    row.get("version").and_then(Value::as_i64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn contacts() -> &'static Entity {
        Entity::named("contacts").unwrap()
    }

    fn write(kind: WriteKind, own: bool, parked: bool, fields: Value) -> Waiting {
        Waiting { kind, own, parked, fields: object(fields) }
    }

    fn shown(stands: Value, waiting: &[Waiting]) -> Value {
        visible(contacts(), stands.as_object(), waiting).map_or(Value::Null, Value::Object)
    }

    #[test]
    fn a_note_is_added_on_a_line_of_its_own() {
        let note = |text: &str| write(WriteKind::Patch, true, false, json!({"notes": {"append": text}}));
        let row = |notes: &str| json!({"version": 1, "notes": notes});
        assert_eq!(shown(row("a"), &[note("b"), note("c")]), row("a\nb\nc"));
        assert_eq!(shown(row(""), &[note("b")]), row("b"), "the first note has no empty line before it");
    }

    #[test]
    fn a_document_that_looks_like_a_note_is_a_document() {
        let tags = json!({"append": "vip"});
        let patch = write(WriteKind::Patch, true, false, json!({ "tags": tags }));
        assert_eq!(shown(json!({"version": 1, "tags": []}), &[patch])["tags"], tags);
    }

    #[test]
    fn what_is_deleted_is_gone_at_once_and_seen_again_when_the_database_says_no() {
        let row = json!({"version": 1, "name": "Ana"});
        let delete = |parked| write(WriteKind::Delete, true, parked, json!({}));
        assert_eq!(shown(row.clone(), &[delete(false)]), Value::Null);
        assert_eq!(shown(row.clone(), &[delete(true)]), row);
    }

    #[test]
    fn a_patch_makes_no_row_out_of_nothing_and_an_insert_does() {
        assert_eq!(shown(Value::Null, &[write(WriteKind::Patch, true, false, json!({"name": "b"}))]), Value::Null);
        assert_eq!(
            shown(Value::Null, &[write(WriteKind::Insert, true, false, json!({"name": "b"}))]),
            json!({"name": "b"})
        );
    }

    #[test]
    fn a_confirmed_note_is_not_added_to_a_row_that_has_it_already() {
        let note = write(WriteKind::Patch, true, false, json!({"notes": {"append": "b"}}));
        let confirmed = |stands: Value, version| {
            let mut stands = Some(object(stands));
            confirm(contacts(), &mut stands, &note, version);
            Value::Object(stands.unwrap())
        };
        assert_eq!(confirmed(json!({"version": 1, "notes": "a"}), Some(2)), json!({"version": 2, "notes": "a\nb"}));
        let pulled = json!({"version": 2, "notes": "a\nb"});
        assert_eq!(confirmed(pulled.clone(), Some(2)), pulled);
    }

    #[test]
    fn a_row_of_a_database_that_was_left_behind_goes_with_the_last_write() {
        let patch = write(WriteKind::Patch, true, false, json!({"name": "b"}));
        let left = json!({"version": 0, "name": "a"});
        assert_eq!(shown(left.clone(), &[patch]), json!({"version": 0, "name": "b"}));
        assert_eq!(shown(left, &[]), Value::Null);
    }
}
