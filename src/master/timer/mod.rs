//! The timer of a master: fires schedules at their instants.
//!
//! The database is the truth: a schedule's row says when it is due next, and one transaction decides about an instant,
//! or compares what was worked out shortly before it; keeps it, makes its instance and moves the row on. Where this
//! master has no place, or the definition cannot be started, a command is left instead: it waits for its turn, or goes
//! to the error table with the reason. This loop only knows the near future, so that it looks at the right moment. The
//! masters divide the schedules among themselves; what its master leaves lying for a second is anybody's.
//!
//! It goes by the wall clock. If that is set forward, what was jumped over is late, or missed; if it is set back,
//! nothing fires until the clock is where it was. A master whose clock is not the database's fires nothing.

mod calendars;
mod decision;
mod fire;
mod follow;
mod portion;
#[cfg(test)]
mod tests;

pub(super) use follow::{Follower, Rings};

use super::claim::Begun;
use super::driver::ahead;
use super::offices::Complaints;
use super::places::Places;
use super::starts::Ready;
use crate::calls::Bell;
use crate::clock::Clock;
use crate::model::{DefinitionId, ScheduleId, Time, lateness};
use crate::registry::{Registry, Role};
use crate::store::{Error, Near, Records, Timetable};
use calendars::Calendars;
use fire::TOGETHER;
use portion::Portion;
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
/// So long before an instant it is worked out what will be written at it.
const EARLY: Duration = Duration::from_millis(300);
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

/// What is going to be written at an instant.
struct Foresight {
    at: Time,
    /// When it was worked out, by the time since the machine has started: the wall clock may be set.
    made: Duration,
    portions: Vec<Portion>,
}

/// What a timer does next.
#[derive(Clone, Copy)]
enum Turn {
    /// It reads what comes soon.
    Look,
    /// It works out what will be written at the next instant.
    Foresee,
    Fire,
}

pub(super) struct Timer {
    means: Means,
    /// When to fire what: an instant of the wall clock.
    due: BTreeSet<(Time, ScheduleId)>,
    /// Where each of them stands in `due`.
    held: HashMap<ScheduleId, (Time, DefinitionId)>,
    /// What is going to be written at the next instant.
    foreseen: Option<Foresight>,
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
            foreseen: None,
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
        let mut turn = Turn::Look;
        loop {
            turn = match self.take(turn).await {
                Ok(()) => self.wait().await,
                Err(error) => {
                    self.complaints.complain(&error);
                    self.means.clock.sleep(super::driver::AGAIN).await;
                    Turn::Look
                }
            };
        }
    }

    async fn take(&mut self, turn: Turn) -> Result<(), Error> {
        match turn {
            Turn::Look => self.look().await,
            Turn::Foresee => {
                self.foresee().await;
                Ok(())
            }
            Turn::Fire => self.fire().await,
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) -> Turn {
        let (clock, changed) = (&self.means.clock, &self.means.rings.changed);
        let since = clock.boot().saturating_sub(self.looked_at);
        let first = self.due.first().filter(|_| self.is_right == Some(true)).map(|(at, _)| *at);
        let is_foreseen = self.foreseen.as_ref().map(|foreseen| foreseen.at) == first;
        let due = async {
            let Some(at) = first else { return std::future::pending().await };
            if !is_foreseen {
                clock.sleep((at - EARLY).since(clock.now())).await;
                if clock.now() < at {
                    return Turn::Foresee;
                }
            }
            clock.sleep(at.since(clock.now())).await;
            Turn::Fire
        };
        let ring = async {
            clock.sleep(REST.saturating_sub(since)).await;
            changed.notified().await;
        };
        tokio::select! {
            biased;
            () = clock.sleep(LOOK.saturating_sub(since)) => {}
            turn = due => return turn,
            () = ring => {}
        }
        match first.map(|at| at.since(clock.now())) {
            Some(left) if left < SOON && self.put_off < PUT_OFF => {
                self.put_off += 1;
                clock.sleep(left).await;
                // The look comes right after what is due.
                changed.notify_one();
                Turn::Fire
            }
            _ => Turn::Look,
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
        // The clock was set, or what was to fire then is gone.
        self.foreseen.take_if(|foreseen| self.looked_at.saturating_sub(foreseen.made) > EARLY);
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
            let now = self.means.clock.now();
            let portion = Portion::new(unset, self.manner(now, Ready::new()));
            self.fire_portions(vec![portion], Portion::fire, now).await?;
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

    /// Whether it is our turn to fire it; without an answer from the registry all are everybody's.
    fn is_ours(&self, schedule: ScheduleId) -> bool {
        self.masters.is_none_or(|(own, all)| schedule.0.unsigned_abs() as usize % all == own)
    }

    fn hold(&mut self, Near { schedule, definition, at, jitter }: Near) {
        let courtesy = if self.is_ours(schedule) { Duration::ZERO } else { COURTESY };
        let due = at + lateness(schedule, at, jitter) + courtesy;
        if let Some((before, _)) = self.held.insert(schedule, (due, definition)) {
            self.due.remove(&(before, schedule));
        }
        self.due.insert((due, schedule));
    }
}
