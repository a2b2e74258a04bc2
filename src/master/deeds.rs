//! What is done once a step is recorded.

use super::driver::Driver;
use super::run::{Run, child_ended};
use super::step::Deed;
use crate::calls::ToWorker;
use crate::engine::{Event, Exit, Order, Phase};
use crate::model::{InstanceId, State, Time};
use crate::store::Recorded;

impl Driver {
    /// Does what a committed step decided. Doing it twice is harmless.
    pub fn act(&mut self, id: InstanceId, deed: Deed, recorded: &Recorded, at: Time) {
        match deed {
            Deed::Offer { node, attempt, seat } => {
                self.enrol(id, node, attempt.tag, recorded, true);
                self.offer(id, node, attempt, seat);
            }
            Deed::Grant { seat, job } => self.grant(id, seat, job),
            Deed::Enrol { node, tag } => self.enrol(id, node, tag, recorded, false),
            Deed::Adopt { node, tag } => {
                self.enrol(id, node, tag, recorded, true);
                match recorded.children.get(&tag).copied().flatten() {
                    Some(child) => {
                        if let Some(run) = self.runs.get_mut(&id) {
                            run.children.insert(child, (node, tag));
                            run.inbox.push_back(Event::Started { node, tag, at }.into());
                        }
                        self.load(child, None);
                    }
                    None => {
                        if let Some(run) = self.runs.get_mut(&id) {
                            run.inbox.push_back(child_ended(node, tag, State::Failure, at).into());
                        }
                    }
                }
            }
            Deed::Watch { node, tag } => {
                self.enrol(id, node, tag, recorded, true);
                self.watch(id, node, tag, Some(at));
            }
            Deed::Shelve { node, tag } => self.wait_no_more(id, node, tag, Exit::Paused),
            Deed::Kill { tag, now } => self.kill(id, tag, now),
            Deed::Acknowledge { tag, to } => self.say(&to.worker, ToWorker::Acknowledge { tag }),
            Deed::OrderChild { tag, order, now } => {
                let Some(run) = self.runs.get(&id) else { return };
                let child = run.children.iter().find(|(_, (_, of))| *of == tag).map(|(child, _)| *child);
                // Told again after a restart, it is not a second stop.
                let stopping = |run: &Run| matches!(run.engine.phase(), Phase::Stopping { .. });
                let heard = |child| !now && order == Order::Stop && self.runs.get(&child).is_some_and(stopping);
                if let Some(child) = child.filter(|child| !heard(*child)) {
                    self.post(child, Event::Order(order).into());
                }
            }
            Deed::Finish(state) => self.finish(id, state, at),
        }
    }

    fn enrol(&mut self, id: InstanceId, node: u32, tag: crate::model::Tag, recorded: &Recorded, active: bool) {
        let (Some(run), Some(task)) = (self.runs.get_mut(&id), recorded.tasks.get(&tag)) else { return };
        run.rows.insert(node, *task);
        if active {
            run.tags.insert(tag, node);
        }
    }
}
