//! A worker's row is found by the worker's name, which is that of its data folder: several may share a host.

use crate::columns::Columns;
use crate::index::index;
use sea_orm_migration::prelude::*;

const TABLE: &str = "t_escheduler_worker_server";

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
        let c = Columns::of(manager.get_database_backend());
        Columns::add(manager, TABLE, c.varchar("name", 128)).await?;
        index(TABLE, &["name"]).unique().create(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
