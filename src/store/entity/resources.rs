//! Uploaded files.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_resources")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub alias: Option<String>,
    pub file_name: Option<String>,
    pub desc: Option<String>,
    pub user_id: Option<i32>,
    #[sea_orm(column_name = "type")]
    pub kind: Option<i32>,
    pub size: Option<i64>,
    pub create_time: Option<DateTime>,
    pub update_time: Option<DateTime>,
    /// Whose folder the file lies in; that of the owner at the time when it was made.
    pub tenant_code: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
