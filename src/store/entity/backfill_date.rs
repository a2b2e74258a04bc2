//! One date of a backfill.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_backfill_date")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub backfill_id: i32,
    /// From 1, in the order in which the dates run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The business date.
    pub date_ms: i64,
    pub outcome: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
