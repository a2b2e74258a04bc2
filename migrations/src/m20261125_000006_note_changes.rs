//! A row for each change that somebody makes: who, what, when, from where. And what is shown of an access token, of
//! which only the hash is kept.

use crate::columns::Columns;
use crate::index::index;
use sea_orm_migration::prelude::*;

const AUDIT: &str = "t_escheduler_audit";
const TOKENS: &str = "t_escheduler_access_token";

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000006_note_changes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager.get_database_backend());
        let columns = [
            c.big_id(),
            c.bigint("at_ms").required(),
            c.int("user_id").required(),
            c.varchar("user_name", 64).required(),
            c.varchar("action", 128).required(),
            c.varchar("object", 1000).required(),
            c.varchar("address", 45).required(),
            c.varchar("request_id", 64).required(),
        ];
        manager.create_table(c.table(AUDIT, columns)).await?;
        index(AUDIT, &["at_ms"]).create(manager).await?;
        Columns::add(manager, TOKENS, c.varchar("hint", 8)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
