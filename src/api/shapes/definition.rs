//! Process definitions.

use super::json_or;
use crate::model::{DefinitionId, Flag, ReleaseState, Time};
use crate::store::{DefinitionHead, FullDefinition};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    id: DefinitionId,
    name: Option<String>,
    version: i32,
    release_state: ReleaseState,
    project_id: i32,
    /// JSON text, as it was saved; the lists leave it null.
    process_definition_json: Option<String>,
    desc: Option<String>,
    global_params: Option<String>,
    global_param_list: Option<Vec<Value>>,
    #[schema(value_type = Option<Object>)]
    global_param_map: Option<Map<String, Value>>,
    create_time: Option<Time>,
    update_time: Option<Time>,
    flag: Flag,
    user_id: i32,
    user_name: Option<String>,
    project_name: Option<String>,
    locations: Option<String>,
    connects: Option<String>,
    receivers: Option<String>,
    receivers_cc: Option<String>,
    /// Present even when there is no schedule: without the key the front-end disables its button.
    schedule_release_state: Option<ReleaseState>,
    timeout: i32,
    tenant_id: i32,
}

impl From<DefinitionHead> for Definition {
    fn from(head: DefinitionHead) -> Definition {
        Definition {
            id: head.id,
            name: head.name,
            version: head.version.unwrap_or_default(),
            release_state: head.release_state.unwrap_or(ReleaseState::Offline),
            project_id: head.project_id.unwrap_or_default(),
            process_definition_json: None,
            desc: head.desc,
            global_params: None,
            global_param_list: None,
            global_param_map: None,
            create_time: head.create_time,
            update_time: head.update_time,
            flag: head.flag.unwrap_or(Flag::Yes),
            user_id: head.user_id.unwrap_or_default(),
            user_name: head.user_name,
            project_name: head.project_name,
            locations: None,
            connects: None,
            receivers: head.receivers,
            receivers_cc: head.receivers_cc,
            schedule_release_state: head.schedule_state,
            timeout: head.timeout.unwrap_or_default(),
            tenant_id: head.tenant_id,
        }
    }
}

impl From<FullDefinition> for Definition {
    fn from(full: FullDefinition) -> Definition {
        let globals = json_or(full.global_params, "[]");
        let list: Vec<Value> = serde_json::from_str(&globals).unwrap_or_default();
        let pair = |property: &Value| {
            let name = property.get("prop")?.as_str()?.to_owned();
            Some((name, property.get("value").cloned().unwrap_or_default()))
        };
        Definition {
            global_param_map: Some(list.iter().filter_map(pair).collect()),
            global_param_list: Some(list),
            global_params: Some(globals),
            process_definition_json: Some(json_or(full.process_definition_json, "{}")),
            locations: Some(json_or(full.locations, "{}")),
            connects: Some(json_or(full.connects, "[]")),
            ..Definition::from(full.head)
        }
    }
}
