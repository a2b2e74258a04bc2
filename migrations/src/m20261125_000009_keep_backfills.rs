//! Backfills and their dates; commands and instances know the backfill that they belong to, and the zone that their
//! dates are computed in.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

const COMMAND: &str = "t_escheduler_command";
const INSTANCE: &str = "t_escheduler_process_instance";
const BACKFILL: &str = "t_escheduler_backfill";
const DATE: &str = "t_escheduler_backfill_date";

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000009_keep_backfills"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager.get_database_backend());
        for table in [COMMAND, INSTANCE] {
            let columns = [("backfill_id", c.int("backfill_id")), ("timezone_id", c.varchar("timezone_id", 64))];
            for (name, column) in columns {
                if !manager.has_column(table, name).await? {
                    manager.alter_table(Table::alter().table(table).add_column(column.definition()).to_owned()).await?;
                }
            }
        }
        manager.create_table(backfill(&c)).await?;
        manager.create_table(date(&c)).await?;
        let indexes: [(&str, &str, &[&str]); 4] = [
            (COMMAND, "command_backfill_id_index", &["backfill_id"]),
            (INSTANCE, "process_instance_backfill_id_state_index", &["backfill_id", "state"]),
            (BACKFILL, "backfill_state_index", &["state"]),
            (BACKFILL, "backfill_process_definition_id_index", &["process_definition_id"]),
        ];
        for (table, name, columns) in indexes {
            index(manager, &c, table, name, columns).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn backfill(c: &Columns) -> TableCreateStatement {
    let columns = [
        c.id(),
        c.int("process_definition_id").required(),
        c.int("schedule_id"),
        c.varchar("timezone_id", 64).required(),
        c.code("state").required(),
        c.code("run_mode").required(),
        c.int("parallelism").required(),
        c.code("date_order").required(),
        c.int("total").required(),
        c.int("accepted").required(),
        c.varchar("note", 255),
        c.bigint("first_ms").required(),
        c.bigint("last_ms").required(),
        c.code("task_depend_type").required(),
        c.code("failure_strategy").required(),
        c.code("warning_type").required(),
        c.int("warning_group_id").required(),
        c.int("executor_id").required(),
        c.code("process_instance_priority").required(),
        c.int("worker_group_id").required(),
        c.text("command_param").required(),
        c.bigint("create_ms").required(),
        c.bigint("end_ms"),
    ];
    c.table(BACKFILL, columns)
}

/// By `position` they are in the order in which they run.
fn date(c: &Columns) -> TableCreateStatement {
    let columns = [
        c.int("backfill_id").required(),
        c.int("position").required(),
        c.bigint("date_ms").required(),
        c.code("outcome").required(),
    ];
    let mut key = Index::create().col("backfill_id").col("position").primary().to_owned();
    c.table(DATE, columns).primary_key(&mut key).to_owned()
}

async fn index(
    manager: &SchemaManager<'_>,
    c: &Columns,
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    if manager.has_index(table, name).await? {
        return Ok(());
    }
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    // Most rows belong to no backfill.
    if table != BACKFILL && c.has_partial_indexes() {
        index.and_where(Expr::col("backfill_id").is_not_null());
    }
    manager.create_index(index).await
}
