//! One attempt of a node; a retry makes a new row.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_task_instance")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: Option<String>,
    pub task_type: Option<String>,
    pub process_definition_id: Option<i32>,
    pub process_instance_id: Option<i32>,
    pub state: Option<i32>,
    pub submit_time: Option<DateTime>,
    pub start_time: Option<DateTime>,
    pub end_time: Option<DateTime>,
    pub host: Option<String>,
    pub alert_flag: Option<i32>,
    pub retry_times: Option<i32>,
    pub pid: Option<i32>,
    pub flag: Option<i32>,
    pub retry_interval: Option<i32>,
    pub max_retry_times: Option<i32>,
    pub task_instance_priority: Option<i32>,
    pub worker_group_id: Option<i32>,
    /// The name of the attempt, see [`crate::model::Tag`].
    pub tag: Option<i64>,
    /// The worker that may run the attempt.
    pub holder: Option<String>,
    /// The incarnation of that worker.
    pub incarnation: Option<String>,
    /// Counts the rows of this node in this run.
    pub attempt: i32,
    pub task_json: Option<String>,
    pub execute_path: Option<String>,
    pub log_path: Option<String>,
    pub app_link: Option<String>,
    /// How the items of a DEPENDENT node stand, see [`crate::dependency::Report`].
    pub dependent_result: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
