//! Who is where, as one desk knows it, and what it says of itself when.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Place, Word};

/// Between two words of one desk.
const APART: TimeDelta = TimeDelta::seconds(2);

/// Whoever reads says so again.
const READS_AGAIN: TimeDelta = TimeDelta::seconds(20);

/// Whoever writes says so again.
const WRITES_AGAIN: TimeDelta = TimeDelta::seconds(5);

/// For how long a key that was pressed is writing.
const WRITES: TimeDelta = TimeDelta::seconds(6);

/// For how long a word counts: one may be lost, two are not.
const READING_COUNTS: TimeDelta = TimeDelta::seconds(45);
const WRITING_COUNTS: TimeDelta = TimeDelta::seconds(9);

/// Desks that are kept in mind; more say nothing of a clinic.
const MOST_DESKS: usize = 500;

/// Somebody else in the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Companion {
    /// Who.
    pub member: Uuid,
    /// Whether they are writing.
    pub typing: bool,
}

/// What one desk knows and says.
#[derive(Debug, Clone)]
pub struct Table {
    desk: Uuid,
    me: Uuid,
    here: Option<Place>,
    pressed_at: Option<DateTime<Utc>>,
    said: Option<(DateTime<Utc>, Option<Place>, bool)>,
    /// Somebody came who has not heard of this desk.
    answers: bool,
    others: BTreeMap<Uuid, Other>,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    member: Uuid,
    place: Place,
    reads_until: DateTime<Utc>,
    writes_until: DateTime<Utc>,
}

impl Table {
    /// A desk with nobody beside it.
    pub fn new(desk: Uuid, me: Uuid) -> Self {
        Self { desk, me, here: None, pressed_at: None, said: None, answers: false, others: BTreeMap::new() }
    }

    /// Who works here, once that is known, and may be somebody else.
    pub fn is(&mut self, me: Uuid) {
        if self.me != me {
            (self.me, self.said) = (me, None);
        }
    }

    /// The thread that is open now.
    pub fn go(&mut self, place: Option<Place>) {
        if self.here != place {
            (self.here, self.pressed_at, self.answers) = (place, None, false);
        }
    }

    /// A key was pressed in it.
    pub fn press(&mut self, now: DateTime<Utc>) {
        self.pressed_at = self.here.map(|_| now);
    }

    /// What was written has gone, or was given up.
    pub fn rest(&mut self) {
        self.pressed_at = None;
    }

    /// What another desk says.
    pub fn hear(&mut self, word: &Word, now: DateTime<Utc>) {
        if word.desk == self.desk {
            return;
        }
        let before = self.others.remove(&word.desk).filter(|other| other.reads_until > now).map(|other| other.place);
        let Some(place) = word.place else { return };
        self.others.retain(|_, other| other.reads_until > now);
        if self.others.len() < MOST_DESKS {
            let writes_until = if word.typing { now + WRITING_COUNTS } else { now };
            let other = Other { member: word.member, place, reads_until: now + READING_COUNTS, writes_until };
            self.others.insert(word.desk, other);
        }
        if self.here == Some(place) && before != Some(place) {
            self.answers = true;
        }
    }

    /// Nobody is heard of any more: the line is cut, and what is said now reaches nobody.
    pub fn lose(&mut self) {
        self.others.clear();
        (self.said, self.answers) = (None, false);
    }

    /// Who else is in the thread, each once, by their id.
    pub fn company(&self, now: DateTime<Utc>) -> Vec<Companion> {
        let Some(here) = self.here else { return Vec::new() };
        let mut company: BTreeMap<Uuid, bool> = BTreeMap::new();
        for other in self.others.values() {
            if other.place == here && other.member != self.me && other.reads_until > now {
                *company.entry(other.member).or_default() |= other.writes_until > now;
            }
        }
        company.into_iter().map(|(member, typing)| Companion { member, typing }).collect()
    }

    /// When there is next something to say, or somebody is gone.
    pub fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let lapses = self.others.values().filter(|other| Some(other.place) == self.here);
        let lapses = lapses.flat_map(|other| [other.reads_until, other.writes_until]).filter(|at| *at > now);
        self.says_at(now).into_iter().chain(lapses).min()
    }

    /// What is to be said now, if anything is; it counts as said.
    pub fn say(&mut self, now: DateTime<Utc>) -> Option<Word> {
        if self.says_at(now).is_none_or(|at| at > now) {
            return None;
        }
        let typing = self.is_typing(now);
        (self.said, self.answers) = (Some((now, self.here, typing)), false);
        Some(Word { desk: self.desk, member: self.me, place: self.here, typing })
    }

    fn is_typing(&self, now: DateTime<Utc>) -> bool {
        self.pressed_at.is_some_and(|at| now - at < WRITES)
    }

    fn says_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let typing = self.is_typing(now);
        let Some((at, place, typed)) = self.said else {
            // Whoever has said nothing and is nowhere has nothing to say.
            return self.here.map(|_| now);
        };
        if (place, typed) != (self.here, typing) || self.answers {
            return Some((at + APART).max(now));
        }
        self.here?;
        let again = at + if typing { WRITES_AGAIN } else { READS_AGAIN };
        // Who stops is heard of as soon as they do.
        let stops = self.pressed_at.filter(|_| typing).map_or(again, |pressed| pressed + WRITES);
        Some(again.min(stops.max(at + APART)).max(now))
    }
}

#[cfg(test)]
mod tests;
