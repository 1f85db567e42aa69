//! Where a visit may stand.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::Refusal;
use crate::working_hours::Span;

/// Status of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Booked.
    Scheduled,
    /// The patient said yes.
    Confirmed,
    /// The patient is at the counter.
    Arrived,
    /// With the professional.
    InService,
    /// Done.
    Completed,
    /// Will not take place.
    Cancelled,
    /// The patient did not come.
    NoShow,
}

impl Status {
    /// Reads the name the database uses.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "scheduled" => Self::Scheduled,
            "confirmed" => Self::Confirmed,
            "arrived" => Self::Arrived,
            "in_service" => Self::InService,
            "completed" => Self::Completed,
            "cancelled" => Self::Cancelled,
            "no_show" => Self::NoShow,
            _ => return None,
        })
    }

    /// Whether a visit in this status holds its slot. The same rule as the exclusion constraint in PostgreSQL.
    pub const fn holds_slot(self) -> bool {
        !matches!(self, Self::Cancelled | Self::NoShow)
    }

    /// Whether nothing can happen to the visit any more.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::NoShow)
    }
}

/// Another visit that may stand in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The visit.
    pub id: Uuid,
    /// With whom.
    pub professional_id: Uuid,
    /// When.
    pub span: Span,
    /// Its status.
    pub status: Status,
    /// Whether it was squeezed in: then it keeps nobody out.
    pub squeezed_in: bool,
}

/// The wish to put a visit somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement<'a> {
    /// The visit.
    pub id: Uuid,
    /// Its status now.
    pub status: Status,
    /// With whom it shall be.
    pub professional_id: Uuid,
    /// Wanted start.
    pub starts_at: DateTime<Utc>,
    /// Wanted end.
    pub ends_at: DateTime<Utc>,
    /// Given: deliberately squeezed in, for this reason.
    pub squeeze_reason: Option<&'a str>,
}

/// Why a visit may not stand there, and what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    /// The reason.
    pub refusal: Refusal,
    /// The visit in the slot, when one is.
    pub neighbour: Option<Uuid>,
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, neighbour: None }
    }
}

impl Placement<'_> {
    /// Decides by what this computer knows; the database has the last word when the write arrives there. `working` is the
    /// working time of that professional around the wanted time.
    pub fn check(&self, neighbours: &[Neighbour], working: &[Span]) -> Result<(), Obstacle> {
        let wanted = Span { start: self.starts_at, end: self.ends_at };
        if wanted.end <= wanted.start {
            return Err(Refusal::EndsBeforeStart.into());
        }
        if wanted.end - wanted.start > TimeDelta::hours(24) {
            return Err(Refusal::TooLong.into());
        }
        if self.status.is_finished() {
            return Err(Refusal::VisitFinished.into());
        }
        if let Some(reason) = self.squeeze_reason {
            return match reason.trim() {
                "" => Err(Refusal::SqueezeReasonRequired.into()),
                reason if reason.chars().count() > 500 => Err(Refusal::TextTooLong.into()),
                _ => Ok(()),
            };
        }
        let taken = neighbours.iter().find(|other| {
            other.id != self.id
                && other.professional_id == self.professional_id
                && other.status.holds_slot()
                && !other.squeezed_in
                && other.span.overlaps(&wanted)
        });
        if let Some(other) = taken {
            return Err(Obstacle { refusal: Refusal::SlotTaken, neighbour: Some(other.id) });
        }
        if !working.iter().any(|span| span.contains(&wanted)) {
            return Err(Refusal::OutsideWorkingHours.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + minute * 60, 0).unwrap()
    }

    fn wish(from: i64, to: i64) -> Placement<'static> {
        Placement {
            id: Uuid::from_u128(1),
            status: Status::Scheduled,
            professional_id: Uuid::from_u128(9),
            starts_at: at(from),
            ends_at: at(to),
            squeeze_reason: None,
        }
    }

    fn other(from: i64, to: i64) -> Neighbour {
        Neighbour {
            id: Uuid::from_u128(2),
            professional_id: Uuid::from_u128(9),
            span: Span { start: at(from), end: at(to) },
            status: Status::Confirmed,
            squeezed_in: false,
        }
    }

    const OPEN: fn() -> [Span; 1] = || [Span { start: at(0), end: at(240) }];

    #[test]
    fn visits_may_touch_but_not_overlap() {
        assert_eq!(wish(30, 60).check(&[other(0, 30)], &OPEN()), Ok(()));
        let refused = wish(29, 60).check(&[other(0, 30)], &OPEN()).unwrap_err();
        assert_eq!(refused, Obstacle { refusal: Refusal::SlotTaken, neighbour: Some(Uuid::from_u128(2)) });
    }

    #[test]
    fn a_visit_is_not_in_its_own_way() {
        let itself = Neighbour { id: Uuid::from_u128(1), ..other(0, 30) };
        assert_eq!(wish(10, 40).check(&[itself], &OPEN()), Ok(()));
    }

    #[test]
    fn a_cancelled_or_squeezed_in_visit_keeps_nobody_out() {
        for neighbour in [
            Neighbour { status: Status::Cancelled, ..other(0, 30) },
            Neighbour { status: Status::NoShow, ..other(0, 30) },
            Neighbour { squeezed_in: true, ..other(0, 30) },
        ] {
            assert_eq!(wish(0, 30).check(&[neighbour], &OPEN()), Ok(()), "{neighbour:?}");
        }
    }

    #[test]
    fn outside_working_hours_is_refused_unless_squeezed_in_with_a_reason() {
        assert_eq!(wish(230, 260).check(&[], &OPEN()).unwrap_err().refusal, Refusal::OutsideWorkingHours);
        assert_eq!(Placement { squeeze_reason: Some("dor aguda"), ..wish(230, 260) }.check(&[], &OPEN()), Ok(()));
        assert_eq!(
            Placement { squeeze_reason: Some("  "), ..wish(230, 260) }.check(&[], &OPEN()).unwrap_err().refusal,
            Refusal::SqueezeReasonRequired
        );
    }

    #[test]
    fn a_finished_visit_stays_where_it_was() {
        let done = Placement { status: Status::Completed, ..wish(0, 30) };
        assert_eq!(done.check(&[], &OPEN()).unwrap_err().refusal, Refusal::VisitFinished);
    }

    #[test]
    fn an_end_before_the_start_is_refused_before_anything_else() {
        assert_eq!(wish(30, 30).check(&[], &[]).unwrap_err().refusal, Refusal::EndsBeforeStart);
        assert_eq!(wish(0, 25 * 60).check(&[], &[]).unwrap_err().refusal, Refusal::TooLong);
    }
}
