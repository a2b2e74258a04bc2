//! Schedules: some worlds have them. Those have clocks that are put right from time to time, since nobody fires by a
//! wrong one.

use crate::dice::Dice;
use crate::kernel::EPOCH_MS;
use crate::plan::Plan;
use crate::records::Client;
use crate::world::World;
use async_trait::async_trait;
use chrono_tz::UTC;
use escheduler::calendar::Calendar;
use escheduler::model::{
    DstGap, DstOverlap, FailureStrategy, MisfirePolicy, Outcome, OverlapPolicy, Priority, Schedule, ScheduleId, Time,
    UserId, WarningType,
};
use escheduler::store::{Backfills, Begin, Decide, Error, Fired, Near, Timetable};
use std::time::Duration;

/// How late an instant may fire before its misfire policy decides.
pub const GRACE: Duration = Duration::from_secs(2);

impl Plan {
    /// Drawn from dice of their own, so that worlds without schedules do not change.
    pub fn draw_schedules(&mut self, seed: u64) {
        let mut dice = Dice::new(!seed);
        if !dice.chance(0.25) {
            return;
        }
        let definition = self.definitions.iter().map(|definition| definition.id).min_by_key(|id| self.size(*id));
        let Some(definition) = definition else { return };
        for id in 1..=dice.within(1, 4) as i32 {
            let every = *dice.pick(&[1, 2, 5]);
            let start = Time(EPOCH_MS + dice.within(2, 30) as i64 * 1000);
            let schedule = Schedule {
                id: ScheduleId(id),
                definition,
                crontab: format!("*/{every} * * * * ?"),
                zone: Some("UTC".into()),
                gap: DstGap::Shift,
                overlap: DstOverlap::First,
                start,
                end: start + Duration::from_secs(every * dice.within(2, 7)),
                misfire: *dice.pick(&[
                    MisfirePolicy::FireAll,
                    MisfirePolicy::FireAll,
                    MisfirePolicy::FireOnce,
                    MisfirePolicy::Skip,
                ]),
                overlapping: *dice.pick(&[OverlapPolicy::Parallel, OverlapPolicy::Wait]),
                jitter: Duration::from_millis(*dice.pick(&[0, 0, 700])),
                next: None,
                user: UserId(1),
                strategy: FailureStrategy::Continue,
                warning: WarningType::None,
                warning_group: 0,
                priority: Priority::Medium,
                worker_group: -1,
            };
            let next = instants(&schedule).next();
            self.schedules.push(Schedule { next, ..schedule });
        }
    }
}

/// All instants at which a schedule is to fire.
fn instants(schedule: &Schedule) -> impl Iterator<Item = Time> {
    let calendar = Calendar::of(schedule, UTC).expect("the expression is right");
    let all: Vec<Time> = calendar.between(schedule.start, schedule.end).collect();
    all.into_iter()
}

impl World {
    /// The clocks agree again, now and then; once all is calm, soon.
    pub fn put_clocks_right(&mut self) {
        if self.plan.schedules.is_empty() {
            return;
        }
        let calm = self.is_calm();
        for node in self.masters() {
            if calm || self.clock_dice.chance(0.2) {
                let off = self.clock_dice.within(0, 800) as i64 - 400;
                self.machines[node].clock.put_right(off);
            }
        }
    }

    /// Whether every instant has become what it should, of schedules that let none out.
    pub fn judge_schedules(&mut self) {
        for schedule in self.plan.schedules.clone() {
            for at in instants(&schedule) {
                let outcome = self.db.firings.get(&(schedule.id, at)).copied();
                let is_made = self.judge.scheduled.contains(&(schedule.id, at));
                let is_refused = !self.db.errors.is_empty();
                if outcome == Some(Outcome::Started) && !is_made && !is_refused {
                    self.breach(format!(
                        "I5: instant {} of schedule {} has started, and made nothing",
                        at.0, schedule.id
                    ));
                }
                if schedule.misfire == MisfirePolicy::FireAll && outcome != Some(Outcome::Started) {
                    self.breach(format!("I5: instant {} of schedule {} is {outcome:?}", at.0, schedule.id));
                }
            }
        }
    }
}

#[async_trait]
impl Backfills for Client {
    async fn advance(&self, _now: Time) -> Result<usize, Error> {
        Ok(0)
    }
}

#[async_trait]
impl Timetable for Client {
    async fn near(&self, until: Time, limit: u64) -> Result<Vec<Near>, Error> {
        self.read(move |db| Ok(db.near(until, limit))).await
    }

    async fn unset(&self, _limit: u64) -> Result<Vec<ScheduleId>, Error> {
        Ok(Vec::new())
    }

    async fn fire(&self, schedules: Vec<ScheduleId>, now: Time, decide: Decide, begin: Begin) -> Result<Fired, Error> {
        self.write(move |db| Ok(db.fire(&schedules, now, &decide, &begin))).await
    }

    async fn now(&self) -> Result<Option<Time>, Error> {
        let queue = self.caller.q.clone();
        self.read(move |_| Ok(Some(Time(EPOCH_MS + (queue.now() / crate::kernel::MILLI) as i64)))).await
    }

    async fn start_waiting(&self, now: Time) -> Result<usize, Error> {
        self.write(move |db| Ok(db.start_waiting(now))).await
    }
}
