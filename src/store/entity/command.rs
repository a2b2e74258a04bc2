//! What the masters are asked to do: one row per wish, deleted when it is claimed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_command")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub command_type: Option<i32>,
    pub process_definition_id: Option<i32>,
    pub task_depend_type: Option<i32>,
    pub failure_strategy: Option<i32>,
    pub warning_type: Option<i32>,
    pub warning_group_id: Option<i32>,
    pub schedule_time: Option<DateTime>,
    pub start_time: Option<DateTime>,
    pub executor_id: Option<i32>,
    pub dependence: Option<String>,
    pub update_time: Option<DateTime>,
    pub process_instance_priority: Option<i32>,
    pub worker_group_id: Option<i32>,
    /// The instance that the command is about.
    pub process_instance_id: Option<i32>,
    pub command_param: Option<String>,
    /// The schedule that it comes from.
    pub schedule_id: Option<i32>,
    /// The backfill that it is a date of.
    pub backfill_id: Option<i32>,
    /// The zone that its dates are computed in, if it is not the server's.
    pub timezone_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
