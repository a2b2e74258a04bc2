//! One run of a workflow.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_process_instance")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: Option<String>,
    pub process_definition_id: Option<i32>,
    pub state: Option<i32>,
    pub recovery: Option<i32>,
    pub start_time: Option<DateTime>,
    pub end_time: Option<DateTime>,
    pub run_times: Option<i32>,
    pub host: Option<String>,
    pub command_type: Option<i32>,
    pub task_depend_type: Option<i32>,
    pub max_try_times: Option<i32>,
    pub failure_strategy: Option<i32>,
    pub warning_type: Option<i32>,
    pub warning_group_id: Option<i32>,
    pub schedule_time: Option<DateTime>,
    pub command_start_time: Option<DateTime>,
    pub flag: Option<i32>,
    pub update_time: Option<DateTime>,
    pub is_sub_process: Option<i32>,
    pub executor_id: i32,
    pub process_instance_priority: Option<i32>,
    pub worker_group_id: Option<i32>,
    pub timeout: Option<i32>,
    pub tenant_id: i32,
    /// The start of a master that drives this instance.
    pub owner: Option<String>,
    /// Counts the owners; a write of an older one changes nothing.
    pub epoch: i32,
    /// Counts the recorded steps.
    pub revision: i64,
    /// The topmost instance of the family; a family has one owner.
    pub root_id: Option<i32>,
    /// Takeovers since the last recorded step.
    pub takeovers: i32,
    /// 1 once the time-out alert was raised.
    pub alert_flag: i32,
    pub command_param: Option<String>,
    pub global_params: Option<String>,
    pub process_instance_json: Option<String>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    pub history_cmd: Option<String>,
    pub dependence_schedule_times: Option<String>,
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
