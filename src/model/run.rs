//! Commands and runs, as the master sees them.

use super::codes::*;
use super::ids::*;
use super::time::Time;

/// A wish about a definition or an instance (`t_escheduler_command`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    pub kind: CommandType,
    pub definition: DefinitionId,
    /// The instance that it is about; `None` for a start.
    pub instance: Option<InstanceId>,
    /// JSON object (`EasyScheduler 1.0.1: command_param`).
    pub param: String,
    pub depend: TaskDependType,
    pub strategy: FailureStrategy,
    pub warning: WarningType,
    pub warning_group: i32,
    pub schedule_time: Option<Time>,
    pub created_at: Time,
    pub executor: UserId,
    pub priority: Priority,
    pub worker_group: i32,
    /// The schedule whose firing it is.
    pub schedule: Option<ScheduleId>,
    /// The backfill that it is a date of.
    pub backfill: Option<BackfillId>,
    /// The IANA zone that its dates are computed in; `None`: the server's.
    pub zone: Option<String>,
}

impl Command {
    /// A plain start by hand, to be changed where it differs. The id is the store's to give.
    pub fn start(definition: DefinitionId, executor: UserId) -> Command {
        Command {
            id: CommandId(0),
            kind: CommandType::StartProcess,
            definition,
            instance: None,
            param: "{}".into(),
            depend: TaskDependType::Post,
            strategy: FailureStrategy::Continue,
            warning: WarningType::None,
            warning_group: 0,
            schedule_time: None,
            created_at: Time::now(),
            executor,
            priority: Priority::Medium,
            worker_group: -1,
            schedule: None,
            backfill: None,
            zone: None,
        }
    }

    /// A wish about an instance.
    pub fn about(kind: CommandType, instance: InstanceId, definition: DefinitionId, executor: UserId) -> Command {
        let param = format!("{{\"{}\":{instance}}}", param::INSTANCE);
        Command { kind, instance: Some(instance), param, ..Command::start(definition, executor) }
    }

    /// A member of [`Command::param`], as text.
    pub fn param(&self, key: &str) -> Option<String> {
        param::read(&self.param, key)
    }
}

/// Members of `command_param` (`EasyScheduler 1.0.1: data model 5.7`).
pub mod param {
    pub const START_NODES: &str = "StartNodeNameList";
    pub const INSTANCE: &str = "ProcessInstanceId";
    pub const FIRST_DATE: &str = "complementStartDate";
    pub const LAST_DATE: &str = "complementEndDate";

    /// One member of the JSON text, whatever its JSON type.
    pub fn read(text: &str, key: &str) -> Option<String> {
        match serde_json::from_str::<serde_json::Value>(text).ok()?.get(key)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Null => None,
            other => Some(other.to_string()),
        }
    }
}
