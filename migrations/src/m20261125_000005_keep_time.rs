//! Schedules say how they take time zones, lateness and overlaps; each firing has a row, by whose key it exists once;
//! commands and instances know the schedule that they come from.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

const SCHEDULES: &str = "t_escheduler_schedules";
const COMMAND: &str = "t_escheduler_command";
const INSTANCE: &str = "t_escheduler_process_instance";
const FIRING: &str = "t_escheduler_firing";

/// The code of the misfire policy.
const SKIP: i32 = 2;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000005_keep_time"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager.get_database_backend());
        // NULL is the default of each, so that an older release may go on inserting rows.
        let columns = [
            (SCHEDULES, "timezone_id", c.varchar("timezone_id", 64)),
            (SCHEDULES, "misfire_policy", c.code("misfire_policy")),
            (SCHEDULES, "overlap_policy", c.code("overlap_policy")),
            (SCHEDULES, "dst_gap", c.code("dst_gap")),
            (SCHEDULES, "dst_overlap", c.code("dst_overlap")),
            (SCHEDULES, "jitter_ms", c.bigint("jitter_ms")),
            (COMMAND, "schedule_id", c.int("schedule_id")),
            (INSTANCE, "schedule_id", c.int("schedule_id")),
        ];
        for (table, name, column) in columns {
            if !manager.has_column(table, name).await? {
                manager.alter_table(Table::alter().table(table).add_column(column.definition()).to_owned()).await?;
            }
        }
        // Schedules that are there were made by EasyScheduler, which left out what it had missed.
        let kept = Query::update()
            .table(SCHEDULES)
            .value("misfire_policy", SKIP)
            .cond_where(Expr::col("misfire_policy").is_null())
            .to_owned();
        manager.execute(kept).await?;
        manager.create_table(firing(&c)).await?;
        index(manager, &c, COMMAND, "command_schedule_id_index", &["schedule_id"]).await?;
        index(manager, &c, INSTANCE, "process_instance_schedule_id_state_index", &["schedule_id", "state"]).await?;
        index(manager, &c, FIRING, "firing_outcome_index", &["outcome", "schedule_id", "fire_ms"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn firing(c: &Columns) -> TableCreateStatement {
    let columns = [
        c.int("schedule_id").required(),
        c.bigint("fire_ms").required(),
        c.bigint("fired_ms").required(),
        c.code("outcome").required(),
        c.int("missed").required(),
    ];
    let key = Index::create().col("schedule_id").col("fire_ms").primary().to_owned();
    c.table(FIRING, columns).primary_key(&mut key.to_owned()).to_owned()
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
    // Most rows come from no schedule.
    if table != FIRING && c.has_partial_indexes() {
        index.and_where(Expr::col("schedule_id").is_not_null());
    }
    manager.create_index(index).await
}
