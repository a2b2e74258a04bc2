//! What becomes of a schedule that is due: which instants run, which are made up for, and when it is due next.

use crate::model::{MisfirePolicy, Schedule, Time, lateness};
use crate::store::{Decision, Firing};
use std::time::Duration;

/// How many instants of one schedule are decided upon in one transaction.
const MOST: usize = 100;
/// How many missed instants are counted before "at least so many" is enough.
const COUNTED: i32 = 10_000;

/// Decides about a schedule as it stands at `now`. An instant that is later than `grace` was missed
/// (`EasyScheduler 1.0.1: misfire threshold`); `next_after` is the calendar.
pub(super) fn decide(
    schedule: &Schedule,
    now: Time,
    grace: Duration,
    next_after: &dyn Fn(Time) -> Option<Time>,
) -> Decision {
    let within = |at: &Time| *at <= schedule.end;
    let after = |at: Time| next_after(at).filter(within);
    let Some(first) = schedule.next else {
        // It was put on line by EasyScheduler itself: never made up for.
        return Decision { next: after(just_before(schedule.start.max(now))), ..Decision::default() };
    };
    let latest = now - grace - schedule.jitter;
    let is_due = |at: &Time| *at + lateness(schedule.id, *at, schedule.jitter) <= now;
    let mut firings = Vec::new();
    let mut next = Some(first).filter(within);
    if schedule.misfire != MisfirePolicy::FireAll
        && let Some(start) = next.filter(|at| *at < latest)
    {
        let (last, missed) = last_before(start, latest.min(schedule.end), next_after);
        firings.push(Firing { at: last, missed, runs: schedule.misfire == MisfirePolicy::FireOnce });
        next = after(last);
    }
    while let Some(at) = next.filter(|at| is_due(at) && firings.len() < MOST) {
        firings.push(Firing { at, missed: 0, runs: true });
        next = after(at);
    }
    Decision { firings, next, offline: None }
}

/// The last instant before `end`, from `start` on, which is one; and how many there are before it, as far as counted.
fn last_before(start: Time, end: Time, next_after: &dyn Fn(Time) -> Option<Time>) -> (Time, i32) {
    let (mut last, mut count) = (start, 0);
    while let Some(at) = next_after(last).filter(|at| *at < end) {
        (last, count) = (at, count + 1);
        if count == COUNTED {
            return (last_of_many(last, end, next_after), COUNTED);
        }
    }
    (last, count)
}

/// The same without counting: in the smallest of some spans before `end` that holds an instant there are only a few.
fn last_of_many(start: Time, end: Time, next_after: &dyn Fn(Time) -> Option<Time>) -> Time {
    const SPANS: [u64; 6] = [2, 60, 3600, 86_400, 32 * 86_400, 366 * 86_400];
    for span in SPANS.map(Duration::from_secs) {
        let from = just_before(end - span);
        if from <= start {
            break;
        }
        if let Some(mut last) = next_after(from).filter(|at| *at < end) {
            while let Some(at) = next_after(last).filter(|at| *at < end) {
                last = at;
            }
            return last;
        }
    }
    let mut last = start;
    while let Some(at) = next_after(last).filter(|at| *at < end) {
        last = at;
    }
    last
}

fn just_before(at: Time) -> Time {
    at - Duration::from_millis(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DefinitionId, DstGap, DstOverlap, FailureStrategy, OverlapPolicy, Priority, ScheduleId, UserId, WarningType,
    };

    const GRACE: Duration = Duration::from_secs(60);

    fn schedule(misfire: MisfirePolicy, next: Option<i64>) -> Schedule {
        Schedule {
            id: ScheduleId(1),
            definition: DefinitionId(1),
            crontab: String::new(),
            zone: None,
            gap: DstGap::Shift,
            overlap: DstOverlap::First,
            start: Time(0),
            end: Time(i64::MAX),
            misfire,
            overlapping: OverlapPolicy::Parallel,
            jitter: Duration::ZERO,
            next: next.map(|seconds| Time(seconds * 1000)),
            user: UserId(1),
            strategy: FailureStrategy::Continue,
            warning: WarningType::None,
            warning_group: 0,
            priority: Priority::Medium,
            worker_group: -1,
        }
    }

    /// Every so many seconds.
    fn every(seconds: i64) -> impl Fn(Time) -> Option<Time> {
        let span = seconds * 1000;
        move |at| Some(Time(at.0.div_euclid(span) * span + span))
    }

    fn seconds(decision: &Decision) -> (Vec<(i64, i32, bool)>, Option<i64>) {
        let firings = decision.firings.iter().map(|it| (it.at.0 / 1000, it.missed, it.runs)).collect();
        (firings, decision.next.map(|next| next.0 / 1000))
    }

    fn at(seconds: i64) -> Time {
        Time(seconds * 1000)
    }

    #[test]
    fn what_is_not_later_than_the_grace_runs_whatever_the_policy() {
        for policy in MisfirePolicy::ALL {
            let decision = decide(&schedule(*policy, Some(1000)), at(1025), GRACE, &every(10));
            let runs = [(1000, 0, true), (1010, 0, true), (1020, 0, true)];
            assert_eq!(seconds(&decision), (runs.to_vec(), Some(1030)), "{policy}");
        }
    }

    #[test]
    fn fire_once_makes_up_for_the_latest_of_those_that_were_missed() {
        let decision = decide(&schedule(MisfirePolicy::FireOnce, Some(1000)), at(1105), GRACE, &every(20));
        let runs = [(1040, 2, true), (1060, 0, true), (1080, 0, true), (1100, 0, true)];
        assert_eq!(seconds(&decision), (runs.to_vec(), Some(1120)));
    }

    #[test]
    fn skip_leaves_out_what_was_missed_and_says_so() {
        let decision = decide(&schedule(MisfirePolicy::Skip, Some(1000)), at(1105), GRACE, &every(20));
        assert_eq!(seconds(&decision).0[..2], [(1040, 2, false), (1060, 0, true)]);
        let decision = decide(&schedule(MisfirePolicy::Skip, Some(3600)), at(10_000), GRACE, &every(3600));
        assert_eq!(seconds(&decision), (vec![(7200, 1, false)], Some(10_800)));
    }

    #[test]
    fn fire_all_makes_up_for_each_in_portions() {
        let (mut next, mut fired) = (1000, Vec::new());
        for _ in 0..3 {
            let decision = decide(&schedule(MisfirePolicy::FireAll, Some(next)), at(1250), GRACE, &every(1));
            fired.extend(decision.firings.iter().map(|it| it.at.0 / 1000));
            next = decision.next.unwrap().0 / 1000;
        }
        assert_eq!(fired, (1000..=1250).collect::<Vec<_>>());
        assert_eq!(next, 1251);
    }

    #[test]
    fn a_month_of_missed_seconds_is_not_walked_through() {
        use std::cell::Cell;
        let (asked, calendar) = (Cell::new(0), every(1));
        let counted = |from: Time| {
            asked.set(asked.get() + 1);
            calendar(from)
        };
        let now = 30 * 86_400;
        let decision = decide(&schedule(MisfirePolicy::FireOnce, Some(1)), at(now), GRACE, &counted);
        assert_eq!(seconds(&decision).0[0], (now - 61, COUNTED, true));
        assert!(asked.get() < 11_000, "{}", asked.get());
    }

    #[test]
    fn a_rare_instant_is_found_too() {
        let days = |span: i64| last_of_many(at(1), at(400 * 86_400), &every(span * 86_400)).0 / 1000 / 86_400;
        assert_eq!((days(7), days(31), days(90)), (399, 372, 360));
    }

    #[test]
    fn nothing_fires_outside_its_dates() {
        let mut ends = schedule(MisfirePolicy::FireAll, Some(1000));
        ends.end = at(1010);
        assert_eq!(seconds(&decide(&ends, at(1100), GRACE, &every(10))).0, [(1000, 0, true), (1010, 0, true)]);
        assert_eq!(decide(&ends, at(1100), GRACE, &every(10)).next, None);
        ends.end = at(999);
        assert_eq!(decide(&ends, at(1100), GRACE, &every(10)), Decision::default());
        let mut begins = schedule(MisfirePolicy::FireAll, None);
        begins.start = at(5000);
        assert_eq!(seconds(&decide(&begins, at(1000), GRACE, &every(10))), (vec![], Some(5000)));
        assert_eq!(seconds(&decide(&begins, at(6001), GRACE, &every(10))), (vec![], Some(6010)));
    }
}
