//! An instance as its rows tell it, after a crash or for a recovery.

use super::instance::{Alarm, Stage, minutes};
use super::{Instance, Phase, Plan, Settings, Work};
use crate::dag::NodeIx;
use crate::model::{FailureStrategy, State, Tag, Time};
use std::sync::Arc;

/// The newest attempt of a node, as its row tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub node: NodeIx,
    pub state: State,
    pub tag: Option<Tag>,
    /// Number of this attempt.
    pub attempt: u32,
    /// Retries used up before this attempt.
    pub retries: u32,
    pub started_at: Option<Time>,
    pub ended_at: Option<Time>,
    /// The time-out alert was raised.
    pub warned: bool,
}

impl Instance {
    /// The instance that recorded `rows` while its own row showed `state`, before [`super::Event::Begin`].
    ///
    /// A row per node at most: the newest. Rows of nodes that the plan does not know are ignored.
    /// `warned` says that the instance's own time-out alert was raised.
    pub fn restore(
        plan: Arc<Plan>,
        settings: Settings,
        state: State,
        started_at: Time,
        warned: bool,
        rows: &[Row],
        seed: u64,
    ) -> Instance {
        let mut instance = Instance::new(plan, settings, started_at, seed);
        instance.phase = match state {
            State::ReadyPause => Phase::Pausing,
            State::ReadyStop => Phase::Stopping { now: false },
            finished if finished.is_finished() => Phase::Ended(finished),
            _ => Phase::Running,
        };
        if warned {
            instance.alarms.retain(|(_, alarm)| *alarm != Alarm::InstanceOverdue);
        }
        for row in rows.iter().filter(|row| (row.node as usize) < instance.plan.len()).copied().collect::<Vec<_>>() {
            instance.restore_node(row);
        }
        if instance.failed > 0
            && instance.settings.strategy == FailureStrategy::End
            && matches!(instance.phase, Phase::Running | Phase::Pausing)
        {
            instance.phase = Phase::Failing;
        }
        instance
    }

    /// What earlier runs of this instance used up: a recovery or a repetition starts a node anew, but
    /// never with the number of an attempt that was made before.
    pub fn remember(&mut self, node: NodeIx, attempts: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.attempts = node.attempts.max(attempts);
        }
    }

    fn restore_node(&mut self, row: Row) {
        let ix = row.node as usize;
        let planned = self.plan.nodes[ix];
        if planned.work == Work::Absent {
            return;
        }
        self.nodes[ix].attempts = row.attempt;
        self.nodes[ix].retries = row.retries;
        match (row.state, row.tag) {
            (State::Success, _) => {
                self.nodes[ix].stage = Stage::Succeeded;
                self.succeeded += 1;
                for &child in self.plan.dag.children(row.node) {
                    let node = &mut self.nodes[child as usize];
                    node.waits_for = node.waits_for.saturating_sub(1);
                }
            }
            (State::Submitted | State::Running, Some(tag)) => {
                self.nodes[ix].stage = Stage::Active { tag, started_at: row.started_at, killed: None };
                self.active.insert(row.node);
                self.places_taken += usize::from(planned.work == Work::Task);
                if let Some(at) = row.started_at {
                    self.watch(row.node, at);
                    if row.warned
                        && let Some(timeout) = planned.timeout
                        && !(timeout.fail && planned.work.is_logic())
                    {
                        self.alarms.remove(&(at + minutes(timeout.minutes), Alarm::Overdue(row.node)));
                    }
                }
            }
            (State::Failure, _) if row.retries < planned.max_retries && planned.work.may_retry() => {
                self.nodes[ix].retries += 1;
                self.nodes[ix].stage = Stage::Resting;
                self.resting += 1;
                let ended_at = row.ended_at.unwrap_or_default();
                self.alarms.insert((ended_at + planned.retry_interval, Alarm::Retry(row.node)));
            }
            (State::Failure, _) => {
                self.nodes[ix].stage = Stage::Failed;
                self.failed += 1;
            }
            // A child that was stopped by itself counts as failed while its parent runs; see `finished`.
            (State::Kill, _) if planned.work == Work::Child && self.phase == Phase::Running => {
                self.nodes[ix].stage = Stage::Failed;
                self.failed += 1;
            }
            (State::Pause | State::Kill | State::Stop, _) => self.nodes[ix].stage = Stage::Cut,
            // Certainly dead and without successor: waits for its turn again.
            _ => {}
        }
    }
}
