//! What one step costs, however many nodes there are.

use super::{Table, median};
use escheduler::dag::{Dag, NodeIx};
use escheduler::engine::{Action, Event, Exit, Instance, Note, Plan, Planned, Settings, Work};
use escheduler::model::{Command, DefinitionId, FailureStrategy, Priority, State, Tag, TaskId, Time, UserId};
use escheduler::store::{NewInstance, NewTask, Step, Store, TaskChange};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn steps(table: &mut Table) {
    let alone = |size| median((0..5).map(|_| engine_alone(size)).collect());
    let (small, large) = (alone(100), alone(100_000));
    let ratio = large / small;
    table.row(
        "one step, engine alone: 100,000 nodes against 100",
        format!("{:.2} µs, {ratio:.2} ×", large * 1e6),
        format!("{:.2} µs", small * 1e6),
        ("1.5 ×".into(), ratio <= 1.5),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let recorded = |size| median((0..5).map(|_| runtime.block_on(engine_and_record(size))).collect());
    let (small, large) = (recorded(100), recorded(10_000));
    let ratio = large / small;
    table.row(
        "one step, engine and record: 10,000 nodes against 100",
        format!("{:.0} µs, {ratio:.2} ×", large * 1e6),
        format!("{:.0} µs", small * 1e6),
        ("1.5 ×".into(), ratio <= 1.5),
    );
}

/// Layers of ten nodes, each after two nodes of the layer before.
fn instance(size: usize) -> Instance {
    let mut edges: Vec<(NodeIx, NodeIx)> = vec![];
    for node in 10..size as NodeIx {
        let layer = node / 10 * 10 - 10;
        edges.push((layer + node % 10, node));
        edges.push((layer + (node + 1) % 10, node));
    }
    let node = Planned {
        work: Work::Task,
        priority: Priority::Medium,
        max_retries: 0,
        retry_interval: Duration::ZERO,
        timeout: None,
    };
    let dag = Dag::new(size, &edges).expect("no cycle");
    let settings = Settings { strategy: FailureStrategy::Continue, places: 100, timeout: None };
    Instance::new(Arc::new(Plan::of_tasks(dag, vec![node; size])), settings, Time(0), 1)
}

fn submitted(actions: &[Action]) -> Vec<(NodeIx, Tag)> {
    let tag = |action: &Action| match action {
        Action::Submit { node, attempt } => Some((*node, attempt.tag)),
        _ => None,
    };
    actions.iter().filter_map(tag).collect()
}

/// Seconds a step, over a whole run; small graphs are run as often as needed for the same number of steps.
fn engine_alone(size: usize) -> f64 {
    let runs = 100_000 / size;
    let mut instances: Vec<Instance> = (0..runs).map(|_| instance(size)).collect();
    let (mut steps, mut spent) = (0u32, Duration::ZERO);
    for instance in &mut instances {
        let mut open = submitted(&instance.step(Event::Begin, Time(0)));
        let begun = Instant::now();
        while let Some((node, tag)) = open.pop() {
            let event = Event::Finished { node, tag, exit: Exit::Success, at: Time(1) };
            open.extend(submitted(&instance.step(event, Time(1))));
            steps += 1;
        }
        spent += begun.elapsed();
    }
    spent.as_secs_f64() / f64::from(steps)
}

/// Seconds a step with its commit on disk, for the first 300 steps of an instance.
async fn engine_and_record(size: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open_file(&folder.path().join("store.db")).await.expect("a store");
    let command = Command::start(DefinitionId(1), UserId(1));
    let command = Command { id: store.insert_command(command.clone()).await.expect("a command"), ..command };
    let new = NewInstance {
        command,
        owner: "bench".into(),
        host: "localhost".into(),
        name: "bench".into(),
        document: "{}".into(),
        locations: None,
        connects: None,
        globals: "[]".into(),
        timeout_minutes: 0,
        tenant_id: -1,
        started_at: Time(0),
        root: None,
    };
    let id = store.claim_starts([new].into()).await.expect("a claim")[0].expect("an instance");
    let mut instance = instance(size);
    let mut rows: HashMap<NodeIx, TaskId> = HashMap::new();
    let mut revision = 1;
    let mut open = vec![];
    let mut actions = instance.step(Event::Begin, Time(0));
    let (mut steps, mut spent) = (0u32, Duration::ZERO);
    loop {
        let begun = Instant::now();
        let step = step_of(id, revision, &actions, &rows);
        let recorded = store.record(Arc::new(step)).await.expect("recorded");
        revision += 1;
        for (node, tag) in submitted(&actions) {
            rows.insert(node, recorded.tasks[&tag]);
            open.insert(0, (node, tag));
        }
        let Some((node, tag)) = open.pop() else { break };
        actions = instance.step(Event::Finished { node, tag, exit: Exit::Success, at: Time(1) }, Time(1));
        if steps > 0 {
            spent += begun.elapsed();
        }
        steps += 1;
        if steps > 300 {
            break;
        }
    }
    store.close().await;
    spent.as_secs_f64() / f64::from(steps - 1)
}

fn step_of(
    instance: escheduler::model::InstanceId,
    revision: i64,
    actions: &[Action],
    rows: &HashMap<NodeIx, TaskId>,
) -> Step {
    let insert = |(node, tag): (NodeIx, Tag)| NewTask {
        name: format!("n{node}"),
        kind: "SHELL",
        definition: 1,
        json: "{}".into(),
        state: State::Submitted,
        tag,
        attempt: 1,
        retries: 0,
        max_retries: 0,
        retry_interval: 0,
        priority: 2,
        worker_group: -1,
        holder: None,
        child: None,
    };
    let change = |action: &Action| match action {
        Action::Note { node, note: Note::Ended { state, at }, .. } => {
            Some(TaskChange { task: rows[node].0, state: Some(*state), ended_at: Some(*at), ..TaskChange::default() })
        }
        _ => None,
    };
    Step {
        instance,
        epoch: 1,
        revision,
        at: Time(1),
        state: None,
        warned: false,
        orders: vec![],
        inserts: submitted(actions).into_iter().map(insert).collect(),
        changes: actions.iter().filter_map(change).collect(),
        superseded: vec![],
        alerts: vec![],
    }
}
