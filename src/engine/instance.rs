//! The state of one instance, and `step`.

mod alarms;
mod attempts;
mod orders;

use super::{Action, Alert, Attempt, Event, Phase, Plan, Settings, Tags, Work};
use crate::dag::NodeIx;
use crate::model::{Priority, State, Tag, Time};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

/// One process instance in memory.
#[derive(Clone, Debug)]
pub struct Instance {
    pub(super) plan: Arc<Plan>,
    pub(super) settings: Settings,
    pub(super) phase: Phase,
    pub(super) nodes: Vec<Node>,
    /// Nodes whose turn has come, most urgent first, then in the order of the document.
    pub(super) ready: BinaryHeap<Reverse<(Priority, NodeIx)>>,
    pub(super) alarms: BTreeSet<(Time, Alarm)>,
    /// Nodes with an attempt that has not ended.
    pub(super) active: BTreeSet<NodeIx>,
    /// How many of them take a place.
    pub(super) places_taken: usize,
    pub(super) resting: usize,
    pub(super) succeeded: usize,
    /// Nodes that failed for good.
    pub(super) failed: usize,
    /// Nodes that do not exist for this run.
    pub(super) absent: usize,
    pub(super) tags: Tags,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    pub stage: Stage,
    /// Predecessors that have not succeeded.
    pub waits_for: u32,
    /// Attempts made so far.
    pub attempts: u32,
    /// Retries used up so far.
    pub retries: u32,
    /// Attempts that were lost one after the other.
    pub losses: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Waiting,
    Ready,
    Active {
        tag: Tag,
        started_at: Option<Time>,
        /// Its end was asked for, and why.
        killed: Option<Why>,
    },
    /// Failed, and will be tried again at the time of its alarm.
    Resting,
    Succeeded,
    Failed,
    /// Held back or killed by an order.
    Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The instance is stopping or failing.
    Order,
    TimeLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Retry(NodeIx),
    Overdue(NodeIx),
    InstanceOverdue,
}

impl Instance {
    /// A new instance, before [`Event::Begin`]. `seed` must be random: attempt tags are drawn from it.
    pub fn new(plan: Arc<Plan>, settings: Settings, started_at: Time, seed: u64) -> Instance {
        let mut instance = Instance {
            nodes: vec![Node::default(); plan.len()],
            plan,
            phase: Phase::Running,
            ready: BinaryHeap::new(),
            alarms: BTreeSet::new(),
            active: BTreeSet::new(),
            places_taken: 0,
            resting: 0,
            succeeded: 0,
            failed: 0,
            absent: 0,
            tags: Tags(seed),
            settings,
        };
        if let Some(span) = instance.settings.timeout {
            instance.alarms.insert((started_at + span, Alarm::InstanceOverdue));
        }
        for ix in 0..instance.plan.len() {
            match instance.plan.nodes[ix].work {
                Work::Absent => instance.absent += 1,
                _ => {
                    let exists = |parent: &&NodeIx| instance.plan.nodes[**parent as usize].work != Work::Absent;
                    let parents = instance.plan.dag.parents(ix as NodeIx).iter();
                    instance.nodes[ix].waits_for = parents.filter(exists).count() as u32;
                }
            }
        }
        instance
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When [`Event::Tick`] is due next.
    pub fn next_alarm(&self) -> Option<Time> {
        if let Phase::Ended(_) = self.phase { None } else { self.alarms.first().map(|(at, _)| *at) }
    }

    /// The clock that `step` is told was set, by so many milliseconds: what waits goes on waiting as long as before.
    pub fn clock_was_set(&mut self, by: i64) {
        let alarms = std::mem::take(&mut self.alarms);
        self.alarms = alarms.into_iter().map(|(at, alarm)| (Time(at.0.saturating_add(by)), alarm)).collect();
    }

    /// The attempts that have not ended.
    pub fn active(&self) -> impl Iterator<Item = (NodeIx, Tag)> + '_ {
        self.active.iter().filter_map(|&node| match self.nodes[node as usize].stage {
            Stage::Active { tag, .. } => Some((node, tag)),
            _ => None,
        })
    }

    /// The same, and since when they run, if that was heard.
    pub fn waiting_since(&self) -> impl Iterator<Item = (NodeIx, Tag, Option<Time>)> + '_ {
        self.active.iter().filter_map(|&node| match self.nodes[node as usize].stage {
            Stage::Active { tag, started_at, .. } => Some((node, tag, started_at)),
            _ => None,
        })
    }

    /// Takes one event. Late, doubled and foreign events change nothing.
    pub fn step(&mut self, event: Event, now: Time) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Phase::Ended(_) = self.phase {
            return actions;
        }
        let out = &mut actions;
        match event {
            Event::Begin => self.begin(out),
            Event::Started { node, tag, at } => self.started(node, tag, at, out),
            Event::Finished { node, tag, exit, at } => self.finished(node, tag, exit, at, out),
            Event::Lost { node, tag } => self.lost(node, tag, now, out),
            Event::Refused { node, tag } => self.refused(node, tag, now, out),
            Event::Order(order) => self.ordered(order, out),
            Event::Tick => self.tick(now, out),
        }
        self.advance(out);
        actions
    }

    fn begin(&mut self, out: &mut Vec<Action>) {
        for ix in 0..self.nodes.len() as NodeIx {
            let node = &self.nodes[ix as usize];
            if node.stage == Stage::Waiting && node.waits_for == 0 {
                self.reach(ix, out);
            }
        }
        match self.phase {
            Phase::Stopping { now } => self.kill_all(now, out),
            Phase::Failing => self.kill_all(false, out),
            Phase::Pausing => self.pause_logic(out),
            Phase::Running | Phase::Ended(_) => {}
        }
    }

    /// The node's predecessors have succeeded: it becomes ready, or is passed through.
    fn reach(&mut self, ix: NodeIx, out: &mut Vec<Action>) {
        let mut reached = vec![ix];
        while let Some(ix) = reached.pop() {
            let planned = self.plan.nodes[ix as usize];
            match planned.work {
                Work::Absent => {}
                Work::Pass => {
                    self.nodes[ix as usize].stage = Stage::Succeeded;
                    self.succeeded += 1;
                    self.release_children(ix, &mut reached);
                }
                Work::Task => {
                    self.nodes[ix as usize].stage = Stage::Ready;
                    self.ready.push(Reverse((planned.priority, ix)));
                }
                // Logic nodes take no place, so they need not stand in line.
                Work::Child | Work::Dependency if self.phase == Phase::Running => self.begin_attempt(ix, out),
                Work::Child | Work::Dependency => {
                    self.nodes[ix as usize].stage = Stage::Ready;
                    self.ready.push(Reverse((planned.priority, ix)));
                }
            }
        }
    }

    fn release_children(&mut self, ix: NodeIx, reached: &mut Vec<NodeIx>) {
        for &child in self.plan.dag.children(ix) {
            let node = &mut self.nodes[child as usize];
            node.waits_for = node.waits_for.saturating_sub(1);
            if node.waits_for == 0 && node.stage == Stage::Waiting {
                reached.push(child);
            }
        }
    }

    fn begin_attempt(&mut self, node: NodeIx, out: &mut Vec<Action>) {
        let attempt = self.activate(node);
        out.push(match self.plan.nodes[node as usize].work {
            Work::Child => Action::Spawn { node, attempt },
            Work::Dependency => Action::Watch { node, attempt },
            Work::Task | Work::Pass | Work::Absent => Action::Submit { node, attempt },
        });
    }

    fn activate(&mut self, ix: NodeIx) -> Attempt {
        let tag = self.tags.draw();
        let node = &mut self.nodes[ix as usize];
        node.attempts += 1;
        node.stage = Stage::Active { tag, started_at: None, killed: None };
        self.active.insert(ix);
        self.places_taken += usize::from(self.plan.nodes[ix as usize].work == Work::Task);
        Attempt { tag, number: node.attempts, retries: node.retries }
    }

    /// The node's attempt has ended, or never was one; its place is free.
    fn deactivate(&mut self, ix: NodeIx, stage: Stage) {
        if self.plan.nodes[ix as usize].timeout.is_some() {
            self.alarms.retain(|(_, alarm)| *alarm != Alarm::Overdue(ix));
        }
        self.nodes[ix as usize].stage = stage;
        self.active.remove(&ix);
        self.places_taken -= usize::from(self.plan.nodes[ix as usize].work == Work::Task);
    }

    /// Whether the event is about the node's attempt of now. An attempt is a fence.
    fn attempt(&self, ix: NodeIx, tag: Tag) -> Option<(Option<Time>, Option<Why>)> {
        match self.nodes.get(ix as usize)?.stage {
            Stage::Active { tag: current, started_at, killed } if current == tag => Some((started_at, killed)),
            _ => None,
        }
    }

    /// Fills the free places, or shelves what may not start, and sees whether this was the end.
    fn advance(&mut self, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Running => {
                while self.places_taken < self.settings.places
                    && let Some(Reverse((_, ix))) = self.ready.pop()
                {
                    self.begin_attempt(ix, out);
                }
            }
            Phase::Pausing => self.shelve(State::Pause, out),
            Phase::Stopping { .. } => self.shelve(State::Kill, out),
            Phase::Failing => self.ready.clear(),
            Phase::Ended(_) => return,
        }
        if let Some(state) = self.end() {
            self.phase = Phase::Ended(state);
            out.push(Action::Alert(Alert::Ended(state)));
            out.push(Action::Become(state));
        }
    }

    fn shelve(&mut self, state: State, out: &mut Vec<Action>) {
        while let Some(Reverse((_, ix))) = self.ready.pop() {
            let attempt = self.activate(ix);
            self.deactivate(ix, Stage::Cut);
            out.push(Action::Shelve { node: ix, attempt, state });
        }
    }

    /// The state in which the instance ends now, if it does (`EasyScheduler 1.0.1: state of the instance`,
    /// without its known defects D1, D2 and D5).
    fn end(&self) -> Option<State> {
        if !self.active.is_empty() || !self.ready.is_empty() {
            return None;
        }
        let all_succeeded = self.succeeded + self.absent == self.nodes.len();
        match self.phase {
            Phase::Running if self.resting > 0 => None,
            Phase::Ended(_) => None,
            Phase::Failing => Some(State::Failure),
            _ if self.failed > 0 => Some(State::Failure),
            _ if all_succeeded => Some(State::Success),
            // Nothing can run and nothing failed: a child was paused by itself.
            Phase::Running | Phase::Pausing => Some(State::Pause),
            Phase::Stopping { .. } => Some(State::Stop),
        }
    }
}

pub(super) fn minutes(count: u32) -> Duration {
    Duration::from_secs(60 * u64::from(count))
}
