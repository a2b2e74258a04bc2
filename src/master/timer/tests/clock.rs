//! The clock is set, and the clocks of people are.

use super::*;
use crate::registry::{self, Lease, Member, Posted, Version};
use tokio::sync::watch;

/// An hour forward at a quarter past twelve, an hour back later, and a restart while the clock shows for the second time
/// what it has shown before. Returns what became of the instants.
async fn forward_and_back(misfire: MisfirePolicy) -> (Vec<String>, Vec<String>) {
    let mut site = Site::open().await;
    site.schedule(misfire).await;
    site.pass(10 * MINUTE).await;
    site.clock.set(at(13, 15));
    site.pass(10 * MINUTE).await;
    site.clock.set(at(12, 25));
    let before = site.told().await;
    site.pass(30 * MINUTE).await;
    site.restart();
    site.pass(30 * MINUTE).await;
    assert_eq!((site.clock.now(), site.told().await), (at(13, 25), before), "the clock is where it was");
    site.pass(10 * MINUTE).await;
    site.told().await
}

#[tokio::test]
async fn the_clock_is_set_forward_and_back_and_under_fire_once_one_run_stands_for_the_hour() {
    let (told, commands) = forward_and_back(MisfirePolicy::FireOnce).await;
    assert_eq!(told, ["12:10 STARTED", "13:10 STARTED for 5 more", "13:20 STARTED", "13:30 STARTED"]);
    assert_eq!(commands, ["12:10", "13:10", "13:20", "13:30"]);
}

#[tokio::test]
async fn the_clock_is_set_forward_and_back_and_under_fire_all_each_instant_runs_once() {
    let (told, commands) = forward_and_back(MisfirePolicy::FireAll).await;
    let all = ["12:10", "12:20", "12:30", "12:40", "12:50", "13:00", "13:10", "13:20", "13:30"];
    assert_eq!(told, all.map(|at| format!("{at} STARTED")));
    assert_eq!(commands, all);
}

#[tokio::test]
async fn the_clock_is_set_forward_and_back_and_under_skip_the_hour_is_left_out() {
    let (told, commands) = forward_and_back(MisfirePolicy::Skip).await;
    assert_eq!(told, ["12:10 STARTED", "13:10 MISSED for 5 more", "13:20 STARTED", "13:30 STARTED"]);
    assert_eq!(commands, ["12:10", "13:20", "13:30"]);
}

#[tokio::test]
async fn the_clock_is_set_back_and_forward_again_and_nothing_is_doubled_or_lost() {
    let mut site = Site::open().await;
    site.schedule(MisfirePolicy::FireAll).await;
    site.pass(10 * MINUTE).await;
    site.clock.set(at(11, 15));
    site.pass(10 * MINUTE).await;
    assert_eq!(site.told().await.1, ["12:10"], "nothing fires before the clock is where it was");
    site.clock.set(at(12, 25));
    site.pass(10 * MINUTE).await;
    assert_eq!(site.told().await.1, ["12:10", "12:20", "12:30"]);
}

#[tokio::test]
async fn a_machine_whose_clock_is_not_the_databases_fires_nothing_until_it_is() {
    let mut site = Site::open().await;
    site.schedule(MisfirePolicy::FireAll).await;
    let database = |site: &Site, now: Time| *site.timetable.now.lock().unwrap() = Some(now);
    database(&site, at(12, 9));
    site.pass(4 * MINUTE).await;
    // It is set after the timer has looked, and before it looks again: only an instant comes between.
    site.clock.set(at(13, 9));
    site.settle().await;
    site.pass(5 * MINUTE).await;
    assert_eq!(site.told().await, (vec![], vec![]));
    database(&site, at(12, 14));
    site.clock.set(at(12, 14));
    site.pass(Duration::from_secs(1)).await;
    site.pass(LOOK).await;
    assert_eq!(site.told().await.1, ["12:10"], "late, and not lost");
}

/// When a schedule of half past two in Berlin fires around the transition that comes up to five hours after `from`, on
/// the clock of UTC.
async fn at_half_past_two(from: Time, more: impl FnOnce(&mut Timing)) -> Vec<String> {
    let mut site = Site::open_at(from).await;
    site.schedule_like("0 30 2 * * ?", "Europe/Berlin", more).await;
    site.pass(5 * 60 * MINUTE).await;
    site.told().await.1
}

#[tokio::test]
async fn a_time_that_the_clock_leaves_out_runs_after_the_gap_or_not_at_all() {
    // 31 March 2024, half an hour past midnight: at 01:00 the clock goes from 02:00 to 03:00.
    let from = Time(1_711_845_000_000);
    assert_eq!(at_half_past_two(from, |timing| timing.gap = None).await, ["01:00"]);
    assert_eq!(at_half_past_two(from, |timing| timing.gap = Some(DstGap::Shift)).await, ["01:00"]);
    assert_eq!(at_half_past_two(from, |timing| timing.gap = Some(DstGap::Skip)).await, [""; 0]);
}

#[tokio::test]
async fn a_time_that_the_clock_shows_twice_runs_the_first_the_second_or_both_times() {
    // 27 October 2024, half an hour before midnight: at 01:00 the clock goes from 03:00 back to 02:00.
    let from = Time(1_729_985_400_000);
    assert_eq!(at_half_past_two(from, |timing| timing.overlap = None).await, ["00:30"]);
    for (overlap, fires) in
        [(DstOverlap::First, &["00:30"][..]), (DstOverlap::Second, &["01:30"]), (DstOverlap::Both, &["00:30", "01:30"])]
    {
        assert_eq!(at_half_past_two(from, |timing| timing.overlap = Some(overlap)).await, fires, "{overlap}");
    }
}

/// A registry that never answers.
struct Silent;

#[async_trait]
impl Registry for Silent {
    async fn join(&self, _: Member) -> Membership {
        std::future::pending().await
    }

    async fn members(&self, _: Role) -> Result<Vec<Member>, registry::Error> {
        std::future::pending().await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }

    async fn lease(&self, _: &str) -> Result<Option<Posted>, registry::Error> {
        std::future::pending().await
    }

    async fn leases(&self) -> Result<Vec<Posted>, registry::Error> {
        std::future::pending().await
    }

    async fn post(&self, _: &str, _: &Lease, _: Option<Version>) -> Result<Option<Version>, registry::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_registry_that_does_not_answer_keeps_no_schedule_from_firing() {
    let mut site = Site::open().await;
    site.schedule(MisfirePolicy::FireOnce).await;
    site.timer.means.registry = Arc::new(Silent);
    site.clock.advance(5 * MINUTE - PATIENCE);
    // First it is asked, and then time passes.
    let (looked, ()) = tokio::join!(site.timer.look(), async { site.clock.advance(PATIENCE) });
    looked.unwrap();
    site.timer.fire().await.unwrap();
    assert_eq!(site.told().await.1, ["12:10"]);
}
