//! The time zone that an old database was written in, and how its times become UTC.
//!
//! Nothing here relies on the zone tables of the database server, which are often empty.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};
use std::fmt;
use std::str::FromStr;

/// A zone with its rules, or a fixed distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A zone of the IANA database.
    Named(Tz),
    /// Always the same.
    Fixed(FixedOffset),
}

impl FromStr for Zone {
    type Err = String;

    /// Reads `Asia/Shanghai`, `UTC` or `+08:00`.
    fn from_str(text: &str) -> Result<Zone, String> {
        let text = text.trim();
        if text.starts_with(['+', '-'])
            && let Ok(offset) = FixedOffset::from_str(text)
        {
            return Ok(Zone::Fixed(offset));
        }
        let zone = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
        zone.map(|zone| Zone::Named(*zone)).ok_or_else(|| {
            format!("{text:?} names no time zone; give one such as Asia/Shanghai, Europe/Berlin, UTC or +08:00")
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Named(zone) => f.write_str(zone.name()),
            Zone::Fixed(offset) => write!(f, "{offset}"),
        }
    }
}

/// Local times before `until` are `offset` seconds ahead of UTC, unless an earlier period has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub until: Option<NaiveDateTime>,
    pub offset: i32,
}

/// In steps of this the offset is looked at; no zone changes it twice within so short a time.
const STEP: TimeDelta = TimeDelta::hours(12);

impl Zone {
    /// Seconds ahead of UTC at this instant.
    pub(super) fn offset_at(&self, utc: NaiveDateTime) -> i32 {
        match self {
            Zone::Named(zone) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
            Zone::Fixed(offset) => offset.local_minus_utc(),
        }
    }

    /// The instant that a local time means. When clocks were set back, a local time came twice: the first is meant.
    /// When they were set forward, some times never came: they are taken as if the clocks had not been changed yet.
    pub fn utc(&self, local: NaiveDateTime) -> NaiveDateTime {
        let periods = self.periods(local, local);
        let period = periods.iter().find(|period| period.until.is_none_or(|until| local < until));
        local - TimeDelta::seconds(period.map_or(0, |period| period.offset).into())
    }

    /// What holds for all local times from `first` to `last`; the last period has no end.
    pub(super) fn periods(&self, first: NaiveDateTime, last: NaiveDateTime) -> Vec<Period> {
        let margin = TimeDelta::days(2);
        let (mut at, end) = (first - margin, last + margin);
        let mut offset = self.offset_at(at);
        let mut periods = Vec::new();
        while at < end {
            let next = at + STEP;
            let then = self.offset_at(next);
            if then != offset {
                let change = self.change_between(at, next, offset);
                // Set back, the local times before this came twice; set forward, those before it never came.
                let until = change + TimeDelta::seconds(offset.max(then).into());
                periods.push(Period { until: Some(until), offset });
                offset = then;
            }
            at = next;
        }
        periods.push(Period { until: None, offset });
        periods
    }

    /// The first second with another offset.
    fn change_between(&self, before: NaiveDateTime, after: NaiveDateTime, offset: i32) -> NaiveDateTime {
        let (mut low, mut high) = (before, after);
        while high - low > TimeDelta::seconds(1) {
            let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
            if self.offset_at(middle) == offset { low = middle } else { high = middle }
        }
        high
    }
}

/// The zone of a database server, from what it says of itself.
///
/// # Errors
/// Several zones fit: somebody has to say which.
pub(super) fn of_server(variable: &str, system: &str, ahead: i32, now: DateTime<Utc>) -> Result<Zone, String> {
    let name = if variable.eq_ignore_ascii_case("SYSTEM") { system } else { variable };
    if let Ok(zone) = name.parse::<Zone>()
        // Names such as `EST` and `CET` are both: old names of zones, and what half the year is called.
        && (name.contains(['/', '+', '-']) || ["UTC", "GMT", "Zulu"].iter().any(|utc| name.eq_ignore_ascii_case(utc)))
    {
        return Ok(zone);
    }
    let fitting: Vec<Tz> = TZ_VARIANTS.iter().copied().filter(|zone| fits(*zone, name, ahead, now)).collect();
    match fitting.first() {
        Some(first) if fitting.iter().all(|zone| alike(*first, *zone, now)) => Ok(Zone::Named(preferred(&fitting))),
        _ => Err(format!(
            "the database server calls its time zone `{name}` ({} ahead of UTC now), which does not say how its times \
             are to be read; give the zone of the old masters by --time-zone, such as Asia/Shanghai or Europe/Berlin",
            FixedOffset::east_opt(ahead).map_or("unknown".into(), |offset| offset.to_string())
        )),
    }
}

/// Whether a zone is so far ahead now, and goes by this name at some time of the year.
fn fits(zone: Tz, name: &str, ahead: i32, now: DateTime<Utc>) -> bool {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc());
    offset(now).fix().local_minus_utc() == ahead
        && (0..12).any(|month| offset(now - TimeDelta::days(30 * month)).abbreviation() == Some(name))
}

/// Whether two zones had the same clocks as long as EasyScheduler has been there.
fn alike(one: Tz, other: Tz, now: DateTime<Utc>) -> bool {
    let Some(first) = DateTime::from_timestamp(1_500_000_000, 0) else { return false };
    let offset = |zone: Tz, at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let weeks = (now - first).num_weeks() + 52;
    (0..weeks).all(|week| {
        let at = first + TimeDelta::weeks(week);
        offset(one, at) == offset(other, at)
    })
}

/// The name that people know; they all mean the same.
fn preferred(zones: &[Tz]) -> Tz {
    let known = [Tz::Asia__Shanghai, Tz::Europe__Berlin, Tz::Asia__Kolkata, Tz::Asia__Tokyo];
    let city = || zones.iter().find(|zone| zone.name().contains('/'));
    *known.iter().find(|zone| zones.contains(zone)).or_else(city).unwrap_or(&zones[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    fn zone(text: &str) -> Zone {
        text.parse().unwrap()
    }

    #[test]
    fn times_that_came_twice_are_the_first_and_times_that_never_came_go_on() {
        for (name, local, utc) in [
            ("Asia/Shanghai", "2019-03-10 08:00:00", "2019-03-10 00:00:00"),
            ("+05:30", "2019-03-10 05:30:00", "2019-03-10 00:00:00"),
            ("Europe/Berlin", "2019-10-27 01:59:59", "2019-10-26 23:59:59"),
            ("Europe/Berlin", "2019-10-27 02:30:00", "2019-10-27 00:30:00"),
            ("Europe/Berlin", "2019-10-27 03:00:00", "2019-10-27 02:00:00"),
            ("Europe/Berlin", "2019-03-31 01:59:59", "2019-03-31 00:59:59"),
            ("Europe/Berlin", "2019-03-31 02:30:00", "2019-03-31 01:30:00"),
            ("Europe/Berlin", "2019-03-31 03:00:00", "2019-03-31 01:00:00"),
            ("America/New_York", "2019-11-03 01:30:00", "2019-11-03 05:30:00"),
            ("Asia/Shanghai", "1988-07-01 12:00:00", "1988-07-01 03:00:00"),
        ] {
            assert_eq!(zone(name).utc(at(local)), at(utc), "{local} in {name}");
        }
    }

    /// Looked up one by one in the zone itself, every quarter of an hour of some years.
    #[test]
    fn periods_say_what_the_zone_says() {
        for name in ["Europe/Berlin", "America/Sao_Paulo", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kolkata"] {
            let Zone::Named(tz) = zone(name) else { panic!("{name}") };
            let first = NaiveDate::from_ymd_opt(2017, 1, 1).unwrap().and_hms_opt(0, 7, 0).unwrap();
            let periods = zone(name).periods(first, first + TimeDelta::days(1300));
            for quarter in 0..1300 * 96 {
                let local = first + TimeDelta::minutes(15 * quarter);
                // A time that never came has none.
                let Some(expected) = tz.from_local_datetime(&local).earliest() else { continue };
                let period = periods.iter().find(|p| p.until.is_none_or(|until| local < until)).unwrap();
                assert_eq!(local - TimeDelta::seconds(period.offset.into()), expected.naive_utc(), "{local} in {name}");
            }
        }
    }

    #[test]
    fn a_server_s_own_name_is_taken_only_if_one_zone_is_meant() {
        let now = "2024-01-15T00:00:00Z".parse().unwrap();
        let of = |variable: &str, system: &str, hours: i32| of_server(variable, system, hours * 3600, now);
        assert_eq!(of("SYSTEM", "CST", 8).unwrap(), zone("Asia/Shanghai"));
        assert_eq!(of("Europe/Paris", "CET", 1).unwrap(), zone("Europe/Paris"));
        assert_eq!(of("+08:00", "UTC", 8).unwrap(), zone("+08:00"));
        assert_eq!(of("SYSTEM", "UTC", 0).unwrap(), zone("UTC"));
        assert_eq!(of("SYSTEM", "IST", 2).unwrap(), zone("Asia/Jerusalem"));
        for (system, hours) in [("CST", -6), ("CET", 1), ("XYZ", 3)] {
            let why = of("SYSTEM", system, hours).unwrap_err();
            assert!(why.contains(system) && why.contains("--time-zone"), "{why}");
        }
    }
}
