//! The timer of a master: fires schedules at their instants.
//!
//! The database is the truth: a schedule's row says when it is due next, and one transaction decides about an instant,
//! keeps it, makes its instance and moves the row on. What the instance needs is looked up before that, and shared by
//! all that fire together. Where this master has no place, or the definition cannot be started, a command is left
//! instead: it waits for its turn, or goes to the error table with the reason. This loop only knows the near future, so
//! that it looks at the right moment. The masters divide the schedules among themselves; what its master leaves lying
//! for a second is anybody's.
//!
//! It goes by the wall clock. If that is set forward, what was jumped over is late, or missed; if it is set back,
//! nothing fires until the clock is where it was. A master whose clock is not the database's fires nothing.

mod calendars;
mod decision;
mod follow;
#[cfg(test)]
mod tests;

pub(super) use follow::{Follower, Rings};

use super::claim::{Begun, Claimed};
use super::claiming;
use super::driver::ahead;
use super::offices::Complaints;
use super::places::{Held, Places};
use super::starts::{self, Ready, Starts};
use crate::calls::Bell;
use crate::clock::Clock;
use crate::model::{Command, DefinitionId, InstanceId, Schedule, ScheduleId, Time, lateness};
use crate::registry::{Registry, Role};
use crate::store::{Begin, Decide, Decision, Error, Fired, Near, NewInstance, Records, Timetable};
use calendars::Calendars;
use futures::{StreamExt, stream};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How far ahead the near future reaches.
const AHEAD: Duration = Duration::from_secs(15);
/// How often it is read anew, in case a wake-up was lost.
const LOOK: Duration = Duration::from_secs(5);
/// How soon at the earliest after the last time.
const REST: Duration = Duration::from_millis(200);
/// How many schedules it holds at most; those beyond come when these have fired.
const HELD: u64 = 50_000;
/// A look takes a few milliseconds: so long before something is due, none is begun.
const SOON: Duration = Duration::from_millis(50);
/// How often at most a look is put off for that reason.
const PUT_OFF: u32 = 10;
/// How many schedules fire in one transaction, and how many transactions are under way at once.
const TOGETHER: usize = 256;
const AT_ONCE: usize = 4;
/// How long a schedule is left to the master whose turn it is.
const COURTESY: Duration = Duration::from_secs(1);
/// How long the registry may take to tell who is there; schedules fire without it as well.
const PATIENCE: Duration = Duration::from_millis(500);
/// How far a clock may be off the database's.
const OFF: Duration = Duration::from_secs(1);

/// What the timer works with.
pub(super) struct Means {
    pub timetable: Arc<dyn Timetable>,
    pub records: Arc<dyn Records>,
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<dyn Clock>,
    pub bell: Arc<dyn Bell>,
    pub rings: Arc<Rings>,
    pub places: Arc<Places>,
    /// To whoever drives the instances that are made here.
    pub begun: UnboundedSender<Begun>,
    pub settings: Arc<super::Settings>,
}

pub(super) struct Timer {
    means: Means,
    /// When to fire what: an instant of the wall clock.
    due: BTreeSet<(Time, ScheduleId)>,
    /// Where each of them stands in `due`.
    held: HashMap<ScheduleId, (Time, DefinitionId)>,
    /// The living masters, and which of them we are.
    masters: Option<(usize, usize)>,
    /// Whether our clock is the database's; unknown at first.
    is_right: Option<bool>,
    /// When the near future was last read, by the time since the machine has started.
    looked_at: Duration,
    /// How far the wall clock was ahead of that time then, in milliseconds.
    ahead: i64,
    /// How often the next look was put off.
    put_off: u32,
    /// Whether there may be schedules of which nobody has said yet when they fire. They come with a database that was
    /// EasyScheduler's, and are searched for until none is left: that reads all schedules there are.
    seeks_unset: bool,
    calendars: Arc<Calendars>,
    complaints: Complaints,
}

impl Timer {
    pub fn new(means: Means) -> Timer {
        Timer {
            due: BTreeSet::new(),
            held: HashMap::new(),
            masters: None,
            is_right: None,
            looked_at: means.clock.boot(),
            ahead: ahead(&*means.clock),
            put_off: 0,
            seeks_unset: true,
            calendars: Arc::new(Calendars::new(means.settings.zone)),
            complaints: Complaints::default(),
            means,
        }
    }

    /// Fires until it is dropped.
    pub async fn run(mut self) {
        let mut looks = true;
        loop {
            let done = if looks { self.look().await } else { self.fire().await };
            looks = match done {
                Ok(()) => self.wait().await,
                Err(error) => {
                    self.complaints.complain(&error);
                    self.means.clock.sleep(super::driver::AGAIN).await;
                    true
                }
            };
        }
    }

    /// Waits until something is due; true if the near future is to be read first.
    async fn wait(&mut self) -> bool {
        let (clock, changed) = (&self.means.clock, &self.means.rings.changed);
        let since = clock.boot().saturating_sub(self.looked_at);
        let first = self.due.first().filter(|_| self.is_right == Some(true)).map(|(at, _)| *at);
        let due = async {
            match first {
                Some(at) => clock.sleep(at.since(clock.now())).await,
                None => std::future::pending().await,
            }
        };
        let ring = async {
            clock.sleep(REST.saturating_sub(since)).await;
            changed.notified().await;
        };
        tokio::select! {
            biased;
            () = clock.sleep(LOOK.saturating_sub(since)) => {}
            () = due => return false,
            () = ring => {}
        }
        match first.map(|at| at.since(clock.now())) {
            Some(left) if left < SOON && self.put_off < PUT_OFF => {
                self.put_off += 1;
                clock.sleep(left).await;
                // The look comes right after what is due.
                changed.notify_one();
                false
            }
            _ => true,
        }
    }

    /// Reads who is there and what comes soon.
    async fn look(&mut self) -> Result<(), Error> {
        self.looked_at = self.means.clock.boot();
        self.ahead = ahead(&*self.means.clock);
        self.put_off = 0;
        self.masters = self.turn().await;
        let is_right = self.clock_is_right().await?;
        self.is_right = Some(is_right);
        let was_right = self.means.rings.clock_is_right.swap(is_right, Ordering::Relaxed);
        if is_right && !was_right {
            self.means.rings.ended.notify_one();
        }
        let now = self.means.clock.now();
        let near = self.means.timetable.near(now + AHEAD, HELD).await?;
        self.due.clear();
        self.held.clear();
        near.into_iter().for_each(|near| self.hold(near));
        self.set_unset().await?;
        // However long that took: what is due comes before the next look.
        self.looked_at = self.means.clock.boot();
        Ok(())
    }

    async fn set_unset(&mut self) -> Result<(), Error> {
        let mut before = Vec::new();
        while self.seeks_unset {
            let unset = self.means.timetable.unset(TOGETHER as u64).await?;
            self.seeks_unset = !unset.is_empty();
            if unset == before {
                return Ok(()); // Nothing can be decided about them; the next look tries again.
            }
            before.clone_from(&unset);
            self.decide_about(unset, Ready::new()).await?;
        }
        Ok(())
    }

    /// Our place among the living masters; none if the registry does not tell.
    async fn turn(&self) -> Option<(usize, usize)> {
        let masters = tokio::select! {
            biased;
            masters = self.means.registry.members(Role::Master) => masters.ok()?,
            () = self.means.clock.sleep(PATIENCE) => return None,
        };
        let mut starts: Vec<_> = masters.into_iter().filter(|master| master.sound).map(|master| master.start).collect();
        starts.sort_unstable();
        Some((starts.iter().position(|start| *start == self.means.settings.owner)?, starts.len()))
    }

    /// Whether our clock is the database's; a change is said.
    async fn clock_is_right(&self) -> Result<bool, Error> {
        let sent = self.means.clock.now();
        let Some(theirs) = self.means.timetable.now().await? else { return Ok(true) };
        let got = self.means.clock.now();
        let is_right = theirs + OFF >= sent && theirs <= got + OFF;
        if is_right && self.is_right == Some(false) {
            tracing::info!("this machine's clock agrees with the database's again: schedules fire");
        }
        if !is_right && self.is_right != Some(false) {
            let ahead = (got.0 - theirs.0) as f64 / 1000.0;
            tracing::error!(
                "this machine's clock is {ahead:+.1} s off the database's: no schedule fires here until they agree; set \
                 them by NTP"
            );
        }
        Ok(is_right)
    }

    fn hold(&mut self, Near { schedule, definition, at, jitter }: Near) {
        let ours = self.masters.is_none_or(|(own, all)| schedule.0.unsigned_abs() as usize % all == own);
        let courtesy = if ours { Duration::ZERO } else { COURTESY };
        let due = at + lateness(schedule, at, jitter) + courtesy;
        if let Some((before, _)) = self.held.insert(schedule, (due, definition)) {
            self.due.remove(&(before, schedule));
        }
        self.due.insert((due, schedule));
    }

    /// Fires what is due by now.
    async fn fire(&mut self) -> Result<(), Error> {
        // Whoever has set the clock may have set it wrong: that is asked before anything fires by it.
        if (ahead(&*self.means.clock) - self.ahead).unsigned_abs() > OFF.as_millis() as u64 {
            return self.look().await;
        }
        let now = self.means.clock.now();
        let (mut due, mut definitions) = (Vec::new(), Vec::new());
        while let Some((at, schedule)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, schedule));
            definitions.extend(self.held.remove(&schedule).map(|(_, definition)| definition));
            due.push(schedule);
        }
        let records = self.means.records.clone();
        let ready = match self.means.places.is_open() {
            true => Starts::new(&*records, &self.means.settings).ready(definitions, self.means.places.free()).await,
            false => Ready::new(),
        };
        self.decide_about(due, ready).await
    }

    /// `ready` are the definitions whose firings may become instances at once.
    async fn decide_about(&mut self, schedules: Vec<ScheduleId>, ready: Ready) -> Result<(), Error> {
        let now = self.means.clock.now();
        let (decide, begin) = (self.decide(now), self.begin(&ready, now));
        let portions: Vec<Vec<ScheduleId>> = schedules.chunks(TOGETHER).map(<[ScheduleId]>::to_vec).collect();
        let (timetable, places) = (self.means.timetable.clone(), self.means.places.clone());
        let fires = portions.into_iter().map(|portion| {
            let held = places.hold_without_queue(if ready.is_empty() { 0 } else { portion.len() });
            let begin = Begin { most: held.count, ..begin.clone() };
            let fired = fire_together(timetable.clone(), portion, now, decide.clone(), begin);
            async move { (fired.await, held) }
        });
        let mut fires = stream::iter(fires).buffer_unordered(AT_ONCE);
        let (mut outcome, horizon) = (Ok(()), now + AHEAD);
        let mut next = Vec::new();
        while let Some((fired, held)) = fires.next().await {
            let Fired { begun, commands, next: later } = fired.unwrap_or_else(|error| {
                // What was not written is found again by the next look. If it was written and the answer is lost, the
                // instances are ours, and the next sweep finds them.
                outcome = Err(error);
                Fired::default()
            });
            if commands > 0 {
                self.means.bell.ring();
            }
            // Also without an instance: commands may wait for the places.
            if held.count > 0 {
                self.pass_on(begun, &ready, held).await;
            }
            next.extend(later.into_iter().filter(|near| near.at <= horizon));
        }
        drop(fires);
        next.into_iter().for_each(|near| self.hold(near));
        outcome
    }

    /// Hands instances over to be driven.
    async fn pass_on(&self, begun: Vec<(InstanceId, NewInstance)>, ready: &Ready, places: Held) {
        let records = self.means.records.clone();
        let mut starts = Starts::new(&*records, &self.means.settings);
        let mut instances = Vec::with_capacity(begun.len());
        for (id, new) in begun {
            instances.push(match ready.get(&new.command.definition) {
                Some(admitted) => claiming::take(&mut starts, id, new, admitted).await,
                None => Claimed::Known(id),
            });
        }
        // If the driver has left, so do we.
        let _ = self.means.begun.send(Begun { instances, places });
    }

    /// How a transaction makes the instance of a firing.
    fn begin(&self, ready: &Ready, now: Time) -> Begin {
        let (ready, settings) = (ready.clone(), self.means.settings.clone());
        let instance = move |wish: &Command| {
            let admitted = ready.get(&wish.definition)?;
            starts::instance(wish.clone(), admitted, &settings, now).ok()
        };
        Begin { most: 0, instance: Arc::new(instance) }
    }

    /// How a transaction decides about a schedule at an instant of the wall clock.
    fn decide(&self, now: Time) -> Decide {
        let (calendars, grace) = (self.calendars.clone(), self.means.settings.grace);
        Arc::new(move |schedule: &Schedule| match calendars.of(schedule) {
            Ok(calendar) => decision::decide(schedule, now, grace, &|at| calendar.next_after(at)),
            Err(why) => {
                tracing::error!(schedule = %schedule.id, "the schedule is taken off line: {why}");
                Decision { offline: true, ..Decision::default() }
            }
        })
    }
}

/// In one transaction; if that cannot work, each by itself and by a command, which is rejected by itself: one that is
/// ill is not to keep the others from firing.
async fn fire_together(
    timetable: Arc<dyn Timetable>,
    schedules: Vec<ScheduleId>,
    now: Time,
    decide: Decide,
    begin: Begin,
) -> Result<Fired, Error> {
    let error = match timetable.fire(schedules.clone(), now, decide.clone(), begin).await {
        Err(error) if !matches!(error, Error::Unavailable(_)) => error,
        fired => return fired,
    };
    tracing::error!("{} schedules cannot fire together, so each fires by itself: {error}", schedules.len());
    let mut all = Fired::default();
    for schedule in schedules {
        match timetable.fire(vec![schedule], now, decide.clone(), Begin::nothing()).await {
            Ok(fired) => {
                all.commands += fired.commands;
                all.next.extend(fired.next);
            }
            Err(error @ Error::Unavailable(_)) => return Err(error),
            Err(error) => tracing::error!(%schedule, "the schedule cannot fire: {error}"),
        }
    }
    Ok(all)
}
