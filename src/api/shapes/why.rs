//! Why something does not run.

use crate::model::{CommandType, DefinitionId, InstanceId, State, Time};
use crate::why::{NodeReason, Pending, Reason, Standing};
use serde::Serialize;
use utoipa::ToSchema;

/// The answer about what was asked: an instance or a definition.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Why {
    Instance(OfInstance),
    Definition(OfDefinition),
}

/// Why an instance does not get on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfInstance {
    process_instance_id: InstanceId,
    state: State,
    /// Null if something of it runs, or it has ended for good.
    reason: Option<Reason>,
    /// The nodes that neither run nor have ended.
    nodes: Vec<OfNode>,
}

#[derive(Serialize, ToSchema)]
pub struct OfNode {
    name: String,
    /// Null before its first attempt.
    state: Option<State>,
    reason: Reason,
}

/// Why nothing of a definition begins.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfDefinition {
    process_definition_id: DefinitionId,
    /// What was asked for and has not begun.
    pending: Vec<OfPending>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfPending {
    /// Null for an instant of a schedule.
    command_type: Option<CommandType>,
    schedule_time: Option<Time>,
    since: Option<Time>,
    reason: Reason,
}

impl Why {
    pub fn of_instance(process_instance_id: InstanceId, standing: Standing) -> Why {
        let node = |NodeReason { name, state, reason }| OfNode { name, state, reason };
        let nodes = standing.nodes.into_iter().map(node).collect();
        let Standing { state, reason, .. } = standing;
        Why::Instance(OfInstance { process_instance_id, state, reason, nodes })
    }

    pub fn of_definition(process_definition_id: DefinitionId, pending: Vec<Pending>) -> Why {
        let shape = |pending: Pending| OfPending {
            command_type: pending.command,
            schedule_time: pending.schedule_time,
            since: pending.since,
            reason: pending.reason,
        };
        let pending = pending.into_iter().map(shape).collect();
        Why::Definition(OfDefinition { process_definition_id, pending })
    }
}
