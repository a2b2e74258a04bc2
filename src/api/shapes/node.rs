//! Nodes of a definition, as other definitions choose from them.

use crate::model;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    id: String,
    name: String,
    desc: Value,
    r#type: &'static str,
    run_flag: Value,
    loc: Value,
    max_retry_times: u32,
    retry_interval: u32,
    params: Value,
    pre_tasks: Vec<String>,
    extras: Value,
    dep_list: Vec<String>,
    dependence: Value,
    task_instance_priority: &'static str,
    timeout: Value,
    forbidden: bool,
    task_timeout_parameter: Timeout,
    worker_group_id: i32,
}

#[derive(Serialize, ToSchema)]
struct Timeout {
    enable: bool,
    strategy: Option<&'static str>,
    /// Minutes.
    interval: u32,
}

impl From<model::Node> for Node {
    fn from(mut node: model::Node) -> Node {
        let mut as_written = |key: &str| node.source.shift_remove(key).unwrap_or_default();
        Node {
            desc: as_written("desc"),
            run_flag: as_written("runFlag"),
            loc: as_written("loc"),
            extras: as_written("extras"),
            dependence: as_written("dependence"),
            timeout: as_written("timeout"),
            task_timeout_parameter: Timeout::from(node.timeout),
            id: node.id,
            name: node.name,
            r#type: node.kind.name(),
            max_retry_times: node.max_retries,
            retry_interval: node.retry_interval,
            params: node.params,
            pre_tasks: node.after.clone(),
            dep_list: node.after,
            task_instance_priority: node.priority.name(),
            forbidden: node.forbidden,
            worker_group_id: node.worker_group,
        }
    }
}

impl From<Option<model::Timeout>> for Timeout {
    fn from(timeout: Option<model::Timeout>) -> Timeout {
        let strategy = |timeout: &model::Timeout| match (timeout.warn, timeout.fail) {
            (true, true) => Some("WARNFAILED"),
            (true, false) => Some("WARN"),
            (false, true) => Some("FAILED"),
            (false, false) => None,
        };
        Timeout {
            enable: timeout.is_some(),
            strategy: timeout.as_ref().and_then(strategy),
            interval: timeout.map_or(0, |timeout| timeout.minutes),
        }
    }
}
