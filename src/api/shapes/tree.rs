//! The tree view of a definition: its nodes, each below every node that it waits for, and how it fared in the newest
//! runs.

use super::elapsed;
use crate::model::{InstanceId, State, Time};
use crate::store::{InstanceHead, TaskHead};
use serde::Serialize;
use utoipa::ToSchema;

/// A node of the tree.
// Its children are places in a list, for a workflow may be deeper than a stack.
#[derive(ToSchema)]
pub struct Tree {
    pub name: String,
    #[schema(rename = "type")]
    pub kind: &'static str,
    /// One for each run, oldest first.
    #[schema(rename = "instances")]
    pub squares: Vec<Square>,
    #[schema(value_type = Vec<Tree>, no_recursion)]
    pub children: Vec<usize>,
}

/// How a node fared in one run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Square {
    id: i32,
    name: String,
    r#type: String,
    state: Option<State>,
    start_time: Option<Time>,
    end_time: Option<Time>,
    host: Option<String>,
    duration: Option<String>,
    subflow_id: i32,
}

impl Square {
    /// The run itself.
    pub fn run(instance: &InstanceHead, now: Time) -> Square {
        let InstanceId(id) = instance.id;
        Square {
            id,
            name: instance.name.clone().unwrap_or_default(),
            r#type: String::new(),
            state: Some(instance.state.unwrap_or(State::Submitted)),
            start_time: instance.start_time,
            end_time: instance.end_time.or(Some(now)),
            host: instance.host.clone(),
            duration: Some(elapsed(instance.start_time, instance.end_time, now)),
            subflow_id: 0,
        }
    }

    /// A task of the run; `subflow` is the definition that it runs, or 0.
    pub fn task(task: &TaskHead, subflow: i32, now: Time) -> Square {
        Square {
            id: task.id.0,
            name: task.name.clone().unwrap_or_default(),
            r#type: task.task_type.clone().unwrap_or_default(),
            state: Some(task.state.unwrap_or(State::Submitted)),
            start_time: task.start_time,
            end_time: task.end_time,
            host: task.host.clone(),
            duration: Some(elapsed(task.start_time, task.end_time, now)),
            subflow_id: subflow,
        }
    }

    /// The node has not run then.
    pub fn nothing() -> Square {
        Square {
            id: -1,
            name: "not running".to_owned(),
            r#type: "null".to_owned(),
            state: None,
            start_time: None,
            end_time: None,
            host: None,
            duration: None,
            subflow_id: 0,
        }
    }
}

impl Tree {
    /// The tree below the first of these as JSON, without recursion.
    pub fn json(trees: &[Tree]) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::new();
        // Children that are still to be written, the next one last; the end of a node stands below them.
        let mut open = vec![Step::Open(0)];
        while let Some(step) = open.pop() {
            let tree = match step {
                Step::Text(text) => {
                    json.extend_from_slice(text);
                    continue;
                }
                Step::Open(place) => trees.get(place),
            };
            let Some(tree) = tree else { continue };
            json.extend_from_slice(b"{\"name\":");
            serde_json::to_writer(&mut json, &tree.name)?;
            json.extend_from_slice(b",\"type\":");
            serde_json::to_writer(&mut json, tree.kind)?;
            json.extend_from_slice(b",\"instances\":");
            serde_json::to_writer(&mut json, &tree.squares)?;
            json.extend_from_slice(b",\"children\":[");
            open.push(Step::Text(b"]}"));
            for (number, child) in tree.children.iter().enumerate().rev() {
                open.push(Step::Open(*child));
                if number > 0 {
                    open.push(Step::Text(b","));
                }
            }
        }
        Ok(json)
    }
}

enum Step {
    Open(usize),
    Text(&'static [u8]),
}
