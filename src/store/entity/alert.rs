//! Outgoing notification queue.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_alert")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub title: Option<String>,
    pub show_type: Option<i32>,
    pub content: Option<String>,
    pub alert_type: Option<i32>,
    pub alert_status: Option<i32>,
    pub log: Option<String>,
    pub alertgroup_id: Option<i32>,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
    pub create_time: Option<DateTime>,
    pub update_time: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
