//! The tree view of a definition.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{Square, Tree};
use crate::dag::{Dag, NodeIx};
use crate::model::{DefinitionId, Document, InstanceId, TaskType, Time};
use crate::store::{InstanceHead, TaskHead};
use std::collections::HashMap;

pub const VIEW: Params = &[
    need("processId", Int, "The id of the process definition."),
    need("limit", Int, "How many of the newest instances are shown, at most 100."),
];

/// The most instances that the front-end asks for.
const MOST_RUNS: usize = 100;
/// The most squares of a tree: nodes times instances. What is larger shows fewer instances.
const MOST_SQUARES: usize = 100_000;
/// The most nodes of a tree in which every node stands below all that it waits for. A workflow that joins and forks
/// often has more ways than there are atoms; in a larger tree a node has its children where it stands first, and is a
/// leaf elsewhere.
const MOST_NODES: usize = 5_000;

/// `process/view-tree`
pub async fn view(call: Call) -> Outcome<Tree> {
    let id = DefinitionId(call.form.int("processId")?);
    let limit = usize::try_from(call.form.int("limit")?).ok().filter(|limit| *limit > 0);
    let limit = limit.ok_or_else(|| Failure::because(Words::new("limit is not above zero", "limit 必须大于零")))?;
    let Some(definition) = call.store().definition(id).await? else {
        return Err(Code::NO_SUCH_DEFINITION.because(&[&id]));
    };
    let (document, dag) = read(&definition.document)?;
    let places = places(&dag);
    let most = limit.min(MOST_RUNS).min(MOST_SQUARES / places.len().max(1)).max(1);
    let mut runs = call.store().newest_instances(id, most as u64).await?;
    runs.reverse();
    let ids: Vec<InstanceId> = runs.iter().map(|run| run.id).collect();
    let tasks = call.store().tasks_among(&ids).await?;
    let data = Tree::json(&grow(&document, places, &runs, &tasks, Time::now()))
        .map_err(|error| Failure::Generic(error.to_string()))?;
    Reply::written(data)
}

fn read(json: &str) -> Result<(Document, Dag), Failure> {
    let unreadable = |why: String| Failure::because(format!("the workflow of the definition: {why}"));
    let document = Document::parse(json)
        .map_err(|problems| unreadable(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let dag = Dag::of(&document).map_err(|problem| unreadable(problem.to_string()))?;
    Ok((document, dag))
}

/// Where a node of the workflow stands in the tree, and the places below it. The root is no node.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    node: Option<NodeIx>,
    children: Vec<usize>,
}

/// The tree that a workflow unfolds into.
fn places(dag: &Dag) -> Vec<Place> {
    let whole = size(dag) <= MOST_NODES;
    let roots: Vec<NodeIx> = (0..dag.len() as NodeIx).filter(|node| dag.parents(*node).is_empty()).collect();
    let mut shown = vec![false; dag.len()];
    let mut places = vec![Place { node: None, children: Vec::new() }];
    let mut next = 0;
    while let Some(place) = places.get(next) {
        let below = match place.node {
            None => roots.as_slice(),
            Some(node) => {
                let before = shown.get_mut(node as usize).is_some_and(|shown| std::mem::replace(shown, true));
                if whole || !before { dag.children(node) } else { &[] }
            }
        };
        let first = places.len();
        places.extend(below.iter().map(|node| Place { node: Some(*node), children: Vec::new() }));
        let children = (first..places.len()).collect();
        if let Some(place) = places.get_mut(next) {
            place.children = children;
        }
        next += 1;
    }
    places
}

/// How many nodes the whole tree has: as many as there are ways through the workflow from its roots.
fn size(dag: &Dag) -> usize {
    let mut ways = vec![0usize; dag.len()];
    for node in dag.order() {
        let above = dag.parents(*node).iter().filter_map(|parent| ways.get(*parent as usize));
        let sum = above.fold(0usize, |sum, ways| sum.saturating_add(*ways));
        if let Some(ways) = ways.get_mut(*node as usize) {
            *ways = sum.max(1);
        }
    }
    ways.into_iter().fold(0, usize::saturating_add)
}

/// The tree with its squares.
fn grow(document: &Document, places: Vec<Place>, runs: &[InstanceHead], tasks: &[TaskHead], now: Time) -> Vec<Tree> {
    let key = |task: &TaskHead| (task.process_instance_id.unwrap_or_default(), task.name.clone().unwrap_or_default());
    // Of several attempts the last one counts.
    let tasks: HashMap<(i32, String), &TaskHead> = tasks.iter().map(|task| (key(task), task)).collect();
    let tree = |place: Place| {
        let Some(node) = place.node.and_then(|node| document.nodes.get(node as usize)) else {
            let squares = runs.iter().map(|run| Square::run(run, now)).collect();
            return Tree { name: "DAG".to_owned(), kind: "", squares, children: place.children };
        };
        let subflow = node.sub_definition().filter(|_| node.kind == TaskType::SubProcess).unwrap_or_default();
        let square = |run: &InstanceHead| match tasks.get(&(run.id.0, node.name.clone())) {
            Some(task) => Square::task(task, subflow, now),
            None => Square::nothing(),
        };
        let squares = runs.iter().map(square).collect();
        Tree { name: node.name.clone(), kind: node.kind.name(), squares, children: place.children }
    };
    places.into_iter().map(tree).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as nested names.
    fn picture(places: &[Place], at: usize) -> String {
        let children: Vec<String> = places[at].children.iter().map(|child| picture(places, *child)).collect();
        let name = places[at].node.map_or("DAG".to_owned(), |node| node.to_string());
        if children.is_empty() { name } else { format!("{name}({})", children.join(" ")) }
    }

    #[test]
    fn a_node_stands_below_all_that_it_waits_for() {
        let dag = Dag::new(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]).unwrap();
        assert_eq!(picture(&places(&dag), 0), "DAG(0(1(3) 2(3)))");
        let dag = Dag::new(3, &[]).unwrap();
        assert_eq!(picture(&places(&dag), 0), "DAG(0 1 2)");
    }

    #[test]
    fn a_workflow_with_more_ways_than_anybody_can_draw_stays_small() {
        // Forty diamonds in a row: 2 to the power of 40 ways.
        let diamond =
            |first: u32| [(first, first + 1), (first, first + 2), (first + 1, first + 3), (first + 2, first + 3)];
        let edges: Vec<_> = (0..40).flat_map(|number| diamond(number * 3)).collect();
        let dag = Dag::new(121, &edges).unwrap();
        assert!(size(&dag) > 1 << 40);
        let places = places(&dag);
        assert_eq!(places.len(), 1 + 1 + edges.len(), "the root, its child, and one for each edge");
        let nodes: std::collections::HashSet<_> = places.iter().filter_map(|place| place.node).collect();
        assert_eq!(nodes.len(), 121, "every node is there");
    }

    #[test]
    fn a_deep_tree_is_written_without_a_deep_stack() {
        let tree = |number: usize| Tree {
            name: number.to_string(),
            kind: "SHELL",
            squares: Vec::new(),
            children: if number < 200_000 { vec![number + 1] } else { Vec::new() },
        };
        let trees: Vec<Tree> = (0..=200_000).map(tree).collect();
        let json = String::from_utf8(Tree::json(&trees).unwrap()).unwrap();
        assert!(json.starts_with(r#"{"name":"0","type":"SHELL","instances":[],"children":[{"name":"1","#));
        assert!(json.ends_with(&"]}".repeat(200_001)));
    }

    #[test]
    fn siblings_are_written_in_order() {
        let tree = |name: &str, children: Vec<usize>| Tree { name: name.into(), kind: "", squares: vec![], children };
        let json = Tree::json(&[tree("a", vec![1, 2]), tree("b", vec![]), tree("c", vec![])]).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((&read["children"][0]["name"], &read["children"][1]["name"]), (&"b".into(), &"c".into()));
    }
}
