//! What a DEPENDENT node has found so far is kept with its attempt; and the runs of a definition are found by their
//! schedule time, or by their start if they have none, however many there are.

use crate::columns::Columns;
use crate::index::index;
use sea_orm_migration::prelude::*;

const TASKS: &str = "t_escheduler_task_instance";
const INSTANCES: &str = "t_escheduler_process_instance";

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000010_keep_dependencies"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager.get_database_backend());
        Columns::add(manager, TASKS, c.longtext("dependent_result")).await?;
        let columns = ["process_definition_id", "schedule_time", "start_time"];
        index(INSTANCES, &columns).named("process_instance_schedule_time_index").create(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
