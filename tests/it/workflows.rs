//! Recorded workflows, and a large one made up: every node runs exactly once, none before its parents ended.

use crate::dice::Dice;
use crate::ledger::{Ledger, Line};
use crate::site::{Site, document, shell};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// A node, its parents, and how long it takes.
struct Node {
    name: String,
    parents: Vec<String>,
    milliseconds: u64,
}

/// Runs a workflow and judges it by the ledger.
fn run(site: &Site, name: &str, nodes: &[Node]) {
    let ledger = Ledger::new(site.folder.path());
    let tasks = nodes.iter().map(|node| {
        let parents: Vec<&str> = node.parents.iter().map(String::as_str).collect();
        let work = match node.milliseconds {
            0 => String::new(),
            count => format!("sleep 0.{count:03}"),
        };
        shell(&node.name, &ledger.script(&node.name, &work), &parents)
    });
    let definition = site.define(name, &document(tasks.collect()));
    let row = site.run(definition);
    assert_eq!(row["state"], "SUCCESS", "{name}");
    let (mut started, mut ended) = (HashMap::new(), HashMap::new());
    for (at, line) in ledger.lines().into_iter().enumerate() {
        let (list, attempt) = match line {
            Line::Start(attempt) => (&mut started, attempt),
            Line::End(attempt) => (&mut ended, attempt),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!((attempt.instance, attempt.number), (row["id"].as_i64().expect("an id"), 1), "{name}");
        assert!(list.insert(attempt.node.clone(), at).is_none(), "{name}: `{}` ran twice", attempt.node);
    }
    let edges: usize = nodes.iter().map(|node| node.parents.len()).sum();
    for node in nodes {
        let begun = *started.get(&node.name).unwrap_or_else(|| panic!("{name}: `{}` never ran", node.name));
        assert!(ended.contains_key(&node.name), "{name}: `{}` was cut short", node.name);
        for parent in &node.parents {
            assert!(ended[parent] < begun, "{name}: `{}` began before `{parent}` ended", node.name);
        }
    }
    assert_eq!((started.len(), ended.len()), (nodes.len(), nodes.len()), "{name}");
    println!("{name}: {} nodes and {edges} edges, each node once and after its parents", nodes.len());
}

fn recorded(path: &Path) -> (String, Vec<Node>) {
    let text = std::fs::read_to_string(path).expect("a recorded workflow");
    let workflow: Value = serde_json::from_str(&text).expect("JSON");
    let tasks = workflow["tasks"].as_array().expect("tasks");
    let longest = tasks.iter().filter_map(|task| task["seconds"].as_f64()).fold(1.0, f64::max);
    let node = |task: &Value| Node {
        name: task["name"].as_str().expect("a name").to_owned(),
        parents: task["parents"]
            .as_array()
            .expect("parents")
            .iter()
            .filter_map(|name| Some(name.as_str()?.into()))
            .collect(),
        milliseconds: (20.0 * task["seconds"].as_f64().unwrap_or(0.0) / longest) as u64,
    };
    (workflow["name"].as_str().expect("a name").to_owned(), tasks.iter().map(node).collect())
}

#[test]
fn recorded_workflows_run_every_node_once_and_after_its_parents() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/workflows");
    let site = Site::start();
    site.project();
    let files = std::fs::read_dir(folder).expect("recorded workflows").flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let (name, nodes) = recorded(&path);
        run(&site, &name, &nodes);
    }
}

#[test]
fn two_thousand_nodes_in_layers_run_once_and_after_their_parents() {
    const LAYERS: usize = 20;
    const WIDTH: usize = 100;
    let mut dice = Dice(7);
    let name = |layer: usize, at: usize| format!("l{layer}-{at}");
    let mut nodes = Vec::new();
    for layer in 0..LAYERS {
        for at in 0..WIDTH {
            // About three parents each, of the layer before.
            let mut parents: Vec<String> = match layer {
                0 => vec![],
                _ => (0..3).map(|_| name(layer - 1, dice.below(WIDTH as u64) as usize)).collect(),
            };
            parents.sort();
            parents.dedup();
            // And now and then one of further up.
            if layer > 1 && dice.below(3) == 0 {
                parents.push(name(dice.below(layer as u64 - 1) as usize, at));
            }
            nodes.push(Node { name: name(layer, at), parents, milliseconds: 0 });
        }
    }
    let site = Site::start();
    site.project();
    run(&site, "layers", &nodes);
}
