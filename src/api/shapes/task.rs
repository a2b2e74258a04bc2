//! Task instances.

use super::{Nothing, seconds};
use crate::dependency::Report;
use crate::model::{Flag, Priority, State, TaskId, TaskType, Time};
use crate::store::{self, TaskHead};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    id: TaskId,
    name: Option<String>,
    task_type: Option<String>,
    process_definition_id: i32,
    process_instance_id: i32,
    process_instance_name: Option<String>,
    state: State,
    submit_time: Option<Time>,
    start_time: Option<Time>,
    end_time: Option<Time>,
    host: Option<String>,
    execute_path: Option<String>,
    log_path: Option<String>,
    retry_times: i32,
    alert_flag: Flag,
    run_flag: Option<Flag>,
    process_instance: Nothing,
    process_define: Nothing,
    pid: i32,
    app_link: Option<String>,
    flag: Flag,
    /// The node's `dependence`, as JSON text. Lists do not read nodes, so there that of a DEPENDENT node is null.
    dependency: Option<String>,
    /// Seconds.
    duration: Option<u64>,
    max_retry_times: i32,
    retry_interval: i32,
    task_instance_priority: Option<Priority>,
    process_instance_priority: Option<Priority>,
    dependent_result: Option<String>,
    worker_group_id: i32,
}

/// A task instance with what lists leave out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FullTask {
    #[serde(flatten)]
    listed: Task,
    task_json: Option<String>,
    task_success: bool,
    sub_process: bool,
    task_complete: bool,
}

impl From<TaskHead> for Task {
    fn from(head: TaskHead) -> Task {
        let dependent = head.task_type.as_deref() == Some(TaskType::Dependent.name());
        Task {
            id: head.id,
            name: head.name,
            task_type: head.task_type,
            process_definition_id: head.process_definition_id.unwrap_or_default(),
            process_instance_id: head.process_instance_id.unwrap_or_default(),
            process_instance_name: head.process_instance_name,
            state: head.state.unwrap_or(State::Submitted),
            submit_time: head.submit_time,
            start_time: head.start_time,
            end_time: head.end_time,
            host: head.host,
            execute_path: head.execute_path,
            log_path: head.log_path,
            retry_times: head.retry_times.unwrap_or_default(),
            alert_flag: head.alert_flag.unwrap_or(Flag::No),
            run_flag: None,
            process_instance: Nothing,
            process_define: Nothing,
            pid: head.pid.unwrap_or_default(),
            app_link: head.app_link,
            flag: head.flag.unwrap_or(Flag::Yes),
            dependency: (!dependent).then(|| "{}".to_owned()),
            duration: seconds(head.start_time, head.end_time),
            max_retry_times: head.max_retry_times.unwrap_or_default(),
            retry_interval: head.retry_interval.unwrap_or_default(),
            task_instance_priority: head.task_instance_priority,
            process_instance_priority: None,
            dependent_result: None,
            worker_group_id: head.worker_group_id.unwrap_or(-1),
        }
    }
}

impl From<store::FullTask> for FullTask {
    fn from(full: store::FullTask) -> FullTask {
        let task = Task::from(full.head);
        let node: Option<Value> = full.task_json.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let dependence = node.as_ref().and_then(|node| node.get("dependence")).filter(|value| !value.is_null());
        // Masters store it as text, as the original did.
        let dependence = dependence.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let dependency = dependence.or_else(|| task.dependency.clone());
        let report = full.dependent_result.as_deref().and_then(Report::read);
        let dependent_result = report.and_then(|report| serde_json::to_string(&report.results()).ok());
        FullTask {
            task_json: full.task_json,
            task_success: task.state == State::Success,
            sub_process: task.task_type.as_deref() == Some(TaskType::SubProcess.name()),
            task_complete: task.state.is_finished() && task.state != State::WaitingThread,
            listed: Task { dependency, dependent_result, ..task },
        }
    }
}
