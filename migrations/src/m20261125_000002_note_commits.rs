//! A row for each connection that writes, with the token of its last transaction: whoever lost the answer to a commit
//! finds out there.

use crate::columns::Columns;
use sea_orm_migration::prelude::*;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000002_note_commits"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager.get_database_backend());
        let columns = [c.varchar("id", 64).key(), c.bigint("token").required(), c.bigint("written_ms").required()];
        manager.create_table(c.table("t_escheduler_committer", columns)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
