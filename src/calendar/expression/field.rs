//! The seven fields of an expression: what they are called, and what may stand in them.

use std::fmt;
use std::ops::RangeInclusive;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
    Year,
}

/// The years of Quartz.
pub(super) const FIRST_YEAR: u32 = 1970;
pub(super) const LAST_YEAR: u32 = 2099;

const MONTHS: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];
const WEEKDAYS: [&str; 7] = ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];

impl Field {
    pub const ALL: [Field; 7] =
        [Field::Second, Field::Minute, Field::Hour, Field::DayOfMonth, Field::Month, Field::DayOfWeek, Field::Year];

    pub fn values(self) -> RangeInclusive<u32> {
        match self {
            Field::Second | Field::Minute => 0..=59,
            Field::Hour => 0..=23,
            Field::DayOfMonth => 1..=31,
            Field::Month => 1..=12,
            Field::DayOfWeek => 1..=7,
            Field::Year => FIRST_YEAR..=LAST_YEAR,
        }
    }

    /// The largest step of `*/n` and `a/n`. (Quartz does not ask how long the step of a range is.)
    pub fn longest_step(self) -> u32 {
        match self {
            Field::Year => u32::MAX,
            other => *other.values().end(),
        }
    }

    /// Full names, that of the field's smallest value first. Three letters are enough.
    fn names(self) -> &'static [&'static str] {
        match self {
            Field::Month => &MONTHS,
            Field::DayOfWeek => &WEEKDAYS,
            _ => &[],
        }
    }

    /// The number of a name in capitals: its first three letters, or more of it.
    pub fn number_of(self, name: &str) -> Option<u32> {
        let index = self.names().iter().position(|full| name.len() >= 3 && full.starts_with(name))?;
        Some(u32::try_from(index).ok()? + self.values().start())
    }

    /// What a value may be, for people.
    pub fn expected(self) -> &'static str {
        match self {
            Field::Second | Field::Minute => "a number from 0 to 59",
            Field::Hour => "a number from 0 to 23",
            Field::DayOfMonth => "a number from 1 to 31",
            Field::Month => "a number from 1 to 12, or JAN to DEC",
            Field::DayOfWeek => "a number from 1 (Sunday) to 7 (Saturday), or SUN to SAT",
            Field::Year => "a year from 1970 to 2099",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day of month",
            Field::Month => "month",
            Field::DayOfWeek => "day of week",
            Field::Year => "year",
        })
    }
}
