//! Quartz expressions: which times of day, on which dates, read from a wall clock.
//!
//! The language is that of Quartz 2.3.2 as its manual describes it, and an expression means here what it means
//! there. Quartz itself takes more: it overlooks what it does not expect (`5X` is 5, `MON-FRI/2` is every day from
//! Monday to Friday, in `1,15W` the `W` alone counts, 99 is `*`). Such texts are refused, because their author
//! meant something else.

mod bits;
mod dates;
mod days;
mod field;
mod list;
mod times;

use dates::{Dates, Years};
use field::Field;
use std::fmt;
use std::str::FromStr;
use times::Times;

/// A time on a wall clock: seconds since 1970-01-01 00:00:00 as that clock shows them, whatever its zone.
pub(super) type Wall = i64;

pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// A Quartz expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    text: String,
    times: Times,
    dates: Dates,
    hours: Hours,
}

/// How the hours are meant when the clock is put forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Named: "at two o'clock".
    Fixed,
    /// `*` or in steps: "every hour". They follow the time that passes, not the clock that is put.
    Elapsed,
}

/// Why a text is no expression: every problem that it has, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub problems: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for Error {}

/// What the day fields may hold together.
const ONE_DAY_FIELD: &str = "either the day of month or the day of week has to be `?`, and the other not";

impl Expression {
    /// Reads a Quartz expression of 6 or 7 fields, in capitals or not.
    ///
    /// # Errors
    /// All problems at once.
    pub fn parse(text: &str) -> Result<Expression, Error> {
        let capitals = text.to_ascii_uppercase();
        let fields: Vec<&str> = capitals.split_ascii_whitespace().collect();
        let (second, minute, hour, day_of_month, month, day_of_week, year) = match *fields.as_slice() {
            [second, minute, hour, day, month, weekday] => (second, minute, hour, day, month, weekday, "*"),
            [second, minute, hour, day, month, weekday, year] => (second, minute, hour, day, month, weekday, year),
            _ => return Err(Error { problems: vec![wrong_count(fields.len())] }),
        };

        let mut problems = Vec::new();
        let mut list = |field, text| keep(&mut problems, field, list::values(field, text));
        let seconds = list(Field::Second, second);
        let minutes = list(Field::Minute, minute);
        let hours = list(Field::Hour, hour);
        let months = list(Field::Month, month);
        let years = list(Field::Year, year);
        let day_of_month = keep(&mut problems, Field::DayOfMonth, days::of_month(day_of_month));
        let day_of_week = keep(&mut problems, Field::DayOfWeek, days::of_week(day_of_week));
        let days = match (day_of_month, day_of_week) {
            (Some(Some(days)), Some(None)) | (Some(None), Some(Some(days))) => Some(days),
            (Some(Some(_)), Some(Some(_))) | (Some(None), Some(None)) => {
                problems.push(ONE_DAY_FIELD.to_owned());
                None
            }
            _ => None,
        };
        match (seconds, minutes, hours, months, years, days) {
            (Some(seconds), Some(minutes), Some(hours), Some(months), Some(years), Some(days)) => Ok(Expression {
                text: fields.join(" "),
                times: Times { seconds: bits::of(seconds), minutes: bits::of(minutes), hours: bits::of(hours) },
                dates: Dates { years: Years::of(years), months: bits::of(months), days },
                hours: if hour.contains(['*', '/']) { Hours::Elapsed } else { Hours::Fixed },
            }),
            _ => Err(Error { problems }),
        }
    }

    /// How its hours are meant.
    pub fn hours(&self) -> Hours {
        self.hours
    }

    /// The first time it names, from one on a wall clock up to another, which is not included.
    pub(super) fn next(&self, from: Wall, until: Wall) -> Option<Wall> {
        let (day, last) = (day_of(from)?, day_of(until)?);
        let found = |day: i32, second: u32| Some(i64::from(day) * SECONDS_PER_DAY + i64::from(second));
        let today = self.dates.next(day, last)?;
        let second = u32::try_from(from.rem_euclid(SECONDS_PER_DAY)).ok().filter(|_| today == day).unwrap_or(0);
        let wall = match self.times.next(second) {
            Some(second) => found(today, second),
            None => found(self.dates.next(day + 1, last)?, self.times.next(0)?),
        };
        wall.filter(|wall| *wall < until)
    }
}

fn day_of(wall: Wall) -> Option<i32> {
    i32::try_from(wall.div_euclid(SECONDS_PER_DAY)).ok()
}

fn keep<T>(problems: &mut Vec<String>, field: Field, read: Result<T, String>) -> Option<T> {
    read.map_err(|problem| problems.push(format!("{field}: {problem}"))).ok()
}

fn wrong_count(count: usize) -> String {
    let names: Vec<String> = Field::ALL.iter().map(Field::to_string).collect();
    let (last, others) = names.split_last().map_or(("", &[] as &[String]), |(last, others)| (last, others));
    let hint = match count {
        5 => " (the cron of Unix has no seconds: put a 0 before it, and `?` into one of the day fields)",
        _ => "",
    };
    format!("{count} fields, where 6 or 7 belong: {}, and perhaps the {last}{hint}", others.join(", "))
}

impl FromStr for Expression {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Expression::parse(text)
    }
}

/// In capitals, one blank between two fields.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
