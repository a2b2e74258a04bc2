//! The nodes of definitions, for whoever draws a node that depends on them.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::param::{Kind::*, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::Node;
use crate::model::{DefinitionId, Document};
use std::collections::BTreeMap;

pub const ONE: Params = &[need("processDefinitionId", Int, "The id of the process definition.")];
pub const SOME: Params = &[need("processDefinitionIdList", Ids, "The ids of the process definitions.")];

/// `process/gen-task-list`
pub async fn of_one(call: Call) -> Outcome<Vec<Node>> {
    let id = DefinitionId(call.form.int("processDefinitionId")?);
    match nodes(&call, id).await? {
        Some(nodes) => Reply::data(&nodes),
        None => Err(Code::NO_SUCH_DEFINITION.because(&[&id])),
    }
}

/// `process/get-task-list`: those that are gone are left out.
pub async fn of_some(call: Call) -> Outcome<BTreeMap<String, Vec<Node>>> {
    let mut found: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for id in call.form.ids("processDefinitionIdList")? {
        if let Some(nodes) = nodes(&call, DefinitionId(id)).await? {
            found.insert(id.to_string(), nodes);
        }
    }
    Reply::data(&found)
}

async fn nodes(call: &Call, id: DefinitionId) -> Result<Option<Vec<Node>>, Failure> {
    let Some(definition) = call.store().definition(id).await? else { return Ok(None) };
    match Document::parse(&definition.document) {
        Ok(document) => Ok(Some(document.nodes.into_iter().map(Node::from).collect())),
        Err(problems) => {
            let problems = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Err(Failure::because(format!("process definition {id}: {problems}")))
        }
    }
}
