//! Lists of instances and of tasks show the newest of a project first. Indexes that hold the order, and what every list
//! asks for, tell which rows a page has and how many there are without reading any other row. Each replaces an index
//! that began with the same column, so that a write costs about what it did.

use crate::index::index;
use sea_orm_migration::prelude::*;

/// Table, the new index, its columns, the index that it replaces.
const INDEXES: [(&str, &str, &[&str], &str); 2] = [
    (
        "t_escheduler_process_instance",
        "process_instance_process_definition_id_start_time_index",
        &["process_definition_id", "start_time", "is_sub_process"],
        "process_instance_process_definition_id_id_index",
    ),
    (
        "t_escheduler_task_instance",
        "task_instance_process_definition_id_start_time_index",
        &["process_definition_id", "start_time"],
        "task_instance_process_definition_id_process_instance_id_index",
    ),
];

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000008_index_lists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name, columns, former) in INDEXES {
            index(table, columns).named(name).create(manager).await?;
            if manager.has_index(table, former).await? {
                manager.drop_index(Index::drop().name(former).table(table).to_owned()).await?;
            }
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
