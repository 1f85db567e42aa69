//! What lies before the window: read when someone asks for it.
//!
//! A page says how things stood when it was read. What changes after that comes with the next pull, provided that the page
//! is in the copy before that pull is read; whoever reads pages between two pulls, in their order, loses nothing and brings
//! nothing back.

use balcao_domain::feed::Entity;
use uuid::Uuid;

use super::{FeedSender, StageEnd, StageKey, read_rows};
use crate::{Error, Result, Tenant};

/// Rows of a piece that is read for a wider window: short enough that a queued write does not wait for long behind it.
const PIECE_ROWS: u64 = 8_000;
/// Visits of one person at the most.
const MOST_VISITS: u64 = 200;

/// What to read. Instants are microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// A conversation's messages before a place in it, newest first.
    Thread {
        /// The conversation.
        conversation_id: Uuid,
        /// Instant and id of the message, or of the bound, to go on before.
        before: (i64, Uuid),
        /// Rows at the most.
        rows: u32,
    },
    /// A piece of what every conversation holds before an instant, newest first.
    Messages(Span),
    /// A piece of the visits that begin before an instant, newest first.
    Visits(Span),
    /// The latest visits of one person, however old.
    VisitsOf {
        /// The person.
        contact_id: Uuid,
    },
}

/// A span of time that is read piece by piece, from its end to its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First instant; `None` for all there is.
    pub from: Option<i64>,
    /// The instant after the last.
    pub until: i64,
    /// Where the piece before ended.
    pub after: Option<StageKey>,
}

impl Older {
    /// Which table the rows are of.
    pub fn entity(&self) -> &'static str {
        match self {
            Self::Thread { .. } | Self::Messages(_) => "messages",
            Self::Visits(_) | Self::VisitsOf { .. } => "appointments",
        }
    }

    fn limit(&self) -> u64 {
        match self {
            Self::Thread { rows, .. } => u64::from(*rows),
            Self::Messages(_) | Self::Visits(_) => PIECE_ROWS,
            Self::VisitsOf { .. } => MOST_VISITS,
        }
    }

    fn filter(&self) -> String {
        let (condition, order) = match self {
            Self::Thread { conversation_id, before: (micros, id), .. } => (
                format!(
                    "conversation_id = '{conversation_id}'::uuid and (sent_at, id) < ({}, '{id}'::uuid)",
                    instant(*micros)
                ),
                "sent_at",
            ),
            Self::Messages(span) => (span.condition("sent_at"), "sent_at"),
            Self::Visits(span) => (span.condition("starts_at"), "starts_at"),
            Self::VisitsOf { contact_id } => (format!("contact_id = '{contact_id}'::uuid"), "starts_at"),
        };
        format!(
            "where clinic_id = (select app.current_clinic()) and {condition} order by {order} desc, id desc limit {}",
            self.limit()
        )
    }
}

impl Span {
    fn condition(&self, column: &str) -> String {
        let mut condition = match self.after {
            Some(StageKey { sent_at_micros: Some(micros), id }) => {
                format!("({column}, id) < ({}, '{id}'::uuid)", instant(micros))
            }
            _ => format!("{column} < {}", instant(self.until)),
        };
        if let Some(from) = self.from {
            condition.push_str(&format!(" and {column} >= {}", instant(from)));
        }
        condition
    }
}

/// Well inside of the server's calendar, which ends in 4714 BC and in the year 294276, and outside of every clinic's.
pub(crate) const CALENDAR_END: i64 = 200_000_000_000_000_000;

/// An instant as SQL. Numbers beyond the calendar stand for its ends.
fn instant(micros: i64) -> String {
    if micros >= CALENDAR_END {
        "'infinity'::timestamptz".to_owned()
    } else if micros <= -CALENDAR_END {
        "'-infinity'::timestamptz".to_owned()
    } else {
        format!("(timestamptz 'epoch' + interval '1 microsecond' * {micros})")
    }
}

impl Tenant {
    /// Reads some rows from before the window.
    pub async fn read_older(&self, older: &Older, out: &FeedSender) -> Result<StageEnd> {
        let entity = Entity::named(older.entity()).ok_or(Error::Protocol)?;
        let (rows, last) = read_rows(self.turn().await?, entity, &older.filter(), out).await?;
        Ok(StageEnd { rows, next: last.filter(|_| rows >= older.limit()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_goes_on_behind_the_last_row_of_the_one_before() {
        let id = Uuid::from_u128(7);
        let span = Span { from: Some(-5), until: 10, after: None };
        assert_eq!(
            span.condition("starts_at"),
            "starts_at < (timestamptz 'epoch' + interval '1 microsecond' * 10) \
             and starts_at >= (timestamptz 'epoch' + interval '1 microsecond' * -5)"
        );
        let next = Span { from: None, after: Some(StageKey { sent_at_micros: Some(6), id }), ..span };
        assert_eq!(
            next.condition("starts_at"),
            format!("(starts_at, id) < ((timestamptz 'epoch' + interval '1 microsecond' * 6), '{id}'::uuid)")
        );
    }

    #[test]
    fn the_ends_of_all_numbers_are_the_ends_of_the_calendar() {
        assert_eq!(instant(i64::MAX), "'infinity'::timestamptz");
        assert_eq!(instant(i64::MIN), "'-infinity'::timestamptz");
    }
}
