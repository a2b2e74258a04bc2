//! Why nodes of an instance do not run.

use super::{Code, Crew, Reason, listed, overload};
use crate::engine::Work;
use crate::model::{InstanceId, State, Time};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// An instance as its rows tell it.
#[derive(Clone, Debug)]
pub struct InstanceFacts {
    pub state: State,
    /// Whether a node that failed for good ends the whole (strategy END).
    pub ends_on_failure: bool,
    /// Each after those that it waits for.
    pub nodes: Vec<NodeFacts>,
    /// How many of its tasks may be submitted at once.
    pub places: usize,
    /// The addresses of worker groups; one that is not among them limits nobody.
    pub groups: HashMap<i32, BTreeSet<String>>,
}

#[derive(Clone, Debug)]
pub struct NodeFacts {
    pub name: String,
    pub work: Work,
    /// The nodes right before it, by their places.
    pub after: Vec<usize>,
    /// −1: any worker.
    pub group: i32,
    /// Its newest attempt in this run.
    pub attempt: Option<Attempt>,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub state: State,
    /// The worker that may run it.
    pub holder: Option<String>,
    pub may_retry: bool,
    pub ended_at: Option<Time>,
    pub retry_interval: Duration,
    /// What a DEPENDENT node still waits for, in words.
    pub waits_for: Vec<String>,
    /// The instance that a SUB_PROCESS node runs.
    pub child: Option<InstanceId>,
}

/// A node that does not run although its instance has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReason {
    pub name: String,
    pub state: Option<State>,
    pub reason: Reason,
}

/// How far a node is, as those after it see it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Clear,
    /// Blocked by these, which may still succeed.
    Waits(Vec<usize>),
    /// By one that failed for good.
    Never(usize),
}

/// The reasons of all nodes that neither run nor have ended, in their order.
pub fn nodes(facts: &InstanceFacts, crew: &Crew) -> Vec<NodeReason> {
    if facts.state.is_finished() {
        return vec![];
    }
    let ways = ways(facts);
    let open = |node: &&NodeFacts| {
        node.work == Work::Task && node.attempt.as_ref().is_some_and(|attempt| !attempt.state.is_finished())
    };
    let taken = facts.nodes.iter().filter(open).count();
    let reason = |(node, way): (&NodeFacts, &Way)| {
        let reason = match &node.attempt {
            Some(attempt) => of_attempt(node, attempt, facts, crew),
            None => of_waiting(node, way, taken, facts, crew),
        };
        let state = node.attempt.as_ref().map(|attempt| attempt.state);
        Some(NodeReason { name: node.name.clone(), state, reason: reason? })
    };
    facts.nodes.iter().zip(&ways).filter_map(reason).collect()
}

/// Why an instance does not get on; `None` if something of it runs, or it has ended for good.
pub fn instance(facts: &InstanceFacts, nodes: &[NodeReason]) -> Option<Reason> {
    match facts.state {
        State::Pause => return Some(Reason::new(Code::Paused, "it is paused, until somebody resumes it")),
        state if state.is_finished() => return None,
        _ => {}
    }
    let runs = |node: &NodeFacts| {
        node.work == Work::Task && node.attempt.as_ref().is_some_and(|attempt| attempt.state == State::Running)
    };
    if facts.nodes.iter().any(runs) {
        return None;
    }
    // What waits for others only, says nothing about why nothing runs.
    let telling = nodes.iter().find(|node| !node.reason.is_order());
    telling.map(|node| Reason { text: format!("`{}`: {}", node.name, node.reason.text), ..node.reason.clone() })
}

/// For each node, what lies between it and its turn.
fn ways(facts: &InstanceFacts) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::with_capacity(facts.nodes.len());
    for node in &facts.nodes {
        let (mut waits, mut never) = (Vec::new(), None);
        for &parent in &node.after {
            let (Some(before), Some(way)) = (facts.nodes.get(parent), ways.get(parent)) else { continue };
            match (before.work, way) {
                (Work::Absent, _) | (Work::Pass, Way::Clear) => {}
                // Forbidden nodes are passed through.
                (Work::Pass, Way::Waits(those)) => waits.extend(those.iter().copied()),
                (_, Way::Never(which)) => never = never.or(Some(*which)),
                (_, _) => match standing(before) {
                    Some(true) => {}
                    Some(false) => never = never.or(Some(parent)),
                    None => waits.push(parent),
                },
            }
        }
        waits.sort_unstable();
        waits.dedup();
        ways.push(match (never, waits.is_empty()) {
            (Some(which), _) => Way::Never(which),
            (None, true) => Way::Clear,
            (None, false) => Way::Waits(waits),
        });
    }
    ways
}

/// Whether a node has succeeded, or never will in this run.
fn standing(node: &NodeFacts) -> Option<bool> {
    let attempt = node.attempt.as_ref()?;
    match attempt.state {
        State::Success => Some(true),
        State::NeedFaultTolerance => None,
        State::Failure if attempt.may_retry => None,
        state if state.is_finished() => Some(false),
        _ => None,
    }
}

/// Why nothing new begins in the whole instance, if so.
fn of_order(facts: &InstanceFacts) -> Option<Reason> {
    match facts.state {
        _ if facts.ends_on_failure && facts.nodes.iter().any(|node| standing(node) == Some(false)) => {
            Some(Reason::new(Code::Stopping, "a node failed, and the failure strategy ends the whole"))
        }
        State::ReadyPause => Some(Reason::new(Code::Paused, "the instance is being paused, so nothing new begins")),
        State::ReadyStop => Some(Reason::new(Code::Stopping, "the instance is being stopped")),
        _ => None,
    }
}

fn of_attempt(node: &NodeFacts, attempt: &Attempt, facts: &InstanceFacts, crew: &Crew) -> Option<Reason> {
    match (attempt.state, node.work) {
        (State::Running, Work::Dependency) => Some(of_dependency(attempt)),
        (State::Running, Work::Child) => {
            let text = attempt.child.map_or("its sub-process begins".to_owned(), |id| {
                format!("its sub-process, process instance {id}, has not ended")
            });
            Some(Reason::new(Code::SubProcess, text))
        }
        (State::Submitted, _) => Some(of_order(facts).unwrap_or_else(|| of_submitted(node, attempt, facts, crew))),
        (State::Failure, _) if attempt.may_retry => Some(of_order(facts).unwrap_or_else(|| {
            let until = attempt.ended_at.map(|at| at + attempt.retry_interval);
            Reason { until, ..Reason::new(Code::Retry, "it failed, and is tried again when its interval is over") }
        })),
        (State::NeedFaultTolerance, _) => {
            Some(Reason::new(Code::Turn, "its worker was lost; a new attempt is about to be made"))
        }
        _ => None,
    }
}

fn of_dependency(attempt: &Attempt) -> Reason {
    let text = match attempt.waits_for.as_slice() {
        [] => "what it depends upon is being looked up".to_owned(),
        [one] => format!("it waits for {one}"),
        [first, others @ ..] => format!("it waits for {first}; and for {} more", others.len()),
    };
    Reason::new(Code::Dependency, text)
}

/// An attempt that was recorded, and of which nobody has said that it has started.
fn of_submitted(node: &NodeFacts, attempt: &Attempt, facts: &InstanceFacts, crew: &Crew) -> Reason {
    if crew.workers.is_empty() {
        return Reason::new(Code::NoWorker, "no worker is running");
    }
    let hosts = facts.groups.get(&node.group).filter(|hosts| !crew.sole && !hosts.is_empty());
    let able: Vec<_> =
        crew.workers.iter().filter(|worker| hosts.is_none_or(|hosts| hosts.contains(&worker.host))).collect();
    let asked = attempt.holder.is_none() || crew.sole;
    if able.is_empty() && asked {
        let hosts: Vec<&str> = hosts.into_iter().flatten().map(String::as_str).collect();
        let text = format!("no worker of its group runs: that is limited to {}", listed(&hosts));
        return Reason::new(Code::WorkerGroupEmpty, text);
    }
    match &attempt.holder {
        Some(holder) if !crew.sole => {
            let text = format!("worker {holder} was given it, and has not said yet that it has started");
            Reason::new(Code::HandedOver, text)
        }
        _ => match overload(able.iter().copied()) {
            Some(why) => Reason::new(Code::Overload, format!("the workers take nothing more on for now ({why})")),
            None => {
                let text = match able.len() {
                    1 => "the worker that may run it has no free slot".to_owned(),
                    count => format!("none of the {count} workers that may run it has a free slot"),
                };
                Reason::new(Code::Slot, text)
            }
        },
    }
}

/// A node that has had no attempt yet.
fn of_waiting(node: &NodeFacts, way: &Way, taken: usize, facts: &InstanceFacts, crew: &Crew) -> Option<Reason> {
    let name = |place: &usize| facts.nodes.get(*place).map_or("", |node| node.name.as_str());
    match (node.work, way) {
        (Work::Absent, _) => Some(Reason::new(Code::NotChosen, "this run does not include it")),
        (Work::Pass, _) => None,
        (_, Way::Never(which)) => {
            let text = format!("`{}` has not succeeded, so it will not run", name(which));
            Some(Reason::new(Code::PredecessorFailed, text))
        }
        (_, Way::Waits(those)) => {
            let names: Vec<&str> = those.iter().map(name).collect();
            Some(Reason::new(Code::Predecessor, format!("it waits for {}", listed(&names))))
        }
        (_, Way::Clear) => Some(of_order(facts).unwrap_or_else(|| of_turn(node, taken, facts, crew))),
    }
}

/// A node that nothing before it keeps from running. `taken` is how many tasks of its instance are under way.
fn of_turn(node: &NodeFacts, taken: usize, facts: &InstanceFacts, crew: &Crew) -> Reason {
    if crew.masters.is_empty() {
        return Reason::new(Code::NoMaster, "no master is running");
    }
    if node.work == Work::Task && taken >= facts.places {
        let text = format!("its instance runs as many tasks at once as it may, which are {}", facts.places);
        return Reason::new(Code::Places, text);
    }
    Reason::new(Code::Turn, "its turn has come; a master is about to submit it")
}
