//! Words, times and widths.

use crate::model::{State, Time};
use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use std::time::Duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    const GREEN: &'static str = "32";
    const RED: &'static str = "31";
    const YELLOW: &'static str = "33";
    const BLUE: &'static str = "34";
    const DIM: &'static str = "2";

    fn with(self, colour: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with(Self::GREEN, text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with(Self::RED, text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with(Self::DIM, text)
    }

    pub(super) fn busy(self, text: &str) -> String {
        self.with(Self::BLUE, text)
    }

    pub(super) fn state(self, state: State, text: &str) -> String {
        match state {
            State::Success => self.good(text),
            State::Failure | State::NeedFaultTolerance | State::Kill | State::Stop => self.bad(text),
            State::ReadyPause | State::Pause | State::ReadyStop => self.with(Self::YELLOW, text),
            State::Running => self.busy(text),
            State::Submitted | State::WaitingThread | State::WaitingDepend => self.dim(text),
        }
    }
}

/// A state that is an end has the name that it has everywhere; the others have a word.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Submitted => "queued",
        State::Running => "running",
        State::ReadyPause => "pausing",
        State::ReadyStop => "stopping",
        State::WaitingThread => "waiting for a free place",
        State::WaitingDepend => "waiting for another workflow",
        State::Pause | State::Stop | State::Failure | State::Success | State::NeedFaultTolerance | State::Kill => {
            state.name()
        }
    }
}

/// A length of time, as exact as it is of use.
pub(super) fn span(time: Duration) -> String {
    let (tenths, seconds) = (time.as_millis() / 100, time.as_secs());
    match seconds {
        0..60 => format!("{}.{} s", tenths / 10, tenths % 10),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// The same for a length that does not grow any more, so that short ones can be told apart.
pub(super) fn exact(time: Duration) -> String {
    if time < Duration::from_secs(1) { format!("{} ms", time.as_millis()) } else { span(time) }
}

/// The time of day.
pub(super) fn time(at: Time, zone: Tz) -> String {
    local(at, zone).map_or_else(String::new, |at| at.format("%H:%M:%S").to_string())
}

/// Date and time of day.
pub(super) fn date_time(at: Time, zone: Tz) -> String {
    local(at, zone).map_or_else(String::new, |at| at.format("%m-%d %H:%M:%S").to_string())
}

pub(super) fn same_day(one: Time, other: Time, zone: Tz) -> bool {
    local(one, zone).map(|at| at.date_naive()) == local(other, zone).map(|at| at.date_naive())
}

fn local(at: Time, zone: Tz) -> Option<DateTime<Tz>> {
    zone.timestamp_millis_opt(at.0).single()
}

/// A text that does nothing to a terminal but stand there.
pub(in crate::cli) fn clean(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// A text that takes no more columns than this.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for sign in text.chars() {
        used += sign.width().unwrap_or(0);
        if used > columns {
            break;
        }
        short.push(sign);
    }
    if columns > 0 {
        short.push('…');
    }
    short
}

/// A name that takes no more columns than this: what tells long names apart is mostly at their ends.
pub(super) fn squeeze(name: &str, columns: usize) -> String {
    if name.width() <= columns {
        return name.to_owned();
    }
    let room = columns.saturating_sub(1);
    let take = |signs: &mut dyn Iterator<Item = char>, mut room: usize| -> Vec<char> {
        let fits = signs.take_while(|sign| {
            let width = sign.width().unwrap_or(0);
            let fits = width <= room;
            room = room.saturating_sub(width);
            fits
        });
        fits.collect()
    };
    let end = take(&mut name.chars().rev(), room / 2);
    let used: usize = end.iter().map(|sign| sign.width().unwrap_or(0)).sum();
    let start = take(&mut name.chars(), room - used);
    let dots = if columns > 0 { "…" } else { "" };
    start.into_iter().collect::<String>() + dots + &end.into_iter().rev().collect::<String>()
}

/// A text that takes exactly this many columns.
pub(super) fn cell(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blanks = columns.saturating_sub(text.width());
    text + &" ".repeat(blanks)
}

/// Columns and rows of the terminal that the standard output is.
pub(super) fn stdout_size() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()))
}
