//! What runs: instances, their tasks, and the commands about them.
//!
//! Long texts that lists leave out stand last: SQLite reads a row from its beginning.

use crate::columns::Columns;
use sea_orm_migration::sea_query::{ForeignKey, ForeignKeyAction, TableCreateStatement};

/// The tables of this file, in the order of their references.
pub fn tables(c: &Columns) -> Vec<TableCreateStatement> {
    vec![process_instance(c), task_instance(c), relation_process_instance(c), command(c), error_command(c)]
}

fn process_instance(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_process_instance",
        [
            c.id(),
            c.varchar("name", 255),
            c.int("process_definition_id"),
            c.code("state"),
            c.code("recovery"),
            c.time("start_time"),
            c.time("end_time"),
            c.int("run_times"),
            c.varchar("host", 45),
            c.code("command_type"),
            c.code("task_depend_type"),
            c.code("max_try_times").or(0),
            c.code("failure_strategy").or(0),
            c.code("warning_type").or(0),
            c.int("warning_group_id"),
            c.time("schedule_time"),
            c.time("command_start_time"),
            c.code("flag").or(1),
            c.time_or_now("update_time"),
            c.int("is_sub_process").or(0),
            c.int("executor_id").required(),
            c.int("process_instance_priority"),
            c.int("worker_group_id").or(-1),
            c.int("timeout").or(0),
            c.int("tenant_id").required().or(-1),
            c.varchar("owner", 128),
            c.int("epoch").required().or(0),
            c.bigint("revision").required().or(0),
            c.int("root_id"),
            c.int("takeovers").required().or(0),
            c.code("alert_flag").required().or(0),
            c.longtext("command_param"),
            c.text("history_cmd"),
            c.text("dependence_schedule_times"),
            c.longtext("global_params"),
            c.longtext("process_instance_json"),
            c.longtext("locations"),
            c.longtext("connects"),
        ],
    )
}

fn task_instance(c: &Columns) -> TableCreateStatement {
    let mut table = c.table(
        "t_escheduler_task_instance",
        [
            c.id(),
            c.varchar("name", 255),
            c.varchar("task_type", 64),
            c.int("process_definition_id"),
            c.int("process_instance_id"),
            c.code("state"),
            c.time("submit_time"),
            c.time("start_time"),
            c.time("end_time"),
            c.varchar("host", 45),
            c.code("alert_flag"),
            c.int("retry_times").or(0),
            c.int("pid"),
            c.code("flag").or(1),
            c.int("retry_interval"),
            c.int("max_retry_times"),
            c.int("task_instance_priority"),
            c.int("worker_group_id").or(-1),
            c.bigint("tag"),
            c.varchar("holder", 128),
            c.varchar("incarnation", 64),
            c.int("attempt").required().or(1),
            c.text("execute_path"),
            c.text("log_path"),
            c.text("app_link"),
            c.longtext("task_json"),
        ],
    );
    let mut instance = ForeignKey::create();
    instance
        .name("foreign_key_instance_id")
        .from("t_escheduler_task_instance", "process_instance_id")
        .to("t_escheduler_process_instance", "id")
        .on_delete(ForeignKeyAction::Cascade);
    table.foreign_key(&mut instance).take()
}

fn relation_process_instance(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_relation_process_instance",
        [c.id(), c.int("parent_process_instance_id"), c.int("parent_task_instance_id"), c.int("process_instance_id")],
    )
}

fn command(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_command",
        [
            c.id(),
            c.code("command_type"),
            c.int("process_definition_id"),
            c.code("task_depend_type"),
            c.code("failure_strategy").or(0),
            c.code("warning_type").or(0),
            c.int("warning_group_id"),
            c.time("schedule_time"),
            c.time("start_time"),
            c.int("executor_id"),
            c.varchar("dependence", 255),
            c.time("update_time"),
            c.int("process_instance_priority"),
            c.int("worker_group_id").or(-1),
            c.int("process_instance_id"),
            c.longtext("command_param"),
        ],
    )
}

fn error_command(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_error_command",
        [
            c.int("id").key(),
            c.code("command_type"),
            c.int("executor_id"),
            c.int("process_definition_id"),
            c.code("task_depend_type"),
            c.code("failure_strategy").or(0),
            c.code("warning_type").or(0),
            c.int("warning_group_id"),
            c.time("schedule_time"),
            c.time("start_time"),
            c.time("update_time"),
            c.int("process_instance_priority"),
            c.int("worker_group_id").or(-1),
            c.longtext("command_param"),
            c.text("dependence"),
            c.text("message"),
        ],
    )
}
