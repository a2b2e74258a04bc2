//! On which dates an expression fires.

use super::bits::at_or_after;
use super::days::{DayRule, Month};
use super::field::{FIRST_YEAR, LAST_YEAR};
use chrono::{Datelike, NaiveDate};

/// Years, months and the rule for days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dates {
    pub years: Years,
    /// Bits 1 to 12.
    pub months: u64,
    pub days: DayRule,
}

/// The years from 1970 to 2099.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Years([u64; 3]);

impl Years {
    pub fn of(years: impl IntoIterator<Item = u32>) -> Years {
        let mut words = [0; 3];
        for index in years.into_iter().filter_map(|year| year.checked_sub(FIRST_YEAR)) {
            if let Some(word) = words.get_mut(index as usize / 64) {
                *word |= 1 << (index % 64);
            }
        }
        Years(words)
    }

    fn at_or_after(self, year: u32) -> Option<u32> {
        let from = year.saturating_sub(FIRST_YEAR);
        (0..).zip(self.0).find_map(|(word, bits)| {
            let found = at_or_after(bits, from.saturating_sub(word * 64))?;
            Some(FIRST_YEAR + word * 64 + found)
        })
    }
}

impl Dates {
    /// The first date from one day to another, both included, counted since 1970-01-01.
    ///
    /// It looks at each month once at most, so that a date that never comes (`31 2 ?`) costs as much as the years
    /// are long, and no more.
    pub fn next(&self, from: i32, until: i32) -> Option<i32> {
        let date = NaiveDate::from_epoch_days(from)?;
        let before_all = date.year() < FIRST_YEAR.cast_signed();
        let (mut year, mut month, mut day) =
            if before_all { (FIRST_YEAR, 1, 1) } else { (date.year().cast_unsigned(), date.month(), date.day()) };
        while year <= LAST_YEAR {
            let next_year = self.years.at_or_after(year)?;
            if next_year > year {
                (year, month, day) = (next_year, 1, 1);
            }
            let Some(next_month) = at_or_after(self.months, month) else {
                (year, month, day) = (year + 1, 1, 1);
                continue;
            };
            if next_month > month {
                (month, day) = (next_month, 1);
            }
            let first = NaiveDate::from_ymd_opt(year.cast_signed(), month, 1)?;
            let begin = first.to_epoch_days();
            if begin > until {
                return None;
            }
            let shape = Month { begins_on: first.weekday().number_from_sunday(), length: length(first) };
            if let Some(day) = at_or_after(u64::from(self.days.days(shape)), day) {
                return Some(begin - 1 + day.cast_signed()).filter(|day| *day <= until);
            }
            (month, day) = (month + 1, 1);
        }
        None
    }
}

fn length(first: NaiveDate) -> u32 {
    u32::from(first.num_days_in_month())
}
