//! Projects.

use crate::model::{ProjectId, Time, UserType};
use crate::store;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    id: ProjectId,
    user_id: i32,
    user_name: Option<String>,
    name: Option<String>,
    desc: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
    perm: i32,
    def_count: i64,
    inst_running_count: i64,
}

impl Project {
    /// As a user of that kind sees it.
    pub fn of(project: store::Project, viewer: UserType) -> Project {
        Project {
            id: project.id,
            user_id: project.user_id.unwrap_or_default(),
            user_name: project.user_name,
            name: project.name,
            desc: project.desc,
            create_time: project.create_time,
            update_time: project.update_time,
            perm: if viewer == UserType::Admin { 7 } else { 0 },
            def_count: project.definitions,
            inst_running_count: project.running,
        }
    }
}
