//! Small runs told as sentences. A scenario is drawn as `a -> b; a -> c`; its picture names the nodes
//! that have a story and the state of the instance.

use crate::dag::{Dag, NodeIx};
use crate::engine::{Action, Alert, Event, Exit, Instance, Note, Order, Plan, Planned, Settings, Work};
use crate::model::{FailureStrategy, Priority, State, Tag, Time, Timeout};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

struct Scenario {
    names: Vec<String>,
    nodes: Vec<Planned>,
    edges: Vec<(NodeIx, NodeIx)>,
    settings: Settings,
}

/// Reads `a -> b -> c; d -> c`.
fn scenario(text: &str) -> Scenario {
    let mut names: Vec<String> = vec![];
    let mut edges = vec![];
    for chain in text.split(';') {
        let mut before = None;
        for name in chain.split("->").map(str::trim) {
            let ix = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            }) as NodeIx;
            edges.extend(before.map(|before| (before, ix)));
            before = Some(ix);
        }
    }
    let node = Planned {
        work: Work::Task,
        priority: Priority::Medium,
        max_retries: 0,
        retry_interval: Duration::ZERO,
        timeout: None,
    };
    let settings = Settings { strategy: FailureStrategy::Continue, places: 100, timeout: None };
    Scenario { nodes: vec![node; names.len()], names, edges, settings }
}

impl Scenario {
    fn with(mut self, name: &str, change: impl Fn(&mut Planned)) -> Self {
        let ix = self.names.iter().position(|known| known == name).expect("a node of the scenario");
        change(&mut self.nodes[ix]);
        self
    }

    fn strategy(mut self, strategy: FailureStrategy) -> Self {
        self.settings.strategy = strategy;
        self
    }

    fn places(mut self, places: usize) -> Self {
        self.settings.places = places;
        self
    }

    fn begin(self) -> Run {
        let dag = Dag::new(self.names.len(), &self.edges).expect("no cycle");
        let plan = Arc::new(Plan::of_tasks(dag, self.nodes));
        let instance = Instance::new(plan, self.settings, Time(0), 7);
        let mut run = Run {
            names: self.names,
            instance,
            now: Time(0),
            told: BTreeMap::new(),
            state: State::Running,
            log: vec![],
        };
        run.step(Event::Begin);
        run
    }
}

struct Run {
    names: Vec<String>,
    instance: Instance,
    now: Time,
    told: BTreeMap<NodeIx, (Tag, String)>,
    state: State,
    /// Kills and alerts, in order.
    log: Vec<String>,
}

impl Run {
    fn step(&mut self, event: Event) {
        for action in self.instance.step(event, self.now) {
            let name = |node: NodeIx| self.names[node as usize].clone();
            match action {
                Action::Submit { node, attempt } => {
                    self.told.insert(node, (attempt.tag, format!("submitted {}", attempt.number)));
                }
                Action::Spawn { node, attempt } => {
                    self.told.insert(node, (attempt.tag, format!("spawned {}", attempt.number)));
                }
                Action::Watch { node, attempt } => {
                    self.told.insert(node, (attempt.tag, format!("waits {}", attempt.number)));
                }
                Action::Shelve { node, state, attempt } => {
                    self.told.insert(node, (attempt.tag, state.to_string()));
                }
                Action::Note { node, tag, note: Note::Ended { state, .. } } => {
                    self.told.insert(node, (tag, state.to_string()));
                }
                Action::Note { node, tag, note: Note::Started { .. } } => {
                    self.told.insert(node, (tag, "running".into()));
                }
                Action::Note { .. } => {}
                Action::Kill { node, now, .. } => {
                    let how = if now { "now" } else { "gently" };
                    self.log.push(format!("kill {} {how}", name(node)));
                }
                Action::Pause { node, .. } => self.log.push(format!("pause {}", name(node))),
                Action::Alert(Alert::TaskTimeout { node }) => self.log.push(format!("{} takes long", name(node))),
                Action::Alert(Alert::FaultTolerance { node }) => self.log.push(format!("{} was lost", name(node))),
                Action::Alert(Alert::InstanceTimeout) => self.log.push("the instance takes long".into()),
                Action::Alert(Alert::Ended(state)) => self.log.push(format!("ended: {state}")),
                Action::Become(state) => self.state = state,
            }
        }
    }

    fn node(&self, name: &str) -> (NodeIx, Tag) {
        let ix = self.names.iter().position(|known| known == name).expect("a node of the scenario") as NodeIx;
        (ix, self.told.get(&ix).unwrap_or_else(|| panic!("`{name}` was not submitted")).0)
    }

    fn start(&mut self, name: &str) {
        let (node, tag) = self.node(name);
        self.step(Event::Started { node, tag, at: self.now });
    }

    fn finish(&mut self, name: &str, exit: Exit) {
        let (node, tag) = self.node(name);
        self.step(Event::Finished { node, tag, exit, at: self.now });
    }

    fn lose(&mut self, name: &str) {
        let (node, tag) = self.node(name);
        self.step(Event::Lost { node, tag });
    }

    fn order(&mut self, order: Order) {
        self.step(Event::Order(order));
    }

    fn after_minutes(&mut self, count: u64) {
        self.now = self.now + Duration::from_secs(60 * count);
        self.step(Event::Tick);
    }

    fn picture(&self) -> String {
        let told = self.told.iter().map(|(ix, (_, told))| format!("{}: {told}", self.names[*ix as usize]));
        let mut parts: Vec<String> = told.collect();
        parts.push(self.state.to_string());
        parts.join("; ")
    }
}

const GOOD: Exit = Exit::Success;
const BAD: Exit = Exit::Failed;

#[test]
fn a_chain_runs_node_by_node() {
    let mut run = scenario("a -> b").begin();
    assert_eq!(run.picture(), "a: submitted 1; RUNNING_EXEUTION");
    run.finish("a", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; b: submitted 1; RUNNING_EXEUTION");
    run.finish("b", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; b: SUCCESS; SUCCESS");
}

#[test]
fn a_failed_task_rests_then_runs_again_and_the_instance_waits_for_it() {
    // EasyScheduler 1.0.1, known defect D5: with CONTINUE the instance failed while the retry rested.
    let retried = |node: &mut Planned| {
        node.max_retries = 1;
        node.retry_interval = Duration::from_secs(300);
    };
    let mut run = scenario("extract -> load").with("extract", retried).begin();
    run.finish("extract", BAD);
    run.after_minutes(4);
    assert_eq!(run.picture(), "extract: FAILURE; RUNNING_EXEUTION");
    run.after_minutes(1);
    assert_eq!(run.picture(), "extract: submitted 2; RUNNING_EXEUTION");
    run.finish("extract", BAD);
    assert_eq!(run.picture(), "extract: FAILURE; FAILURE");
}

#[test]
fn a_retry_comes_in_time_whenever_the_clock_is_set() {
    let hour = 3_600_000;
    for by in [-hour, hour] {
        let retried = |node: &mut Planned| {
            node.max_retries = 1;
            node.retry_interval = Duration::from_secs(300);
        };
        let mut run = scenario("a; b").with("a", retried).with("b", retried).begin();
        run.now = Time(2 * hour);
        // One end is heard before; the other waits, as it does while a write is under way.
        run.finish("a", BAD);
        let (node, tag) = run.node("b");
        let waits = Event::Finished { node, tag, exit: BAD, at: run.now };
        run.now = Time(run.now.0 + by);
        run.instance.clock_was_set(by);
        run.step(waits.no_later_than(run.now));
        assert_eq!(run.picture(), "a: FAILURE; b: FAILURE; RUNNING_EXEUTION");
        // If the clock was set forward, the one whose end had waited may come at once.
        run.after_minutes(4);
        assert!(run.picture().starts_with("a: FAILURE; "));
        run.after_minutes(1);
        assert_eq!(run.picture(), "a: submitted 2; b: submitted 2; RUNNING_EXEUTION");
    }
}

#[test]
fn with_continue_other_branches_go_on_and_the_instance_fails_in_the_end() {
    let mut run = scenario("a -> b; c -> d").begin();
    run.finish("a", BAD);
    run.finish("c", GOOD);
    assert_eq!(run.picture(), "a: FAILURE; c: SUCCESS; d: submitted 1; RUNNING_EXEUTION");
    run.finish("d", GOOD);
    assert_eq!(run.picture(), "a: FAILURE; c: SUCCESS; d: SUCCESS; FAILURE");
}

#[test]
fn with_end_what_runs_is_killed_and_what_is_ready_does_not_start() {
    // EasyScheduler 1.0.1, known defect D6: ready nodes were still submitted.
    let mut run = scenario("a; b; c").strategy(FailureStrategy::End).places(2).begin();
    run.finish("a", BAD);
    assert_eq!(run.log, ["kill b gently"]);
    run.finish("b", BAD);
    assert_eq!(run.picture(), "a: FAILURE; b: KILL; FAILURE");
}

#[test]
fn a_forbidden_node_is_stepped_over_and_its_successors_wait_for_its_predecessors() {
    // EasyScheduler 1.0.1, known defect D3; 1.1.0, known defect I1.
    let forbidden = |node: &mut Planned| node.work = Work::Pass;
    let mut run = scenario("x -> f -> y; b -> y").with("f", forbidden).begin();
    assert_eq!(run.picture(), "x: submitted 1; b: submitted 1; RUNNING_EXEUTION");
    run.finish("x", GOOD);
    run.finish("b", GOOD);
    run.finish("y", GOOD);
    assert_eq!(run.picture(), "x: SUCCESS; y: SUCCESS; b: SUCCESS; SUCCESS");
    assert_eq!(scenario("f").with("f", forbidden).begin().picture(), "SUCCESS");
}

#[test]
fn nobody_waits_for_a_node_that_was_not_chosen() {
    // EasyScheduler 1.0.1, known defect D4: the successor waited for ever.
    let mut run = scenario("out -> y; x -> y").with("out", |node| node.work = Work::Absent).begin();
    run.finish("x", GOOD);
    run.finish("y", GOOD);
    assert_eq!(run.picture(), "y: SUCCESS; x: SUCCESS; SUCCESS");
}

#[test]
fn a_pause_lets_running_tasks_end_and_shelves_the_rest() {
    let mut run = scenario("a -> b; c").begin();
    run.order(Order::Pause);
    assert_eq!(run.picture(), "a: submitted 1; c: submitted 1; READY_PAUSE");
    run.finish("a", GOOD);
    run.finish("c", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; b: PAUSE; c: SUCCESS; PAUSE");
}

#[test]
fn a_pause_that_comes_when_all_is_done_but_the_last_node_ends_in_success() {
    let mut run = scenario("a").begin();
    run.order(Order::Pause);
    run.finish("a", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; SUCCESS");
}

#[test]
fn a_stop_kills_and_a_second_one_skips_the_grace() {
    let mut run = scenario("a -> b; c").begin();
    run.order(Order::Stop);
    run.order(Order::Stop);
    assert_eq!(run.log, ["kill a gently", "kill c gently", "kill a now", "kill c now"]);
    run.finish("a", BAD);
    run.finish("c", GOOD);
    assert_eq!(run.picture(), "a: KILL; b: KILL; c: SUCCESS; STOP".replace("b: KILL; ", ""));
}

#[test]
fn an_exit_that_nobody_asked_for_is_a_failure_and_not_a_kill() {
    // EasyScheduler 1.0.1, known defects D1 and D2: exit code 137 gave KILL, and the instance SUCCESS.
    let mut run = scenario("a -> b").begin();
    run.finish("a", BAD);
    assert_eq!(run.picture(), "a: FAILURE; FAILURE");
}

#[test]
fn a_lost_attempt_gets_a_successor_without_using_a_retry() {
    // EasyScheduler 1.0.1, known defect D7.
    let mut run = scenario("a").begin();
    let old = run.node("a");
    run.lose("a");
    assert_eq!(run.picture(), "a: submitted 2; RUNNING_EXEUTION");
    run.step(Event::Finished { node: old.0, tag: old.1, exit: BAD, at: run.now });
    assert_eq!(run.picture(), "a: submitted 2; RUNNING_EXEUTION");
    run.finish("a", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; SUCCESS");
}

#[test]
fn a_task_that_kills_whatever_runs_it_fails_in_the_end() {
    let mut run = scenario("a -> b").begin();
    for _ in 0..20 {
        run.lose("a");
    }
    assert_eq!(run.picture(), "a: NEED_FAULT_TOLERANCE; FAILURE");
}

#[test]
fn a_long_task_raises_its_alert_once() {
    let timeout = Some(Timeout { minutes: 5, warn: true, fail: false });
    let mut run = scenario("a").with("a", |node| node.timeout = timeout).begin();
    run.start("a");
    run.after_minutes(5);
    run.after_minutes(5);
    assert_eq!(run.log, ["a takes long"]);
}

#[test]
fn a_child_over_its_time_is_stopped_and_counts_as_failed() {
    // EasyScheduler 1.0.1, known defect D14: the time-out strategy FAILED had no effect on SUB_PROCESS.
    let timeout = Some(Timeout { minutes: 5, warn: true, fail: true });
    let child = |node: &mut Planned| {
        node.work = Work::Child;
        node.timeout = timeout;
    };
    let mut run = scenario("a").with("a", child).begin();
    run.start("a");
    run.after_minutes(5);
    assert_eq!(run.log, ["kill a gently", "a takes long"]);
    run.finish("a", Exit::Stopped);
    assert_eq!(run.picture(), "a: FAILURE; FAILURE");
}

#[test]
fn a_child_takes_no_place_and_follows_pause_and_stop() {
    let child = |node: &mut Planned| node.work = Work::Child;
    let mut run = scenario("a; b; c").with("b", child).with("c", child).places(1).begin();
    assert_eq!(run.picture(), "a: submitted 1; b: spawned 1; c: spawned 1; RUNNING_EXEUTION");
    run.order(Order::Pause);
    assert_eq!(run.log, ["pause b", "pause c"]);
    run.finish("a", GOOD);
    run.finish("b", GOOD);
    run.finish("c", Exit::Paused);
    assert_eq!(run.picture(), "a: SUCCESS; b: SUCCESS; c: PAUSE; PAUSE");
}

#[test]
fn a_child_that_a_user_stopped_by_itself_fails_its_parent() {
    let mut run = scenario("a -> b").with("a", |node| node.work = Work::Child).begin();
    run.finish("a", Exit::Stopped);
    assert_eq!(run.picture(), "a: KILL; FAILURE");
}

#[test]
fn urgent_nodes_go_first_and_the_places_are_kept() {
    let mut run = scenario("low; mid; top")
        .with("low", |node| node.priority = Priority::Lowest)
        .with("top", |node| node.priority = Priority::Highest)
        .places(1)
        .begin();
    assert_eq!(run.picture(), "top: submitted 1; RUNNING_EXEUTION");
    run.finish("top", GOOD);
    run.finish("mid", GOOD);
    assert_eq!(run.picture(), "low: submitted 1; mid: SUCCESS; top: SUCCESS; RUNNING_EXEUTION");
}

#[test]
fn an_instance_over_its_time_raises_its_alert_once_and_goes_on() {
    let mut scenario = scenario("a");
    scenario.settings.timeout = Some(Duration::from_secs(60));
    let mut run = scenario.begin();
    run.after_minutes(1);
    run.after_minutes(60);
    assert_eq!(run.log, ["the instance takes long"]);
    assert_eq!(run.state, State::Running);
}

fn waits(node: &mut Planned) {
    node.work = Work::Dependency;
}

#[test]
fn a_node_that_waits_for_other_runs_takes_no_place_and_is_tried_again_as_others_are() {
    let retried = |node: &mut Planned| {
        waits(node);
        node.max_retries = 1;
        node.retry_interval = Duration::from_secs(60);
    };
    let mut run = scenario("a; b -> c").with("b", retried).places(1).begin();
    assert_eq!(run.picture(), "a: submitted 1; b: waits 1; RUNNING_EXEUTION");
    run.finish("b", BAD);
    assert_eq!(run.picture(), "a: submitted 1; b: FAILURE; RUNNING_EXEUTION");
    run.after_minutes(1);
    run.finish("a", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; b: waits 2; RUNNING_EXEUTION");
    run.finish("b", GOOD);
    assert_eq!(run.picture(), "a: SUCCESS; b: SUCCESS; c: submitted 1; RUNNING_EXEUTION");
}

#[test]
fn a_pause_does_not_wait_for_what_only_waits() {
    let mut run = scenario("a -> b").with("a", waits).begin();
    run.start("a");
    run.order(Order::Pause);
    assert_eq!(run.log, ["pause a"]);
    run.finish("a", Exit::Paused);
    assert_eq!(run.picture(), "a: PAUSE; PAUSE");
}

#[test]
fn a_stop_ends_what_only_waits() {
    let mut run = scenario("a -> b").with("a", waits).begin();
    run.start("a");
    run.order(Order::Stop);
    assert_eq!(run.log, ["kill a gently"]);
    run.finish("a", BAD);
    assert_eq!(run.picture(), "a: KILL; STOP");
}

#[test]
fn a_node_that_waits_longer_than_its_time_out_fails() {
    // EasyScheduler 1.0.1, known defect D14: the time-out strategy FAILED had no effect on DEPENDENT.
    let limited = |node: &mut Planned| {
        waits(node);
        node.timeout = Some(Timeout { minutes: 5, warn: true, fail: true });
    };
    let mut run = scenario("a").with("a", limited).begin();
    run.start("a");
    run.after_minutes(4);
    assert_eq!(run.log, Vec::<String>::new());
    run.after_minutes(1);
    assert_eq!(run.log, ["kill a gently", "a takes long"]);
    run.finish("a", BAD);
    assert_eq!(run.picture(), "a: FAILURE; FAILURE");
}

#[test]
fn one_that_is_only_warned_of_waits_on() {
    let warned = |node: &mut Planned| {
        waits(node);
        node.timeout = Some(Timeout { minutes: 5, warn: true, fail: false });
    };
    let mut run = scenario("a").with("a", warned).begin();
    run.start("a");
    run.after_minutes(5);
    run.after_minutes(60);
    assert_eq!(run.log, ["a takes long"]);
    assert_eq!(run.picture(), "a: running; RUNNING_EXEUTION");
}
