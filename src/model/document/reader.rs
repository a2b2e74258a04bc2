//! Reading a document: lenient in form, strict in content, and every problem is collected.

use super::{Document, Node, Problem, ProblemKind, Property, Timeout};
use crate::model::{DataType, Direct, Priority, TaskType};
use serde_json::Value;
use std::collections::HashSet;

/// Longest name that the tables take, in characters.
const NAME_MAX: usize = 255;

/// A whole number, given as a number or as text; `None` for anything else.
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The object that a member holds, directly or as JSON text.
fn object(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// Collects problems while reading.
#[derive(Default)]
pub(super) struct Reader {
    pub problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, kind: ProblemKind, place: &str, what: impl Into<String>) {
        self.problems.push(Problem { kind, place: place.to_owned(), what: what.into() });
    }

    pub fn document(&mut self, value: &Value) -> Document {
        let Value::Object(root) = value else {
            self.problem(ProblemKind::NotJson, "", "a workflow document is a JSON object with `tasks`");
            return Document { nodes: vec![], global_params: vec![], timeout_minutes: 0, tenant_id: -1 };
        };
        let nodes = match root.get("tasks") {
            Some(Value::Array(tasks)) if !tasks.is_empty() => {
                tasks.iter().enumerate().filter_map(|(i, task)| self.node(i, task)).collect()
            }
            Some(Value::Array(_)) | None | Some(Value::Null) => {
                self.problem(ProblemKind::NoTasks, "tasks", "the workflow has no nodes");
                vec![]
            }
            Some(_) => {
                self.problem(ProblemKind::Other, "tasks", "is not a list of nodes");
                vec![]
            }
        };
        self.references(&nodes);
        Document {
            nodes,
            global_params: self.properties(root.get("globalParams"), "globalParams"),
            timeout_minutes: self.natural(root.get("timeout"), "timeout"),
            tenant_id: self.integer(root.get("tenantId"), "tenantId", -1),
        }
    }

    fn references(&mut self, nodes: &[Node]) {
        let mut seen = HashSet::new();
        for node in nodes {
            if !seen.insert(node.name.as_str()) {
                self.problem(ProblemKind::Other, &format!("node `{}`", node.name), "the name is used twice");
            }
        }
        for node in nodes {
            for parent in node.after.iter().filter(|parent| !seen.contains(parent.as_str())) {
                let what = format!("preTasks names `{parent}`, which is not a node of this workflow");
                self.problem(ProblemKind::Other, &format!("node `{}`", node.name), what);
            }
        }
    }

    fn node(&mut self, index: usize, value: &Value) -> Option<Node> {
        let Value::Object(source) = value else {
            self.problem(ProblemKind::Other, &format!("tasks[{index}]"), "is not an object");
            return None;
        };
        let text = |key: &str| source.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = text("name").to_owned();
        let place = if name.is_empty() { format!("tasks[{index}]") } else { format!("node `{name}`") };
        self.name(&name, &place);
        let kind = match text("type").parse() {
            Ok(kind) => Some(kind),
            Err(_) => {
                let known: Vec<&str> = TaskType::ALL.iter().map(|kind| kind.name()).collect();
                let what = format!("unknown type `{}`; there are {}", text("type"), known.join(", "));
                self.problem(ProblemKind::NodeParams, &place, what);
                None
            }
        };
        let params = object(source.get("params"));
        if let Some(kind) = kind {
            self.params(kind, &params, &place);
        }
        Some(Node {
            id: text("id").to_owned(),
            kind: kind.unwrap_or(TaskType::Shell),
            forbidden: text("runFlag") == "FORBIDDEN",
            max_retries: self.natural(source.get("maxRetryTimes"), &format!("{place}, maxRetryTimes")),
            retry_interval: self.natural(source.get("retryInterval"), &format!("{place}, retryInterval")),
            timeout: self.timeout(&object(source.get("timeout")), &place),
            priority: self.priority(source.get("taskInstancePriority"), &place),
            after: self.after(source.get("preTasks"), &place),
            worker_group: self.integer(source.get("workerGroupId"), &format!("{place}, workerGroupId"), -1),
            source: source.clone(),
            params,
            name,
        })
    }

    fn name(&mut self, name: &str, place: &str) {
        if name.trim().is_empty() {
            self.problem(ProblemKind::Other, place, "the node has no name");
        } else if name.chars().count() > NAME_MAX {
            self.problem(ProblemKind::Other, place, format!("the name is longer than {NAME_MAX} characters"));
        } else if name.chars().any(char::is_control) {
            self.problem(ProblemKind::Other, place, "the name holds a line break or another control character");
        }
    }

    /// What each kind of node cannot do without (`EasyScheduler 1.0.1: data model 5.5`).
    fn params(&mut self, kind: TaskType, params: &Value, place: &str) {
        let text = |key: &str| params.get(key).and_then(Value::as_str).is_some_and(|t| !t.is_empty());
        let id = |key: &str| params.get(key).and_then(number).is_some_and(|n| n != 0);
        let needs: &[(&str, bool)] = match kind {
            TaskType::Shell | TaskType::Python => &[("rawScript", text("rawScript"))],
            TaskType::SubProcess => &[("processDefinitionId", id("processDefinitionId"))],
            TaskType::Sql => &[("datasource", id("datasource")), ("type", text("type")), ("sql", text("sql"))],
            TaskType::Procedure => {
                &[("datasource", id("datasource")), ("type", text("type")), ("method", text("method"))]
            }
            TaskType::Mr | TaskType::Spark => &[
                ("mainJar", params.get("mainJar").is_some_and(|jar| !jar.is_null())),
                ("programType", text("programType")),
            ],
            TaskType::Dependent => &[],
        };
        for (key, _) in needs.iter().filter(|(_, present)| !present) {
            self.problem(ProblemKind::NodeParams, place, format!("a {kind} node needs `params.{key}`"));
        }
        let found = self.problems.len();
        self.properties(params.get("localParams"), &format!("{place}, localParams"));
        self.problems[found..].iter_mut().for_each(|problem| problem.kind = ProblemKind::NodeParams);
    }

    fn timeout(&mut self, value: &Value, place: &str) -> Option<Timeout> {
        let enabled = match value.get("enable") {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let minutes = self.natural(value.get("interval"), &format!("{place}, timeout.interval"));
        if !enabled {
            return None;
        }
        let strategy = value.get("strategy").and_then(Value::as_str).unwrap_or_default();
        let (warn, fail) = match strategy {
            "" => return None,
            "WARN" => (true, false),
            "FAILED" => (false, true),
            "WARN,FAILED" | "WARNFAILED" => (true, true),
            other => {
                self.problem(ProblemKind::Other, place, format!("unknown timeout.strategy `{other}`"));
                return None;
            }
        };
        if minutes == 0 {
            self.problem(ProblemKind::Other, place, "the time-out is switched on, but timeout.interval is 0 minutes");
        }
        Some(Timeout { minutes, warn, fail })
    }

    fn priority(&mut self, value: Option<&Value>, place: &str) -> Priority {
        match value {
            None | Some(Value::Null) => Priority::Medium,
            Some(Value::String(text)) if text.is_empty() => Priority::Medium,
            Some(Value::String(text)) => text.parse().unwrap_or_else(|error| {
                self.problem(ProblemKind::Other, place, format!("taskInstancePriority: {error}"));
                Priority::Medium
            }),
            Some(_) => {
                self.problem(ProblemKind::Other, place, "taskInstancePriority is not a name");
                Priority::Medium
            }
        }
    }

    fn after(&mut self, value: Option<&Value>, place: &str) -> Vec<String> {
        let list = object(value);
        let mut names: Vec<String> = Vec::new();
        match &list {
            Value::Null => {}
            Value::Array(entries) => {
                for entry in entries {
                    match entry.as_str() {
                        Some(name) if !names.iter().any(|known| known == name) => names.push(name.to_owned()),
                        Some(_) => {}
                        None => self.problem(ProblemKind::Other, place, "preTasks holds something that is not a name"),
                    }
                }
            }
            _ => self.problem(ProblemKind::Other, place, "preTasks is not a list of names"),
        }
        names
    }

    /// Parameters; of two with one name the first counts, a missing value is empty.
    pub fn properties(&mut self, value: Option<&Value>, place: &str) -> Vec<Property> {
        let entries = match object(value) {
            Value::Null => return vec![],
            Value::Array(entries) => entries,
            _ => {
                self.problem(ProblemKind::Other, place, "is not a list of parameters");
                return vec![];
            }
        };
        let mut properties: Vec<Property> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            let prop = text("prop").to_owned();
            if prop.is_empty() {
                self.problem(ProblemKind::Other, &place, "the parameter has no name (`prop`)");
                continue;
            }
            if properties.iter().any(|known| known.prop == prop) {
                continue;
            }
            let value = match entry.get("value") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let direct = if text("direct").is_empty() { Ok(Direct::In) } else { text("direct").parse() };
            let kind = if text("type").is_empty() { Ok(DataType::Varchar) } else { text("type").parse() };
            match (direct, kind) {
                (Ok(direct), Ok(kind)) => properties.push(Property { prop, direct, kind, value }),
                (direct, kind) => {
                    for error in [direct.err(), kind.err()].into_iter().flatten() {
                        self.problem(ProblemKind::Other, &place, error.to_string());
                    }
                }
            }
        }
        properties
    }

    fn natural(&mut self, value: Option<&Value>, place: &str) -> u32 {
        let given = self.integer(value, place, 0);
        u32::try_from(given).unwrap_or_else(|_| {
            self.problem(ProblemKind::Other, place, format!("{given} is less than zero"));
            0
        })
    }

    fn integer(&mut self, value: Option<&Value>, place: &str, missing: i32) -> i32 {
        match value {
            None | Some(Value::Null) => missing,
            Some(Value::String(text)) if text.trim().is_empty() => missing,
            Some(value) => number(value).and_then(|n| i32::try_from(n).ok()).unwrap_or_else(|| {
                self.problem(ProblemKind::Other, place, format!("{value} is not a whole number"));
                missing
            }),
        }
    }
}
