//! What becomes of an attempt, and of its node with it.

use super::{Alarm, Instance, Stage, Why};
use crate::dag::NodeIx;
use crate::engine::{Action, Alert, Exit, Note, Phase};
use crate::model::{FailureStrategy, State, Tag, Time};

/// A node whose attempts are lost so often one after the other is what they die of: a script that kills its
/// shim or reboots its host would be started for ever.
const LOSSES: u32 = 20;

impl Instance {
    pub(super) fn started(&mut self, ix: NodeIx, tag: Tag, at: Time, out: &mut Vec<Action>) {
        let Some((None, killed)) = self.attempt(ix, tag) else { return };
        self.nodes[ix as usize].stage = Stage::Active { tag, started_at: Some(at), killed };
        self.watch(ix, at);
        out.push(Action::Note { node: ix, tag, note: Note::Started { at } });
    }

    pub(super) fn finished(&mut self, ix: NodeIx, tag: Tag, exit: Exit, at: Time, out: &mut Vec<Action>) {
        let Some((_, killed)) = self.attempt(ix, tag) else { return };
        let end = |state| Action::Note { node: ix, tag, note: Note::Ended { state, at } };
        match (exit, killed) {
            (Exit::Success, _) => {
                out.push(end(State::Success));
                self.deactivate(ix, Stage::Succeeded);
                self.succeeded += 1;
                let mut reached = vec![];
                self.release_children(ix, &mut reached);
                reached.into_iter().for_each(|child| self.reach(child, out));
            }
            (_, Some(Why::Order)) => {
                out.push(end(State::Kill));
                self.deactivate(ix, Stage::Cut);
            }
            (Exit::Paused, None) => {
                out.push(end(State::Pause));
                self.deactivate(ix, Stage::Cut);
            }
            // A child that a user stopped by itself: its successors cannot run, so the node counts as
            // failed (EasyScheduler 1.0.1: known defects D1, where the parent ended with SUCCESS).
            (Exit::Stopped, None) => {
                out.push(end(State::Kill));
                self.fail(ix, out);
            }
            (Exit::Failed | Exit::TimedOut, None) | (_, Some(Why::TimeLimit)) => {
                out.push(end(State::Failure));
                let planned = self.plan.nodes[ix as usize];
                let node = &mut self.nodes[ix as usize];
                let may_retry = matches!(self.phase, Phase::Running | Phase::Pausing) && planned.work.may_retry();
                if may_retry && node.retries < planned.max_retries {
                    node.retries += 1;
                    self.deactivate(ix, Stage::Resting);
                    self.resting += 1;
                    self.alarms.insert((at + planned.retry_interval, Alarm::Retry(ix)));
                } else {
                    self.fail(ix, out);
                }
            }
        }
    }

    /// The node failed for good.
    fn fail(&mut self, ix: NodeIx, out: &mut Vec<Action>) {
        self.deactivate(ix, Stage::Failed);
        self.failed += 1;
        if self.settings.strategy == FailureStrategy::End && matches!(self.phase, Phase::Running | Phase::Pausing) {
            self.phase = Phase::Failing;
            self.kill_all(false, out);
        }
    }

    /// The attempt is certainly dead: a new one, which uses no retry (`EasyScheduler 1.0.1: known defects D7`).
    pub(super) fn lost(&mut self, ix: NodeIx, tag: Tag, now: Time, out: &mut Vec<Action>) {
        let Some((_, killed)) = self.attempt(ix, tag) else { return };
        let end = |state| Action::Note { node: ix, tag, note: Note::Ended { state, at: now } };
        if killed.is_some() {
            out.push(end(State::Kill));
            self.deactivate(ix, Stage::Cut);
            return;
        }
        out.push(end(State::NeedFaultTolerance));
        out.push(Action::Alert(Alert::FaultTolerance { node: ix }));
        let node = &mut self.nodes[ix as usize];
        node.losses += 1;
        if node.losses >= LOSSES {
            return self.fail(ix, out);
        }
        self.deactivate(ix, Stage::Waiting);
        self.reach(ix, out);
    }

    /// The attempt never ran and its tag never will: as lost, but nothing failed.
    pub(super) fn refused(&mut self, ix: NodeIx, tag: Tag, now: Time, out: &mut Vec<Action>) {
        let Some((None, killed)) = self.attempt(ix, tag) else { return };
        let state = if killed.is_some() { State::Kill } else { State::NeedFaultTolerance };
        out.push(Action::Note { node: ix, tag, note: Note::Ended { state, at: now } });
        if killed.is_some() {
            self.deactivate(ix, Stage::Cut);
        } else {
            self.deactivate(ix, Stage::Waiting);
            self.reach(ix, out);
        }
    }
}
