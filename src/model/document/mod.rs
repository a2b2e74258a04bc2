//! The workflow document: what a user draws, as a definition stores it and an instance copies it
//! (`EasyScheduler 1.0.1: data model 5.1 to 5.6`).
//!
//! Reading is as lenient as the original where rows may hold it (numbers as text, missing keys, unknown
//! keys, nested objects given as JSON text), and strict where leniency would only move the error into
//! the night. All problems are reported at once.

mod reader;
#[cfg(test)]
mod tests;

use super::codes::{DataType, Direct, Priority, TaskType};
use reader::{Reader, number};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// A workflow that was found valid: names unique, predecessors known, parameters complete.
/// Whether the graph is free of cycles is [`crate::dag`]'s to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub nodes: Vec<Node>,
    pub global_params: Vec<Property>,
    /// After how many minutes an instance raises its alert; 0 = never.
    pub timeout_minutes: u32,
    /// −1 = the author's tenant.
    pub tenant_id: i32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The front-end's id; not used by the engine.
    pub id: String,
    /// Unique inside the document; the key of a node everywhere.
    pub name: String,
    pub kind: TaskType,
    /// Settings of this kind of node.
    pub params: Value,
    pub forbidden: bool,
    pub max_retries: u32,
    /// Minutes between two attempts.
    pub retry_interval: u32,
    pub timeout: Option<Timeout>,
    pub priority: Priority,
    /// Names of the direct predecessors.
    pub after: Vec<String>,
    /// −1 = that of the instance.
    pub worker_group: i32,
    /// The node as it was written, for `task_json` and the API.
    pub source: Map<String, Value>,
}

/// What happens when a node runs for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    pub minutes: u32,
    /// An alert is raised.
    pub warn: bool,
    /// The attempt is ended and counts as failed.
    pub fail: bool,
}

/// A global or local parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    pub prop: String,
    pub direct: Direct,
    #[serde(rename = "type")]
    pub kind: DataType,
    pub value: String,
}

/// What is wrong with a document, so that a caller can choose its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    NotJson,
    NoTasks,
    Cycle,
    NodeParams,
    Other,
}

/// One mistake and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub place: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { write!(f, "{}", self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

impl Document {
    /// Reads a document from JSON text, as the front-end sends it or as a table holds it.
    ///
    /// # Errors
    /// Every problem found, in the order of the document.
    pub fn parse(text: &str) -> Result<Document, Vec<Problem>> {
        let value = match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            Err(error) => {
                return Err(vec![Problem {
                    kind: ProblemKind::NotJson,
                    place: format!("line {}, column {}", error.line(), error.column()),
                    what: format!("not a JSON document: {error}"),
                }]);
            }
        };
        Document::from_value(&value)
    }

    /// Reads a document from JSON that has been parsed already.
    ///
    /// # Errors
    /// Every problem found, in the order of the document.
    pub fn from_value(value: &Value) -> Result<Document, Vec<Problem>> {
        let mut reader = Reader::default();
        let document = reader.document(value);
        if reader.problems.is_empty() { Ok(document) } else { Err(reader.problems) }
    }

    /// The nodes of kinds that this release cannot run, as `` `name` (SQL)``.
    pub fn unsupported(&self) -> Vec<String> {
        let of_later_releases = |node: &&Node| !node.forbidden && !node.kind.is_supported();
        self.nodes.iter().filter(of_later_releases).map(|node| format!("`{}` ({})", node.name, node.kind)).collect()
    }
}

impl Node {
    /// A member of `params`, as text; empty when missing.
    pub fn param(&self, key: &str) -> &str {
        self.params.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The definition that a SUB_PROCESS node runs.
    pub fn sub_definition(&self) -> Option<i32> {
        number(self.params.get("processDefinitionId")?).and_then(|id| i32::try_from(id).ok()).filter(|id| *id != 0)
    }

    /// The node's own parameters. Entries that are none are left out: `from_value` has refused them.
    pub fn local_params(&self) -> Vec<Property> {
        Reader::default().properties(self.params.get("localParams"), "")
    }

    /// Aliases of the resource files that the node asks for.
    pub fn resources(&self) -> Vec<String> {
        let list = self.params.get("resourceList").and_then(Value::as_array);
        let alias =
            |entry: &Value| entry.get("res").and_then(Value::as_str).filter(|res| !res.is_empty()).map(str::to_owned);
        list.into_iter().flatten().filter_map(alias).collect()
    }
}
