//! Dates whose commands no master has taken are taken back.

use crate::model::{CommandId, Outcome};
use crate::store::entity::{backfill_date, command};
use crate::store::runs::command::delete;
use crate::store::{Error, instant};
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Deletes the commands that would begin dates or let paused runs go on, and gives their dates this outcome. A master
/// may be claiming one of them just now. Each is deleted by its key, as masters do it, so the two wait for each other
/// there: either the command is ours and never runs, or it is gone and its instance can be seen from then on.
pub(super) async fn unclaimed(tx: &DatabaseTransaction, backfill: i32, outcome: Outcome) -> Result<(), Error> {
    use command::Column;
    let wishes: Vec<(i32, Option<i32>, Option<DateTime>)> = command::Entity::find()
        .select_only()
        .columns([Column::Id, Column::ProcessInstanceId, Column::ScheduleTime])
        .filter(Column::BackfillId.eq(backfill))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    for (id, instance, date) in wishes {
        // A run that was to go on stays paused: its date has begun.
        if delete(tx, CommandId(id)).await? && instance.is_none() {
            let Some(date) = date.map(instant) else { continue };
            backfill_date::Entity::update_many()
                .col_expr(backfill_date::Column::Outcome, Expr::value(outcome.code()))
                .filter(backfill_date::Column::BackfillId.eq(backfill))
                .filter(backfill_date::Column::DateMs.eq(date.0))
                .exec(tx)
                .await?;
        }
    }
    Ok(())
}
