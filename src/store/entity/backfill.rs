//! Past dates for which a definition is to run, and how.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_backfill")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub process_definition_id: i32,
    /// The schedule whose fire times its dates are; NULL: every day.
    pub schedule_id: Option<i32>,
    /// The zone that its dates are meant in.
    pub timezone_id: String,
    pub state: i32,
    pub run_mode: i32,
    /// How many dates run at once.
    pub parallelism: i32,
    pub date_order: i32,
    /// How many dates there are.
    pub total: i32,
    /// One after the other, a date that did not succeed halts those behind it, unless it is among this many first ones.
    pub accepted: i32,
    /// Why it is paused, if nobody has paused it.
    pub note: Option<String>,
    pub first_ms: i64,
    pub last_ms: i64,
    pub task_depend_type: i32,
    pub failure_strategy: i32,
    pub warning_type: i32,
    pub warning_group_id: i32,
    pub executor_id: i32,
    pub process_instance_priority: i32,
    pub worker_group_id: i32,
    pub command_param: String,
    pub create_ms: i64,
    pub end_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
