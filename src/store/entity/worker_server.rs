//! One row per worker: where it is, and the lease that its tasks live on.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_worker_server")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Of the worker's data folder; unique.
    pub name: Option<String>,
    pub host: Option<String>,
    pub port: Option<i32>,
    pub zk_directory: Option<String>,
    pub res_info: Option<String>,
    pub create_time: Option<DateTime>,
    pub last_heartbeat_time: Option<DateTime>,
    /// The life of the shim that runs the tasks, as 16 hexadecimal digits: a later one is greater.
    pub incarnation: Option<String>,
    /// The number of the last beat.
    pub beat: Option<i64>,
    /// How long a beat lasts.
    pub lease_ms: Option<i64>,
    /// The beat on which the incarnation was fenced; none while it lives.
    pub fenced: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
