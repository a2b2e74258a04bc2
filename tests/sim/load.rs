//! What users do: they start, stop, pause, repeat and recover, and some do it twice.

use crate::kernel::SECOND;
use crate::world::World;
use escheduler::model::{Command, CommandType, DefinitionId, FailureStrategy, InstanceId, Priority, State, UserId};

const USER: UserId = UserId(1);

impl World {
    pub fn begin_load(&mut self) {
        for definition in &self.plan.definitions {
            self.db.definitions.insert(definition.id, definition.clone());
        }
        for schedule in &self.plan.schedules {
            self.db.schedules.insert(schedule.id, schedule.clone());
        }
        // Before a start at the same time.
        self.q.at(self.plan.groups_at, |w| w.db.groups = w.plan.groups.clone());
        let starts = std::mem::take(&mut self.plan.starts);
        for (at, definition) in starts {
            self.q.at(at, move |w| w.wish_start(definition));
        }
        let last = self.plan.faults_until;
        self.q.at(last, |w| w.plan.starts_done = true);
        self.q.after(5 * SECOND, World::meddle);
    }

    fn wish_start(&mut self, definition: DefinitionId) {
        let mut command = Command::start(definition, USER);
        command.created_at = escheduler::model::Time(0);
        command.strategy = if self.dice.chance(0.5) { FailureStrategy::End } else { FailureStrategy::Continue };
        command.priority = *self.dice.pick(&[Priority::High, Priority::Medium, Priority::Low]);
        self.order(command);
    }

    /// Inserts a wish through the API, which acknowledges it once it knows that it is there.
    fn order(&mut self, command: Command) {
        let (api, store) = (self.api(), self.store());
        let again = command.clone();
        self.leg(api, store, move |w| {
            let is_start = command.instance.is_none();
            let outcome = w.database_serves(true, move |db| Ok(db.insert_command(command)));
            if let crate::net::Outcome::Answer(Ok(id)) = outcome {
                w.leg(store, api, move |w| {
                    if is_start {
                        w.judge.promised.insert(id);
                    }
                    w.ring();
                });
            } else if is_start && w.q.now() < w.plan.faults_until {
                // Without an answer a user tries again, whatever became of the first wish.
                let later = w.dice.seconds(0.5, 5.0);
                w.q.after(later, move |w| w.order(again));
            }
        });
    }

    fn ring(&mut self) {
        for node in self.masters() {
            if let Some(pid) = self.machines[node].pid {
                let bell = self.procs[pid].bell.clone();
                self.leg(self.api(), node, move |_| escheduler::calls::Bell::ring(&*bell));
            }
        }
    }

    /// Somebody changes his mind about an instance.
    fn meddle(&mut self) {
        if self.q.now() > self.plan.faults_until {
            return;
        }
        let later = self.dice.seconds(3.0, 15.0);
        self.q.after(later, World::meddle);
        let rows: Vec<(InstanceId, State, DefinitionId)> = self
            .db
            .instances
            .values()
            .filter(|row| row.root.is_none() || self.plan.tasks.is_multiple_of(2))
            .map(|row| (row.id, row.state, row.new.command.definition))
            .collect();
        if rows.is_empty() {
            return;
        }
        let (id, state, definition) = *self.dice.pick(&rows);
        let kind = match state {
            State::Running if self.dice.chance(0.5) => CommandType::Pause,
            State::Running | State::ReadyPause | State::ReadyStop => CommandType::Stop,
            State::Pause | State::Stop => *self.dice.pick(&[CommandType::RecoverSuspended, CommandType::Repeat]),
            State::Failure => *self.dice.pick(&[CommandType::StartFailure, CommandType::Repeat]),
            State::Success if self.dice.chance(0.5) => CommandType::Repeat,
            _ => return,
        };
        let times = 1 + usize::from(self.dice.chance(0.2));
        for _ in 0..times {
            let mut command = Command::about(kind, id, definition, USER);
            command.created_at = escheduler::model::Time(0);
            self.order(command);
        }
    }
}
