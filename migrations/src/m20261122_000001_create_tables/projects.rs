//! What users draw and keep: projects, definitions, schedules, data sources, resources and functions.
//!
//! Long texts that lists leave out stand last: SQLite reads a row from its beginning.

use crate::columns::Columns;
use sea_orm_migration::sea_query::TableCreateStatement;

/// The tables of this file, in the order of their references.
pub fn tables(c: &Columns) -> Vec<TableCreateStatement> {
    vec![
        project(c),
        relation_project_user(c),
        process_definition(c),
        schedules(c),
        datasource(c),
        relation_datasource_user(c),
        resources(c),
        relation_resources_user(c),
        udfs(c),
        relation_udfs_user(c),
    ]
}

fn project(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_project",
        [
            c.id(),
            c.varchar("name", 100),
            c.varchar("desc", 200),
            c.int("user_id"),
            c.code("flag").or(1),
            c.time_or_now("create_time"),
            c.time_or_now("update_time"),
        ],
    )
}

fn relation_project_user(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_relation_project_user",
        [
            c.id(),
            c.int("user_id").required(),
            c.int("project_id"),
            c.int("perm").or(1),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn process_definition(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_process_definition",
        [
            c.id(),
            c.varchar("name", 255),
            c.int("version"),
            c.code("release_state"),
            c.int("project_id"),
            c.int("user_id"),
            c.code("flag"),
            c.time("create_time"),
            c.time("update_time"),
            c.int("timeout").or(0),
            c.int("tenant_id").required().or(-1),
            c.text("desc"),
            c.text("receivers"),
            c.text("receivers_cc"),
            c.longtext("global_params"),
            c.longtext("process_definition_json"),
            c.longtext("locations"),
            c.longtext("connects"),
        ],
    )
}

fn schedules(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_schedules",
        [
            c.id(),
            c.int("process_definition_id").required(),
            c.time("start_time").required(),
            c.time("end_time").required(),
            c.varchar("crontab", 256).required(),
            c.code("failure_strategy").required(),
            c.int("user_id").required(),
            c.code("release_state").required(),
            c.code("warning_type").required(),
            c.int("warning_group_id"),
            c.int("process_instance_priority"),
            c.time("create_time").required(),
            c.time("update_time").required(),
            c.int("worker_group_id").or(-1),
            c.bigint("next_fire_ms"),
        ],
    )
}

fn datasource(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_datasource",
        [
            c.id(),
            c.varchar("name", 64).required(),
            c.varchar("note", 256),
            c.code("type").required(),
            c.int("user_id").required(),
            c.text("connection_params").required(),
            c.time("create_time").required(),
            c.time("update_time"),
        ],
    )
}

fn relation_datasource_user(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_relation_datasource_user",
        [
            c.id(),
            c.int("user_id").required(),
            c.int("datasource_id"),
            c.int("perm").or(1),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn resources(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_resources",
        [
            c.id(),
            c.varchar("alias", 64),
            c.varchar("file_name", 64),
            c.varchar("desc", 256),
            c.int("user_id"),
            c.code("type"),
            c.bigint("size"),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn relation_resources_user(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_relation_resources_user",
        [
            c.id(),
            c.int("user_id").required(),
            c.int("resources_id"),
            c.int("perm").or(1),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn udfs(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_udfs",
        [
            c.id(),
            c.int("user_id").required(),
            c.varchar("func_name", 100).required(),
            c.varchar("class_name", 255).required(),
            c.code("type").required(),
            c.varchar("arg_types", 255),
            c.varchar("database", 255),
            c.varchar("desc", 255),
            c.int("resource_id").required(),
            c.varchar("resource_name", 255).required(),
            c.time("create_time").required(),
            c.time("update_time").required(),
        ],
    )
}

fn relation_udfs_user(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_relation_udfs_user",
        [
            c.id(),
            c.int("user_id").required(),
            c.int("udf_id"),
            c.int("perm").or(1),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}
