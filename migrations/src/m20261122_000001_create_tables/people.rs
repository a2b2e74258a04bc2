//! Who uses the program: users, their log-ins, tenants, queues and alert groups.

use crate::columns::Columns;
use sea_orm_migration::sea_query::TableCreateStatement;

/// The tables of this file, in the order of their references.
pub fn tables(c: &Columns) -> Vec<TableCreateStatement> {
    vec![user(c), session(c), access_token(c), tenant(c), queue(c), alertgroup(c), relation_user_alertgroup(c)]
}

fn user(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_user",
        [
            c.id(),
            c.varchar("user_name", 64),
            c.varchar("user_password", 255),
            c.code("user_type"),
            c.varchar("email", 64),
            c.varchar("phone", 11),
            c.int("tenant_id"),
            c.time("create_time"),
            c.time("update_time"),
            c.varchar("queue", 64),
        ],
    )
}

fn session(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_session",
        [
            c.varchar("id", 64).key(),
            c.int("user_id"),
            c.varchar("ip", 45),
            c.time("last_login_time"),
            c.bigint("last_request_ms"),
        ],
    )
}

fn access_token(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_access_token",
        [
            c.id(),
            c.int("user_id"),
            c.varchar("token", 64),
            c.time("expire_time"),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn tenant(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_tenant",
        [
            c.id(),
            c.varchar("tenant_code", 64),
            c.varchar("tenant_name", 64),
            c.varchar("desc", 256),
            c.int("queue_id"),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn queue(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_queue",
        [c.id(), c.varchar("queue_name", 64), c.varchar("queue", 64), c.time("create_time"), c.time("update_time")],
    )
}

fn alertgroup(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_alertgroup",
        [
            c.id(),
            c.varchar("group_name", 255),
            c.code("group_type"),
            c.varchar("desc", 255),
            c.time("create_time"),
            c.time("update_time"),
        ],
    )
}

fn relation_user_alertgroup(c: &Columns) -> TableCreateStatement {
    c.table(
        "t_escheduler_relation_user_alertgroup",
        [c.id(), c.int("alertgroup_id"), c.int("user_id"), c.time("create_time"), c.time("update_time")],
    )
}
