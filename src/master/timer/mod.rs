//! The timer of a master: fires schedules at their instants.
//!
//! The database is the truth: a schedule's row says when it is due next, and one transaction decides about an instant,
//! keeps it, inserts the command and moves the row on. This loop only knows the near future, so that it looks at the
//! right moment. The masters divide the schedules among themselves; what its master leaves lying for a second is
//! anybody's.
//!
//! It goes by the wall clock. If that is set forward, what was jumped over is late, or missed; if it is set back,
//! nothing fires until the clock is where it was. A master whose clock is not the database's fires nothing.

mod decision;
#[cfg(test)]
mod tests;

use super::driver::ahead;
use super::offices::Complaints;
use crate::calendar::Calendar;
use crate::calls::Bell;
use crate::clock::Clock;
use crate::model::{Schedule, ScheduleId, Time, lateness};
use crate::registry::{Registry, Role};
use crate::store::{Decide, Decision, Error, Fired, Near, Timetable};
use chrono_tz::Tz;
use futures::{StreamExt, stream};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How far ahead the near future reaches.
const AHEAD: Duration = Duration::from_secs(15);
/// How often it is read anew, in case a wake-up was lost.
const LOOK: Duration = Duration::from_secs(5);
/// How soon at the earliest after the last time.
const REST: Duration = Duration::from_millis(200);
/// How many schedules it holds at most; those beyond come when these have fired.
const HELD: u64 = 50_000;
/// How many schedules fire in one transaction, and how many transactions are under way at once.
const TOGETHER: usize = 256;
const AT_ONCE: usize = 4;
/// How long a schedule is left to the master whose turn it is.
const COURTESY: Duration = Duration::from_secs(1);
/// How far a clock may be off the database's.
const OFF: Duration = Duration::from_secs(1);

/// What the timer works with.
pub(super) struct Means {
    pub timetable: Arc<dyn Timetable>,
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<dyn Clock>,
    pub bell: Arc<dyn Bell>,
    /// Rung when schedules may have changed, or a run has ended.
    pub wake: Arc<Notify>,
    /// This start of the process.
    pub owner: String,
    /// The zone of schedules that name none.
    pub zone: Tz,
    /// How late an instant may fire before it counts as missed (`schedule.misfire.threshold`).
    pub grace: Duration,
}

pub(super) struct Timer {
    means: Means,
    /// When to fire what: an instant of the wall clock.
    due: BTreeSet<(Time, ScheduleId)>,
    /// Where each of them stands in `due`.
    held: HashMap<ScheduleId, Time>,
    /// The living masters, and which of them we are.
    masters: Option<(usize, usize)>,
    /// Whether our clock is the database's; unknown at first.
    is_right: Option<bool>,
    /// When the near future was last read, by the time since the machine has started.
    looked_at: Duration,
    /// How far the wall clock was ahead of that time then, in milliseconds.
    ahead: i64,
    /// Whether there may be schedules of which nobody has said yet when they fire. They come with a database that was
    /// EasyScheduler's, and are searched for until none is left: that reads all schedules there are.
    seeks_unset: bool,
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
            seeks_unset: true,
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
    async fn wait(&self) -> bool {
        let clock = &self.means.clock;
        let since = clock.boot().saturating_sub(self.looked_at);
        let first = self.due.first().filter(|_| self.is_right == Some(true));
        let due = async {
            match first {
                Some((at, _)) => clock.sleep(at.since(clock.now())).await,
                None => std::future::pending().await,
            }
        };
        let ring = async {
            clock.sleep(REST.saturating_sub(since)).await;
            self.means.wake.notified().await;
        };
        tokio::select! {
            biased;
            () = clock.sleep(LOOK.saturating_sub(since)) => true,
            () = due => false,
            () = ring => true,
        }
    }

    /// Reads who is there and what comes soon, and starts what has waited for a run to end: instants of schedules and
    /// dates of backfills.
    async fn look(&mut self) -> Result<(), Error> {
        self.looked_at = self.means.clock.boot();
        self.ahead = ahead(&*self.means.clock);
        self.masters = self.turn().await;
        let is_right = self.clock_is_right().await?;
        self.is_right = Some(is_right);
        let now = self.means.clock.now();
        let near = self.means.timetable.near(now + AHEAD, HELD).await?;
        self.due.clear();
        self.held.clear();
        near.into_iter().for_each(|near| self.hold(near));
        self.set_unset().await?;
        let instants = if is_right { self.means.timetable.start_waiting(now).await? } else { 0 };
        if instants + self.means.timetable.advance(now).await? > 0 {
            self.means.bell.ring();
        }
        Ok(())
    }

    async fn set_unset(&mut self) -> Result<(), Error> {
        while self.seeks_unset {
            let unset = self.means.timetable.unset(TOGETHER as u64).await?;
            self.seeks_unset = !unset.is_empty();
            self.decide_about(unset).await?;
        }
        Ok(())
    }

    /// Our place among the living masters; none if the registry does not tell.
    async fn turn(&self) -> Option<(usize, usize)> {
        let masters = self.means.registry.members(Role::Master).await.ok()?;
        let mut starts: Vec<_> = masters.into_iter().filter(|master| master.sound).map(|master| master.start).collect();
        starts.sort_unstable();
        Some((starts.iter().position(|start| *start == self.means.owner)?, starts.len()))
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

    fn hold(&mut self, Near { schedule, at, jitter }: Near) {
        let ours = self.masters.is_none_or(|(own, all)| schedule.0.unsigned_abs() as usize % all == own);
        let courtesy = if ours { Duration::ZERO } else { COURTESY };
        let due = at + lateness(schedule, at, jitter) + courtesy;
        if let Some(before) = self.held.insert(schedule, due) {
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
        let mut due = Vec::new();
        while let Some((at, schedule)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, schedule));
            self.held.remove(&schedule);
            due.push(schedule);
        }
        self.decide_about(due).await
    }

    async fn decide_about(&mut self, schedules: Vec<ScheduleId>) -> Result<(), Error> {
        let now = self.means.clock.now();
        let decide = self.decide(now);
        let portions: Vec<Vec<ScheduleId>> = schedules.chunks(TOGETHER).map(<[ScheduleId]>::to_vec).collect();
        let timetable = self.means.timetable.clone();
        let fires = portions.into_iter().map(|portion| timetable.fire(portion, now, decide.clone()));
        let mut fires = stream::iter(fires).buffer_unordered(AT_ONCE);
        let (mut outcome, horizon) = (Ok(()), now + AHEAD);
        let mut next = Vec::new();
        while let Some(fired) = fires.next().await {
            match fired {
                Ok(Fired { commands, next: later }) => {
                    if commands > 0 {
                        self.means.bell.ring();
                    }
                    next.extend(later.into_iter().filter(|near| near.at <= horizon));
                }
                // What was not written is found again by the next look.
                Err(error) => outcome = Err(error),
            }
        }
        drop(fires);
        next.into_iter().for_each(|near| self.hold(near));
        outcome
    }

    /// How a transaction decides about a schedule at an instant of the wall clock.
    fn decide(&self, now: Time) -> Decide {
        let (zone, grace) = (self.means.zone, self.means.grace);
        Arc::new(move |schedule: &Schedule| match Calendar::of(schedule, zone) {
            Ok(calendar) => decision::decide(schedule, now, grace, &|at| calendar.next_after(at)),
            Err(why) => {
                tracing::error!(schedule = %schedule.id, "the schedule is taken off line: {why}");
                Decision { offline: true, ..Decision::default() }
            }
        })
    }
}
