//! What was said already, and what is said together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::Choice;

/// Threads that are told of one by one, within [`TOGETHER`]; more are told of together.
const MOST_APART: usize = 3;

/// What is told within this time counts as one rush.
const TOGETHER: TimeDelta = TimeDelta::seconds(60);

/// Between two sounds.
const SOUND_APART: TimeDelta = TimeDelta::seconds(3);

/// A message that came from a person and waits for one of the clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// In which thread.
    pub thread: Uuid,
    /// Which.
    pub message: Uuid,
    /// When it was written.
    pub sent_at: DateTime<Utc>,
    /// Whose thread it is.
    pub assignee: Option<Uuid>,
}

/// Who looks, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The server's time.
    pub now: DateTime<Utc>,
    /// The clinic's time zone.
    pub zone: Tz,
    /// Who works here.
    pub me: Uuid,
    /// The thread that somebody has before their eyes.
    pub seen: Option<Uuid>,
}

/// What is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A thread has something new; this takes the place of what was said of it before.
    Thread {
        /// Which.
        thread: Uuid,
        /// Its newest message.
        message: Uuid,
        /// Whether it is heard.
        sound: bool,
    },
    /// Many threads have; this takes the place of the last of its kind.
    Many {
        /// How many threads, in the whole rush.
        threads: usize,
        /// How many messages, in the whole rush.
        messages: usize,
        /// Whether it is heard.
        sound: bool,
    },
}

/// Says each message once at the most.
#[derive(Debug, Clone)]
pub struct Teller {
    since: DateTime<Utc>,
    told: BTreeMap<Uuid, (DateTime<Utc>, Uuid)>,
    lately: Vec<(DateTime<Utc>, Uuid)>,
    sounded_at: Option<DateTime<Utc>>,
}

impl Teller {
    /// One that says nothing of what was written by then.
    pub fn since(since: DateTime<Utc>) -> Self {
        Self { since, told: BTreeMap::new(), lately: Vec::new(), sounded_at: None }
    }

    /// What was written by then is not said.
    pub fn began(&self) -> DateTime<Utc> {
        self.since
    }

    /// Up to when everything is said, or is not to be.
    pub fn told_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.told.values().map(|(sent_at, _)| *sent_at).fold(now.max(self.since), DateTime::max)
    }

    /// What of the messages that wait now is to be said, and whether any of them was new. Those that were kept quiet are not
    /// said later: whoever comes back finds them in the list.
    pub fn tell(&mut self, waiting: &[Arrival], choice: &Choice, moment: &Moment) -> (Vec<Notice>, bool) {
        let mut newest: BTreeMap<Uuid, &Arrival> = BTreeMap::new();
        let mut fresh: Vec<Uuid> = Vec::new();
        for arrival in waiting {
            let key = (arrival.sent_at, arrival.message);
            let is_new = arrival.sent_at > self.since && self.told.get(&arrival.thread).is_none_or(|told| key > *told);
            if !is_new || !choice.concerns(arrival.assignee, moment.me) {
                continue;
            }
            fresh.push(arrival.thread);
            let last = newest.entry(arrival.thread).or_insert(arrival);
            if key > (last.sent_at, last.message) {
                *last = arrival;
            }
        }
        for arrival in newest.values() {
            self.told.insert(arrival.thread, (arrival.sent_at, arrival.message));
        }
        let any = !fresh.is_empty();
        if !choice.on || choice.quiet.is_some_and(|quiet| quiet.hold(moment.now, moment.zone)) {
            return (Vec::new(), any);
        }
        newest.retain(|thread, _| moment.seen != Some(*thread));
        fresh.retain(|thread| moment.seen != Some(*thread));
        if newest.is_empty() {
            return (Vec::new(), any);
        }

        self.lately.retain(|(at, _)| moment.now - *at < TOGETHER);
        self.lately.extend(fresh.into_iter().map(|thread| (moment.now, thread)));
        let threads = self.lately.iter().map(|(_, thread)| *thread).collect::<BTreeSet<_>>().len();
        let mut sound = choice.sound && self.sounded_at.is_none_or(|at| moment.now - at >= SOUND_APART);
        if sound {
            self.sounded_at = Some(moment.now);
        }
        if threads > MOST_APART {
            return (vec![Notice::Many { threads, messages: self.lately.len(), sound }], any);
        }
        let mut newest: Vec<&Arrival> = newest.into_values().collect();
        newest.sort_by_key(|arrival| (arrival.sent_at, arrival.message));
        let notices = newest.into_iter().map(|arrival| {
            // Once is enough for those that come together.
            let sound = std::mem::take(&mut sound);
            Notice::Thread { thread: arrival.thread, message: arrival.message, sound }
        });
        (notices.collect(), any)
    }
}

#[cfg(test)]
mod tests;
