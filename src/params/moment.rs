//! The instant that the dates of a run are computed from.

use crate::model::{CommandType, Time};
use chrono::{DateTime, Datelike, Days, Months, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// The instant that dates of a run are computed from: its *base*, whole seconds, on the clock of a zone.
///
/// It belongs to the run, not to the evaluation: a retry after midnight or a recovery next week sees the same
/// dates. (1.0.1 reads the clock each time.) Days, weeks and months are counted on the wall clock: a day later it
/// shows the same time of day, also across a change of summer time. Hours and minutes are elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    base: DateTime<Tz>,
}

/// Years that have four digits in every zone, in milliseconds: 0001-01-02 to 9999-12-30, UTC.
const EARLIEST: i64 = -62_135_510_400_000;
const LATEST: i64 = 253_402_128_000_000;

const MINUTES_PER_DAY: i64 = 24 * 60;

impl Moment {
    /// A run that a schedule or a person started: `base` is its schedule time or, failing that, its start time.
    /// Its business date is the day before (`EasyScheduler 1.1.0: system parameters`).
    pub fn of_run(base: Time, zone: Tz) -> Moment {
        let seconds = base.0.clamp(EARLIEST, LATEST).div_euclid(1000);
        let utc = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        Moment { base: utc.with_timezone(&zone) }
    }

    /// A round of a backfill: `schedule_time` is its *business* date, so the base is the day after.
    pub fn of_backfill(schedule_time: Time, zone: Tz) -> Moment {
        let moment = Moment::of_run(schedule_time, zone);
        Moment { base: moment.plus_days(1).unwrap_or(moment.base) }
    }

    /// The moment of a run of this kind, by the history of its commands. `zone` is what was kept with the run, and
    /// `server` the zone of those that keep none.
    pub fn of_history(
        history: &str,
        schedule_time: Option<Time>,
        started: Time,
        zone: Option<&str>,
        server: Tz,
    ) -> Moment {
        let zone = zone.and_then(|name| name.parse().ok()).unwrap_or(server);
        match schedule_time {
            Some(date) if history.starts_with(CommandType::Complement.name()) => Moment::of_backfill(date, zone),
            base => Moment::of_run(base.unwrap_or(started), zone),
        }
    }

    /// What it is made of, for those who send it elsewhere.
    pub fn parts(&self) -> (Time, Tz) {
        (Time(self.base.timestamp_millis()), self.base.timezone())
    }

    /// Reverses [`Moment::parts`]; `None` if no moment has these parts.
    pub fn of_parts(base: Time, zone: Tz) -> Option<Moment> {
        let base = DateTime::from_timestamp_millis(base.0).filter(|_| base.0 % 1000 == 0)?;
        // Checked before it is shown on the zone's clock, which cannot show what lies at the very ends of time.
        let shown = (0..=10_000).contains(&base.year()).then(|| base.with_timezone(&zone))?;
        presentable(shown).map(|base| Moment { base })
    }

    /// The system parameters and their values.
    pub(super) fn system_parameters(&self) -> [(&'static str, String); 3] {
        let today = self.base.date_naive();
        let yesterday = today.pred_opt().unwrap_or(today);
        [
            ("system.biz.date", yesterday.format("%Y%m%d").to_string()),
            ("system.biz.curdate", today.format("%Y%m%d").to_string()),
            ("system.datetime", self.base.format("%Y%m%d%H%M%S").to_string()),
        ]
    }

    pub(super) fn base(&self) -> DateTime<Tz> {
        self.base
    }

    pub(super) fn plus_minutes(&self, minutes: i64) -> Option<DateTime<Tz>> {
        let day = self.plus_days(minutes / MINUTES_PER_DAY)?;
        presentable(day.checked_add_signed(TimeDelta::minutes(minutes % MINUTES_PER_DAY))?)
    }

    pub(super) fn plus_months(&self, months: i64) -> Option<DateTime<Tz>> {
        self.at(add_months(self.base.naive_local(), months)?)
    }

    /// The first day of the month plus some days, at the same time of day; the three below are alike.
    pub(super) fn month_begin(&self, days: i64) -> Option<DateTime<Tz>> {
        self.at(add_days(self.base.naive_local().with_day(1)?, days)?)
    }

    pub(super) fn month_end(&self, days: i64) -> Option<DateTime<Tz>> {
        let next = add_months(self.base.naive_local().with_day(1)?, 1)?;
        self.at(add_days(next, days.checked_sub(1)?)?)
    }

    /// Weeks begin on Monday.
    pub(super) fn week_begin(&self, days: i64) -> Option<DateTime<Tz>> {
        let since_monday = i64::from(self.base.weekday().num_days_from_monday());
        self.plus_days(days.checked_sub(since_monday)?)
    }

    pub(super) fn week_end(&self, days: i64) -> Option<DateTime<Tz>> {
        self.week_begin(days.checked_add(6)?)
    }

    fn plus_days(&self, days: i64) -> Option<DateTime<Tz>> {
        self.at(add_days(self.base.naive_local(), days)?)
    }

    /// The instant at which the wall clock shows `wall`.
    ///
    /// As `java.time` has it: an hour that comes twice is the one with the base's offset, else the earlier; an
    /// hour that is left out is moved forward by the length of the gap.
    pub(super) fn at(&self, wall: NaiveDateTime) -> Option<DateTime<Tz>> {
        use chrono::LocalResult::{Ambiguous, None as Gap, Single};
        let zone = self.base.timezone();
        presentable(match zone.from_local_datetime(&wall) {
            Single(only) => only,
            Ambiguous(_, later) if later.offset().fix() == self.base.offset().fix() => later,
            Ambiguous(earlier, _) => earlier,
            Gap => {
                let before = zone.offset_from_utc_datetime(&wall.checked_sub_days(Days::new(1))?).fix();
                zone.from_utc_datetime(&wall.checked_sub_offset(before)?)
            }
        })
    }
}

fn add_days(wall: NaiveDateTime, days: i64) -> Option<NaiveDateTime> {
    let span = Days::new(days.unsigned_abs());
    if days < 0 { wall.checked_sub_days(span) } else { wall.checked_add_days(span) }
}

fn add_months(wall: NaiveDateTime, months: i64) -> Option<NaiveDateTime> {
    let span = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { wall.checked_sub_months(span) } else { wall.checked_add_months(span) }
}

/// Dates outside the years 1 to 9999 come from mistyped numbers; no pattern means them.
fn presentable(time: DateTime<Tz>) -> Option<DateTime<Tz>> {
    (1..=9999).contains(&time.naive_local().year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn time(zone: Tz, text: &str) -> Time {
        Time(zone.from_local_datetime(&wall(text)).earliest().unwrap().timestamp_millis())
    }

    fn wall(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    fn shown(time: Option<DateTime<Tz>>) -> String {
        time.map_or("none".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%S %:z").to_string())
    }

    #[test]
    fn f1_system_dates_come_from_the_base() {
        let zone = Tz::Asia__Shanghai;
        let moment = Moment::of_run(time(zone, "2019-03-01 00:30:05"), zone);
        let values = moment.system_parameters().map(|(name, value)| format!("{name}={value}"));
        assert_eq!(
            values,
            ["system.biz.date=20190228", "system.biz.curdate=20190301", "system.datetime=20190301003005"]
        );
    }

    #[test]
    fn a_backfill_date_is_a_business_date() {
        let zone = Tz::Asia__Shanghai;
        let moment = Moment::of_backfill(time(zone, "2019-03-10 00:00:00"), zone);
        let values = moment.system_parameters().map(|(_, value)| value);
        assert_eq!(values, ["20190310", "20190311", "20190311000000"]);
    }

    #[test]
    fn a_base_has_whole_seconds() {
        // Databases round to seconds; the dates of a recovery must not differ from those of the first start.
        let zone = Tz::UTC;
        assert_eq!(Moment::of_run(Time(1999), zone), Moment::of_run(Time(1000), zone));
        assert_eq!(Moment::of_run(Time(-1), zone), Moment::of_run(Time(-1000), zone));
    }

    #[test]
    fn days_are_counted_on_the_wall_clock_and_hours_as_elapsed_time() {
        let zone = Tz::Europe__Berlin; // 2024-03-31 has no 02:xx, 2024-10-27 has it twice
        let spring = Moment::of_run(time(zone, "2024-03-31 03:30:00"), zone);
        assert_eq!(shown(spring.plus_minutes(-1440)), "2024-03-30 03:30:00 +01:00");
        assert_eq!(shown(spring.plus_minutes(-60)), "2024-03-31 01:30:00 +01:00");
        let autumn = Moment::of_run(time(zone, "2024-10-27 02:30:00"), zone);
        assert_eq!(shown(autumn.plus_minutes(60)), "2024-10-27 02:30:00 +01:00");
        assert_eq!(shown(autumn.plus_minutes(1440)), "2024-10-28 02:30:00 +01:00");
        let backfill = Moment::of_backfill(time(zone, "2024-03-30 00:00:00"), zone);
        assert_eq!(shown(Some(backfill.base)), "2024-03-31 00:00:00 +01:00");
        let backfill = Moment::of_backfill(time(zone, "2024-03-31 00:00:00"), zone);
        assert_eq!(shown(Some(backfill.base)), "2024-04-01 00:00:00 +02:00");
    }

    #[test]
    fn an_hour_that_is_left_out_moves_forward() {
        let zone = Tz::Europe__Berlin;
        let eve = Moment::of_run(time(zone, "2024-03-30 02:30:00"), zone);
        assert_eq!(shown(eve.plus_minutes(1440)), "2024-03-31 03:30:00 +02:00");
        let zone = Tz::Pacific__Apia; // went without 2011-12-30
        let eve = Moment::of_run(time(zone, "2011-12-29 12:00:00"), zone);
        assert_eq!(shown(eve.plus_minutes(1440)), "2011-12-31 12:00:00 +14:00");
        let zone = Tz::Africa__Cairo; // summer time begins at midnight
        let month = Moment::of_run(time(zone, "2024-04-25 00:30:00"), zone);
        assert_eq!(shown(month.plus_minutes(1440)), "2024-04-26 01:30:00 +03:00");
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_one_of_the_base() {
        let zone = Tz::Europe__Berlin;
        let first = time(zone, "2024-10-27 02:30:00");
        for base in [first, Time(first.0 + 3_600_000)] {
            let moment = Moment::of_run(base, zone);
            assert_eq!(moment.at(wall("2024-10-27 02:30:00")).unwrap().timestamp_millis(), base.0);
        }
    }

    #[test]
    fn months_are_clipped() {
        let zone = Tz::Asia__Shanghai;
        let january = Moment::of_run(time(zone, "2019-01-31 10:00:00"), zone);
        assert_eq!(shown(january.plus_months(1)), "2019-02-28 10:00:00 +08:00");
        assert_eq!(shown(january.plus_months(13)), "2020-02-29 10:00:00 +08:00");
        assert_eq!(shown(january.month_end(1)), "2019-02-01 10:00:00 +08:00");
    }

    #[test]
    fn impossible_numbers_give_nothing_and_never_panic() {
        for base in [i64::MIN, -1, 0, 1_552_194_309_000, i64::MAX] {
            for zone in [Tz::UTC, Tz::Pacific__Apia, Tz::America__New_York] {
                for moment in [Moment::of_run(Time(base), zone), Moment::of_backfill(Time(base), zone)] {
                    moment.system_parameters();
                    for n in [i64::MIN, -4_000_000_000, i64::MAX - 5, i64::MAX] {
                        let all = [
                            moment.plus_minutes(n),
                            moment.plus_months(n),
                            moment.month_begin(n),
                            moment.month_end(n),
                            moment.week_begin(n),
                            moment.week_end(n),
                        ];
                        assert!(all.iter().skip(1).all(Option::is_none), "{n}: {all:?}");
                    }
                }
            }
        }
        assert_eq!(Moment::of_run(Time(0), Tz::UTC).at(NaiveDate::MAX.and_hms_opt(0, 0, 0).unwrap()), None);
    }
}
