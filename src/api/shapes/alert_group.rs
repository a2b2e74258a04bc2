//! Alert groups.

use crate::model::{AlertType, Time};
use crate::store;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertGroup {
    id: i32,
    group_name: Option<String>,
    group_type: AlertType,
    desc: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

impl From<store::AlertGroup> for AlertGroup {
    fn from(group: store::AlertGroup) -> AlertGroup {
        AlertGroup {
            id: group.id,
            group_name: group.group_name,
            group_type: group.group_type.unwrap_or(AlertType::Email),
            desc: group.desc,
            create_time: group.create_time,
            update_time: group.update_time,
        }
    }
}
