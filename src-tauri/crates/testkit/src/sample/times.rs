//! Days and hours of the clinic: its wall clock, when its desk answers, which days are holidays.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use balcao_domain::working_hours::local_instant;

use super::dice::Dice;

/// The desk answers from 8:00 to 18:30, on Saturdays until noon.
const DESK_OPENS: u32 = 8 * 60;
const DESK_CLOSES: u32 = 18 * 60 + 30;
const DESK_CLOSES_SATURDAY: u32 = 12 * 60;

/// The clinic's time zone and the moment the sample is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) zone: Tz,
    pub(crate) today: NaiveDate,
    pub(crate) now: DateTime<Utc>,
}

impl Times {
    /// The instant of a wall time, `minute` counted from midnight.
    pub(crate) fn at(&self, day: NaiveDate, minute: u32) -> DateTime<Utc> {
        local_instant(day, minute, self.zone)
    }

    pub(crate) fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    pub(crate) fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        self.wall(at).date()
    }

    pub(crate) fn minute_of(&self, at: DateTime<Utc>) -> u32 {
        let wall = self.wall(at);
        wall.hour() * 60 + wall.minute()
    }

    /// `days` from today, negative for the past.
    pub(crate) fn day(&self, days: i64) -> NaiveDate {
        self.today + TimeDelta::days(days)
    }

    /// When the desk closes that day, in minutes since midnight; `None` when it does not open.
    fn closes(&self, day: NaiveDate) -> Option<u32> {
        match day.weekday() {
            _ if is_holiday(day) => None,
            Weekday::Sun => None,
            Weekday::Sat => Some(DESK_CLOSES_SATURDAY),
            _ => Some(DESK_CLOSES),
        }
    }

    pub(crate) fn desk_is_open(&self, at: DateTime<Utc>) -> bool {
        let minute = self.minute_of(at);
        self.closes(self.day_of(at)).is_some_and(|closes| (DESK_OPENS..closes).contains(&minute))
    }

    /// `at`, or a few minutes into the next time the desk is open.
    pub(crate) fn when_the_desk_is_open(&self, at: DateTime<Utc>, dice: &mut Dice) -> DateTime<Utc> {
        if self.desk_is_open(at) {
            return at;
        }
        let mut day = self.day_of(at);
        if self.minute_of(at) >= DESK_OPENS {
            day = day + Days::new(1);
        }
        while self.closes(day).is_none() {
            day = day + Days::new(1);
        }
        self.at(day, DESK_OPENS) + TimeDelta::seconds(dice.between(120, 40 * 60))
    }

    /// A moment of that day when people write to a clinic: mostly by day, some in the evening.
    pub(crate) fn waking_moment(&self, day: NaiveDate, dice: &mut Dice) -> DateTime<Utc> {
        let (from, until) =
            dice.weighted(&[(45, (8 * 60, 12 * 60)), (38, (13 * 60, 18 * 60)), (17, (18 * 60, 22 * 60))]);
        self.at(day, dice.between(from, until - 1) as u32) + TimeDelta::seconds(dice.between(0, 59))
    }

    /// The next day on which the clinic receives people, `day` included.
    pub(crate) fn working_day(&self, mut day: NaiveDate) -> NaiveDate {
        while is_holiday(day) || day.weekday() == Weekday::Sun {
            day = day + Days::new(1);
        }
        day
    }

    /// A day as people name it when they write at `at`: `hoje`, `amanhã`, `terça`, `terça, 24/11`.
    pub(crate) fn spoken_day(&self, day: NaiveDate, at: DateTime<Utc>) -> String {
        let from = self.day_of(at);
        match (day - from).num_days() {
            0 => "hoje".to_owned(),
            1 => "amanhã".to_owned(),
            2..=5 => weekday_name(day).to_owned(),
            _ => format!("{}, {}", weekday_name(day), day.format("%d/%m")),
        }
    }
}

/// `segunda` … `domingo`.
pub(crate) fn weekday_name(day: NaiveDate) -> &'static str {
    match day.weekday() {
        Weekday::Mon => "segunda",
        Weekday::Tue => "terça",
        Weekday::Wed => "quarta",
        Weekday::Thu => "quinta",
        Weekday::Fri => "sexta",
        Weekday::Sat => "sábado",
        Weekday::Sun => "domingo",
    }
}

/// `14h` or `14h30`, as people write times.
pub(crate) fn spoken_time(minute: u32) -> String {
    match minute % 60 {
        0 => format!("{}h", minute / 60),
        rest => format!("{}h{rest:02}", minute / 60),
    }
}

/// Name of the national holiday (or the Carnival that everybody keeps) on that day.
pub(crate) fn holiday(day: NaiveDate) -> Option<&'static str> {
    let fixed = match (day.month(), day.day()) {
        (1, 1) => Some("Confraternização Universal"),
        (4, 21) => Some("Tiradentes"),
        (5, 1) => Some("Dia do Trabalho"),
        (9, 7) => Some("Independência"),
        (10, 12) => Some("Nossa Senhora Aparecida"),
        (11, 2) => Some("Finados"),
        (11, 15) => Some("Proclamação da República"),
        (11, 20) => Some("Consciência Negra"),
        (12, 25) => Some("Natal"),
        _ => None,
    };
    fixed.or_else(|| match (day - easter(day.year())?).num_days() {
        -48 | -47 => Some("Carnaval"),
        -2 => Some("Sexta-feira Santa"),
        60 => Some("Corpus Christi"),
        _ => None,
    })
}

pub(crate) fn is_holiday(day: NaiveDate) -> bool {
    holiday(day).is_some()
}

/// Easter Sunday by the anonymous Gregorian computus.
fn easter(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month = (h + l - 7 * m + 114) / 31;
    let day = (h + l - 7 * m + 114) % 31 + 1;
    NaiveDate::from_ymd_opt(year, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_that_move_with_easter_are_found() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(holiday(day(2026, 4, 3)), Some("Sexta-feira Santa"));
        assert_eq!(holiday(day(2026, 2, 17)), Some("Carnaval"));
        assert_eq!(holiday(day(2025, 6, 19)), Some("Corpus Christi"));
        assert_eq!(holiday(day(2026, 11, 23)), None);
    }
}
