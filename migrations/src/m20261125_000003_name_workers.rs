//! A worker's row is found by the worker's name, which is that of its data folder: several may share a host.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

const TABLE: &str = "t_escheduler_worker_server";
const INDEX: &str = "worker_server_name_index";

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000003_name_workers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column(TABLE, "name").await? {
            let columns = Columns::of(manager.get_database_backend());
            let column = columns.varchar("name", 128).definition();
            manager.alter_table(Table::alter().table(TABLE).add_column(column).to_owned()).await?;
        }
        if !manager.has_index(TABLE, INDEX).await? {
            let index = Index::create().name(INDEX).table(TABLE).col("name").unique().to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
