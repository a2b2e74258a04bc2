//! Timer of a definition.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_schedules")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub process_definition_id: i32,
    pub start_time: DateTime,
    pub end_time: DateTime,
    pub crontab: String,
    pub failure_strategy: i32,
    pub user_id: i32,
    pub release_state: i32,
    pub warning_type: i32,
    pub warning_group_id: Option<i32>,
    pub process_instance_priority: Option<i32>,
    pub create_time: DateTime,
    pub update_time: DateTime,
    pub worker_group_id: Option<i32>,
    /// The next instant to fire at.
    pub next_fire_ms: Option<i64>,
    /// An IANA zone; `None`: the server's.
    pub timezone_id: Option<String>,
    pub misfire_policy: Option<i32>,
    pub overlap_policy: Option<i32>,
    pub dst_gap: Option<i32>,
    pub dst_overlap: Option<i32>,
    pub jitter_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
