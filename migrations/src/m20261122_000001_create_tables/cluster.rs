//! Alerts on their way, and the machines that take part.

use crate::columns::Columns;
use sea_orm_migration::sea_query::TableCreateStatement;

/// The tables of this file, in the order of their references.
pub fn tables(c: &Columns) -> Vec<TableCreateStatement> {
    vec![alert(c), master_server(c), worker_server(c), worker_group(c), version(c)]
}

fn alert(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_alert",
        [
            c.id(),
            c.varchar("title", 64),
            c.code("show_type"),
            c.text("content"),
            c.code("alert_type"),
            c.code("alert_status").or(0),
            c.text("log"),
            c.int("alertgroup_id"),
            c.text("receivers"),
            c.text("receivers_cc"),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn master_server(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_master_server",
        [
            c.id(),
            c.varchar("host", 45),
            c.int("port"),
            c.varchar("zk_directory", 64),
            c.varchar("res_info", 256),
            c.time("create_time"),
            c.time("last_heartbeat_time"),
        ],
    )
}

fn worker_server(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_worker_server",
        [
            c.id(),
            c.varchar("host", 45),
            c.int("port"),
            c.varchar("zk_directory", 64),
            c.varchar("res_info", 255),
            c.time("create_time"),
            c.time("last_heartbeat_time"),
            c.varchar("incarnation", 64),
            c.bigint("beat"),
            c.bigint("lease_ms"),
            c.bigint("fenced"),
        ],
    )
}

fn worker_group(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_worker_group",
        [c.big_id(), c.varchar("name", 256), c.varchar("ip_list", 256), c.time("create_time"), c.time("update_time")],
    )
}

fn version(c: &Columns) -> TableCreateStatement {
    c.table("t_escheduler_version", [c.id(), c.varchar("version", 200).required()])
}
