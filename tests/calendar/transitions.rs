//! Around every change of every zone's clock, the calendar against one that only walks and looks.

use crate::brute::{Matcher, Walk};
use crate::shapes;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use escheduler::calendar::{Calendar, Expression, Gap, Overlap};
use escheduler::model::Time;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const POLICIES: [(Gap, Overlap); 6] = [
    (Gap::Shift, Overlap::First),
    (Gap::Skip, Overlap::Second),
    (Gap::Shift, Overlap::Both),
    (Gap::Skip, Overlap::First),
    (Gap::Shift, Overlap::Second),
    (Gap::Skip, Overlap::Both),
];
const BEGIN: i64 = 86_400;
/// 2038-01-01.
const END: i64 = 2_145_916_800;

#[derive(Default)]
struct Tally {
    changes: usize,
    windows: usize,
    fire_times: usize,
}

fn offset(zone: Tz, at: i64) -> i64 {
    let utc = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}

/// Looks at the clock every `step` seconds.
fn changes(zone: Tz, step: i64) -> Vec<i64> {
    let mut changes = Vec::new();
    let (mut at, mut known) = (BEGIN, offset(zone, BEGIN));
    while at < END {
        let now = offset(zone, at + step);
        if now != known {
            let range: Vec<i64> = (at..at + step).collect();
            changes.push(at + 1 + range.partition_point(|at| offset(zone, at + 1) == known) as i64);
        }
        (at, known) = (at + step, now);
    }
    changes
}

fn compare(zone: Tz, change: i64, walk: &Walk, shape: usize, policy: usize, tally: &mut Tally) {
    let wall: NaiveDateTime = DateTime::from_timestamp(change + offset(zone, change), 0).unwrap().naive_utc();
    let text = shapes::expression(shape, wall);
    let (gap, overlap) = POLICIES[policy % POLICIES.len()];
    let expected = walk.fire_times(&Matcher::new(&text), gap, overlap);
    let calendar = Calendar { expression: Expression::parse(&text).unwrap(), zone, gap, overlap };
    let (from, until) = walk.window();
    let found = calendar.between(Time(from * 1000), Time(until * 1000)).map(|time| time.0 / 1000);
    let found: Vec<i64> = found.collect();
    assert!(found == expected, "{text} in {zone} around {change}, {gap:?} {overlap:?}: {found:?} for {expected:?}");
    tally.windows += 1;
    tally.fire_times += found.len();
}

/// A fifth of the zones, in each a fifth of the changes, one shape and rule for each by turns.
#[test]
fn samples_around_every_change_agree() {
    let mut tally = Tally::default();
    for (index, zone) in TZ_VARIANTS.iter().enumerate().filter(|(index, _)| index % 5 == 0) {
        for change in changes(*zone, 86_400).into_iter().skip(index / 5 % 5).step_by(5) {
            tally.changes += 1;
            let turn = tally.changes + index;
            let walk = Walk::around(*zone, change);
            compare(*zone, change, &walk, (turn * 7) % shapes::COUNT, turn, &mut tally);
        }
    }
    println!("{} changes, {} windows, {} fire times agree", tally.changes, tally.windows, tally.fire_times);
    assert!(tally.changes > 1000 && tally.fire_times > tally.changes);
}

/// All of it. Changes are looked for every quarter of an hour here.
#[test]
#[ignore = "takes minutes: make test-calendar"]
fn every_shape_around_every_change_agrees() {
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || {
        while let Some(zone) = TZ_VARIANTS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut tally = Tally::default();
            for change in changes(*zone, 900) {
                tally.changes += 1;
                let walk = Walk::around(*zone, change);
                for shape in 0..shapes::COUNT {
                    compare(*zone, change, &walk, shape, shape + tally.changes, &mut tally);
                }
            }
            let mut total = total.lock().unwrap();
            total.changes += tally.changes;
            total.windows += tally.windows;
            total.fire_times += tally.fire_times;
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    let total = total.into_inner().unwrap();
    println!(
        "{} zones, {} changes, {} shapes: {} windows with {} fire times, no difference",
        TZ_VARIANTS.len(),
        total.changes,
        shapes::COUNT,
        total.windows,
        total.fire_times
    );
}
