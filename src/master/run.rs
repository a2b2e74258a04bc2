//! One instance in this master's hands.

use super::dependents::Dependent;
use super::workers::Seat;
use crate::calls::{Address, Holder, Place};
use crate::dag::NodeIx;
use crate::engine::{Action, Event, Instance, Plan, Row, Settings as EngineSettings, Work};
use crate::model::{
    CommandId, CommandType, Document, InstanceId, Node, Problem, Property, State, Tag, TaskId, Time, Timeout,
};
use crate::params::Moment;
use crate::queue::{Job, Rank};
use crate::store::{Loaded, Parent};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Something for the engine, and what must be done once its outcome is recorded.
#[derive(Debug)]
pub(super) struct Item {
    pub event: Option<Event>,
    /// Where the attempt runs, as its report says.
    pub place: Option<Place>,
    /// The report to be acknowledged, and its sender.
    pub acknowledge: Option<(Tag, Holder)>,
    /// A slot for an attempt that waits.
    pub grant: Option<(Seat, Arc<Job>)>,
    /// The order's row.
    pub order: Option<(CommandId, CommandType)>,
    /// How the items of a DEPENDENT attempt stand.
    pub looked: Option<(Tag, String)>,
}

impl Item {
    /// A slot for an attempt that waits.
    pub fn of_grant(seat: Seat, job: Arc<Job>) -> Item {
        Item { event: None, place: None, acknowledge: None, grant: Some((seat, job)), order: None, looked: None }
    }

    /// What is known of a DEPENDENT attempt by now.
    pub fn of_look(tag: Tag, text: Option<String>, event: Option<Event>) -> Item {
        let looked = text.map(|text| (tag, text));
        Item { event, place: None, acknowledge: None, grant: None, order: None, looked }
    }

    /// An order that no user gave to this very instance.
    pub fn is_of_parent(&self) -> bool {
        self.order.is_none() && matches!(self.event, Some(Event::Order(_)))
    }
}

impl From<Event> for Item {
    fn from(event: Event) -> Self {
        Item { event: Some(event), place: None, acknowledge: None, grant: None, order: None, looked: None }
    }
}

/// Whom an attempt was granted to.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub holder: Holder,
    /// When the holder was last told or asked about it, since the machine has started.
    pub told_at: Duration,
}

/// How an attempt that did not succeed ended, for the alert of a failed instance.
#[derive(Clone, Debug)]
pub(super) struct Ill {
    pub task: TaskId,
    pub state: State,
    pub started_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub host: Option<String>,
    pub log_path: Option<String>,
}

pub(super) struct Run {
    pub loaded: Loaded,
    pub engine: Instance,
    pub nodes: Vec<Arc<Node>>,
    pub globals: Arc<Vec<Property>>,
    pub moment: Moment,
    /// The row of each node's newest attempt.
    pub rows: HashMap<NodeIx, TaskId>,
    /// Attempts that have not ended.
    pub tags: BTreeMap<Tag, NodeIx>,
    /// Those of them that were granted.
    pub holders: BTreeMap<Tag, Grant>,
    /// Those that wait and are to end instead.
    pub unwanted: BTreeSet<Tag>,
    /// The workers that have ever held something of it.
    pub hosts: BTreeSet<String>,
    pub ill: HashMap<NodeIx, Ill>,
    pub children: BTreeMap<InstanceId, (NodeIx, Tag)>,
    /// DEPENDENT attempts that have not ended.
    pub dependents: BTreeMap<Tag, Dependent>,
    pub inbox: VecDeque<Item>,
    /// Actions that wait for the next write, since nothing depends on them.
    pub soft: Vec<(Action, Option<Place>)>,
    /// When they are written at the latest, since the machine has started.
    pub soft_due: Option<Duration>,
    /// A write is under way: what comes meanwhile forms the next step.
    pub writing: bool,
    /// Since when it is in hand, by the time since the machine has started.
    pub held_since: Duration,
    /// No step was recorded since it came into hand.
    pub new: bool,
    /// The next step is recorded even if it changes nothing.
    pub must_write: bool,
    /// The entry of this instance in the driver's list of alarms.
    pub alarm: Option<Duration>,
    /// What the engine waits for, and when that is by the clock that does not jump.
    pub engine_due: Option<(Time, Duration)>,
    /// The engine's alarm that has rung and was not told yet.
    pub rang: Option<Time>,
}

impl Run {
    /// Makes an instance out of its rows.
    ///
    /// # Errors
    /// The document or the chosen nodes are wrong; such an instance cannot run.
    pub fn new(loaded: Loaded, settings: &super::Settings, seed: u64, now: Time) -> Result<Run, Vec<Problem>> {
        let document = Document::parse(&loaded.document)?;
        let chosen = Plan::split_names(&document, &loaded.start_nodes);
        let plan = Arc::new(Plan::new(&document, &chosen, loaded.depend)?);
        let minutes = |count: u32| Duration::from_secs(60 * u64::from(count));
        let engine_settings = EngineSettings {
            strategy: loaded.strategy,
            places: settings.places.max(1),
            timeout: (loaded.timeout_minutes > 0).then(|| minutes(loaded.timeout_minutes)),
        };
        let mut rows = HashMap::new();
        let mut tags = BTreeMap::new();
        let mut holders = BTreeMap::new();
        let mut ill = HashMap::new();
        let mut children = BTreeMap::new();
        let mut restored = Vec::new();
        let mut finished = VecDeque::new();
        for task in &loaded.tasks {
            let Some(node) = plan.find(&task.name) else { continue };
            rows.insert(node, task.id);
            // The times were told by another clock, which may be ahead: nothing waits for that.
            restored.push(Row {
                node,
                state: task.state,
                tag: task.tag,
                attempt: task.attempt,
                retries: task.retries,
                started_at: task.started_at.map(|at| at.min(now)),
                ended_at: task.ended_at.map(|at| at.min(now)),
                warned: task.warned,
            });
            if task.state.is_finished() && task.state != State::Success {
                let (started_at, ended_at) = (task.started_at, task.ended_at);
                let (host, log_path) = (task.host.clone(), task.log_path.clone());
                ill.insert(node, Ill { task: task.id, state: task.state, started_at, ended_at, host, log_path });
            }
            let Some(tag) = task.tag.filter(|_| !task.state.is_finished()) else { continue };
            tags.insert(tag, node);
            if let Some(holder) = task.holder.clone() {
                holders.insert(tag, Grant { holder, told_at: Duration::ZERO });
            }
            if plan.node(node).work == Work::Child {
                let child = loaded.children.get(&task.name).filter(|child| child.task == task.id);
                match child {
                    Some(child) if !child.state.is_finished() => {
                        children.insert(child.instance, (node, tag));
                    }
                    child => {
                        let state = child.map_or(State::Failure, |child| child.state);
                        finished.push_back(Item::from(child_ended(node, tag, state, now)));
                    }
                }
            }
        }
        let mut engine = Instance::restore(
            plan.clone(),
            engine_settings,
            loaded.state,
            loaded.started_at,
            loaded.warned,
            &restored,
            seed,
        );
        for (name, attempts) in &loaded.attempts {
            if let Some(node) = plan.find(name) {
                engine.remember(node, *attempts);
            }
        }
        let globals = serde_json::from_str(&loaded.globals).unwrap_or_default();
        let (history, zone) = (&loaded.history, loaded.zone.as_deref());
        let moment = Moment::of_history(history, loaded.schedule_time, loaded.started_at, zone, settings.zone);
        let mut inbox = VecDeque::from([Item::from(Event::Begin)]);
        inbox.append(&mut finished);
        Ok(Run {
            engine,
            nodes: document.nodes.into_iter().map(Arc::new).collect(),
            globals: Arc::new(globals),
            moment,
            rows,
            hosts: holders.values().map(|grant: &Grant| grant.holder.worker.clone()).collect(),
            tags,
            holders,
            unwanted: BTreeSet::new(),
            ill,
            children,
            dependents: BTreeMap::new(),
            inbox,
            soft: Vec::new(),
            soft_due: None,
            engine_due: None,
            rang: None,
            writing: false,
            held_since: Duration::MAX,
            new: true,
            must_write: true,
            alarm: None,
            loaded,
        })
    }

    pub fn id(&self) -> InstanceId {
        self.loaded.id
    }

    pub fn parent(&self) -> Option<Parent> {
        // One that runs by itself has left its family.
        self.loaded.parent.filter(|_| self.loaded.root != self.loaded.id)
    }

    pub fn is_top_level(&self) -> bool {
        self.parent().is_none()
    }

    /// What a worker needs to run an attempt.
    pub fn job(&self, node: NodeIx, task: TaskId, tag: Tag, attempt: u32) -> Job {
        let described = &self.nodes[node as usize];
        let limit = |timeout: &Timeout| timeout.fail.then(|| Duration::from_secs(60 * u64::from(timeout.minutes)));
        Job {
            tag,
            attempt,
            rank: Rank {
                instance_priority: self.loaded.priority,
                instance: self.id(),
                task_priority: described.priority,
                task,
            },
            project: self.loaded.project,
            definition: self.loaded.definition,
            node: described.clone(),
            globals: self.globals.clone(),
            moment: self.moment,
            tenant: self.loaded.tenant.clone(),
            limit: described.timeout.as_ref().and_then(limit),
        }
    }

    /// The worker group of a node (`EasyScheduler 1.1.0: worker groups`); −1 stands for all workers.
    pub fn group(&self, node: NodeIx) -> i32 {
        let own = Some(self.nodes[node as usize].worker_group).filter(|group| *group > 0);
        own.or(Some(self.loaded.worker_group).filter(|group| *group > 0)).unwrap_or(-1)
    }

    /// The worker groups that attempts of this instance are bound to, each as often as nodes name it.
    pub fn groups(&self) -> impl Iterator<Item = i32> {
        (0..self.nodes.len() as NodeIx).map(|node| self.group(node)).filter(|group| *group > 0)
    }

    /// The wall clock was set, by so many milliseconds: what waits goes on waiting as long as before.
    pub fn clock_was_set(&mut self, by: i64) {
        self.engine.clock_was_set(by);
        self.rang = self.rang.map(|at| Time(at.0.saturating_add(by)));
    }

    /// The write under way grants the attempt.
    pub fn granted(&mut self, tag: Tag, holder: Holder, now: Duration) {
        self.hosts.insert(holder.worker.clone());
        self.holders.insert(tag, Grant { holder, told_at: now });
    }

    /// The attempt is over.
    pub fn ended(&mut self, tag: Tag) {
        self.tags.remove(&tag);
        self.holders.remove(&tag);
        self.dependents.remove(&tag);
        self.unwanted.remove(&tag);
    }

    /// Where an attempt belongs.
    pub fn address(&self, tag: Tag) -> Option<Address> {
        let task = *self.rows.get(self.tags.get(&tag)?)?;
        let (project, definition) = (self.loaded.project, self.loaded.definition);
        Some(Address { project, definition, instance: self.id(), task, tag, epoch: self.loaded.epoch })
    }

    /// The attempts that have not ended, after the instance was loaded.
    pub fn jobs_under_way(&self) -> Vec<Arc<Job>> {
        let jobs = self.loaded.tasks.iter().filter(|task| !task.state.is_finished()).filter_map(|task| {
            let tag = task.tag?;
            let node = *self.tags.get(&tag)?;
            let is_task = self.engine.plan().node(node).work == Work::Task;
            is_task.then(|| Arc::new(self.job(node, task.id, tag, task.attempt)))
        });
        jobs.collect()
    }
}

/// The end of a child, as its parent's engine takes it.
pub(super) fn child_ended(node: NodeIx, tag: Tag, state: State, at: Time) -> Event {
    use crate::engine::Exit;
    let exit = match state {
        State::Success => Exit::Success,
        State::Pause => Exit::Paused,
        State::Stop | State::Kill => Exit::Stopped,
        _ => Exit::Failed,
    };
    Event::Finished { node, tag, exit, at }
}
