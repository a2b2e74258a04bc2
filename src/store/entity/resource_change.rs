//! Changes of uploaded files that are under way.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_resource_change")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(column_name = "type")]
    pub kind: i32,
    pub tenant_code: String,
    /// The resource that is there already.
    pub resource_id: Option<i32>,
    pub from_alias: Option<String>,
    pub to_alias: Option<String>,
    pub begun_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
