//! Workflow definition.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_process_definition")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: Option<String>,
    pub version: Option<i32>,
    pub release_state: Option<i32>,
    pub project_id: Option<i32>,
    pub user_id: Option<i32>,
    pub flag: Option<i32>,
    pub create_time: Option<DateTime>,
    pub update_time: Option<DateTime>,
    pub timeout: Option<i32>,
    pub tenant_id: i32,
    pub process_definition_json: Option<String>,
    pub desc: Option<String>,
    pub global_params: Option<String>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
