//! The workflows of the load, and what has to come out of each.

use crate::client::Client;
use crate::dice::Dice;
use crate::judge::{self, History};
use crate::ledger::Ledger;
use crate::site::{document, retried, shell, sub_process};
use std::collections::BTreeMap;

pub struct Kind {
    pub name: &'static str,
    pub nodes: Vec<Node>,
    pub strategy: &'static str,
    /// In which states it may end.
    pub states: &'static [&'static str],
    /// Rather often; never by itself.
    pub weight: u64,
    /// Shortest and longest run of a node, in tenths of a second.
    pace: (u64, u64),
}

pub struct Node {
    pub name: String,
    parents: Vec<String>,
    pub fate: Fate,
}

/// What must have become of a node in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// One success.
    Once,
    /// The same, after a long time.
    Late,
    /// One success after so many failures.
    After(u32),
    /// One failure and no success.
    Failure,
    /// It may have been ended because another one failed.
    Any,
    Never,
    /// The node itself writes nothing.
    Child,
}

fn node(name: &str, parents: &[&str], fate: Fate) -> Node {
    Node { name: name.into(), parents: parents.iter().map(|parent| (*parent).into()).collect(), fate }
}

fn chain(prefix: &str, length: usize) -> Vec<Node> {
    let name = |at: usize| format!("{prefix}{at}");
    let link = |at| match at {
        0 => node(&name(0), &[], Fate::Once),
        _ => node(&name(at), &[&name(at - 1)], Fate::Once),
    };
    (0..length).map(link).collect()
}

fn fan(prefix: &str, width: usize) -> Vec<Node> {
    let (hub, rim) = (format!("{prefix}hub"), format!("{prefix}rim"));
    let spokes: Vec<String> = (0..width).map(|at| format!("{prefix}spoke{at}")).collect();
    let names: Vec<&str> = spokes.iter().map(String::as_str).collect();
    let mut nodes = vec![node(&hub, &[], Fate::Once)];
    nodes.extend(names.iter().map(|name| node(name, &[&hub], Fate::Once)));
    nodes.push(node(&rim, &names, Fate::Once));
    nodes
}

pub const CHILD: usize = 0;
pub const NESTED: usize = 1;
/// The one that is stopped, paused and repeated.
pub const ORDERED: usize = 2;

/// The kinds. A child comes before its parent.
pub fn kinds() -> Vec<Kind> {
    use Fate::*;
    let kind =
        |name, nodes, weight| Kind { name, nodes, strategy: "CONTINUE", states: &["SUCCESS"], weight, pace: (2, 15) };
    vec![
        kind("child", chain("child", 3), 0),
        kind(
            "nested",
            vec![
                node("before", &[], Once),
                node("inner", &["before"], Child),
                node("beside", &["before"], Once),
                node("after", &["inner", "beside"], Once),
            ],
            2,
        ),
        Kind { states: &["SUCCESS", "STOP", "PAUSE"], pace: (10, 60), ..kind("ordered", fan("ordered-", 4), 2) },
        kind("chain", chain("link", 6), 3),
        kind("fan", fan("", 10), 2),
        kind(
            "diamond",
            vec![
                node("top", &[], Once),
                node("left", &["top"], Once),
                node("right", &["top"], Once),
                node("bottom", &["left", "right"], Once),
            ],
            3,
        ),
        kind(
            "long",
            vec![
                node("short", &[], Once),
                node("long", &[], Late),
                node("beside", &["short"], Once),
                node("both", &["beside", "long"], Once),
            ],
            2,
        ),
        kind(
            "retries",
            vec![node("first", &[], Once), node("stubborn", &["first"], After(2)), node("last", &["stubborn"], Once)],
            2,
        ),
        Kind {
            states: &["FAILURE"],
            ..kind(
                "goes-on",
                vec![
                    node("root", &[], Once),
                    node("bad", &["root"], Failure),
                    node("never", &["bad"], Never),
                    node("good", &["root"], Once),
                    node("better", &["good"], Once),
                ],
                1,
            )
        },
        Kind {
            strategy: "END",
            states: &["FAILURE"],
            ..kind(
                "gives-up",
                vec![
                    node("root", &[], Once),
                    node("bad", &["root"], Failure),
                    node("slow", &["root"], Any),
                    node("never", &["bad", "slow"], Never),
                ],
                1,
            )
        },
    ]
}

impl Kind {
    /// Saves it; `longest` is in tenths of a second.
    pub fn define(&self, client: &Client, ledger: &Ledger, child: i64, dice: &mut Dice, longest: u64) -> i64 {
        let tasks = self.nodes.iter().map(|node| {
            let parents: Vec<&str> = node.parents.iter().map(String::as_str).collect();
            let (shortest, longest) = if node.fate == Fate::Late { (longest / 3, longest) } else { self.pace };
            let tenths = shortest + dice.below(longest - shortest);
            let sleep = format!("sleep {}.{} 9>&-", tenths / 10, tenths % 10);
            let name = &node.name;
            match node.fate {
                Fate::Child => sub_process(name, child, &parents),
                Fate::After(times) => retried(shell(name, &ledger.failing(name, &sleep, times), &parents), times + 1),
                Fate::Failure => shell(name, &ledger.failing(name, &sleep, 1_000_000), &parents),
                Fate::Once | Fate::Late | Fate::Never | Fate::Any => {
                    shell(name, &ledger.script(name, &sleep), &parents)
                }
            }
        });
        client.define(self.name, &document(tasks.collect()))
    }

    /// How many of its nodes start for certain.
    pub fn sure(&self) -> usize {
        let unsure = |fate| matches!(fate, Fate::Never | Fate::Any | Fate::Child);
        self.nodes.iter().filter(|node| !unsure(node.fate)).count()
    }

    /// What is wrong with one instance that ended in a state.
    pub fn judge(&self, state: &str, nodes: &BTreeMap<String, History>) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.states.contains(&state) {
            wrong.push(format!("it ended as {state}"));
        }
        let complete = state == "SUCCESS" || state == "FAILURE";
        for node in &self.nodes {
            let none = History::default();
            let history = nodes.get(&node.name).unwrap_or(&none);
            let (succeeded, failed) = (judge::succeeded(history), judge::failed(history));
            // A success whose worker was lost before it was told counts as an attempt that was lost.
            let right = match node.fate {
                Fate::Once | Fate::Late => succeeded >= 1 && failed == 0,
                Fate::After(times) => succeeded >= 1 && failed == times as usize,
                Fate::Failure => succeeded == 0 && failed >= 1,
                Fate::Any => failed == 0,
                Fate::Never | Fate::Child => history.is_empty(),
            };
            if complete && !right {
                wrong.push(format!("`{}` succeeded {succeeded} times and failed {failed} times", node.name));
            }
            for parent in &node.parents {
                let writes = self.nodes.iter().any(|other| other.name == *parent && other.fate != Fate::Child);
                if writes && judge::is_early(history, nodes.get(parent).unwrap_or(&none)) {
                    wrong.push(format!("`{}` began before the last attempt at `{parent}` succeeded", node.name));
                }
            }
        }
        wrong
    }
}
