//! Resources and functions.

use crate::model::{ResourceId, ResourceType, Time, UdfId, UdfType, UserId};
use crate::store;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    id: ResourceId,
    alias: String,
    desc: Option<String>,
    file_name: Option<String>,
    user_id: UserId,
    #[serde(rename = "type")]
    kind: ResourceType,
    size: i64,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<store::Resource> for Resource {
    fn from(resource: store::Resource) -> Resource {
        Resource {
            id: resource.id,
            alias: resource.alias,
            desc: resource.desc,
            file_name: resource.file_name,
            user_id: resource.owner,
            kind: resource.kind,
            size: resource.size,
            create_time: resource.create_time,
            update_time: resource.update_time,
        }
    }
}

/// As the dialogs of grants show it: one release reads `name`, the other one `alias`.
#[derive(Serialize, ToSchema)]
pub struct GrantedResource {
    name: String,
    #[serde(flatten)]
    resource: Resource,
}

impl From<store::Resource> for GrantedResource {
    fn from(resource: store::Resource) -> GrantedResource {
        GrantedResource { name: resource.alias.clone(), resource: resource.into() }
    }
}

/// Some lines of a file.
#[derive(Serialize, ToSchema)]
pub struct Content {
    pub alias: String,
    pub content: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Udf {
    id: UdfId,
    user_id: UserId,
    func_name: String,
    class_name: String,
    arg_types: Option<String>,
    database: Option<String>,
    desc: Option<String>,
    resource_id: ResourceId,
    resource_name: String,
    #[serde(rename = "type")]
    kind: UdfType,
    create_time: Time,
    update_time: Time,
}

impl From<store::Udf> for Udf {
    fn from(udf: store::Udf) -> Udf {
        Udf {
            id: udf.id,
            user_id: udf.owner,
            func_name: udf.name,
            class_name: udf.class_name,
            arg_types: udf.arg_types,
            database: udf.database,
            desc: udf.desc,
            resource_id: udf.resource,
            resource_name: udf.resource_name,
            kind: udf.kind,
            create_time: udf.create_time,
            update_time: udf.update_time,
        }
    }
}
