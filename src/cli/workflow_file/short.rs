//! From the short form to the document.

use super::{nodes, property, scalar};
use crate::config::nearest;
use crate::model::TaskType;
use serde_json::{Map, Value, json};

/// Keys of the short form, and what they stand for in the document.
pub(super) const WORDS: [(&str, &str); 3] =
    [("script", "params.rawScript"), ("after", "preTasks"), ("retries", "maxRetryTimes")];

const FILE: [&str; 6] = ["name", "params", "tasks", "globalParams", "tenantId", "timeout"];

const NODE: [&str; 18] = [
    "name",
    "type",
    "script",
    "after",
    "retries",
    "retryInterval",
    "timeout",
    "desc",
    "params",
    "id",
    "runFlag",
    "dependence",
    "maxRetryTimes",
    "taskInstancePriority",
    "preTasks",
    "workerGroupId",
    "extras",
    "loc",
];

const SCRIPT_PARAMS: [&str; 3] = ["rawScript", "localParams", "resourceList"];

/// Turns a file into a document, if any of it is in the short form, and says whether it was.
pub(super) fn lengthen(file: &mut Map<String, Value>, problems: &mut Vec<String>) -> bool {
    if !file.contains_key("params") && !nodes(file).any(|node| is_short(node)) {
        return false;
    }
    known(file, &FILE, "", problems);
    if let Some(params) = file.remove("params") {
        add_params(file, params, problems);
    }
    for (index, node) in nodes(file).enumerate() {
        let name = node.get("name").cloned().and_then(scalar);
        let place = name.as_ref().map_or_else(|| format!("tasks[{index}]: "), |name| format!("node `{name}`: "));
        if let Some(name) = name {
            node.insert("name".to_owned(), Value::String(name));
        }
        if is_short(node) {
            let mut found = Vec::new();
            *node = document_node(std::mem::take(node), &mut found);
            problems.extend(found.into_iter().map(|what| place.clone() + &what));
        }
    }
    file.entry("tenantId").or_insert(json!(-1));
    file.entry("timeout").or_insert(json!(0));
    true
}

/// The front-end writes `params` into every node.
fn is_short(node: &Map<String, Value>) -> bool {
    !node.contains_key("params") || WORDS.iter().any(|(short, _)| node.contains_key(*short))
}

fn known(map: &Map<String, Value>, keys: &[&str], place: &str, problems: &mut Vec<String>) {
    for key in map.keys().filter(|key| !keys.contains(&key.as_str())) {
        let nearest = nearest(key, keys.iter().copied());
        problems.push(format!("{place}there is no key `{key}`; the nearest is `{nearest}`"));
    }
}

fn add_params(file: &mut Map<String, Value>, params: Value, problems: &mut Vec<String>) {
    let params = match params {
        Value::Null => return,
        Value::Object(params) => params,
        _ => return problems.push("params: write names and values, as in `params: {dt: \"2024-01-01\"}`".to_owned()),
    };
    let globals = file.entry("globalParams").or_insert_with(|| json!([]));
    let Some(globals) = globals.as_array_mut() else {
        return problems.push("give `params` or `globalParams`, not both".to_owned());
    };
    for (name, value) in params {
        let empty = value.is_null();
        match scalar(value) {
            _ if globals.iter().any(|global| global.get("prop") == Some(&json!(name))) => {
                problems.push(format!("params: `{name}` is in globalParams, too"));
            }
            Some(value) => globals.push(property(&name, &value)),
            None if empty => globals.push(property(&name, "")),
            None => problems.push(format!("params: the value of `{name}` is not a text")),
        }
    }
}

/// The node as the front-end would have written it.
fn document_node(mut short: Map<String, Value>, problems: &mut Vec<String>) -> Map<String, Value> {
    known(&short, &NODE, "", problems);
    let kind = short.remove("type").and_then(scalar).map_or_else(|| "SHELL".to_owned(), |kind| kind.to_uppercase());
    let params = params(&mut short, &kind, problems);
    let after = one_of(&mut short, "after", "preTasks", problems);
    let retries = one_of(&mut short, "retries", "maxRetryTimes", problems);
    if short.get("timeout").is_some_and(|timeout| !timeout.is_object() && !timeout.is_null()) {
        problems.push(
            "timeout: write what happens after how many minutes, as in \
             `timeout: {strategy: FAILED, interval: 30, enable: true}`"
                .to_owned(),
        );
    }
    let long = json!({
        "type": kind,
        "id": null,
        "name": null,
        "params": params,
        "desc": "",
        "runFlag": "NORMAL",
        "dependence": {},
        "maxRetryTimes": retries.unwrap_or(json!(0)),
        "retryInterval": 1,
        "timeout": {"strategy": "", "interval": null, "enable": false},
        "taskInstancePriority": "MEDIUM",
        "workerGroupId": -1,
        "preTasks": after.map_or(json!([]), names),
    });
    let Value::Object(mut long) = long else { return short };
    long.extend(short);
    long
}

fn params(short: &mut Map<String, Value>, kind: &str, problems: &mut Vec<String>) -> Value {
    let mut params = short.remove("params").unwrap_or(json!({}));
    let script = short.remove("script").filter(|script| !script.is_null());
    if !matches!(kind, "SHELL" | "PYTHON") {
        // Of a kind that nobody knows, only that is told.
        if script.is_some() && kind.parse::<TaskType>().is_ok() {
            problems.push(format!("a {kind} node has no `script`"));
        }
        return params;
    }
    let Some(members) = params.as_object_mut() else {
        problems.push("params: is not an object".to_owned());
        return params;
    };
    known(members, &SCRIPT_PARAMS, "params: ", problems);
    match script.map(scalar) {
        None => {}
        Some(Some(_)) if members.contains_key("rawScript") => {
            problems.push("give `script` or `params.rawScript`, not both".to_owned());
        }
        Some(Some(script)) => drop(members.insert("rawScript".to_owned(), Value::String(script))),
        Some(None) => problems.push("script: is not a text".to_owned()),
    }
    for list in ["localParams", "resourceList"] {
        members.entry(list).or_insert(json!([]));
    }
    params
}

/// The value of a key that has a short name and a long one.
fn one_of(node: &mut Map<String, Value>, short: &str, long: &str, problems: &mut Vec<String>) -> Option<Value> {
    let (one, other) = (node.remove(short), node.remove(long));
    if one.is_some() && other.is_some() {
        problems.push(format!("give `{short}` or `{long}`, not both"));
    }
    one.or(other)
}

/// One name, or several. What is none stays, for the check to find.
fn names(value: Value) -> Value {
    let name = |value: Value| scalar(value.clone()).map_or(value, Value::String);
    match value {
        Value::Array(names) => names.into_iter().map(name).collect(),
        Value::Null => json!([]),
        Value::Object(_) => value,
        Value::String(_) | Value::Number(_) | Value::Bool(_) => json!([name(value)]),
    }
}
