//! How the wall clock of a zone went and will go: the stretches between two changes of its offset.

use super::expression::Wall;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use std::sync::{LazyLock, OnceLock};

/// A time during which the clock of a zone is so many seconds ahead of UTC. Instants are in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub start: i64,
    /// Where the next stretch starts.
    pub end: i64,
    pub offset: i64,
    /// Up to where the clock has been before. What it shows now and is earlier, it shows again.
    pub shown_before: Wall,
    /// What the clock shows now and is at or after this, it will show again.
    pub shown_again: Wall,
}

impl Stretch {
    /// What the clock shows at the beginning.
    pub fn first_wall(&self) -> Wall {
        self.start + self.offset
    }

    /// What it would show at the end.
    pub fn end_wall(&self) -> Wall {
        self.end + self.offset
    }
}

/// All that lies between the first and the last date that an expression can name, in any zone.
const BEGIN: i64 = -2 * DAY;
const END: i64 = 4_102_444_800 + 2 * DAY;
const DAY: i64 = 86_400;

/// The stretches of a zone from this instant on, the one that it lies in first; none after the year 2099.
pub(super) fn from(zone: Tz, instant: i64) -> &'static [Stretch] {
    let stretches = of(zone);
    let index = stretches.partition_point(|stretch| stretch.end <= instant);
    stretches.get(index..).unwrap_or_default()
}

/// The stretches of a zone. They are looked for once: schedules share few zones, and ask often.
fn of(zone: Tz) -> &'static [Stretch] {
    static ZONES: LazyLock<Vec<OnceLock<Vec<Stretch>>>> =
        LazyLock::new(|| TZ_VARIANTS.iter().map(|_| OnceLock::new()).collect());
    ZONES.get(zone as usize).map_or(&[], |stretches| stretches.get_or_init(|| explore(zone)))
}

/// Looks at the offset once a day, and closer where it has changed. (`chrono-tz` tells no changes; that no zone has
/// changed twice within a day and back again is what a test looks after.)
fn explore(zone: Tz) -> Vec<Stretch> {
    let mut starts = vec![(BEGIN, offset(zone, BEGIN))];
    let (mut at, mut known) = (BEGIN, offset(zone, BEGIN));
    while at < END {
        let next = (at + DAY).min(END);
        let then = offset(zone, next);
        if then != known {
            let change = first_change(zone, at, next, known);
            known = offset(zone, change);
            starts.push((change, known));
            at = change;
        } else {
            at = next;
        }
    }
    stretches(&starts)
}

/// The first instant after `from`, up to `until`, with another offset.
fn first_change(zone: Tz, from: i64, until: i64, known: i64) -> i64 {
    let (mut before, mut after) = (from, until);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if offset(zone, middle) == known { before = middle } else { after = middle }
    }
    after
}

fn stretches(starts: &[(i64, i64)]) -> Vec<Stretch> {
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([END]);
    let mut shown_before = Wall::MIN;
    let mut stretches = Vec::with_capacity(starts.len());
    for ((start, offset), end) in starts.iter().copied().zip(ends) {
        let stretch = Stretch { start, end, offset, shown_before, shown_again: Wall::MAX };
        shown_before = shown_before.max(stretch.end_wall());
        stretches.push(stretch);
    }
    let mut shown_again = Wall::MAX;
    for stretch in stretches.iter_mut().rev() {
        stretch.shown_again = shown_again;
        shown_again = shown_again.min(stretch.first_wall());
    }
    stretches
}

fn offset(zone: Tz, instant: i64) -> i64 {
    let utc: NaiveDateTime = DateTime::from_timestamp(instant, 0).unwrap_or_default().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}
