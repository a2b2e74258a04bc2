//! Backfills and their dates; commands and instances know the backfill that they belong to, and the zone that their
//! dates are computed in.

use crate::columns::Columns;
use crate::index::index;
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
            for column in [c.int("backfill_id"), c.varchar("timezone_id", 64)] {
                Columns::add(manager, table, column).await?;
            }
        }
        manager.create_table(backfill(&c)).await?;
        manager.create_table(date(&c)).await?;
        // Most rows belong to no backfill.
        index(COMMAND, &["backfill_id"]).of_set(&c, "backfill_id").create(manager).await?;
        index(INSTANCE, &["backfill_id", "state"]).of_set(&c, "backfill_id").create(manager).await?;
        index(BACKFILL, &["state"]).create(manager).await?;
        index(BACKFILL, &["process_definition_id"]).create(manager).await
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
