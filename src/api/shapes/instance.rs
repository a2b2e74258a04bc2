//! Process instances.

use super::{FullTask, Nothing, json_or, seconds};
use crate::model::{
    CommandType, FailureStrategy, Flag, InstanceId, Priority, Property, State, TaskDependType, Time, WarningType,
};
use crate::store::{self, InstanceHead};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    id: InstanceId,
    process_definition_id: i32,
    state: State,
    recovery: Flag,
    start_time: Option<Time>,
    end_time: Option<Time>,
    run_times: i32,
    name: Option<String>,
    host: Option<String>,
    process_definition: Nothing,
    command_type: CommandType,
    command_param: Option<String>,
    task_depend_type: Option<TaskDependType>,
    max_try_times: i32,
    failure_strategy: Option<FailureStrategy>,
    warning_type: Option<WarningType>,
    warning_group_id: Option<i32>,
    schedule_time: Option<Time>,
    command_start_time: Option<Time>,
    global_params: Option<String>,
    executor_id: i32,
    tenant_code: Option<String>,
    queue: Option<String>,
    is_sub_process: Flag,
    history_cmd: Option<String>,
    dependence_schedule_times: Option<String>,
    /// Seconds.
    duration: Option<u64>,
    process_instance_priority: Option<Priority>,
    cmd_type_if_complement: CommandType,
    worker_group_id: i32,
    worker_group_name: Option<String>,
    timeout: i32,
    tenant_id: i32,
    receivers: Option<String>,
    receivers_cc: Option<String>,
}

/// A process instance with what lists leave out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FullInstance {
    #[serde(flatten)]
    listed: Instance,
    process_instance_json: String,
    locations: String,
    connects: String,
    complement_data: bool,
}

/// The task instances of a process instance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceTasks {
    pub process_instance_state: State,
    pub task_list: Vec<FullTask>,
}

/// The instance that has started another one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentInstance {
    pub parent_workflow_instance: InstanceId,
}

/// The instance that a task has started.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChildInstance {
    pub sub_process_instance_id: InstanceId,
}

/// Who gets mails about the runs of a definition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receivers {
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
}

/// The parameters that an instance runs with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variables {
    pub global_params: Vec<Property>,
    /// By the name of the node; only those that have any.
    #[schema(value_type = Object)]
    pub local_params: Map<String, Value>,
}

impl From<InstanceHead> for Instance {
    fn from(head: InstanceHead) -> Instance {
        let command = head.command_type.unwrap_or(CommandType::StartProcess);
        let first = head.history_cmd.as_deref().unwrap_or_default();
        let complement = first.starts_with(CommandType::Complement.name());
        Instance {
            id: head.id,
            process_definition_id: head.process_definition_id.unwrap_or_default(),
            state: head.state.unwrap_or(State::Submitted),
            recovery: head.recovery.unwrap_or(Flag::No),
            start_time: head.start_time,
            end_time: head.end_time,
            run_times: head.run_times.unwrap_or_default(),
            name: head.name,
            host: head.host,
            process_definition: Nothing,
            command_type: command,
            command_param: head.command_param.filter(|param| !param.is_empty()),
            task_depend_type: head.task_depend_type,
            max_try_times: head.max_try_times.unwrap_or_default(),
            failure_strategy: head.failure_strategy,
            warning_type: head.warning_type,
            warning_group_id: head.warning_group_id,
            schedule_time: head.schedule_time,
            command_start_time: head.command_start_time,
            global_params: head.global_params,
            executor_id: head.executor_id,
            tenant_code: None,
            queue: None,
            is_sub_process: head.is_sub_process.unwrap_or(Flag::No),
            history_cmd: head.history_cmd,
            dependence_schedule_times: head.dependence_schedule_times,
            duration: seconds(head.start_time, head.end_time),
            process_instance_priority: head.process_instance_priority,
            cmd_type_if_complement: if complement { CommandType::Complement } else { command },
            worker_group_id: head.worker_group_id.unwrap_or(-1),
            worker_group_name: None,
            timeout: head.timeout.unwrap_or_default(),
            tenant_id: head.tenant_id,
            receivers: None,
            receivers_cc: None,
        }
    }
}

impl FullInstance {
    /// `tenant` is the code and the queue that its tasks run under.
    pub fn of(full: store::FullInstance, tenant: Option<(String, Option<String>)>) -> FullInstance {
        let (tenant_code, queue) = tenant.map_or((None, None), |(code, queue)| (Some(code), queue));
        let head = Instance::from(full.head);
        FullInstance {
            process_instance_json: json_or(full.process_instance_json, "{}"),
            locations: json_or(full.locations, "{}"),
            connects: json_or(full.connects, "[]"),
            complement_data: head.cmd_type_if_complement == CommandType::Complement,
            listed: Instance {
                tenant_code,
                queue,
                worker_group_name: full.worker_group_name,
                receivers: full.receivers,
                receivers_cc: full.receivers_cc,
                ..head
            },
        }
    }
}
