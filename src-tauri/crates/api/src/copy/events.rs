//! What the log may say. A detail is written as `name=value name=value`; whatever is not of the shape that its event
//! promises is left out, so that nothing about a person can reach a screen or a file through the log.

use std::collections::BTreeMap;

use balcao_domain::feed::Entity;
use uuid::Uuid;

/// Shape of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// A number, perhaps negative.
    Number,
    /// A stable name in snake_case.
    Code,
    /// Id of an operation.
    Operation,
    /// Version of the program.
    Version,
    /// Name of a file of the copy.
    File,
}

/// Every event and its facts:
///
/// - `connected`: the database answers, after it did not or for the first time since start
/// - `line_down`: it does not, or refuses; why
/// - `first_copy_begun`, `first_copy_resumed`, `first_copy_done`: rows in all, rows already here, seconds it took
/// - `sent`: writes that got their verdict, summed over a while
/// - `received`: rows that came, by entity of the feed, and deletions; summed likewise
/// - `expired`: writes whose time was over before they could be sent
/// - `erased_dropped`: writes about somebody who was erased, which were given up
/// - `operation_refused`: a write that the database did not take at all
/// - `epoch_changed`: the database was restored or moved, the copy is made anew
/// - `clinic_followed`: this computer came to where the clinic is now with a new invitation, with so many writes queued
/// - `clock_wrong`, `clock_right`: this computer's clock, in seconds ahead of the server's
/// - `copy_opened`: the program was started, in a version
/// - `copy_set_aside`: the file could not be read; writes that were saved and that were not
/// - `copy_reset`: a person had the copy made anew, giving up so many writes
/// - `backup_made`, `backup_verified`, `backups_removed`: a backup, its trial by a restore, how many no longer had to stay
/// - `backup_failed`, `backup_not_good`, `backup_called_off`: why one was not made, or is not good
/// - `audit_aged`, `sessions_ended`: what this computer did for the clinic's database when it was time
pub const EVENTS: &[(&str, &[(&str, Fact)])] = &[
    ("connected", &[]),
    ("line_down", &[("code", Fact::Code)]),
    ("first_copy_begun", &[("rows", Fact::Number)]),
    ("first_copy_resumed", &[("done", Fact::Number), ("rows", Fact::Number)]),
    ("first_copy_done", &[("rows", Fact::Number), ("seconds", Fact::Number)]),
    ("sent", &[("sent", Fact::Number), ("confirmed", Fact::Number), ("parked", Fact::Number)]),
    // And the entities of the feed.
    ("received", &[("deleted", Fact::Number)]),
    ("expired", &[("parked", Fact::Number)]),
    ("erased_dropped", &[("dropped", Fact::Number)]),
    ("operation_refused", &[("operation", Fact::Operation), ("code", Fact::Code)]),
    ("epoch_changed", &[]),
    ("clinic_followed", &[("waiting", Fact::Number)]),
    ("clock_wrong", &[("ahead", Fact::Number)]),
    ("clock_right", &[]),
    ("copy_opened", &[("version", Fact::Version)]),
    ("copy_set_aside", &[("salvaged", Fact::Number), ("unreadable", Fact::Number), ("file", Fact::File)]),
    ("copy_reset", &[("lost", Fact::Number)]),
    ("backup_made", &[("rows", Fact::Number), ("bytes", Fact::Number)]),
    ("backup_verified", &[]),
    ("backups_removed", &[("count", Fact::Number)]),
    ("backup_failed", &[("code", Fact::Code)]),
    ("backup_not_good", &[("code", Fact::Code)]),
    ("backup_called_off", &[]),
    ("audit_aged", &[("rows", Fact::Number)]),
    ("sessions_ended", &[("count", Fact::Number)]),
];

/// The facts of a line, those that have the shape they should have.
pub(crate) fn facts(event: &str, detail: &str) -> BTreeMap<String, String> {
    let known = EVENTS.iter().find(|(name, _)| *name == event).map_or(&[][..], |(_, facts)| facts);
    detail
        .split_ascii_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter(|(name, value)| {
            let shape = known.iter().find(|(known, _)| known == name).map(|(_, shape)| *shape);
            let shape =
                shape.or_else(|| (event == "received" && Entity::named(name).is_some()).then_some(Fact::Number));
            shape.is_some_and(|shape| shape.fits(value))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The event's name when it is one; a line of another shape was not written by this program.
pub(crate) fn name(event: &str) -> &str {
    if Fact::Code.fits(event) { event } else { "unknown" }
}

impl Fact {
    fn fits(self, value: &str) -> bool {
        let only = |more: &str| {
            (1..=80).contains(&value.len()) && value.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        match self {
            Self::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            // No digits, no capitals: neither a phone nor a name is one, and what is one word of small letters is a
            // code of ours, because only ours are written here.
            Self::Code => only("_") && !value.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()),
            Self::Operation => value.parse::<Uuid>().is_ok(),
            Self::Version => only(".-+") && value.starts_with(|c: char| c.is_ascii_digit()),
            Self::File => only(".-_") && value.starts_with("copy.db"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_the_promised_shape_are_told() {
        let told = facts("sent", "sent=12 confirmed=11 parked=1");
        assert_eq!(told["confirmed"], "11");
        assert_eq!(facts("received", "messages=3 deleted=1").len(), 2);
        assert_eq!(facts("clock_wrong", "ahead=-10800")["ahead"], "-10800");
        assert_eq!(facts("line_down", "code=timed_out")["code"], "timed_out");
        assert_eq!(facts("copy_set_aside", "salvaged=1 file=copy.db.damaged-20261121T080000").len(), 2);
        let refused = facts("operation_refused", "operation=0192f0c1-0000-7000-8000-000000000001 code=constraint");
        assert_eq!((refused.len(), refused["code"].as_str()), (2, "constraint"));
    }

    #[test]
    fn nothing_else_comes_through() {
        for (event, detail) in [
            ("sent", "confirmed=Maria"),
            ("sent", "patient=12"),
            ("line_down", "code=Maria"),
            ("line_down", "Maria Souza, +5511988887777"),
            ("line_down", "code=11988887777"),
            ("line_down", "code=sem=conexao"),
            ("received", "names=3"),
            ("copy_set_aside", "file=/home/maria/copy.db"),
            ("operation_refused", "operation=maria"),
            ("never_heard_of", "code=unreachable"),
        ] {
            assert!(facts(event, detail).is_empty(), "{event} {detail}");
        }
        assert_eq!(name("Maria Souza"), "unknown");
        assert_eq!(name("line_down"), "line_down");
    }
}
