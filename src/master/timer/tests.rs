//! The timer on a clock that is set, and a database that has one of its own.

use super::*;
use crate::calendar::Calendar;
use crate::calls::LocalBell;
use crate::clock::ManualClock;
use crate::host::NoLimit;
use crate::master::stage::{member, settings};
use crate::model::{
    Backfill, Command, DateOrder, DefinitionId, DstGap, DstOverlap, MisfirePolicy, ProjectId, ReleaseState, RunMode,
    UserId,
};
use crate::registry::{Membership, Memory};
use crate::store::{Backfills, Store, Timing, stage};
use async_trait::async_trait;
use chrono_tz::Tz;
use futures::FutureExt;
use std::sync::Mutex;

/// A morning in 2023.
const MIDNIGHT: i64 = 1_700_006_400_000;
const MINUTE: Duration = Duration::from_secs(60);
const ADMIN: UserId = UserId(1);

fn at(hour: i64, minute: i64) -> Time {
    Time(MIDNIGHT + (hour * 60 + minute) * 60_000)
}

/// A database with a clock of its own, which nobody sets.
struct WithClock {
    store: Store,
    now: Mutex<Option<Time>>,
    /// A schedule that cannot fire.
    ill: Mutex<Option<ScheduleId>>,
}

#[async_trait]
impl Backfills for WithClock {
    async fn advance(&self, now: Time) -> Result<usize, Error> {
        self.store.advance(now).await
    }
}

#[async_trait]
impl Timetable for WithClock {
    async fn near(&self, until: Time, limit: u64) -> Result<Vec<Near>, Error> {
        self.store.near(until, limit).await
    }

    async fn unset(&self, limit: u64) -> Result<Vec<ScheduleId>, Error> {
        self.store.unset(limit).await
    }

    async fn fire(&self, schedules: Vec<ScheduleId>, now: Time, decide: Decide, begin: Begin) -> Result<Fired, Error> {
        if self.ill.lock().unwrap().is_some_and(|ill| schedules.contains(&ill)) {
            return Err(Error::TooLong("its column".into()));
        }
        self.store.fire(schedules, now, decide, begin).await
    }

    async fn now(&self) -> Result<Option<Time>, Error> {
        Ok(*self.now.lock().unwrap())
    }

    async fn start_waiting(&self, now: Time) -> Result<usize, Error> {
        self.store.start_waiting(now).await
    }
}

struct Site {
    timetable: Arc<WithClock>,
    clock: ManualClock,
    registry: Arc<Memory>,
    timer: Timer,
    follower: Follower,
    rings: Arc<Rings>,
    definition: DefinitionId,
    _member: Membership,
}

impl Site {
    /// A site at five past twelve, with one definition.
    async fn open() -> Site {
        Site::open_at(at(12, 5)).await
    }

    async fn open_at(now: Time) -> Site {
        let store = Store::memory().await.unwrap();
        let (_, definition) = stage::definition(&store).await;
        let timetable = Arc::new(WithClock { store, now: Mutex::default(), ill: Mutex::default() });
        let (clock, registry, rings) = (ManualClock::at(now), Arc::new(Memory::default()), Arc::default());
        let membership = registry.join(member("me")).await;
        let timer = timer(&timetable, &clock, &registry, &rings);
        let follower = follower(&timetable, &clock, &rings);
        Site { timetable, clock, registry, timer, follower, rings, definition, _member: membership }
    }

    /// A schedule that fires every ten minutes.
    async fn schedule(&self, misfire: MisfirePolicy) -> ScheduleId {
        self.schedule_like("0 0/10 * * * ?", "UTC", |timing| timing.misfire = Some(misfire)).await
    }

    async fn schedule_like(&self, crontab: &str, zone: &str, more: impl FnOnce(&mut Timing)) -> ScheduleId {
        let mut timing = Timing { zone: Some(zone.into()), ..stage::timing(crontab) };
        more(&mut timing);
        let store = &self.timetable.store;
        let id = store.create_schedule(self.definition, ADMIN, timing).await.unwrap().unwrap();
        let now = self.clock.now();
        let next = Arc::new(move |schedule: &Schedule| Calendar::of(schedule, Tz::UTC).unwrap().next_after(now));
        store.release_schedule(ProjectId(1), id, ReleaseState::Online, next, now).await.unwrap().unwrap();
        self.rings.changed.notify_one();
        id
    }

    /// The process begins anew.
    fn restart(&mut self) {
        self.timer = timer(&self.timetable, &self.clock, &self.registry, &self.rings);
        self.follower = follower(&self.timetable, &self.clock, &self.rings);
    }

    /// Time passes, and the timer does whatever it wakes up for.
    async fn pass(&mut self, span: Duration) {
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(MINUTE);
            self.clock.advance(step);
            left -= step;
            self.settle().await;
        }
    }

    async fn settle(&mut self) {
        while let Some(looks) = self.timer.wait().now_or_never() {
            let done = if looks { self.timer.look().await } else { self.timer.fire().await };
            done.unwrap();
        }
        while self.follower.wait().now_or_never().is_some() {
            self.follower.look().await.unwrap();
        }
    }

    /// What became of which instant, and the instants for which there is a command.
    async fn told(&self) -> (Vec<String>, Vec<String>) {
        let clock = |at: Time| at.on_the_clock_of(Tz::UTC)[11..16].to_owned();
        let told = stage::outcomes(&self.timetable.store).await.into_iter().map(|(at, outcome, missed)| {
            let missed = if missed > 0 { format!(" for {missed} more") } else { String::new() };
            format!("{} {outcome}{missed}", clock(at))
        });
        let commands = self.timetable.store.starts(1000).await.unwrap();
        let mut commands: Vec<_> = commands.iter().filter_map(|wish| wish.schedule_time).map(clock).collect();
        commands.sort();
        (told.collect(), commands)
    }
}

fn timer(timetable: &Arc<WithClock>, clock: &ManualClock, registry: &Arc<Memory>, rings: &Arc<Rings>) -> Timer {
    Timer::new(Means {
        timetable: timetable.clone(),
        records: Arc::new(timetable.store.clone()),
        registry: registry.clone(),
        clock: Arc::new(clock.clone()),
        bell: Arc::new(LocalBell::default()),
        rings: rings.clone(),
        // Nobody drives instances here, so there is no place for any: all goes by commands.
        places: Arc::new(Places::new(0, Arc::new(NoLimit))),
        begun: tokio::sync::mpsc::unbounded_channel().0,
        settings: Arc::new(settings()),
    })
}

fn follower(timetable: &Arc<WithClock>, clock: &ManualClock, rings: &Arc<Rings>) -> Follower {
    Follower::new(timetable.clone(), Arc::new(clock.clone()), Arc::new(LocalBell::default()), rings.clone())
}

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

#[tokio::test]
async fn a_ring_makes_it_look_before_its_time() {
    let mut site = Site::open().await;
    site.settle().await;
    let template = Command::start(site.definition, ADMIN);
    let (mode, order) = (RunMode::Serial, DateOrder::Ascending);
    let backfill = Backfill { template, schedule: None, zone: Tz::UTC, mode, parallelism: 1, order };
    let dates = [at(0, 0), at(24, 0)].into();
    site.timetable.store.create_backfill(backfill, dates, [None, None], Time(0)).await.unwrap();
    site.pass(Duration::from_secs(1)).await;
    assert_eq!(site.told().await.1.len(), 0, "it does not know");
    site.rings.ended.notify_one();
    site.settle().await;
    assert_eq!(site.told().await.1.len(), 1);
    let run = stage::claim(&site.timetable.store).await;
    stage::end(&site.timetable.store, run).await;
    site.rings.ended.notify_one();
    site.pass(REST).await;
    assert_eq!(site.told().await.1.len(), 1, "the next date begins when one has ended");
}

#[tokio::test]
async fn an_expression_that_cannot_be_read_takes_its_schedule_off_line_and_no_other() {
    let mut site = Site::open().await;
    let good = site.schedule(MisfirePolicy::FireOnce).await;
    let odd = site.schedule(MisfirePolicy::FireOnce).await;
    stage::rewrite(&site.timetable.store, odd, "0 0 25 * * ?").await;
    site.pass(10 * MINUTE).await;
    let all = site.timetable.store.all_schedules(ProjectId(1)).await.unwrap();
    let state = |id| all.iter().find(|row| row.id == id).map(|row| (row.release_state, row.next_fire_ms));
    assert_eq!(state(odd), Some((Some(ReleaseState::Offline), None)));
    assert_eq!(state(good), Some((Some(ReleaseState::Online), Some(at(12, 20).0))));
    assert_eq!(site.told().await.1, ["12:10"]);
}

/// What can be started.
const DOCUMENT: &str = r#"{"tasks": [{"id": "n", "name": "n", "type": "SHELL", "params": {"rawScript": "true"}}],
    "globalParams": [{"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "${system.biz.date}"}]}"#;

#[tokio::test]
async fn where_there_is_a_place_the_instance_is_made_at_once() {
    let mut site = Site::open().await;
    stage::draw(&site.timetable.store, site.definition, DOCUMENT).await;
    let first = site.schedule(MisfirePolicy::FireOnce).await;
    site.schedule(MisfirePolicy::FireOnce).await;
    let (begun, mut there) = tokio::sync::mpsc::unbounded_channel();
    let places = Arc::new(Places::new(1, Arc::new(NoLimit)));
    places.set_queue(false);
    site.timer.means = Means { places: places.clone(), begun, ..site.timer.means };
    site.pass(10 * MINUTE).await;
    assert_eq!(site.told().await, (vec!["12:10 STARTED".to_owned(); 2], vec!["12:10".to_owned()]));
    let Begun { instances, places: held } = there.try_recv().unwrap();
    let [Claimed::New(loaded)] = instances.as_slice() else { panic!("one instance, with all that is known of it") };
    let store = &site.timetable.store;
    let read = store.load(loaded.id).await.unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{read:?}"), "as if it had been read");
    assert_eq!((read.schedule_time, read.globals.contains("20231114")), (Some(at(12, 10)), true), "{}", read.globals);
    assert_eq!(store.live_instances().await.unwrap()[0].owner.as_deref(), Some("me"));
    assert_eq!(places.free(), 0);
    drop(held);
    assert_eq!(places.free(), 1);
    assert_eq!(store.starts(10).await.unwrap().iter().filter(|wish| wish.schedule == Some(first)).count(), 0);
}

#[tokio::test]
async fn what_cannot_be_started_goes_by_a_command_although_there_is_a_place() {
    let mut site = Site::open().await;
    stage::draw(&site.timetable.store, site.definition, r#"{"tasks": []}"#).await;
    site.schedule(MisfirePolicy::FireOnce).await;
    let places = Arc::new(Places::new(1, Arc::new(NoLimit)));
    places.set_queue(false);
    site.timer.means.places = places.clone();
    site.pass(10 * MINUTE).await;
    assert_eq!((site.told().await.1, places.free()), (vec!["12:10".to_owned()], 1));
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

#[tokio::test]
async fn a_schedule_that_is_ill_does_not_keep_the_others_from_firing() {
    let mut site = Site::open().await;
    let ill = site.schedule(MisfirePolicy::FireAll).await;
    *site.timetable.ill.lock().unwrap() = Some(ill);
    site.schedule(MisfirePolicy::FireAll).await;
    site.pass(MINUTE * 20).await;
    let (outcomes, commands) = site.told().await;
    assert_eq!(outcomes, ["12:10 STARTED", "12:20 STARTED"]);
    assert_eq!(commands, ["12:10", "12:20"]);
}
