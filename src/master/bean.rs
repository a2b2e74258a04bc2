//! A node as `task_json` holds it.

use crate::model::Node;
use serde_json::{Map, Value, json};

/// The node as the original stores it with a task: nested objects as JSON text, and derived members
/// (`EasyScheduler 1.0.1: task_json`).
pub(super) fn bean(node: &Node) -> String {
    let nested = |key: &str, empty: &str| match node.source.get(key) {
        None | Some(Value::Null) => Value::String(empty.to_owned()),
        Some(Value::String(text)) => Value::String(text.clone()),
        Some(other) => Value::String(other.to_string()),
    };
    let plain = |key: &str| node.source.get(key).cloned().unwrap_or(Value::Null);
    let strategy = node.timeout.map(|timeout| match (timeout.warn, timeout.fail) {
        (true, true) => "WARNFAILED",
        (false, true) => "FAILED",
        _ => "WARN",
    });
    let entries = [
        ("depList", json!(node.after)),
        ("dependence", nested("dependence", "{}")),
        ("desc", plain("desc")),
        ("forbidden", json!(node.forbidden)),
        ("id", json!(node.id)),
        ("maxRetryTimes", json!(node.max_retries)),
        ("name", json!(node.name)),
        ("params", nested("params", "{}")),
        ("preTasks", nested("preTasks", "[]")),
        ("retryInterval", json!(node.retry_interval)),
        ("runFlag", json!(if node.forbidden { "FORBIDDEN" } else { "NORMAL" })),
        ("taskInstancePriority", json!(node.priority)),
        (
            "taskTimeoutParameter",
            json!({
                "enable": node.timeout.is_some(),
                "interval": node.timeout.map_or(0, |timeout| timeout.minutes),
                "strategy": strategy,
            }),
        ),
        ("timeout", nested("timeout", "{}")),
        ("type", json!(node.kind)),
        ("workerGroupId", json!(node.worker_group)),
    ];
    let map: Map<String, Value> = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Value::Object(map).to_string()
}
