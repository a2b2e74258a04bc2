//! Date patterns: `yyyy-MM-dd HH:mm:ss`.

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, Timelike};
use chrono_tz::{OffsetName, Tz};
use std::fmt::Write;

/// A date pattern with the letters of `java.time` (`EasyScheduler 1.1.0: time expressions`). In 1.0.1's
/// `SimpleDateFormat` they mean the same, but for `u`, which was the day of the week and is the year.
///
/// Names are English and weeks are ISO weeks, from Monday, because a result must not depend on the language of
/// the machine that computes it.
#[derive(Debug)]
pub(super) struct Pattern<'a> {
    items: Vec<Item<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    /// A pattern letter and how often it stands in a row.
    Field(char, usize),
    /// Anything that is no ASCII letter.
    Plain(&'a str),
    /// `'…'`, without the quotes.
    Quoted(&'a str),
}

impl<'a> Pattern<'a> {
    /// Reads a pattern. `None` if a letter means nothing, stands too often in a row, or a quote does not end.
    pub(super) fn parse(text: &'a str) -> Option<Pattern<'a>> {
        let mut items = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match first {
                '\'' => quoted(&rest[1..], &mut items)?,
                _ if first.is_ascii_alphabetic() => {
                    let count = rest.bytes().take_while(|byte| *byte == first as u8).count();
                    if count > most(first) || (first == 'V' && count != 2) {
                        return None;
                    }
                    items.push(Item::Field(first, count));
                    &rest[count..]
                }
                _ => {
                    let end = rest.find(|c: char| c == '\'' || c.is_ascii_alphabetic()).unwrap_or(rest.len());
                    items.push(Item::Plain(&rest[..end]));
                    &rest[end..]
                }
            };
        }
        Some(Pattern { items })
    }

    pub(super) fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    pub(super) fn has_fields(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Field(..)))
    }

    pub(super) fn format(&self, time: DateTime<Tz>) -> String {
        let mut out = String::new();
        for item in &self.items {
            match item {
                Item::Field(letter, count) => field(&mut out, *letter, *count, time),
                Item::Plain(text) | Item::Quoted(text) => out.push_str(text),
            }
        }
        out
    }
}

/// Reads quoted text after its first quote; two quotes are one.
fn quoted<'a>(text: &'a str, items: &mut Vec<Item<'a>>) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix('\'') {
        items.push(Item::Quoted("'"));
        return Some(rest);
    }
    let mut text = text;
    loop {
        let end = text.find('\'')?;
        items.push(Item::Quoted(&text[..end]));
        let rest = &text[end + 1..];
        if !rest.starts_with('\'') {
            return Some(rest);
        }
        items.push(Item::Quoted("'"));
        text = &rest[1..];
    }
}

/// How often a letter may stand in a row; 0 = it means nothing.
fn most(letter: char) -> usize {
    match letter {
        'a' => 1,
        'd' | 'H' | 'h' | 'K' | 'k' | 'm' | 's' | 'w' | 'V' => 2,
        'D' | 'z' => 3,
        'G' | 'Q' | 'q' | 'M' | 'L' | 'E' | 'e' | 'c' | 'X' | 'x' | 'Z' => 5,
        'S' => 9,
        'u' | 'y' | 'Y' | 'A' | 'n' | 'N' => 19,
        _ => 0,
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];

fn field(out: &mut String, letter: char, count: usize, time: DateTime<Tz>) {
    let wall = time.naive_local();
    let (hour, hour12) = (wall.hour(), wall.hour12().1);
    let weekday = wall.weekday().num_days_from_monday();
    let day_name = DAYS[weekday as usize];
    match letter {
        'G' => out.push_str(["AD", "AD", "AD", "Anno Domini", "A"][count.clamp(1, 5) - 1]),
        'u' | 'y' => year(out, wall.year(), count),
        'Y' => year(out, wall.iso_week().year(), count),
        'Q' | 'q' if count > 2 => quarter(out, wall.month0() / 3, count),
        'Q' | 'q' => number(out, wall.month0() / 3 + 1, count),
        'M' | 'L' if count > 2 => name(out, MONTHS[wall.month0() as usize], count),
        'M' | 'L' => number(out, wall.month(), count),
        'E' => name(out, day_name, count),
        'e' | 'c' if count > 2 => name(out, day_name, count),
        'e' | 'c' => number(out, weekday + 1, count),
        'w' => number(out, wall.iso_week().week(), count),
        'D' => number(out, wall.ordinal(), count),
        'd' => number(out, wall.day(), count),
        'a' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'H' => number(out, hour, count),
        'k' => number(out, if hour == 0 { 24 } else { hour }, count),
        'K' => number(out, hour % 12, count),
        'h' => number(out, hour12, count),
        'm' => number(out, wall.minute(), count),
        's' => number(out, wall.second(), count),
        'S' => out.push_str(&format!("{:09}", wall.nanosecond())[..count.min(9)]),
        'A' => number(out, of_day(wall) / 1_000_000, count),
        'n' => number(out, wall.nanosecond(), count),
        'N' => number(out, of_day(wall), count),
        _ => zone(out, letter, count, time),
    }
}

/// Nanoseconds since midnight.
fn of_day(wall: NaiveDateTime) -> u64 {
    u64::from(wall.num_seconds_from_midnight()) * 1_000_000_000 + u64::from(wall.nanosecond())
}

fn number(out: &mut String, value: impl Into<u64>, width: usize) {
    push(out, format_args!("{:0width$}", value.into()));
}

/// Two letters are the last two digits, any other number pads.
fn year(out: &mut String, year: i32, count: usize) {
    let year = year.unsigned_abs();
    number(out, if count == 2 { year % 100 } else { year }, count);
}

/// One to three letters are the short name, four the full one, five its first letter.
fn name(out: &mut String, full: &str, count: usize) {
    let shown = match count {
        0..=3 => 3,
        4 => full.len(),
        _ => 1,
    };
    out.push_str(&full[..shown]);
}

fn quarter(out: &mut String, index: u32, count: usize) {
    match count {
        4 => out.push_str(QUARTERS[index as usize % 4]),
        5 => number(out, index + 1, 1),
        _ => push(out, format_args!("Q{}", index + 1)),
    }
}

fn zone(out: &mut String, letter: char, count: usize, time: DateTime<Tz>) {
    let seconds = time.offset().fix().local_minus_utc();
    match (letter, count) {
        ('V', _) => out.push_str(time.timezone().name()),
        ('z', _) => match time.offset().abbreviation() {
            Some(name) => out.push_str(name),
            None => offset(out, seconds, 3),
        },
        ('X', _) | ('Z', 5) if seconds == 0 => out.push('Z'),
        ('Z', 4) if seconds == 0 => out.push_str("GMT"),
        ('Z', 4) => {
            out.push_str("GMT");
            offset(out, seconds, 3);
        }
        ('Z', 1..=3) => offset(out, seconds, 2),
        (_, count) => offset(out, seconds, count),
    }
}

/// `+08`, `+0800`, `+08:00`, `+0800`, `+08:00`: the first shows minutes, the last two seconds, if there are any.
fn offset(out: &mut String, seconds: i32, count: usize) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let colon = if matches!(count, 3 | 5) { ":" } else { "" };
    push(out, format_args!("{sign}{hours:02}"));
    if count > 1 || minutes > 0 {
        push(out, format_args!("{colon}{minutes:02}"));
    }
    if count > 3 && rest > 0 {
        push(out, format_args!("{colon}{rest:02}"));
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn formatted(pattern: &str, zone: Tz, wall: (i32, u32, u32, u32, u32, u32)) -> Option<String> {
        let time = zone.with_ymd_and_hms(wall.0, wall.1, wall.2, wall.3, wall.4, wall.5).earliest()?;
        Some(Pattern::parse(pattern)?.format(time))
    }

    #[test]
    fn letters_mean_what_java_time_says() {
        for (pattern, expected) in [
            ("G GGGG GGGGG", "AD Anno Domini A"),
            ("y yy yyy yyyy yyyyy u uu uuuu", "2019 19 2019 2019 02019 2019 19 2019"),
            ("Q QQ QQQ QQQQ QQQQQ q", "1 01 Q1 1st quarter 1 1"),
            ("M MM MMM MMMM MMMMM L LLL", "3 03 Mar March M 3 Mar"),
            ("d dd D DD DDD", "3 03 62 62 062"),
            ("E EE EEE EEEE EEEEE e ee eeee", "Sun Sun Sun Sunday S 7 07 Sunday"),
            ("Y YY YYYY w ww", "2019 19 2019 9 09"),
            ("H HH k kk K KK h hh a", "0 00 24 24 0 00 12 12 AM"),
            ("m mm s ss S SSS n A AAAAAAAA N", "5 05 9 09 0 000 0 309000 00309000 309000000000"),
            ("Z ZZZZ ZZZZZ X XX XXX x", "+0800 GMT+08:00 +08:00 +08 +0800 +08:00 +08"),
            ("VV z", "Asia/Shanghai CST"),
            ("yyyy年MM月dd日 00", "2019年03月03日 00"),
            ("yyyy'T'HH 'o''clock' ''", "2019T00 o'clock '"),
            ("", ""),
        ] {
            let result = formatted(pattern, Tz::Asia__Shanghai, (2019, 3, 3, 0, 5, 9));
            assert_eq!(result.as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn clocks_and_zones_have_their_corners() {
        let shown = |pattern, zone, wall| formatted(pattern, zone, wall).unwrap();
        assert_eq!(shown("h:mm a K k", Tz::UTC, (2019, 3, 3, 12, 0, 0)), "12:00 PM 0 12");
        assert_eq!(shown("h:mm a K k", Tz::UTC, (2019, 3, 3, 13, 0, 0)), "1:00 PM 1 13");
        assert_eq!(shown("Z ZZZZ ZZZZZ X XXX x", Tz::UTC, (2019, 3, 3, 0, 0, 0)), "+0000 GMT Z Z Z +00");
        assert_eq!(shown("X XX XXX", Tz::Asia__Kolkata, (2019, 3, 3, 0, 0, 0)), "+0530 +0530 +05:30");
        assert_eq!(shown("XXX", Tz::America__St_Johns, (2019, 1, 3, 0, 0, 0)), "-03:30");
        assert_eq!(shown("XXXXX", Tz::Asia__Shanghai, (1890, 1, 3, 0, 0, 0)), "+08:05:43");
        assert_eq!(shown("YYYY-ww EEE", Tz::UTC, (2018, 12, 31, 0, 0, 0)), "2019-01 Mon");
        assert_eq!(shown("yyyy", Tz::UTC, (33, 4, 3, 0, 0, 0)), "0033");
    }

    #[test]
    fn other_letters_and_open_quotes_are_no_pattern() {
        for text in ["abc", "o", "yyyyMMddd", "mmm", "aa", "V", "VVV", "'", "yyyy'T", "yyyy''' x", "jj", "W", "F"] {
            assert!(Pattern::parse(text).is_none(), "{text}");
        }
        assert!(Pattern::parse(&"y".repeat(1_000_000)).is_none());
    }
}
