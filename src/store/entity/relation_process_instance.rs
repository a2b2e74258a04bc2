//! Parent/child link for SUB_PROCESS tasks.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_relation_process_instance")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub parent_process_instance_id: Option<i32>,
    pub parent_task_instance_id: Option<i32>,
    pub process_instance_id: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
