//! Where the file of a resource lies, whatever becomes of its owner's tenant; and a row for each change of such a file
//! that is under way, so that somebody else can end it if the one who began is gone.

use crate::columns::Columns;
use crate::index::index;
use sea_orm_migration::prelude::*;

const RESOURCES: &str = "t_escheduler_resources";

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261125_000004_keep_resources"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// May be interrupted and run again: MySQL has no transactions for this.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let c = Columns::of(manager.get_database_backend());
        Columns::add(manager, RESOURCES, c.varchar("tenant_code", 64)).await?;
        manager.execute(note_tenants()).await?;
        index(RESOURCES, &["alias"]).create(manager).await?;
        let columns = [
            c.id(),
            c.code("type").required(),
            c.varchar("tenant_code", 64).required(),
            c.int("resource_id"),
            c.varchar("from_alias", 64),
            c.varchar("to_alias", 64),
            c.bigint("begun_ms").required(),
        ];
        manager.create_table(c.table("t_escheduler_resource_change", columns)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Files of EasyScheduler lie in the folder of their owner's tenant.
fn note_tenants() -> UpdateStatement {
    let tenant = |column: &'static str| ("t_escheduler_tenant", column);
    let user = |column: &'static str| ("t_escheduler_user", column);
    let code = Query::select()
        .column(tenant("tenant_code"))
        .from("t_escheduler_user")
        .inner_join("t_escheduler_tenant", Expr::col(tenant("id")).equals(user("tenant_id")))
        .and_where(Expr::col(user("id")).equals((RESOURCES, "user_id")))
        .take();
    Query::update()
        .table(RESOURCES)
        .value("tenant_code", Expr::SubQuery(None, Box::new(code.into())))
        .and_where(Expr::col("tenant_code").is_null())
        .take()
}
