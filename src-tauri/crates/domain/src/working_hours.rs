//! When a professional works, from weekly hours and exceptions, in the clinic's time zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// A stretch of time: from `start` to just before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it.
    pub end: DateTime<Utc>,
}

impl Span {
    /// Whether the two share any instant.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether `other` lies within this span.
    pub fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// Hours that come again each week, in local wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeeklyHours {
    /// Whose.
    pub professional_id: Uuid,
    /// 1 = Monday … 7 = Sunday.
    pub weekday: u32,
    /// Minutes since midnight.
    pub starts_minute: u32,
    /// Minutes since midnight, up to 1440.
    pub ends_minute: u32,
    /// First day these hours hold.
    pub valid_from: Option<NaiveDate>,
    /// Last day these hours hold.
    pub valid_until: Option<NaiveDate>,
}

/// What an exception does to the weekly hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceptionKind {
    /// No work: a holiday, a day off, a blocked hour.
    Closed,
    /// Work beside the weekly hours.
    ExtraHours,
}

/// A deviation from the weekly hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// Whose; `None` for the whole clinic.
    pub professional_id: Option<Uuid>,
    /// What it does.
    pub kind: ExceptionKind,
    /// When.
    pub span: Span,
}

/// Whether a clinic's calendar has the day. What is centuries away is a slip, and at the end of what can be counted no day
/// follows on the last.
pub fn is_in_calendar(day: NaiveDate) -> bool {
    (1900..2200).contains(&day.year())
}

/// The instant of a local wall time. A time that the clocks skip counts as the first instant after the gap; one that comes
/// twice as its first occurrence.
pub fn local_instant(day: NaiveDate, minute: u32, zone: Tz) -> DateTime<Utc> {
    let (day, minute) = if minute >= 1440 { (day + Days::new(1), minute - 1440) } else { (day, minute) };
    let time = NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap_or(NaiveTime::MIN);
    let mut wall = day.and_time(time);
    loop {
        match zone.from_local_datetime(&wall).earliest() {
            Some(instant) => return instant.with_timezone(&Utc),
            None => wall += chrono::TimeDelta::minutes(1),
        }
    }
}

/// The day, in the clinic's time zone, from its first to its last instant.
pub fn day_span(day: NaiveDate, zone: Tz) -> Span {
    Span { start: local_instant(day, 0, zone), end: local_instant(day, 1440, zone) }
}

/// Working time of one professional on one day: weekly hours plus extra hours minus closures, in order, without overlaps.
pub fn working_spans(
    professional_id: Uuid,
    day: NaiveDate,
    zone: Tz,
    weekly: &[WeeklyHours],
    exceptions: &[Exception],
) -> Vec<Span> {
    let whole_day = day_span(day, zone);
    let concerns = |exception: &&Exception| {
        exception.professional_id.is_none_or(|id| id == professional_id) && exception.span.overlaps(&whole_day)
    };
    let mut open: Vec<Span> = weekly
        .iter()
        .filter(|hours| hours.professional_id == professional_id && hours.weekday == day.weekday().number_from_monday())
        .filter(|hours| {
            hours.valid_from.is_none_or(|from| from <= day) && hours.valid_until.is_none_or(|until| day <= until)
        })
        .map(|hours| Span {
            start: local_instant(day, hours.starts_minute, zone),
            end: local_instant(day, hours.ends_minute, zone),
        })
        .chain(
            exceptions
                .iter()
                .filter(concerns)
                .filter(|e| e.kind == ExceptionKind::ExtraHours)
                .map(|e| Span { start: e.span.start.max(whole_day.start), end: e.span.end.min(whole_day.end) }),
        )
        .filter(|span| span.start < span.end)
        .collect();
    open.sort();
    let mut merged: Vec<Span> = Vec::with_capacity(open.len());
    for span in open {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    for closed in exceptions.iter().filter(concerns).filter(|e| e.kind == ExceptionKind::Closed) {
        merged = merged.into_iter().flat_map(|span| without(span, closed.span)).collect();
    }
    merged
}

/// Working time of one professional on some days that follow one another, in order. What ends at midnight and goes on with the
/// next day is one span.
pub fn working_spans_of_days(
    professional_id: Uuid,
    days: impl IntoIterator<Item = NaiveDate>,
    zone: Tz,
    weekly: &[WeeklyHours],
    exceptions: &[Exception],
) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for day in days {
        for span in working_spans(professional_id, day, zone, weekly, exceptions) {
            match spans.last_mut() {
                Some(last) if last.end == span.start => last.end = span.end,
                _ => spans.push(span),
            }
        }
    }
    spans
}

fn without(span: Span, hole: Span) -> impl Iterator<Item = Span> {
    let before = Span { start: span.start, end: span.end.min(hole.start) };
    let after = Span { start: span.start.max(hole.end), end: span.end };
    [before, after].into_iter().filter(|piece| piece.start < piece.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;
    const WHO: Uuid = Uuid::from_u128(7);

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    fn hours(from: u32, to: u32) -> WeeklyHours {
        WeeklyHours {
            professional_id: WHO,
            weekday: 1,
            starts_minute: from * 60,
            ends_minute: to * 60,
            valid_from: None,
            valid_until: None,
        }
    }

    fn at(hour: u32) -> DateTime<Utc> {
        local_instant(day(), hour * 60, ZONE)
    }

    #[test]
    fn a_lunch_break_leaves_two_spans() {
        let spans = working_spans(WHO, day(), ZONE, &[hours(14, 18), hours(8, 12)], &[]);
        assert_eq!(spans, [Span { start: at(8), end: at(12) }, Span { start: at(14), end: at(18) }]);
    }

    #[test]
    fn a_blocked_hour_is_cut_out() {
        let blocked =
            Exception { professional_id: None, kind: ExceptionKind::Closed, span: Span { start: at(9), end: at(10) } };
        let spans = working_spans(WHO, day(), ZONE, &[hours(8, 12)], &[blocked]);
        assert_eq!(spans, [Span { start: at(8), end: at(9) }, Span { start: at(10), end: at(12) }]);
    }

    #[test]
    fn extra_hours_join_the_weekly_ones() {
        let extra = Exception {
            professional_id: Some(WHO),
            kind: ExceptionKind::ExtraHours,
            span: Span { start: at(12), end: at(13) },
        };
        assert_eq!(working_spans(WHO, day(), ZONE, &[hours(8, 12)], &[extra]), [Span { start: at(8), end: at(13) }]);
    }

    #[test]
    fn hours_that_no_longer_hold_do_not_count() {
        let old = WeeklyHours { valid_until: day().pred_opt(), ..hours(8, 12) };
        assert!(working_spans(WHO, day(), ZONE, &[old], &[]).is_empty());
    }

    #[test]
    fn hours_up_to_midnight_and_from_midnight_on_are_one_stretch() {
        let night = |weekday| WeeklyHours { weekday, starts_minute: 0, ends_minute: 1440, ..hours(0, 0) };
        let days = [day(), day().succ_opt().unwrap()];
        let spans = working_spans_of_days(WHO, days, ZONE, &[night(1), night(2)], &[]);
        assert_eq!(spans, [Span { start: day_span(days[0], ZONE).start, end: day_span(days[1], ZONE).end }]);
        let apart = working_spans_of_days(WHO, days, ZONE, &[hours(8, 12), night(2)], &[]);
        assert_eq!(apart.len(), 2);
    }

    #[test]
    fn a_day_on_which_the_clocks_change_keeps_its_hours_on_the_wall() {
        // In New York 02:00 became 03:00 on 2026-03-08, and 01:00 came twice on 2026-11-01. Both were Sundays.
        let zone = chrono_tz::America::New_York;
        let sunday = WeeklyHours { weekday: 7, ..hours(1, 9) };
        for (month, day, length) in [(3, 8, 7), (11, 1, 9)] {
            let day = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
            let spans = working_spans_of_days(WHO, [day], zone, &[sunday], &[]);
            assert_eq!((spans[0].end - spans[0].start).num_hours(), length, "{day}");
            assert_eq!(spans[0].end.with_timezone(&zone).format("%H:%M").to_string(), "09:00");
        }
    }

    #[test]
    fn midnight_that_the_clocks_skip_is_the_first_instant_after() {
        // Summer time began at midnight in São Paulo on 2018-11-04: 00:00 did not exist.
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(local_instant(day, 0, ZONE), local_instant(day, 60, ZONE));
        assert_eq!((day_span(day, ZONE).end - day_span(day, ZONE).start).num_hours(), 23);
    }
}
