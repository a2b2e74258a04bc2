//! One instant at which a schedule was due. Its key makes each of them happen once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "t_escheduler_firing")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub schedule_id: i32,
    /// The instant of the calendar.
    #[sea_orm(primary_key, auto_increment = false)]
    pub fire_ms: i64,
    /// When it was decided upon.
    pub fired_ms: i64,
    pub outcome: i32,
    /// How many earlier instants it stands for.
    pub missed: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
