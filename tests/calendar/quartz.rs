//! The answers of Quartz itself.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use escheduler::calendar::{Calendar, Expression, Gap, Overlap, zone};
use escheduler::model::Time;

const ANSWERS: &str = include_str!("../data/cron/quartz.tsv");

/// Near a change of the clock Quartz does what falls out, and we what the schedule says.
const NEAR: i64 = 3 * 3600;

#[test]
fn fire_times_are_those_of_quartz() {
    let (mut accepted, mut refused, mut compared, mut left_out) = (0, 0, 0, 0);
    for line in ANSWERS.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [text, zone_name, after, answer] = columns[..] else { panic!("{line}") };
        let read = Expression::parse(text);
        if answer == "REJECT" {
            assert!(read.is_err(), "Quartz refuses {text}");
            refused += 1;
            continue;
        }
        accepted += 1;
        let expression = read.unwrap_or_else(|error| panic!("{text}: {error}"));
        let zone = zone(zone_name).unwrap();
        let calendar = Calendar { expression, zone, gap: Gap::Shift, overlap: Overlap::First };
        let after: i64 = after.parse().unwrap();
        let (mut expected, mut last) = (Vec::new(), after);
        for step in answer.split(' ').filter(|step| *step != "END") {
            last += step.parse::<i64>().unwrap();
            expected.push(last);
        }
        let ended = answer.ends_with("END");
        let ours = calendar.after(Time(after * 1000)).map(|time| time.0 / 1000);
        let ours: Vec<i64> = if ended { ours.take(99).collect() } else { ours.take_while(|at| *at <= last).collect() };
        let far = |times: &[i64]| times.iter().copied().filter(|at| !is_near_a_change(zone, *at)).collect::<Vec<_>>();
        let (theirs, ours) = (far(&expected), far(&ours));
        left_out += expected.len() - theirs.len();
        compared += theirs.len();
        assert_eq!(ours, theirs, "{line}");
    }
    println!("{accepted} accepted, {refused} refused, {compared} fire times equal, {left_out} near a change left out");
    assert_eq!(accepted + refused, 4000);
    assert!(compared > 20_000 && left_out < 200);
}

fn is_near_a_change(zone: Tz, at: i64) -> bool {
    let offset = |at: i64| zone.offset_from_utc_datetime(&DateTime::from_timestamp(at, 0).unwrap().naive_utc()).fix();
    offset(at - NEAR) != offset(at + NEAR)
}
