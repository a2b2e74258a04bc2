//! One row per live master.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_master_server")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub host: Option<String>,
    pub port: Option<i32>,
    pub zk_directory: Option<String>,
    pub res_info: Option<String>,
    pub create_time: Option<DateTime>,
    pub last_heartbeat_time: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
