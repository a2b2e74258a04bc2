//! The intervals of a date value: `last1Hour`, `lastMonday`, `thisMonth`, …

use crate::model::Time;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::{GapInfo, Tz};
use std::str::FromStr;

/// From an instant up to another, which is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    pub from: Time,
    pub until: Time,
}

impl Interval {
    pub fn contains(&self, instant: Time) -> bool {
        self.from <= instant && instant < self.until
    }

    /// The same times of day, a day earlier. `None` at the very beginning of time.
    pub fn a_day_earlier(&self, zone: Tz) -> Option<Interval> {
        let earlier = |instant: Time| {
            let wall = DateTime::from_timestamp_millis(instant.0)?.with_timezone(&zone).naive_local();
            shown(wall.checked_sub_days(Days::new(1))?, zone)
        };
        Some(Interval { from: earlier(self.from)?, until: earlier(self.until)? })
    }
}

/// Which runs an item looks at, seen from the schedule time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateValue {
    /// So many whole clock hours before.
    LastHours(u8),
    Today,
    /// So many days before today.
    LastDays(u8),
    /// From Monday to today.
    ThisWeek,
    LastWeek,
    /// A day of last week: 0 is Monday.
    LastWeekday(u8),
    /// From the first of the month to today.
    ThisMonth,
    LastMonth,
    LastMonthBegin,
    LastMonthEnd,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date value of a dependent item")]
pub struct UnknownDateValue(pub String);

impl FromStr for DateValue {
    type Err = UnknownDateValue;
    fn from_str(text: &str) -> Result<Self, UnknownDateValue> {
        Ok(match text {
            "last1Hour" => DateValue::LastHours(1),
            "last2Hours" => DateValue::LastHours(2),
            "last3Hours" => DateValue::LastHours(3),
            "today" => DateValue::Today,
            "last1Days" => DateValue::LastDays(1),
            "last2Days" => DateValue::LastDays(2),
            "last3Days" => DateValue::LastDays(3),
            "last7Days" => DateValue::LastDays(7),
            "thisWeek" => DateValue::ThisWeek,
            "lastWeek" => DateValue::LastWeek,
            "lastMonday" => DateValue::LastWeekday(0),
            "lastTuesday" => DateValue::LastWeekday(1),
            "lastWednesday" => DateValue::LastWeekday(2),
            "lastThursday" => DateValue::LastWeekday(3),
            "lastFriday" => DateValue::LastWeekday(4),
            "lastSaturday" => DateValue::LastWeekday(5),
            "lastSunday" => DateValue::LastWeekday(6),
            "thisMonth" => DateValue::ThisMonth,
            "lastMonth" => DateValue::LastMonth,
            "lastMonthBegin" => DateValue::LastMonthBegin,
            "lastMonthEnd" => DateValue::LastMonthEnd,
            other => return Err(UnknownDateValue(other.to_owned())),
        })
    }
}

impl DateValue {
    /// The intervals, the oldest first; in each a run has to have succeeded. `None` at the very ends of time.
    ///
    /// Days are those of the zone's clock, from their first instant to that of the next. Hours are elapsed time before
    /// the clock's current hour, so that they do not meet each other when the clock is put.
    pub fn intervals(self, at: Time, zone: Tz) -> Option<Vec<Interval>> {
        let local = DateTime::from_timestamp_millis(at.0)?.with_timezone(&zone);
        let today = local.date_naive();
        let monday = today.checked_sub_days(Days::new(today.weekday().num_days_from_monday().into()))?;
        let first = today.with_day(1)?;
        let last_week = monday.checked_sub_days(Days::new(7))?;
        let last_month = first.checked_sub_months(Months::new(1))?;
        let before = |date: NaiveDate| date.checked_sub_days(Days::new(1));
        match self {
            DateValue::LastHours(count) => hours(&local, count),
            DateValue::Today => days(today, today, zone),
            DateValue::LastDays(count) => days(today.checked_sub_days(Days::new(count.into()))?, before(today)?, zone),
            DateValue::ThisWeek => days(monday, today, zone),
            DateValue::LastWeek => days(last_week, before(monday)?, zone),
            DateValue::LastWeekday(day) => {
                let date = last_week.checked_add_days(Days::new(day.into()))?;
                days(date, date, zone)
            }
            DateValue::ThisMonth => days(first, today, zone),
            DateValue::LastMonth => days(last_month, before(first)?, zone),
            DateValue::LastMonthBegin => days(last_month, last_month, zone),
            DateValue::LastMonthEnd => days(before(first)?, before(first)?, zone),
        }
    }
}

fn hours(local: &DateTime<Tz>, count: u8) -> Option<Vec<Interval>> {
    let into = i64::from(local.minute()) * 60_000 + i64::from(local.second()) * 1000;
    let hour = (local.timestamp() * 1000).checked_sub(into)?;
    let interval =
        |back: i64| Interval { from: Time(hour - back * 3_600_000), until: Time(hour - (back - 1) * 3_600_000) };
    Some((1..=i64::from(count)).rev().map(interval).collect())
}

/// Each day from one to another, both included.
fn days(from: NaiveDate, until: NaiveDate, zone: Tz) -> Option<Vec<Interval>> {
    let day = |date: NaiveDate| {
        Some(Interval {
            from: beginning(date, zone)?,
            until: beginning(date.checked_add_signed(TimeDelta::days(1))?, zone)?,
        })
    };
    from.iter_days().take_while(|date| *date <= until).map(day).collect()
}

/// The first instant of a day; where the clock skips midnight, the first after that.
fn beginning(date: NaiveDate, zone: Tz) -> Option<Time> {
    shown(date.and_hms_opt(0, 0, 0)?, zone)
}

/// The first instant at which the clock shows this time, or has passed it.
fn shown(wall: NaiveDateTime, zone: Tz) -> Option<Time> {
    let instant = match zone.from_local_datetime(&wall).earliest() {
        Some(instant) => instant,
        None => GapInfo::new(&wall, &zone)?.end?,
    };
    Some(Time(instant.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str, at: &str, zone: Tz) -> String {
        let at = Time(DateTime::parse_from_rfc3339(at).unwrap().timestamp_millis());
        let all = value.parse::<DateValue>().unwrap().intervals(at, zone).unwrap();
        let show = |time: Time| {
            let local = DateTime::from_timestamp_millis(time.0).unwrap().with_timezone(&zone);
            local.format("%m-%d %H:%M").to_string()
        };
        let (first, last) = (all[0], all[all.len() - 1]);
        assert!(all.windows(2).all(|pair| pair[0].until == pair[1].from), "{all:?}");
        format!("{}: {} to {}", all.len(), show(first.from), show(last.until))
    }

    #[test]
    fn intervals_of_a_sunday_night() {
        for (value, expected) in [
            ("last1Hour", "1: 03-10 00:00 to 03-10 01:00"),
            ("last2Hours", "2: 03-09 23:00 to 03-10 01:00"),
            ("last3Hours", "3: 03-09 22:00 to 03-10 01:00"),
            ("today", "1: 03-10 00:00 to 03-11 00:00"),
            ("last1Days", "1: 03-09 00:00 to 03-10 00:00"),
            ("last2Days", "2: 03-08 00:00 to 03-10 00:00"),
            ("last3Days", "3: 03-07 00:00 to 03-10 00:00"),
            ("last7Days", "7: 03-03 00:00 to 03-10 00:00"),
            ("thisWeek", "7: 03-04 00:00 to 03-11 00:00"),
            ("lastWeek", "7: 02-25 00:00 to 03-04 00:00"),
            ("lastMonday", "1: 02-25 00:00 to 02-26 00:00"),
            ("lastSunday", "1: 03-03 00:00 to 03-04 00:00"),
            ("thisMonth", "10: 03-01 00:00 to 03-11 00:00"),
            ("lastMonth", "28: 02-01 00:00 to 03-01 00:00"),
            ("lastMonthBegin", "1: 02-01 00:00 to 02-02 00:00"),
            ("lastMonthEnd", "1: 02-28 00:00 to 03-01 00:00"),
        ] {
            assert_eq!(told(value, "2019-03-10T01:30:15+08:00", Tz::Asia__Shanghai), expected, "{value}");
        }
        assert!("last1Hours".parse::<DateValue>().is_err());
    }

    #[test]
    fn a_day_begins_after_a_midnight_that_the_clock_skips() {
        let zone = Tz::America__Sao_Paulo;
        assert_eq!(told("today", "2018-11-04T12:00:00-02:00", zone), "1: 11-04 01:00 to 11-05 00:00");
    }

    #[test]
    fn a_day_earlier_is_the_day_before_also_when_the_clock_was_put_between() {
        let zone = Tz::Europe__Berlin;
        let at = Time(DateTime::parse_from_rfc3339("2026-03-30T12:00:00+02:00").unwrap().timestamp_millis());
        let today = DateValue::Today.intervals(at, zone).unwrap()[0];
        let yesterday = DateValue::LastDays(1).intervals(at, zone).unwrap()[0];
        assert_eq!(today.a_day_earlier(zone), Some(yesterday));
        assert_eq!(yesterday.until.0 - yesterday.from.0, 23 * 3_600_000);
    }
}
