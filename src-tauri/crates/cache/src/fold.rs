//! When two changes of a row become one. Without I/O.

use balcao_domain::feed::Entity;
use serde_json::{Map, Value};

use crate::visible::appended;
use crate::{NewOperation, QueuedOperation, WriteKind};

/// What an earlier change and a new one become.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Folded {
    /// They undo one another: nothing is left to be sent.
    Nothing,
    /// One change.
    One {
        /// Wanted values by column.
        fields: Map<String, Value>,
        /// Values the person saw before the first of the two.
        base: Map<String, Value>,
    },
}

/// The values that the person sees and decides on: those of the columns to be changed, or, for a delete, all of them. Nobody
/// contradicts anybody in an unchecked column, nor by adding a line.
pub(crate) fn base(new: &NewOperation, seen: &Map<String, Value>) -> Map<String, Value> {
    let entity = new.effect.entity;
    let compared = |column: &str| match new.kind {
        WriteKind::Insert => false,
        WriteKind::Patch => {
            new.effect.fields.get(column).is_some_and(|wanted| appended(entity, column, wanted).is_none())
        }
        WriteKind::Delete => column != "id" && column != "version",
    };
    seen.iter()
        .filter(|(column, _)| compared(column) && !new.unchecked.contains(&column.as_str()))
        .map(|(column, value)| (column.clone(), value.clone()))
        .collect()
}

/// An earlier change was never sent, or was refused and left no trace: it takes the new values and keeps what the person saw
/// first. One that was refused goes again, over what the others wrote: the person has seen that and decided anew. `beneath` is
/// what the row would show without the earlier change. `None` when the two must stay apart.
pub(crate) fn fold(
    last: &QueuedOperation,
    new: &NewOperation,
    base: Map<String, Value>,
    beneath: &Map<String, Value>,
) -> Option<Folded> {
    let same = last.kind == WriteKind::Patch.as_str() && new.kind == WriteKind::Patch && last.action == new.action;
    if !same || new.depends_on.is_some_and(|operation| last.depends_on != Some(operation)) {
        return None;
    }
    let mut fields = last.fields.clone();
    for (column, wanted) in &new.effect.fields {
        let value = match fields.get(column) {
            Some(earlier) => one_value(new.effect.entity, column, earlier, wanted)?,
            None => wanted.clone(),
        };
        fields.insert(column.clone(), value);
    }
    let mut seen_first = base;
    seen_first.extend(last.base.clone());
    seen_first.extend(last.theirs.clone());
    let compared: Vec<_> = fields.iter().filter(|(column, _)| !new.unchecked.contains(&column.as_str())).collect();
    if !compared.is_empty() && compared.iter().all(|(column, value)| beneath.get(*column) == Some(value)) {
        return Some(Folded::Nothing);
    }
    Some(Folded::One { fields, base: seen_first })
}

/// Two notes become one of two lines. A note and a whole new text stay apart: what a note says is added to whatever stands
/// there, and what a text says replaces what the person saw.
fn one_value(entity: &Entity, column: &str, earlier: &Value, wanted: &Value) -> Option<Value> {
    match (appended(entity, column, earlier), appended(entity, column, wanted)) {
        (None, None) => Some(wanted.clone()),
        // An empty first line would be kept by one note and not by two.
        (Some(first), Some(second)) if !first.is_empty() => {
            Some(serde_json::json!({ "append": format!("{first}\n{second}") }))
        }
        _ => None,
    }
}

/// A queued change is no more, or wants other values: the next change of the same row, decided in the sight of it, stands on
/// what is there instead. `seen` has the values it wrote and loses those that no later change can have seen; `then` has those
/// to be seen instead, and lacks columns of which nothing is known. Returns whether `later` has changed.
pub(crate) fn stand_on(
    entity: &Entity,
    later: &mut QueuedOperation,
    seen: &mut Map<String, Value>,
    then: &Map<String, Value>,
) -> bool {
    let mut changed = false;
    seen.retain(|column, value| {
        if !later.base.contains_key(column) && !later.fields.contains_key(column) {
            return true;
        }
        let Some(base) = later.base.get(column) else { return false };
        let instead = match appended(entity, column, value) {
            Some(note) => match base.as_str().and_then(|text| text.strip_suffix(note)) {
                Some(before) if before.is_empty() || before.ends_with('\n') => {
                    Some(before.strip_suffix('\n').unwrap_or(before).into())
                }
                _ => return false,
            },
            None if base == value => then.get(column).cloned(),
            None => return false,
        };
        changed = true;
        match instead {
            Some(instead) => later.base.insert(column.clone(), instead),
            None => later.base.remove(column),
        };
        false
    });
    changed
}
