//! What is looked up by something else than its key. Names are unique in the whole database, as SQLite and
//! PostgreSQL want it.

use crate::columns::Columns;
use crate::index::{Index, index};

pub fn all(c: &Columns) -> Vec<Index> {
    vec![
        index("t_escheduler_user", &["user_name"]).unique(),
        index("t_escheduler_version", &["version"]).unique(),
        index("t_escheduler_session", &["user_id"]),
        index("t_escheduler_access_token", &["token"]),
        index("t_escheduler_relation_user_alertgroup", &["alertgroup_id"]),
        index("t_escheduler_project", &["user_id"]),
        index("t_escheduler_project", &["name"]),
        index("t_escheduler_relation_project_user", &["user_id"]),
        index("t_escheduler_relation_datasource_user", &["user_id"]),
        index("t_escheduler_relation_resources_user", &["user_id"]),
        index("t_escheduler_relation_udfs_user", &["user_id"]),
        index("t_escheduler_process_definition", &["project_id", "id"]),
        index("t_escheduler_schedules", &["process_definition_id"]),
        index("t_escheduler_schedules", &["next_fire_ms"]).of_set(c, "next_fire_ms"),
        index("t_escheduler_command", &["process_instance_id"]).of_set(c, "process_instance_id"),
        index("t_escheduler_process_instance", &["process_definition_id", "id"]),
        index("t_escheduler_process_instance", &["start_time"]),
        index("t_escheduler_process_instance", &["state"]),
        index("t_escheduler_process_instance", &["root_id"]).of_set(c, "root_id"),
        index("t_escheduler_relation_process_instance", &["parent_process_instance_id"]),
        index("t_escheduler_relation_process_instance", &["process_instance_id"]),
        index("t_escheduler_task_instance", &["process_instance_id", "flag"]),
        index("t_escheduler_task_instance", &["process_definition_id", "process_instance_id"]),
        index("t_escheduler_alert", &["alert_status"]),
    ]
}
