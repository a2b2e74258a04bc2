//! What users and parents want of an instance.

use super::{Instance, Stage, Why};
use crate::engine::{Action, Order, Phase};
use crate::model::State;

impl Instance {
    pub(super) fn ordered(&mut self, order: Order, out: &mut Vec<Action>) {
        match (order, self.phase) {
            (Order::Pause, Phase::Running) => {
                self.phase = Phase::Pausing;
                out.push(Action::Become(State::ReadyPause));
                self.pause_logic(out);
            }
            (Order::Stop, Phase::Running | Phase::Pausing | Phase::Failing) => {
                self.phase = Phase::Stopping { now: false };
                out.push(Action::Become(State::ReadyStop));
                self.kill_all(false, out);
            }
            (Order::Stop, Phase::Stopping { .. }) => {
                self.phase = Phase::Stopping { now: true };
                self.kill_all(true, out);
            }
            (Order::Pause, _) | (Order::Stop, Phase::Ended(_)) => {}
        }
    }

    pub(super) fn kill_all(&mut self, now: bool, out: &mut Vec<Action>) {
        for &ix in &self.active {
            if let Stage::Active { tag, killed, .. } = &mut self.nodes[ix as usize].stage {
                killed.get_or_insert(Why::Order);
                out.push(Action::Kill { node: ix, tag: *tag, now });
            }
        }
    }

    /// What a worker runs may end; what only waits, waits on when the instance is resumed.
    pub(super) fn pause_logic(&mut self, out: &mut Vec<Action>) {
        for (node, tag) in self.active() {
            if self.plan.nodes[node as usize].work.is_logic() {
                out.push(Action::Pause { node, tag });
            }
        }
    }
}
