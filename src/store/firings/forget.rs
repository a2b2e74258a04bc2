//! What became of instants long ago is forgotten.

use crate::model::{Outcome, Time};
use crate::store::entity::firing;
use crate::store::{Error, Store};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeMap;

impl Store {
    /// Forgets what became of instants long ago; of at most so many. Instants that wait stay.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_firings(&self, before: Time, limit: u64) -> Result<u64, Error> {
        use firing::Column;
        let old = firing::Entity::find().select_only().columns([Column::ScheduleId, Column::FireMs]);
        let old = old.filter(Column::Outcome.ne(Outcome::Waiting.code())).filter(Column::FiredMs.lt(before.0));
        let old: Vec<(i32, i64)> = old.limit(limit).into_tuple().all(self.read()).await?;
        let mut by_schedule: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (schedule, at) in old {
            by_schedule.entry(schedule).or_default().push(at);
        }
        self.write(move |tx| {
            let by_schedule = by_schedule.clone();
            Box::pin(async move {
                let mut forgotten = 0;
                for (schedule, instants) in by_schedule {
                    let gone = firing::Entity::delete_many().filter(Column::ScheduleId.eq(schedule));
                    forgotten += gone.filter(Column::FireMs.is_in(instants)).exec(tx).await?.rows_affected;
                }
                Ok(forgotten)
            })
        })
        .await
    }
}
