//! Schedules say how they take time zones, lateness and overlaps; each firing has a row, by whose key it exists once;
//! commands and instances know the schedule that they come from.

use crate::columns::Columns;
use crate::index::index;
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
            (SCHEDULES, c.varchar("timezone_id", 64)),
            (SCHEDULES, c.code("misfire_policy")),
            (SCHEDULES, c.code("overlap_policy")),
            (SCHEDULES, c.code("dst_gap")),
            (SCHEDULES, c.code("dst_overlap")),
            (SCHEDULES, c.bigint("jitter_ms")),
            (COMMAND, c.int("schedule_id")),
            (INSTANCE, c.int("schedule_id")),
        ];
        for (table, column) in columns {
            Columns::add(manager, table, column).await?;
        }
        // Schedules that are there were made by EasyScheduler, which left out what it had missed.
        let kept = Query::update()
            .table(SCHEDULES)
            .value("misfire_policy", SKIP)
            .cond_where(Expr::col("misfire_policy").is_null())
            .to_owned();
        manager.execute(kept).await?;
        manager.create_table(firing(&c)).await?;
        // Most rows come from no schedule.
        index(COMMAND, &["schedule_id"]).of_set(&c, "schedule_id").create(manager).await?;
        index(INSTANCE, &["schedule_id", "state"]).of_set(&c, "schedule_id").create(manager).await?;
        index(FIRING, &["outcome", "schedule_id", "fire_ms"]).named("firing_outcome_index").create(manager).await
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
