//! The shape of a workflow: who comes before whom, in which order, and what "from this node on" means.
//!
//! Knows nothing of states or kinds. Nodes are numbers, in the order of the document; every walk is
//! linear in nodes and edges (`EasyScheduler 1.0.1: known defects B11, D10`).

use crate::model::{Document, Problem, ProblemKind, TaskDependType};
use std::collections::HashMap;

/// The place of a node in its document.
pub type NodeIx = u32;

/// A graph without cycles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dag {
    parents: Edges,
    children: Edges,
    order: Vec<NodeIx>,
}

/// Neighbours of every node in one piece of memory: those of node `i` are `to[from[i]..from[i + 1]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edges {
    from: Vec<u32>,
    to: Vec<NodeIx>,
}

impl Edges {
    /// `pairs` are (node, neighbour).
    fn new(nodes: usize, pairs: impl Iterator<Item = (NodeIx, NodeIx)> + Clone) -> Self {
        let mut from = vec![0; nodes + 1];
        for (node, _) in pairs.clone() {
            from[node as usize + 1] += 1;
        }
        for i in 0..nodes {
            from[i + 1] += from[i];
        }
        let mut next = from.clone();
        let mut to = vec![0; from[nodes] as usize];
        for (node, neighbour) in pairs {
            to[next[node as usize] as usize] = neighbour;
            next[node as usize] += 1;
        }
        Edges { from, to }
    }

    fn of(&self, node: NodeIx) -> &[NodeIx] {
        let node = node as usize;
        &self.to[self.from[node] as usize..self.from[node + 1] as usize]
    }
}

impl Dag {
    /// Builds the graph of `nodes` nodes from (parent, child) pairs.
    ///
    /// # Errors
    /// The nodes of one cycle, in the order in which they point at each other.
    pub fn new(nodes: usize, edges: &[(NodeIx, NodeIx)]) -> Result<Dag, Vec<NodeIx>> {
        let children = Edges::new(nodes, edges.iter().copied());
        let parents = Edges::new(nodes, edges.iter().map(|&(parent, child)| (child, parent)));
        let mut open: Vec<u32> = (0..nodes as NodeIx).map(|node| parents.of(node).len() as u32).collect();
        let mut order: Vec<NodeIx> = (0..nodes as NodeIx).filter(|&node| open[node as usize] == 0).collect();
        let mut done = 0;
        while let Some(&node) = order.get(done) {
            done += 1;
            for &child in children.of(node) {
                open[child as usize] -= 1;
                if open[child as usize] == 0 {
                    order.push(child);
                }
            }
        }
        if order.len() == nodes { Ok(Dag { parents, children, order }) } else { Err(cycle(&parents, &open)) }
    }

    /// The graph of a document.
    ///
    /// # Errors
    /// The cycle, as a problem that names its nodes.
    pub fn of(document: &Document) -> Result<Dag, Problem> {
        let nodes = &document.nodes;
        let index: HashMap<&str, NodeIx> =
            nodes.iter().enumerate().map(|(ix, node)| (node.name.as_str(), ix as NodeIx)).collect();
        let mut edges = Vec::new();
        for (child, node) in nodes.iter().enumerate() {
            edges.extend(node.after.iter().filter_map(|name| Some((*index.get(name.as_str())?, child as NodeIx))));
        }
        Dag::new(nodes.len(), &edges).map_err(|cycle| {
            let name = |ix: &NodeIx| format!("`{}`", nodes[*ix as usize].name);
            let mut names: Vec<String> = cycle.iter().map(name).collect();
            names.extend(names.first().cloned());
            Problem {
                kind: ProblemKind::Cycle,
                place: "tasks".into(),
                what: format!("the nodes wait for each other in a circle: {}", names.join(" → ")),
            }
        })
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub fn parents(&self, node: NodeIx) -> &[NodeIx] {
        self.parents.of(node)
    }

    pub fn children(&self, node: NodeIx) -> &[NodeIx] {
        self.children.of(node)
    }

    /// All nodes, each after its parents.
    pub fn order(&self) -> &[NodeIx] {
        &self.order
    }

    /// Which nodes run when `chosen` are started with `how` (`EasyScheduler 1.0.1: building the DAG`):
    /// the chosen ones alone, with everything before them, or with everything after them. Nothing
    /// chosen means all.
    pub fn select(&self, chosen: &[NodeIx], how: TaskDependType) -> Vec<bool> {
        if chosen.is_empty() {
            return vec![true; self.len()];
        }
        let mut kept = vec![false; self.len()];
        let mut open = chosen.to_vec();
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut kept[node as usize], true) {
                continue;
            }
            match how {
                TaskDependType::Only => {}
                TaskDependType::Pre => open.extend(self.parents(node)),
                TaskDependType::Post => open.extend(self.children(node)),
            }
        }
        kept
    }
}

/// One cycle among the nodes that still wait for a parent. Each of them has a parent that waits as
/// well, so walking up must come back to a node seen before.
fn cycle(parents: &Edges, open: &[u32]) -> Vec<NodeIx> {
    let waiting = |node: &NodeIx| open[*node as usize] > 0;
    let Some(mut node) = (0..open.len() as NodeIx).find(waiting) else { return vec![] };
    let mut seen = vec![false; open.len()];
    let mut path = vec![];
    while !std::mem::replace(&mut seen[node as usize], true) {
        path.push(node);
        match parents.of(node).iter().copied().find(|parent| waiting(parent)) {
            Some(parent) => node = parent,
            None => break,
        }
    }
    let start = path.iter().position(|&known| known == node).unwrap_or(0);
    let mut cycle = path.split_off(start);
    cycle.reverse();
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_named_node_by_node() {
        // 0 → 1 → 2 → 3 → 1, and 4 hangs below the cycle
        let cycle = Dag::new(5, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)]).unwrap_err();
        let start = cycle.iter().position(|&n| n == 1).unwrap();
        let turned: Vec<_> = cycle.iter().cycle().skip(start).take(cycle.len()).copied().collect();
        assert_eq!(turned, [1, 2, 3]);
        assert_eq!(Dag::new(1, &[(0, 0)]).unwrap_err(), [0]);
    }

    #[test]
    fn the_chosen_nodes_run_alone_with_what_comes_before_or_with_what_follows() {
        let dag = Dag::new(5, &[(0, 1), (1, 2), (1, 3), (4, 3)]).unwrap();
        let picture = |how| dag.select(&[1], how).iter().map(|&k| if k { 'x' } else { '.' }).collect::<String>();
        assert_eq!(picture(TaskDependType::Only), ".x...");
        assert_eq!(picture(TaskDependType::Pre), "xx...");
        assert_eq!(picture(TaskDependType::Post), ".xxx.");
        assert_eq!(dag.select(&[], TaskDependType::Post), [true; 5]);
    }

    #[test]
    fn a_layered_graph_is_walked_once_and_not_once_a_path() {
        let (layers, width) = (40, 25);
        let node = |layer: u32, place: u32| layer * width + place;
        let mut edges = vec![];
        for layer in 1..layers {
            for (a, b) in (0..width).flat_map(|a| (0..width).map(move |b| (a, b))) {
                edges.push((node(layer - 1, a), node(layer, b)));
            }
        }
        let dag = Dag::new((layers * width) as usize, &edges).unwrap();
        assert!(dag.select(&[0], TaskDependType::Post).iter().filter(|kept| **kept).count() > 900);
    }

    proptest! {
        /// EasyScheduler 1.0.1, known defect D10: cycles were accepted in dense graphs of five nodes and more.
        #[test]
        fn a_graph_is_refused_exactly_if_a_node_can_be_reached_from_itself(
            edges in prop::collection::vec((0u32..8, 0u32..8), 0..24)
        ) {
            let mut reach = [[false; 8]; 8];
            for &(a, b) in &edges { reach[a as usize][b as usize] = true; }
            for k in 0..8 { for i in 0..8 { for j in 0..8 { reach[i][j] |= reach[i][k] && reach[k][j]; } } }
            let cyclic = (0..8).any(|i| reach[i][i]);
            match Dag::new(8, &edges) {
                Ok(dag) => {
                    prop_assert!(!cyclic);
                    let place = |n: u32| dag.order().iter().position(|&m| m == n);
                    for (a, b) in edges { prop_assert!(place(a) < place(b)); }
                }
                Err(cycle) => {
                    prop_assert!(cyclic);
                    for (i, &a) in cycle.iter().enumerate() {
                        let b = cycle[(i + 1) % cycle.len()];
                        prop_assert!(edges.contains(&(a, b)), "{a} → {b} is no edge");
                    }
                }
            }
        }
    }
}
