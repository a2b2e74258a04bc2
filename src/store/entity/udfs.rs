//! Functions of users for Hive and Spark.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_udfs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub user_id: i32,
    pub func_name: String,
    pub class_name: String,
    #[sea_orm(column_name = "type")]
    pub kind: i32,
    pub arg_types: Option<String>,
    pub database: Option<String>,
    pub desc: Option<String>,
    pub resource_id: i32,
    pub resource_name: String,
    pub create_time: DateTime,
    pub update_time: DateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
