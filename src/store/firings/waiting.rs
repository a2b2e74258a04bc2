//! Instants that wait for a run of their schedule to end.

use super::{locked, read};
use crate::model::{InstanceId, Outcome, ScheduleId, State, Time};
use crate::store::Error;
use crate::store::entity::{command, firing, process_instance};
use crate::store::runs::command::insert;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// How many instants may wait for one schedule's run to end; beyond that they are skipped.
pub(super) const LONGEST_QUEUE: usize = 100;

/// Whether a run of the schedule lives, is about to, or waits.
pub(super) async fn is_busy(tx: &DatabaseTransaction, schedule: ScheduleId) -> Result<bool, Error> {
    Ok(!live(tx, schedule).await?.is_empty()
        || has_command(tx, schedule).await?
        || !waiting(tx, schedule).await?.is_empty())
}

pub(super) async fn live(tx: &DatabaseTransaction, schedule: ScheduleId) -> Result<Vec<InstanceId>, Error> {
    use process_instance::Column;
    let unfinished = State::ALL.iter().filter(|state| !state.is_finished()).map(|state| state.code());
    let live = process_instance::Entity::find().select_only().column(Column::Id);
    let live = live.filter(Column::ScheduleId.eq(schedule.0)).filter(Column::State.is_in(unfinished));
    Ok(live.into_tuple().all(tx).await?)
}

async fn has_command(tx: &DatabaseTransaction, schedule: ScheduleId) -> Result<bool, Error> {
    use command::Column;
    let found: Option<i32> = command::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::ScheduleId.eq(schedule.0))
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(found.is_some())
}

/// Instants that wait, the oldest first.
pub(super) async fn waiting(tx: &DatabaseTransaction, schedule: ScheduleId) -> Result<Vec<i64>, Error> {
    use firing::Column;
    let waiting = firing::Entity::find().select_only().column(Column::FireMs);
    let waiting = waiting.filter(Column::Outcome.eq(Outcome::Waiting.code())).filter(Column::ScheduleId.eq(schedule.0));
    let waiting = waiting.order_by_asc(Column::FireMs).limit(LONGEST_QUEUE as u64);
    Ok(waiting.into_tuple().all(tx).await?)
}

pub(super) async fn give_up_waiting(tx: &DatabaseTransaction, schedule: ScheduleId) -> Result<(), Error> {
    use firing::Column;
    firing::Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(Outcome::Skipped.code()))
        .filter(Column::Outcome.eq(Outcome::Waiting.code()))
        .filter(Column::ScheduleId.eq(schedule.0))
        .exec(tx)
        .await?;
    Ok(())
}

/// Starts the oldest instant that waits, if nothing of the schedule runs. A schedule that was taken off line starts
/// nothing any more.
pub(super) async fn start_next(tx: &DatabaseTransaction, id: ScheduleId, now: Time) -> Result<bool, Error> {
    use firing::Column;
    let Some(row) = locked(tx, vec![id]).await?.pop() else {
        give_up_waiting(tx, id).await?;
        return Ok(false);
    };
    let schedule = read(row);
    if !live(tx, id).await?.is_empty() || has_command(tx, id).await? {
        return Ok(false);
    }
    let Some(at) = waiting(tx, id).await?.first().copied() else { return Ok(false) };
    firing::Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(Outcome::Started.code()))
        .filter(Column::ScheduleId.eq(id.0))
        .filter(Column::FireMs.eq(at))
        .exec(tx)
        .await?;
    insert(tx, schedule.command(Time(at), now)).await?;
    Ok(true)
}
