//! The timer on a clock that is moved by hand, and a database that has one of its own.

mod begun;
mod clock;

use super::*;
use crate::calendar::Calendar;
use crate::calls::LocalBell;
use crate::clock::ManualClock;
use crate::host::NoLimit;
use crate::master::claim::Claimed;
use crate::master::stage::{member, settings};
use crate::model::{
    Backfill, Command, DateOrder, DstGap, DstOverlap, MisfirePolicy, Priority, ProjectId, ReleaseState, RunMode,
    Schedule, UserId,
};
use crate::registry::{Membership, Memory};
use crate::store::{Backfills, Begin, Decide, Fired, Foreseen, Loaded, Store, Timing, stage};
use async_trait::async_trait;
use chrono_tz::Tz;
use futures::FutureExt;
use std::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

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
    /// A schedule that cannot fire, nor can others with it.
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

    async fn foresee(
        &self,
        schedules: Vec<ScheduleId>,
        at: Time,
        decide: Decide,
        begin: Begin,
    ) -> Result<Foreseen, Error> {
        self.store.foresee(schedules, at, decide, begin).await
    }

    async fn fire_foreseen(&self, foreseen: Arc<Foreseen>) -> Result<Option<Fired>, Error> {
        if self.ill.lock().unwrap().is_some() {
            return Err(Error::TooLong("its column".into()));
        }
        self.store.fire_foreseen(foreseen).await
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

    /// The master has so many places for instances, and tells which it has made.
    fn with_places(&mut self, count: usize) -> (Arc<Places>, UnboundedReceiver<Begun>) {
        let (begun, there) = tokio::sync::mpsc::unbounded_channel();
        let places = Arc::new(Places::new(count, Arc::new(NoLimit)));
        places.set_queue(false);
        (self.timer.means.places, self.timer.means.begun) = (places.clone(), begun);
        (places, there)
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
        while let Some(turn) = self.timer.wait().now_or_never() {
            self.timer.take(turn).await.unwrap();
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
