//! Named group of users to notify.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_alertgroup")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub group_name: Option<String>,
    pub group_type: Option<i32>,
    pub desc: Option<String>,
    pub create_time: Option<DateTime>,
    pub update_time: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
