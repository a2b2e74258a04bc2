//! The same questions, answered without cleverness: fields matched one value at a time from their text, and the wall
//! clock walked instant by instant. It shares nothing with what it judges.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use escheduler::calendar::{Gap, Overlap};
use std::collections::HashMap;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// An expression, looked up in tables that hold an answer for each value.
pub struct Matcher {
    seconds: Vec<bool>,
    minutes: Vec<bool>,
    hours: Vec<bool>,
    fields: Vec<String>,
    pub fixed: bool,
}

impl Matcher {
    pub fn new(text: &str) -> Matcher {
        let fields: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let table = |field: usize, last: u32| (0..=last).map(|v| listed(&fields[field], v, 0, last, &[])).collect();
        Matcher {
            seconds: table(0, 59),
            minutes: table(1, 59),
            hours: table(2, 23),
            fixed: !fields[2].contains('*') && !fields[2].contains('/'),
            fields,
        }
    }

    pub fn date(&self, date: NaiveDate) -> bool {
        let year = self.fields.get(6).map_or("*", String::as_str);
        if !listed(year, date.year().try_into().unwrap(), 1970, 2099, &[]) {
            return false;
        }
        if !listed(&self.fields[4], date.month(), 1, 12, &MONTHS) {
            return false;
        }
        if self.fields[3] == "?" { day_of_week(&self.fields[5], date) } else { day_of_month(&self.fields[3], date) }
    }

    fn minute(&self, wall: NaiveDateTime) -> bool {
        self.hours[wall.hour() as usize] && self.minutes[wall.minute() as usize]
    }
}

/// Whether a list names a value.
fn listed(text: &str, wanted: u32, first: u32, last: u32, names: &[&str]) -> bool {
    let number = |text: &str| match names.iter().position(|name| *name == text) {
        Some(index) => first + index as u32,
        None => text.parse().unwrap(),
    };
    text.split(',').any(|item| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(number(step))));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from), number(to)),
            None if range == "*" => (first, last),
            None => (number(range), if step.is_some() { last } else { number(range) }),
        };
        let mut value = from;
        let mut walked = 0;
        loop {
            if value == wanted && walked % step.unwrap_or(1) == 0 {
                return true;
            }
            if value == to {
                return false;
            }
            value = if value == last { first } else { value + 1 };
            walked += 1;
        }
    })
}

fn month_of(date: NaiveDate) -> Vec<NaiveDate> {
    date.with_day(1).unwrap().iter_days().take_while(|day| day.month() == date.month()).collect()
}

fn is_workday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), chrono::Weekday::Sat | chrono::Weekday::Sun)
}

fn day_of_month(text: &str, date: NaiveDate) -> bool {
    let days = month_of(date);
    let nearest = |wanted: NaiveDate| {
        let candidates = days.iter().copied().filter(|day| is_workday(*day));
        candidates.min_by_key(|day| ((*day - wanted).abs(), *day)).unwrap()
    };
    let from_last = |text: &str| -> usize { text.strip_prefix("L-").map_or(0, |before| before.parse().unwrap()) };
    if let Some(day) = text.strip_suffix('W') {
        let wanted = if day.starts_with('L') {
            days.len().checked_sub(1 + from_last(day)).map(|index| days[index])
        } else {
            days.get(day.parse::<usize>().unwrap() - 1).copied()
        };
        return wanted.is_some_and(|wanted| nearest(wanted) == date);
    }
    if text.starts_with('L') {
        return days.len().checked_sub(1 + from_last(text)).is_some_and(|index| days[index] == date);
    }
    listed(text, date.day(), 1, 31, &[])
}

fn day_of_week(text: &str, date: NaiveDate) -> bool {
    let weekday = WEEKDAYS[date.weekday().num_days_from_sunday() as usize];
    let is = |text: &str| text == weekday || text == (date.weekday().num_days_from_sunday() + 1).to_string();
    if let Some((day, nth)) = text.split_once('#') {
        let before = month_of(date).iter().filter(|day| **day <= date && day.weekday() == date.weekday()).count();
        return is(day) && before.to_string() == nth;
    }
    if let Some(day) = text.strip_suffix('L').filter(|day| !day.is_empty()) {
        return is(day) && (date + TimeDelta::days(7)).month() != date.month();
    }
    if text == "L" {
        return is("7");
    }
    listed(text, date.weekday().num_days_from_sunday() + 1, 1, 7, &WEEKDAYS)
}

/// What the clock of a zone shows around an instant, written down tick by tick.
pub struct Walk {
    ticks: Vec<Tick>,
    /// Seconds between two ticks: a minute, where nothing happens within minutes.
    pub unit: i64,
    pub dates: Vec<NaiveDate>,
}

struct Tick {
    at: i64,
    wall: NaiveDateTime,
    date: usize,
    first: bool,
    last: bool,
    /// What the clock has skipped just before.
    skipped: Vec<(NaiveDateTime, usize)>,
}

/// How far around a change we look.
pub const AROUND: i64 = 6 * 3600;

impl Walk {
    pub fn around(zone: Tz, change: i64) -> Walk {
        let offset = |at: i64| {
            let utc = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
            i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
        };
        let whole = [change, offset(change), offset(change - 1), offset(change - AROUND)].iter().all(|s| s % 60 == 0);
        let unit = if whole { 60 } else { 1 };
        // Wide enough for both passes of whatever the window shows.
        let margin = AROUND + (offset(change) - offset(change - 1)).abs() + 3600;
        let mut walk = Walk { ticks: Vec::new(), unit, dates: Vec::new() };
        let mut count: HashMap<NaiveDateTime, (i64, i64)> = HashMap::new();
        let wall_at = |at: i64| DateTime::from_timestamp(at + offset(at), 0).unwrap().naive_utc();
        let mut at = (change - margin).div_euclid(unit) * unit;
        let mut previous: Option<NaiveDateTime> = None;
        while at <= change + margin {
            let wall = wall_at(at);
            let mut skipped = Vec::new();
            let mut next = previous.map_or(wall, |wall| wall + TimeDelta::seconds(unit));
            while next < wall {
                skipped.push((next, walk.date(next.date())));
                next += TimeDelta::seconds(unit);
            }
            let seen = count.entry(wall).or_insert((at, at));
            seen.1 = at;
            let date = walk.date(wall.date());
            walk.ticks.push(Tick { at, wall, date, first: true, last: true, skipped });
            previous = Some(wall);
            at += unit;
        }
        for tick in &mut walk.ticks {
            let (first, last) = count[&tick.wall];
            (tick.first, tick.last) = (first == tick.at, last == tick.at);
        }
        walk.ticks.retain(|tick| (tick.at - change).abs() <= AROUND);
        walk
    }

    fn date(&mut self, date: NaiveDate) -> usize {
        if let Some(index) = self.dates.iter().position(|known| *known == date) {
            return index;
        }
        self.dates.push(date);
        self.dates.len() - 1
    }

    /// The bounds of the window: instants, both included.
    pub fn window(&self) -> (i64, i64) {
        (self.ticks[0].at, self.ticks[self.ticks.len() - 1].at + self.unit - 1)
    }

    /// Every instant of the window at which the expression fires.
    pub fn fire_times(&self, matcher: &Matcher, gap: Gap, overlap: Overlap) -> Vec<i64> {
        let dates: Vec<bool> = self.dates.iter().map(|date| matcher.date(*date)).collect();
        if !dates.contains(&true) {
            return Vec::new();
        }
        let named = |wall: NaiveDateTime, date: usize| {
            dates[date] && matcher.minute(wall) && (self.unit == 60 || matcher.seconds[wall.second() as usize])
        };
        let mut found = Vec::new();
        for tick in &self.ticks {
            let shifted =
                matcher.fixed && gap == Gap::Shift && tick.skipped.iter().any(|(wall, date)| named(*wall, *date));
            let pass = match overlap {
                _ if !matcher.fixed => true,
                Overlap::First => tick.first,
                Overlap::Second => tick.last,
                Overlap::Both => true,
            };
            let shown = pass && named(tick.wall, tick.date);
            if self.unit == 1 {
                found.extend((shifted || shown).then_some(tick.at));
                continue;
            }
            let second = |second: i64| (shown && matcher.seconds[second as usize]) || (shifted && second == 0);
            found.extend((0..if shown || shifted { 60 } else { 0 }).filter(|s| second(*s)).map(|s| tick.at + s));
        }
        found
    }
}
