//! What a person does with a thread, and what it then is.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::Refusal;

/// Longest label, in characters.
pub const LONGEST_LABEL: usize = 40;
/// Labels of one thread at the most.
pub const MOST_LABELS: usize = 20;
/// The farthest a thread is put aside.
const LONGEST_SNOOZE: TimeDelta = TimeDelta::days(366);

/// Whether a thread is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Open,
    /// Put aside until a time, which then comes by itself.
    Snoozed,
    /// Done.
    Closed,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// The bot.
    Bot,
    /// A person.
    Person,
}

/// How much it presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// It can wait.
    Low,
    /// As most.
    Normal,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

/// What a thread is, as far as people decide on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is worked on.
    pub status: Status,
    /// Until when it is put aside.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Who answers.
    pub handler: Handler,
    /// Whose it is.
    pub assignee: Option<Uuid>,
    /// How much it presses.
    pub priority: Priority,
    /// Labels in the order they were given.
    pub labels: Vec<String>,
    /// A person wants it among those to be answered, whoever wrote last.
    pub marked_unread: bool,
}

/// What a person does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Takes it from the bot, or gives it back.
    HandOver(Handler),
    /// Makes it somebody's, or nobody's.
    Assign(Option<Uuid>),
    /// Says how much it presses.
    Prioritise(Priority),
    /// Adds a label.
    AddLabel(String),
    /// Takes a label away.
    RemoveLabel(String),
    /// Puts it aside.
    Snooze(DateTime<Utc>),
    /// It is done.
    Close,
    /// It is not.
    Reopen,
    /// It is to be answered, whoever wrote last.
    MarkUnread,
}

impl Status {
    /// Reads the name the database uses; an unknown one counts as open.
    pub fn parse(name: &str) -> Self {
        match name {
            "snoozed" => Self::Snoozed,
            "closed" => Self::Closed,
            _ => Self::Open,
        }
    }

    /// The name the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
        }
    }
}

impl Handler {
    /// Reads the name the database uses; an unknown one counts as a person.
    pub fn parse(name: &str) -> Self {
        if name == "bot" { Self::Bot } else { Self::Person }
    }

    /// The name the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Person => "person",
        }
    }
}

impl Priority {
    /// Reads the name the database uses; an unknown one counts as normal.
    pub fn parse(name: &str) -> Self {
        match name {
            "low" => Self::Low,
            "high" => Self::High,
            "urgent" => Self::Urgent,
            _ => Self::Normal,
        }
    }

    /// The name the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

impl Standing {
    /// Whether it was put aside until a time that has come: it is open again, without anybody having done anything.
    pub fn has_come_back(&self, now: DateTime<Utc>) -> bool {
        self.status == Status::Snoozed && self.snoozed_until.is_some_and(|until| until <= now)
    }

    /// What it is after an action.
    ///
    /// # Errors
    /// [`Refusal::TextEmpty`], [`Refusal::TextTooLong`] and [`Refusal::TooManyLabels`] for a label; [`Refusal::TimePassed`] and
    /// [`Refusal::TooFarAhead`] for a time until which it cannot be put aside.
    pub fn after(&self, action: &Action, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut then = self.clone();
        match action {
            Action::HandOver(handler) => then.handler = *handler,
            Action::Assign(member) => then.assignee = *member,
            Action::Prioritise(priority) => then.priority = *priority,
            Action::AddLabel(label) => {
                let label = validate_label(label)?;
                if !then.labels.iter().any(|known| known == label) {
                    if then.labels.len() >= MOST_LABELS {
                        return Err(Refusal::TooManyLabels);
                    }
                    then.labels.push(label.to_owned());
                }
            }
            Action::RemoveLabel(label) => then.labels.retain(|known| known != label),
            Action::Snooze(until) => {
                if *until <= now {
                    return Err(Refusal::TimePassed);
                }
                if *until > now + LONGEST_SNOOZE {
                    return Err(Refusal::TooFarAhead);
                }
                then.put(Status::Snoozed, Some(*until));
                then.marked_unread = false;
            }
            Action::Close => {
                then.put(Status::Closed, None);
                then.marked_unread = false;
            }
            Action::Reopen => then.put(Status::Open, None),
            Action::MarkUnread => {
                then.put(Status::Open, None);
                then.marked_unread = true;
            }
        }
        Ok(then)
    }

    fn put(&mut self, status: Status, until: Option<DateTime<Utc>>) {
        self.status = status;
        self.snoozed_until = until;
    }
}

/// Trims a label and refuses what is none.
fn validate_label(label: &str) -> Result<&str, Refusal> {
    let label = label.trim();
    if label.is_empty() {
        return Err(Refusal::TextEmpty);
    }
    if label.chars().count() > LONGEST_LABEL {
        return Err(Refusal::TextTooLong);
    }
    Ok(label)
}

/// A time until which threads are often put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnoozeTime {
    /// In an hour.
    Hour,
    /// Today at two, while that is some time ahead.
    Afternoon,
    /// Tomorrow when the day begins.
    Tomorrow,
    /// The next Monday when the day begins; on a Sunday that is tomorrow, and left out.
    Monday,
}

/// Hour at which a day at the counter begins.
const MORNING: u32 = 8;
/// Hour at which the afternoon begins.
const AFTERNOON: u32 = 14;

/// The times that are offered, in order, in the clinic's zone.
pub fn snooze_times(now: DateTime<Utc>, zone: Tz) -> Vec<(SnoozeTime, DateTime<Utc>)> {
    let today = now.with_timezone(&zone).date_naive();
    let tomorrow = today + Days::new(1);
    let to_monday = 7 - u64::from(today.weekday().num_days_from_monday());
    let monday = (today.weekday() != Weekday::Sun).then(|| today + Days::new(to_monday));
    let afternoon = at(today, AFTERNOON, zone).filter(|at| *at > now + TimeDelta::minutes(90));
    [
        (SnoozeTime::Hour, Some(now + TimeDelta::hours(1))),
        (SnoozeTime::Afternoon, afternoon),
        (SnoozeTime::Tomorrow, at(tomorrow, MORNING, zone)),
        (SnoozeTime::Monday, monday.and_then(|monday| at(monday, MORNING, zone))),
    ]
    .into_iter()
    .filter_map(|(time, at)| Some((time, at?)))
    .collect()
}

fn at(day: NaiveDate, hour: u32, zone: Tz) -> Option<DateTime<Utc>> {
    let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?);
    Some(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn open() -> Standing {
        Standing {
            status: Status::Open,
            snoozed_until: None,
            handler: Handler::Person,
            assignee: None,
            priority: Priority::Normal,
            labels: Vec::new(),
            marked_unread: false,
        }
    }

    #[test]
    fn a_thread_is_put_aside_until_some_time_to_come() {
        let now = instant("2026-11-24T15:00:00Z");
        let snooze = |until| open().after(&Action::Snooze(until), now);
        assert_eq!(snooze(now), Err(Refusal::TimePassed));
        assert_eq!(snooze(now + TimeDelta::days(400)), Err(Refusal::TooFarAhead));
        let aside = snooze(now + TimeDelta::hours(1)).unwrap();
        assert!(!aside.has_come_back(now + TimeDelta::minutes(59)));
        assert!(aside.has_come_back(now + TimeDelta::minutes(60)), "its time is part of it");
    }

    #[test]
    fn closing_and_opening_leave_no_time_behind() {
        let now = instant("2026-11-24T15:00:00Z");
        let aside = open().after(&Action::Snooze(now + TimeDelta::hours(1)), now).unwrap();
        let closed = aside.after(&Action::Close, now).unwrap();
        assert_eq!((closed.status, closed.snoozed_until), (Status::Closed, None));
        assert_eq!(closed.after(&Action::Reopen, now).unwrap(), open());
    }

    #[test]
    fn a_thread_that_is_marked_comes_out_of_where_it_was() {
        let now = instant("2026-11-24T15:00:00Z");
        let closed = open().after(&Action::Close, now).unwrap();
        let marked = closed.after(&Action::MarkUnread, now).unwrap();
        assert!(marked.marked_unread && marked.status == Status::Open);
        assert!(!marked.after(&Action::Close, now).unwrap().marked_unread, "what is done needs no answer");
    }

    #[test]
    fn a_label_is_given_once_and_has_words() {
        let now = instant("2026-11-24T15:00:00Z");
        let add = |standing: &Standing, label: &str| standing.after(&Action::AddLabel(label.to_owned()), now);
        let labelled = add(&open(), " convênio ").unwrap();
        assert_eq!(labelled.labels, ["convênio"]);
        assert_eq!(add(&labelled, "convênio").unwrap(), labelled);
        assert_eq!(add(&open(), " "), Err(Refusal::TextEmpty));
        assert_eq!(add(&open(), &"ã".repeat(LONGEST_LABEL + 1)), Err(Refusal::TextTooLong));
        let full = Standing { labels: (0..MOST_LABELS).map(|n| n.to_string()).collect(), ..open() };
        assert_eq!(add(&full, "mais uma"), Err(Refusal::TooManyLabels));
        assert_eq!(labelled.after(&Action::RemoveLabel("convênio".to_owned()), now).unwrap(), open());
    }

    #[test]
    fn what_is_not_touched_stays() {
        let now = instant("2026-11-24T15:00:00Z");
        let member = Some(Uuid::from_u128(7));
        let taken = open().after(&Action::Assign(member), now).unwrap();
        assert_eq!(taken, Standing { assignee: member, ..open() });
        let bots = taken.after(&Action::HandOver(Handler::Bot), now).unwrap();
        assert_eq!(bots, Standing { assignee: member, handler: Handler::Bot, ..open() });
    }

    #[test]
    fn the_times_that_are_offered_are_the_clinics() {
        let offered = |now: &str| -> Vec<String> {
            let times = snooze_times(instant(now), ZONE);
            times.iter().map(|(time, at)| format!("{time:?} {}", at.with_timezone(&ZONE).format("%d %H:%M"))).collect()
        };
        let tuesday_morning = offered("2026-11-24T12:10:00Z");
        assert_eq!(tuesday_morning, ["Hour 24 10:10", "Afternoon 24 14:00", "Tomorrow 25 08:00", "Monday 30 08:00"]);
        let sunday_night = offered("2026-11-30T01:00:00Z");
        assert_eq!(sunday_night, ["Hour 29 23:00", "Tomorrow 30 08:00"], "on a Sunday tomorrow is Monday");
    }
}
