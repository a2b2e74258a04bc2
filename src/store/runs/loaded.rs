//! An instance as its rows tell it.

use crate::calls::Holder;
use crate::model::{
    CommandType, DefinitionId, FailureStrategy, InstanceId, Priority, ProjectId, State, Tag, TaskDependType, TaskId,
    Time, UserId, WarningType,
};
use crate::store::entity::task_instance;
use crate::store::instant;
use std::collections::HashMap;
use std::sync::Arc;

/// An instance that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    pub id: InstanceId,
    pub owner: Option<String>,
    pub epoch: i32,
    /// The family's first instance, which may be itself.
    pub root: InstanceId,
    /// How often it was taken over since its last step.
    pub takeovers: i32,
}

/// All that a master needs to drive an instance.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub id: InstanceId,
    pub name: String,
    pub definition: DefinitionId,
    pub definition_name: String,
    pub project: ProjectId,
    pub state: State,
    /// Who drives it under this epoch.
    pub owner: Option<String>,
    pub epoch: i32,
    pub revision: i64,
    pub takeovers: i32,
    pub command: CommandType,
    pub history: String,
    /// `StartNodeNameList`
    pub start_nodes: String,
    pub depend: TaskDependType,
    pub strategy: FailureStrategy,
    pub warning: WarningType,
    pub warning_group: i32,
    pub priority: Priority,
    pub executor: UserId,
    pub worker_group: i32,
    pub started_at: Time,
    pub command_start_time: Time,
    pub schedule_time: Option<Time>,
    /// The zone that its dates are computed in; `None`: the server's.
    pub zone: Option<String>,
    pub run_times: i32,
    pub timeout_minutes: u32,
    /// The time-out alert was raised.
    pub warned: bool,
    /// Account that the tasks run under.
    pub tenant: Option<String>,
    pub host: String,
    pub document: Arc<str>,
    pub globals: String,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
    pub root: InstanceId,
    pub parent: Option<Parent>,
    /// The newest attempt of each node that has one in this run.
    pub tasks: Vec<LoadedTask>,
    /// For each node name, the highest number an attempt of it ever had.
    pub attempts: HashMap<String, u32>,
    /// By the name of the SUB_PROCESS node; of several the newest.
    pub children: HashMap<String, Child>,
}

#[derive(Clone, Debug)]
pub struct LoadedTask {
    pub id: TaskId,
    pub name: String,
    pub kind: String,
    pub state: State,
    pub tag: Option<Tag>,
    pub attempt: u32,
    pub retries: u32,
    pub started_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub warned: bool,
    pub host: Option<String>,
    pub log_path: Option<String>,
    /// Who may run it, or has run it; nobody yet, if it waits.
    pub holder: Option<Holder>,
    pub retry_interval: u32,
    pub max_retries: u32,
    /// How the items of a DEPENDENT node stand.
    pub dependent: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    pub instance: InstanceId,
    pub task: TaskId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    pub instance: InstanceId,
    /// The attempt of the parent's node that the child belongs to.
    pub task: TaskId,
    pub state: State,
}

fn holder(worker: Option<String>, incarnation: Option<String>) -> Option<Holder> {
    let incarnation = u64::from_str_radix(&incarnation?, 16).ok()?;
    Some(Holder { worker: worker?, incarnation })
}

impl LoadedTask {
    pub(super) fn of(row: task_instance::Model) -> LoadedTask {
        let count = |number: Option<i32>| number.and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
        LoadedTask {
            id: TaskId(row.id),
            name: row.name.unwrap_or_default(),
            kind: row.task_type.unwrap_or_default(),
            state: row.state.and_then(State::from_code).unwrap_or(State::Submitted),
            tag: row.tag.map(Tag::from_column),
            attempt: count(Some(row.attempt)),
            retries: count(row.retry_times),
            started_at: row.start_time.map(instant),
            ended_at: row.end_time.map(instant),
            warned: row.alert_flag == Some(1),
            host: row.host,
            log_path: row.log_path,
            holder: holder(row.holder, row.incarnation),
            retry_interval: count(row.retry_interval),
            max_retries: count(row.max_retry_times),
            dependent: row.dependent_result,
        }
    }
}
