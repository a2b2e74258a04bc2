//! The charts count the tasks that started in a span of time; without an index they would read all there ever were.

use sea_orm_migration::prelude::*;

const TABLE: &str = "t_escheduler_task_instance";
const INDEX: &str = "task_instance_start_time_index";

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000007_index_starts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_index(TABLE, INDEX).await? {
            let index = Index::create().name(INDEX).table(TABLE).col("start_time").to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
