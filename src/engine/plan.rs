//! What is to run: the chosen part of a document, reduced to what the engine needs to decide.

use crate::dag::{Dag, NodeIx};
use crate::model::{Document, Node, Priority, Problem, ProblemKind, TaskDependType, TaskType, Timeout};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// What kind of work a node is, as far as the engine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A worker runs it.
    Task,
    /// Another instance is its work.
    Child,
    /// It waits for runs of other definitions; the master looks at them.
    Dependency,
    /// Forbidden: done as soon as its turn comes, so that its successors wait for its predecessors
    /// (`EasyScheduler 1.0.1: known defects D3, I1`).
    Pass,
    /// Not chosen: it does not exist for this run, and nobody waits for it (`known defects D4`).
    Absent,
}

impl Work {
    /// Logic nodes are seen to by the master: they take no place, and their time limit is kept here.
    pub fn is_logic(self) -> bool {
        matches!(self, Work::Child | Work::Dependency)
    }

    /// Whether a failed attempt may be followed by another one.
    pub fn may_retry(self) -> bool {
        matches!(self, Work::Task | Work::Dependency)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub work: Work,
    pub priority: Priority,
    pub max_retries: u32,
    pub retry_interval: Duration,
    pub timeout: Option<Timeout>,
}

/// The nodes of a run, numbered as in the document.
#[derive(Debug)]
pub struct Plan {
    pub(super) dag: Dag,
    pub(super) nodes: Vec<Planned>,
    names: HashMap<String, NodeIx>,
}

impl Plan {
    /// The whole document, or what `how` adds to the nodes called `chosen`.
    ///
    /// # Errors
    /// A cycle, chosen names that do not exist, or nothing to run.
    pub fn new(document: &Document, chosen: &[String], how: TaskDependType) -> Result<Plan, Vec<Problem>> {
        let dag = Dag::of(document).map_err(|problem| vec![problem])?;
        let names: HashMap<String, NodeIx> =
            document.nodes.iter().zip(0..).map(|(node, ix)| (node.name.clone(), ix)).collect();
        let wrong = |what| Problem { kind: ProblemKind::Other, place: "start nodes".into(), what };
        let unknown: Vec<Problem> = chosen
            .iter()
            .filter(|name| !names.contains_key(*name))
            .map(|name| wrong(format!("`{name}` is not a node of this workflow")))
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let chosen: Vec<NodeIx> = chosen.iter().map(|name| names[name]).collect();
        if chosen.is_empty() && how != TaskDependType::Post {
            return Err(vec![wrong(format!("{how} needs at least one node to start from"))]);
        }
        let kept = dag.select(&chosen, how);
        let nodes = document.nodes.iter().zip(&kept).map(|(node, kept)| Planned::of(node, *kept)).collect();
        Ok(Plan { dag, nodes, names })
    }

    /// A plan of plain tasks, for benches and tests that start from a graph.
    pub fn of_tasks(dag: Dag, nodes: Vec<Planned>) -> Plan {
        assert_eq!(dag.len(), nodes.len(), "one entry a node");
        Plan { dag, nodes, names: HashMap::new() }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn node(&self, ix: NodeIx) -> &Planned {
        &self.nodes[ix as usize]
    }

    /// The number of the node with this name.
    pub fn find(&self, name: &str) -> Option<NodeIx> {
        self.names.get(name).copied()
    }

    /// Splits the text of `StartNodeNameList`. The names are joined by commas, which names may hold as
    /// well; so the longest run of pieces that is a name of the document counts as one.
    pub fn split_names(document: &Document, list: &str) -> Vec<String> {
        let known: HashSet<&str> = document.nodes.iter().map(|node| node.name.as_str()).collect();
        let most = known.iter().map(|name| name.matches(',').count() + 1).max().unwrap_or(1);
        let pieces: Vec<&str> = list.split(',').collect();
        let mut names = vec![];
        let mut from = 0;
        while from < pieces.len() {
            let furthest = pieces.len().min(from + most);
            let joined = |to: usize| pieces[from..to].join(",").trim().to_owned();
            let to = (from + 1..=furthest).rev().find(|&to| known.contains(joined(to).as_str())).unwrap_or(from + 1);
            names.extend(Some(joined(to)).filter(|name| !name.is_empty()));
            from = to;
        }
        names
    }
}

impl Planned {
    fn of(node: &Node, kept: bool) -> Planned {
        let work = match (kept, node.forbidden, node.kind) {
            (false, _, _) => Work::Absent,
            (true, true, _) => Work::Pass,
            (true, false, TaskType::SubProcess) => Work::Child,
            (true, false, TaskType::Dependent) => Work::Dependency,
            (true, false, _) => Work::Task,
        };
        let minutes = |count: u32| Duration::from_secs(60 * u64::from(count));
        Planned {
            work,
            priority: node.priority,
            max_retries: node.max_retries,
            retry_interval: minutes(node.retry_interval),
            timeout: node.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_split_although_names_hold_commas() {
        let node = |name: &str| serde_json::json!({"name": name, "type": "SHELL", "params": {"rawScript": "true"}});
        let tasks = ["a", "b, c", "c"].map(node);
        let document = Document::from_value(&serde_json::json!({"tasks": tasks})).unwrap();
        let split = |list: &str| Plan::split_names(&document, list);
        assert_eq!(split("a,c"), ["a", "c"]);
        assert_eq!(split("b, c, a"), ["b, c", "a"]);
        assert_eq!(split("a,,nobody"), ["a", "nobody"]);
        assert!(split("").is_empty());
    }
}
