//! On which days of a month an expression fires.

use super::field::Field;
use super::list::{number, value, values};

/// A month as far as its days are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Month {
    /// The weekday of the first: 1 is Sunday, 7 Saturday.
    pub begins_on: u32,
    pub length: u32,
}

/// What the two day fields say together: one of them is always `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayRule {
    /// Days of the month, as bits 1 to 31.
    OfMonth(u32),
    /// `L`, `L-3`: so many days before the last.
    FromLast(u32),
    /// `15W`: the day from Monday to Friday nearest to a day.
    NearestWeekday(u32),
    /// `LW`, `L-3W`: the same, counted from the last.
    WeekdayFromLast(u32),
    /// Days of the week, as bits 1 (Sunday) to 7 (Saturday).
    OfWeek(u32),
    /// `6L`: the last of its kind in the month.
    LastOfWeek(u32),
    /// `6#3`: the third of its kind in the month.
    NthOfWeek(u32, u32),
}

const SUNDAY: u32 = 1;
const SATURDAY: u32 = 7;

impl DayRule {
    /// The days that the rule names, as bits 1 to 31.
    pub fn days(self, month: Month) -> u32 {
        match self {
            DayRule::OfMonth(days) => days & month.all(),
            DayRule::FromLast(before) => bit(month.length.saturating_sub(before)),
            DayRule::NearestWeekday(day) => month.nearest_weekday(day.cast_signed()),
            DayRule::WeekdayFromLast(before) => {
                month.nearest_weekday(month.length.cast_signed() - before.cast_signed())
            }
            DayRule::OfWeek(weekdays) => month.repeated(weekdays),
            DayRule::LastOfWeek(weekday) => {
                let days = month.repeated(bit(weekday));
                bit(days.checked_ilog2().unwrap_or(0))
            }
            DayRule::NthOfWeek(weekday, nth) => {
                let first = month.repeated(bit(weekday)).trailing_zeros();
                bit(first + 7 * (nth - 1)) & month.all()
            }
        }
    }
}

impl Month {
    fn all(self) -> u32 {
        (u32::MAX >> (31 - self.length)) & !1
    }

    /// Every day that falls on one of these weekdays.
    fn repeated(self, weekdays: u32) -> u32 {
        const FIVE_WEEKS: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
        let week = u64::from(weekdays >> 1);
        let shift = self.begins_on - 1;
        let from_the_first = (week >> shift | week << (7 - shift)) & 0x7f;
        (((from_the_first * FIVE_WEEKS) << 1) & u64::from(self.all())) as u32
    }

    /// The day from Monday to Friday that is nearest to a day, within the month.
    ///
    /// Like Quartz it counts on where the month has no such day: `31W` in a month of 30 days is about the first of
    /// the next, and if that is a Saturday the nearest weekday is the 30th, which does lie in this month. In all
    /// other cases such a month has none.
    fn nearest_weekday(self, day: i32) -> u32 {
        let last = self.length.cast_signed();
        let weekday = (self.begins_on.cast_signed() - 1 + day - 1).rem_euclid(7).cast_unsigned() + 1;
        let nearest = match weekday {
            SATURDAY if day == 1 => 3,
            SATURDAY => day - 1,
            SUNDAY if day == last => day - 2,
            SUNDAY => day + 1,
            _ => day,
        };
        if (1..=last).contains(&nearest) { bit(nearest.cast_unsigned()) } else { 0 }
    }
}

/// Bit 0 stands for no day.
fn bit(day: u32) -> u32 {
    1_u32.checked_shl(day).unwrap_or(0) & !1
}

/// Reads the day of the month; `None` for `?`.
pub(super) fn of_month(text: &str) -> Result<Option<DayRule>, String> {
    if text == "?" {
        return Ok(None);
    }
    if let Some(rest) = text.strip_prefix('L') {
        return from_last(text, rest).map(Some);
    }
    if text.contains('L') {
        return Err(format!("`{text}` has an `L` among other days; it stands alone, as in `L`, `LW` or `L-3`"));
    }
    if let Some(day) = text.strip_suffix('W') {
        if number(day).is_none() {
            return Err(format!("`{text}`: before `W` belongs a single day, as in `15W`, or `L`"));
        }
        return value(Field::DayOfMonth, day, text).map(|day| Some(DayRule::NearestWeekday(day)));
    }
    if text.contains('W') {
        return Err(format!("`{text}` has a `W` among other days; it goes with a single day, as in `15W`"));
    }
    let days = values(Field::DayOfMonth, text)?;
    Ok(Some(DayRule::OfMonth(days.into_iter().fold(0, |bits, day| bits | bit(day)))))
}

/// `rest` is what follows the `L`.
fn from_last(text: &str, rest: &str) -> Result<DayRule, String> {
    let (days, weekday) = rest.strip_suffix('W').map_or((rest, false), |days| (days, true));
    let before = match days.strip_prefix('-') {
        None if days.is_empty() => 0,
        Some(days) => number(days)
            .filter(|days| *days <= 30)
            .ok_or_else(|| format!("`{text}`: after `L-` belongs a number from 0 to 30, the days before the last"))?,
        None => return Err(format!("`{text}` is not understood; the last day is `L`, `LW`, `L-3` or `L-3W`, alone")),
    };
    Ok(if weekday { DayRule::WeekdayFromLast(before) } else { DayRule::FromLast(before) })
}

/// Reads the day of the week; `None` for `?`.
pub(super) fn of_week(text: &str) -> Result<Option<DayRule>, String> {
    if text == "?" {
        return Ok(None);
    }
    if let Some((day, nth)) = text.split_once('#') {
        if day.contains([',', '-', '/']) || nth.contains(',') {
            return Err(format!("`{text}` has a `#` among other days; it stands alone, as in `6#3`"));
        }
        let weekday = value(Field::DayOfWeek, day, text)?;
        let nth = number(nth)
            .filter(|nth| (1..=5).contains(nth))
            .ok_or_else(|| format!("`{text}`: after `#` belongs a number from 1 to 5, the week of the month"))?;
        return Ok(Some(DayRule::NthOfWeek(weekday, nth)));
    }
    if text == "L" {
        return Ok(Some(DayRule::OfWeek(bit(SATURDAY))));
    }
    // No weekday has an L in its name.
    if let Some(day) = text.strip_suffix('L') {
        if day.contains([',', '-', '/', 'L']) {
            return Err(format!("`{text}` has an `L` among other days; it goes with a single day, as in `6L`"));
        }
        return value(Field::DayOfWeek, day, text).map(|weekday| Some(DayRule::LastOfWeek(weekday)));
    }
    if text.contains('L') {
        return Err(format!("`{text}` has an `L` among other days; it goes with a single day, as in `6L`"));
    }
    let days = values(Field::DayOfWeek, text)?;
    Ok(Some(DayRule::OfWeek(days.into_iter().fold(0, |bits, day| bits | bit(day)))))
}
