//! What happens because time passes.

use super::{Alarm, Instance, Stage, Why, minutes};
use crate::dag::NodeIx;
use crate::engine::{Action, Alert, Note, Phase};
use crate::model::Time;

impl Instance {
    /// Sets the alarm of a node with a time-out that the master sees to: the warning, and the limit of a
    /// logic node. The limit of a task is kept by whoever runs it.
    pub(in crate::engine) fn watch(&mut self, ix: NodeIx, started_at: Time) {
        let planned = &self.plan.nodes[ix as usize];
        if let Some(timeout) = planned.timeout.filter(|timeout| timeout.warn || planned.work.is_logic()) {
            self.alarms.insert((started_at + minutes(timeout.minutes), Alarm::Overdue(ix)));
        }
    }

    pub(super) fn tick(&mut self, now: Time, out: &mut Vec<Action>) {
        while let Some(&(at, alarm)) = self.alarms.first()
            && at <= now
        {
            self.alarms.pop_first();
            match alarm {
                Alarm::InstanceOverdue => out.push(Action::Alert(Alert::InstanceTimeout)),
                Alarm::Overdue(ix) => self.overdue(ix, out),
                Alarm::Retry(ix) => {
                    if self.nodes[ix as usize].stage == Stage::Resting && self.phase == Phase::Running {
                        self.resting -= 1;
                        self.nodes[ix as usize].stage = Stage::Waiting;
                        self.reach(ix, out);
                    }
                }
            }
        }
    }

    fn overdue(&mut self, ix: NodeIx, out: &mut Vec<Action>) {
        let planned = self.plan.nodes[ix as usize];
        let Some(timeout) = planned.timeout else { return };
        let Stage::Active { tag, killed, .. } = &mut self.nodes[ix as usize].stage else { return };
        let tag = *tag;
        if timeout.fail && planned.work.is_logic() {
            killed.get_or_insert(Why::TimeLimit);
            out.push(Action::Kill { node: ix, tag, now: false });
        }
        if timeout.warn {
            out.push(Action::Note { node: ix, tag, note: Note::Warned });
            out.push(Action::Alert(Alert::TaskTimeout { node: ix }));
        }
    }
}
