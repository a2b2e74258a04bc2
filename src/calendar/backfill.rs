//! Which business dates a backfill has: a run at F is for the day before, so its business date is F less one day on the
//! wall clock.

use super::Calendar;
use crate::model::Time;
use chrono::{Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// The business dates from `first` to `last`, both included, the earliest first: those of the instants at which a
/// calendar fires, or, without one, every day at the time of `first`. An end at midnight means the whole of its day.
///
/// Two instants with the same business date, such as the two passes of an hour in autumn, are one.
pub fn business_dates<'a>(
    calendar: Option<&'a Calendar>,
    zone: Tz,
    first: NaiveDateTime,
    last: NaiveDateTime,
) -> Box<dyn Iterator<Item = Time> + 'a> {
    let last = match last.time() == NaiveTime::MIN {
        true => last.checked_add_signed(TimeDelta::seconds(86_399)).unwrap_or(last),
        false => last,
    };
    let Some(calendar) = calendar else {
        let days = (0..).map_while(move |days| first.checked_add_days(Days::new(days)));
        return Box::new(days.take_while(move |date| *date <= last).filter_map(move |date| instant(date, zone)));
    };
    // Not to miss what the clocks do in between, it begins a day early and leaves out what comes too soon.
    let from = first.checked_add_days(Days::new(1)).and_then(|day| instant(day, zone)).unwrap_or_default();
    let early = Time(from.0.saturating_sub(86_400_000));
    let dates = calendar.after(early).filter_map(move |at| business_date(at, zone));
    let dates = dates.skip_while(move |date| *date < first).take_while(move |date| *date <= last);
    let mut before = None;
    Box::new(dates.filter_map(move |date| instant(date, zone)).filter(move |date| before.replace(*date) != Some(*date)))
}

/// What the clocks showed a day before this instant.
fn business_date(at: Time, zone: Tz) -> Option<NaiveDateTime> {
    let wall = chrono::DateTime::from_timestamp_millis(at.0)?.with_timezone(&zone).naive_local();
    wall.checked_sub_days(Days::new(1))
}

/// The first instant at which the clocks show this, or, if they leave it out, as long after the gap's start.
fn instant(wall: NaiveDateTime, zone: Tz) -> Option<Time> {
    let at = zone.from_local_datetime(&wall).earliest().or_else(|| {
        // No zone leaves out more than a day.
        let before = zone.from_local_datetime(&wall.checked_sub_days(Days::new(2))?).earliest()?;
        let offset = chrono::Offset::fix(before.offset());
        Some(zone.from_utc_datetime(&wall.checked_sub_offset(offset)?))
    })?;
    Some(Time(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::super::{Expression, Gap, Overlap};
    use super::*;

    fn calendar(expression: &str, zone: Tz) -> Calendar {
        let expression = Expression::parse(expression).unwrap();
        Calendar { expression, zone, gap: Gap::Shift, overlap: Overlap::First }
    }

    fn wall(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    fn dates(calendar: Option<&Calendar>, zone: Tz, first: &str, last: &str) -> Vec<String> {
        let dates = business_dates(calendar, zone, wall(first), wall(last));
        dates.take(100).map(|date| date.on_the_clock_of(zone)).collect()
    }

    #[test]
    fn without_a_schedule_it_is_every_day() {
        let zone = Tz::Asia__Shanghai;
        let expected = ["2019-06-01 00:00:00", "2019-06-02 00:00:00", "2019-06-03 00:00:00"];
        assert_eq!(dates(None, zone, "2019-06-01 00:00:00", "2019-06-03 00:00:00"), expected);
        let expected = ["2019-06-01 10:00:00", "2019-06-02 10:00:00"];
        assert_eq!(dates(None, zone, "2019-06-01 10:00:00", "2019-06-03 09:00:00"), expected);
        assert_eq!(dates(None, zone, "2019-06-02 00:00:00", "2019-06-01 00:00:00"), [""; 0]);
    }

    #[test]
    fn the_run_of_the_next_morning_is_for_the_day_before() {
        let zone = Tz::Asia__Shanghai;
        let nightly = calendar("0 0 2 * * ?", zone);
        // Fired on 2, 3 and 4 June.
        let expected = ["2019-06-01 02:00:00", "2019-06-02 02:00:00", "2019-06-03 02:00:00"];
        assert_eq!(dates(Some(&nightly), zone, "2019-06-01 00:00:00", "2019-06-03 00:00:00"), expected);
        let mondays = calendar("0 0 2 ? * MON", zone);
        assert_eq!(
            dates(Some(&mondays), zone, "2019-06-01 00:00:00", "2019-06-10 00:00:00"),
            ["2019-06-02 02:00:00", "2019-06-09 02:00:00"]
        );
    }

    #[test]
    fn hours_can_be_named() {
        let zone = Tz::UTC;
        let hourly = calendar("0 0 * * * ?", zone);
        let expected = ["2019-06-01 06:00:00", "2019-06-01 07:00:00", "2019-06-01 08:00:00"];
        assert_eq!(dates(Some(&hourly), zone, "2019-06-01 06:00:00", "2019-06-01 08:30:00"), expected);
        assert_eq!(dates(Some(&hourly), zone, "2019-06-01 00:00:00", "2019-06-01 00:00:00").len(), 24);
    }

    #[test]
    fn no_date_comes_twice_or_not_at_all_where_the_clocks_are_put() {
        let zone = Tz::Europe__Berlin; // 2024-03-31 has no 02:xx, 2024-10-27 has it twice
        let nightly = calendar("0 30 2 * * ?", zone);
        let spring = dates(Some(&nightly), zone, "2024-03-29 00:00:00", "2024-04-01 00:00:00");
        assert_eq!(
            spring,
            ["2024-03-29 02:30:00", "2024-03-30 03:00:00", "2024-03-31 03:30:00", "2024-04-01 02:30:00"]
        );
        let hourly = calendar("0 30 * * * ?", zone);
        let autumn = dates(Some(&hourly), zone, "2024-10-26 01:00:00", "2024-10-26 04:00:00");
        assert_eq!(autumn, ["2024-10-26 01:30:00", "2024-10-26 02:30:00", "2024-10-26 03:30:00"]);
    }
}
