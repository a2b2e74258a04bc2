//! Schedules, and what became of their instants.

use super::{Change, Db};
use escheduler::model::{Outcome, OverlapPolicy, Schedule, ScheduleId, Time};
use escheduler::store::{Begin, Decide, Fired, Near};

impl Db {
    pub fn near(&self, until: Time, limit: u64) -> Vec<Near> {
        let mut near: Vec<Near> = self.schedules.values().filter_map(near).filter(|near| near.at <= until).collect();
        near.sort_by_key(|near| near.at);
        near.truncate(limit as usize);
        near
    }

    pub fn fire(&mut self, schedules: &[ScheduleId], now: Time, decide: &Decide, begin: &Begin) -> Fired {
        let mut fired = Fired::default();
        for id in schedules {
            let Some(schedule) = self.schedules.get(id).cloned() else { continue };
            let decision = decide(&schedule);
            for firing in decision.firings {
                if self.firings.contains_key(&(*id, firing.at)) {
                    continue;
                }
                let waits = schedule.overlapping == OverlapPolicy::Wait && (self.waits(*id) || self.is_busy(*id));
                let outcome = match firing.runs {
                    false => Outcome::Missed,
                    true if waits => Outcome::Waiting,
                    true => Outcome::Started,
                };
                self.firings.insert((*id, firing.at), outcome);
                fired.waiting += usize::from(outcome == Outcome::Waiting);
                if outcome == Outcome::Started {
                    self.begin(&schedule, firing.at, now, begin, &mut fired);
                }
            }
            let schedule = Schedule { next: decision.next, ..schedule };
            fired.next.extend(near(&schedule));
            self.schedules.insert(*id, schedule);
        }
        fired
    }

    fn begin(&mut self, schedule: &Schedule, at: Time, now: Time, begin: &Begin, fired: &mut Fired) {
        let command = schedule.command(at, now);
        let new = (begin.instance)(&command).filter(|_| fired.begun.len() < begin.most);
        match new {
            Some(new) => {
                let id = self.insert(new.clone());
                fired.begun.push((id, new));
            }
            None => {
                self.insert_command(command);
                fired.commands += 1;
            }
        }
    }

    /// Starts the oldest instant of each schedule of which nothing runs any more.
    pub fn start_waiting(&mut self, now: Time) -> usize {
        let schedules: Vec<Schedule> = self.schedules.values().cloned().collect();
        let mut started = 0;
        for schedule in schedules {
            let mine = self.firings.range_mut((schedule.id, Time(0))..=(schedule.id, Time(i64::MAX)));
            let mut waiting = mine.filter(|(_, outcome)| **outcome == Outcome::Waiting).map(|((_, at), _)| *at);
            let Some(at) = waiting.next() else { continue };
            drop(waiting);
            if !self.is_busy(schedule.id) {
                self.firings.insert((schedule.id, at), Outcome::Started);
                self.insert_command(schedule.command(at, now));
                started += 1;
            }
        }
        started
    }

    /// Whether all instants of all schedules were decided upon, and none waits.
    pub fn all_have_fired(&self) -> bool {
        self.schedules.values().all(|schedule| schedule.next.is_none())
            && self.firings.values().all(|outcome| *outcome != Outcome::Waiting)
    }

    fn waits(&self, schedule: ScheduleId) -> bool {
        let mut mine = self.firings.range((schedule, Time(0))..=(schedule, Time(i64::MAX)));
        mine.any(|(_, outcome)| *outcome == Outcome::Waiting)
    }

    fn is_busy(&self, schedule: ScheduleId) -> bool {
        let mut live = self.instances.values().filter(|row| !row.state.is_finished());
        live.any(|row| row.new.command.schedule == Some(schedule))
            || self.commands.values().any(|command| command.schedule == Some(schedule))
    }

    /// Tells the judge of an instance that a schedule has made.
    pub(super) fn tell_scheduled(&mut self, row: &super::Instance) {
        let command = &row.new.command;
        if let (Some(schedule), Some(at)) = (command.schedule, command.schedule_time) {
            self.changes.push(Change::Scheduled { schedule, at, id: row.id });
        }
    }
}

fn near(schedule: &Schedule) -> Option<Near> {
    let Schedule { id, definition, jitter, .. } = *schedule;
    schedule.next.map(|at| Near { schedule: id, definition, at, jitter })
}
