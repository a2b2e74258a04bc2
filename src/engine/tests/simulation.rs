//! Random graphs, random order of events, crashes of the master and deaths of the worker, judged by what
//! was started and when, not by what the engine says of itself. A failure names its seed.

use crate::dag::{Dag, NodeIx};
use crate::engine::{Action, Event, Exit, Instance, Note, Order, Phase, Plan, Planned, Row, Settings, Work};
use crate::model::{FailureStrategy, Priority, State, Tag, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A small generator, so that a seed is the whole story.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.roll(from.len() as u64) as usize])
    }
}

/// What the worker side knows of a tag.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Task {
    Offered,
    Running,
    Ended(Exit),
    /// Died with its worker, its end unknown.
    Dead,
    /// Never started, and never will be.
    Refused,
}

struct World {
    dice: Dice,
    plan: Arc<Plan>,
    settings: Settings,
    instance: Instance,
    now: Time,
    /// The database: the instance's state and the newest row of each node.
    state: State,
    rows: BTreeMap<NodeIx, Row>,
    /// The worker side.
    tasks: HashMap<Tag, (NodeIx, Task)>,
    /// Messages under way: delivered in any order, twice, or never.
    messages: Vec<Event>,
    orders: u32,
    failures: BTreeSet<NodeIx>,
    succeeded: BTreeSet<NodeIx>,
    finished: Option<State>,
    killed: BTreeSet<Tag>,
    /// The last fault is over.
    calm: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut dice = Dice(seed.wrapping_mul(2_654_435_761) + 1);
        let size = 1 + dice.roll(12) as NodeIx;
        let mut edges = vec![];
        for child in 1..size {
            for parent in 0..child {
                if dice.one_in(3) {
                    edges.push((parent, child));
                }
            }
        }
        let mut works = vec![Work::Task; 4];
        works.extend([Work::Child, Work::Dependency, Work::Pass, Work::Absent]);
        let nodes = (0..size)
            .map(|_| Planned {
                work: works[dice.roll(8) as usize],
                priority: Priority::ALL[dice.roll(5) as usize],
                max_retries: dice.roll(3) as u32,
                retry_interval: Duration::from_secs(dice.roll(3)),
                timeout: None,
            })
            .collect();
        let plan = Arc::new(Plan::of_tasks(Dag::new(size as usize, &edges).unwrap(), nodes));
        let strategy = FailureStrategy::ALL[dice.roll(2) as usize];
        let settings = Settings { strategy, places: 1 + dice.roll(4) as usize, timeout: None };
        let instance = Instance::new(plan.clone(), settings.clone(), Time(0), seed);
        let mut world = World {
            dice,
            plan,
            settings,
            instance,
            now: Time(0),
            state: State::Running,
            rows: BTreeMap::new(),
            tasks: HashMap::new(),
            messages: vec![],
            orders: 0,
            failures: BTreeSet::new(),
            succeeded: BTreeSet::new(),
            finished: None,
            killed: BTreeSet::new(),
            calm: false,
        };
        world.step(Event::Begin);
        world
    }

    /// Decide, record, act. The master may die between any two of these.
    fn step(&mut self, event: Event) {
        let actions = self.instance.step(event, self.now);
        if !self.calm && self.dice.one_in(40) {
            return self.restart(); // died before the write: nothing of it was seen by anybody
        }
        for action in &actions {
            self.record(action);
        }
        self.check();
        if !self.calm && self.dice.one_in(40) {
            return self.restart(); // died after the write, before acting
        }
        for action in actions {
            self.act(&action);
        }
    }

    fn record(&mut self, action: &Action) {
        match *action {
            Action::Submit { node, attempt } | Action::Spawn { node, attempt } | Action::Watch { node, attempt } => {
                self.new_row(node, attempt, State::Submitted);
            }
            Action::Shelve { node, attempt, state } => self.new_row(node, attempt, state),
            Action::Note { node, tag, note } => {
                let row = self.rows.get_mut(&node).expect("a row of the node");
                assert_eq!(row.tag, Some(tag), "only the newest attempt changes");
                assert!(!row.state.is_finished(), "no state goes back");
                match note {
                    Note::Started { at } => (row.state, row.started_at) = (State::Running, Some(at)),
                    Note::Ended { state, at } => {
                        (row.state, row.ended_at) = (state, Some(at));
                        if state == State::Success {
                            self.succeeded.insert(node);
                        }
                    }
                    Note::Warned => row.warned = true,
                }
            }
            Action::Become(state) => {
                assert!(self.finished.is_none(), "a finished instance stays finished");
                self.state = state;
                self.finished = state.is_finished().then_some(state);
            }
            Action::Kill { .. } | Action::Pause { .. } | Action::Alert(_) => {}
        }
    }

    fn new_row(&mut self, node: NodeIx, attempt: crate::engine::Attempt, state: State) {
        for parent in self.true_parents(node) {
            assert!(self.succeeded.contains(&parent), "node {node} was submitted before its parent {parent} succeeded");
        }
        if let Some(old) = self.rows.get(&node) {
            assert!(old.state.is_finished(), "node {node} got an attempt while one was open");
            assert!(attempt.number > old.attempt, "an attempt's number is never used twice");
        }
        let (tag, attempt, retries) = (Some(attempt.tag), attempt.number, attempt.retries);
        assert!(retries <= self.plan.nodes[node as usize].max_retries, "retries are limited");
        let row = Row { node, state, tag, attempt, retries, started_at: None, ended_at: None, warned: false };
        self.rows.insert(node, row);
    }

    /// The nearest ancestors that must have run: through passed nodes, not through absent ones.
    fn true_parents(&self, node: NodeIx) -> Vec<NodeIx> {
        let mut found = vec![];
        for &parent in self.plan.dag.parents(node) {
            match self.plan.nodes[parent as usize].work {
                Work::Absent => {}
                Work::Pass => found.extend(self.true_parents(parent)),
                Work::Task | Work::Child | Work::Dependency => found.push(parent),
            }
        }
        found
    }

    fn check(&self) {
        let open = |row: &&Row| matches!(row.state, State::Submitted | State::Running);
        let is_task = |row: &&Row| self.plan.nodes[row.node as usize].work == Work::Task;
        let places = self.rows.values().filter(open).filter(is_task).count();
        assert!(places <= self.settings.places, "the limit is kept");
        if self.instance.phase() == Phase::Running {
            let urgency = |node: NodeIx| (self.plan.nodes[node as usize].priority, node);
            let waiting = self.instance.ready.iter().map(|entry| entry.0).min();
            if let Some(waiting) = waiting {
                assert_eq!(places, self.settings.places, "no place is free while node {} is ready", waiting.1);
                assert_eq!(urgency(waiting.1), waiting);
            }
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Submit { node, attempt } => {
                self.tasks.entry(attempt.tag).or_insert((node, Task::Offered));
            }
            Action::Spawn { node, attempt } | Action::Watch { node, attempt } => {
                self.tasks.entry(attempt.tag).or_insert((node, Task::Running));
            }
            Action::Kill { node, tag, .. } => {
                self.killed.insert(tag);
                match self.tasks.get(&tag).map(|task| task.1) {
                    None | Some(Task::Offered | Task::Refused) => {
                        self.tasks.insert(tag, (node, Task::Refused));
                        self.messages.push(Event::Refused { node, tag });
                    }
                    Some(Task::Running) if self.dice.one_in(2) => self.end(tag, Exit::Failed),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: Tag, exit: Exit) {
        let (node, task) = self.tasks.get_mut(&tag).expect("known to the worker");
        *task = Task::Ended(exit);
        let node = *node;
        if !matches!(exit, Exit::Success) {
            self.failures.insert(node);
        }
        self.messages.push(Event::Finished { node, tag, exit, at: self.now });
    }

    /// The master died: memory and messages to it are lost, rows and the worker side stay.
    fn restart(&mut self) {
        self.messages.clear();
        let rows: Vec<Row> = self.rows.values().copied().collect();
        let seed = self.dice.roll(u64::MAX);
        self.instance =
            Instance::restore(self.plan.clone(), self.settings.clone(), self.state, Time(0), false, &rows, seed);
        self.step(Event::Begin);
        self.sweep();
    }

    /// Rows against the worker side: what every lost message is made good by.
    fn sweep(&mut self) {
        for (node, tag) in self.instance.active().collect::<Vec<_>>() {
            let logic = self.plan.nodes[node as usize].work.is_logic();
            match self.tasks.get(&tag).map(|task| task.1) {
                None => {
                    let task = if logic { Task::Running } else { Task::Offered };
                    self.tasks.insert(tag, (node, task));
                }
                Some(Task::Offered) => {}
                Some(Task::Running) => self.messages.push(Event::Started { node, tag, at: self.now }),
                Some(Task::Ended(exit)) => self.messages.push(Event::Finished { node, tag, exit, at: self.now }),
                Some(Task::Dead) => self.messages.push(Event::Lost { node, tag }),
                Some(Task::Refused) => self.messages.push(Event::Refused { node, tag }),
            }
        }
    }

    fn start(&mut self, tag: Tag) {
        let node = self.tasks[&tag].0;
        let alive = self.tasks.values().filter(|task| **task == (node, Task::Running)).count();
        assert_eq!(alive, 0, "no two attempts of node {node} are alive at once");
        assert!(self.rows.values().any(|row| row.tag == Some(tag)), "an attempt is recorded before it starts");
        self.tasks.insert(tag, (node, Task::Running));
        self.messages.push(Event::Started { node, tag, at: self.now });
    }

    fn tags(&self, wanted: impl Fn(Task) -> bool) -> Vec<Tag> {
        let mut tags: Vec<Tag> = self.tasks.iter().filter(|(_, task)| wanted(task.1)).map(|(tag, _)| *tag).collect();
        tags.sort();
        tags
    }

    fn random_exit(&mut self, tag: Tag) -> Exit {
        let work = self.plan.nodes[self.tasks[&tag].0 as usize].work;
        match self.dice.roll(8) {
            0 | 1 => Exit::Failed,
            2 if work.is_logic() && self.instance.phase() == Phase::Pausing => Exit::Paused,
            2 if work == Work::Child && self.killed.contains(&tag) => Exit::Stopped,
            _ => Exit::Success,
        }
    }

    fn anything_happens(&mut self) {
        match self.dice.roll(if self.calm { 5 } else { 9 }) {
            0 => {
                let offered = self.tags(|task| task == Task::Offered);
                if let Some(tag) = self.dice.pick(&offered) {
                    self.start(tag);
                }
            }
            1 => {
                let running = self.tags(|task| task == Task::Running);
                if let Some(tag) = self.dice.pick(&running) {
                    let exit = self.random_exit(tag);
                    self.end(tag, exit);
                }
            }
            2 | 3 if !self.messages.is_empty() => {
                let place = self.dice.roll(self.messages.len() as u64) as usize;
                let again = self.dice.one_in(4);
                let event = if again { self.messages[place].clone() } else { self.messages.swap_remove(place) };
                self.step(event);
            }
            4 => {
                self.now = self.now + Duration::from_millis(700);
                self.step(Event::Tick);
            }
            5 if self.dice.one_in(4) => self.messages.clear(),
            6 if self.dice.one_in(4) => self.restart(),
            7 if self.dice.one_in(6) => {
                for tag in self.tags(|task| task == Task::Running) {
                    let node = self.tasks[&tag].0;
                    if self.plan.nodes[node as usize].work == Work::Task {
                        self.tasks.insert(tag, (node, Task::Dead));
                        self.messages.push(Event::Lost { node, tag });
                    }
                }
            }
            8 if self.dice.one_in(12) => {
                self.orders += 1;
                let order = if self.dice.one_in(2) { Order::Pause } else { Order::Stop };
                self.step(Event::Order(order));
            }
            _ => {}
        }
    }

    fn run(mut self) {
        for _ in 0..120 {
            self.anything_happens();
        }
        // The last fault is over: from here on the instance must come to its end.
        self.calm = true;
        for round in 0..3_000 {
            if self.finished.is_some() {
                break;
            }
            if round % 20 == 0 {
                self.sweep();
            }
            self.anything_happens();
        }
        let state = self.finished.expect("every instance ends when its tasks end");
        assert_eq!(self.instance.active().next(), None, "nothing is active after the end");
        let runs =
            |ix: &NodeIx| matches!(self.plan.nodes[*ix as usize].work, Work::Task | Work::Child | Work::Dependency);
        let all = (0..self.plan.len() as NodeIx).filter(runs).all(|ix| self.succeeded.contains(&ix));
        assert_eq!(state == State::Success, all, "SUCCESS means that every node succeeded");
        if self.orders == 0 {
            assert!(matches!(state, State::Success | State::Failure), "{state} without an order");
            assert!(state == State::Success || !self.failures.is_empty(), "FAILURE without a failure");
        }
        let before = self.rows.clone();
        for event in std::mem::take(&mut self.messages) {
            assert_eq!(self.instance.step(event, self.now), [], "after the end nothing changes");
        }
        assert_eq!(self.rows, before);
    }
}

#[test]
fn no_order_of_events_breaks_a_promise() {
    for seed in 0..6_000 {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        assert!(run.is_ok(), "the run of seed {seed} broke a promise; see above");
    }
}
