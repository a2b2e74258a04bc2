//! The charts count the tasks that started in a span of time; without an index they would read all there ever were.

use crate::index::index;
use sea_orm_migration::prelude::*;

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
        index("t_escheduler_task_instance", &["start_time"]).create(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
