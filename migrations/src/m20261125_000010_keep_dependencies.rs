//! What a DEPENDENT node has found so far is kept with its attempt; and the runs of a definition are found by their
//! schedule time, or by their start if they have none, however many there are.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

const TASKS: &str = "t_escheduler_task_instance";
const COLUMN: &str = "dependent_result";
const INSTANCES: &str = "t_escheduler_process_instance";
const INDEX: &str = "process_instance_schedule_time_index";

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
        if !manager.has_column(TASKS, COLUMN).await? {
            let column = c.longtext(COLUMN).definition();
            manager.alter_table(Table::alter().table(TASKS).add_column(column).to_owned()).await?;
        }
        if !manager.has_index(INSTANCES, INDEX).await? {
            let index = Index::create()
                .name(INDEX)
                .table(INSTANCES)
                .col("process_definition_id")
                .col("schedule_time")
                .col("start_time")
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
