//! Alerts that wait to be sent.

use super::entity::alert::{Column, Entity};
use super::{Error, Store};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

/// `alert_status` of an alert that was not sent yet (`EasyScheduler 1.0.1: WAIT_EXECUTION`).
const UNSENT: i32 = 0;

impl Store {
    /// How many alerts wait to be sent.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn unsent_alerts(&self) -> Result<u64, Error> {
        Ok(Entity::find().filter(Column::AlertStatus.eq(UNSENT)).count(self.read()).await?)
    }
}
