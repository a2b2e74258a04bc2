//! Instants that wait for a run of their schedule to end.

use super::standing::{locked, read};
use crate::model::{InstanceId, Outcome, ReleaseState, ScheduleId, State, Time};
use crate::store::Error;
use crate::store::entity::{command, firing, process_instance, schedules};
use crate::store::runs::command::insert;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashSet;

/// How many instants may wait for one schedule's run to end; beyond that they are skipped.
pub(super) const LONGEST_QUEUE: usize = 100;

/// Whether a run of the schedule lives, is about to, or waits.
pub(super) async fn is_busy(tx: &impl ConnectionTrait, schedule: ScheduleId) -> Result<bool, Error> {
    Ok(!busy(tx, &[schedule.0]).await?.is_empty() || !waiting(tx, schedule).await?.is_empty())
}

pub(super) async fn live(db: &impl ConnectionTrait, schedule: ScheduleId) -> Result<Vec<InstanceId>, Error> {
    use process_instance::Column;
    let live = process_instance::Entity::find().select_only().column(Column::Id);
    let live = live.filter(Column::ScheduleId.eq(schedule.0)).filter(Column::State.is_in(unfinished()));
    Ok(live.into_tuple().all(db).await?)
}

fn unfinished() -> impl Iterator<Item = i32> {
    State::ALL.iter().filter(|state| !state.is_finished()).map(|state| state.code())
}

/// Those of these schedules of which a run lives, or is about to.
async fn busy(db: &impl ConnectionTrait, schedules: &[i32]) -> Result<HashSet<i32>, Error> {
    let (runs, wishes) = (process_instance::Entity::find(), command::Entity::find());
    let of_runs = process_instance::Column::ScheduleId;
    let runs = runs.select_only().column(of_runs).distinct().filter(of_runs.is_in(schedules.iter().copied()));
    let runs = runs.filter(process_instance::Column::State.is_in(unfinished()));
    let of_wishes = command::Column::ScheduleId;
    let wishes = wishes.select_only().column(of_wishes).distinct();
    let wishes = wishes.filter(of_wishes.is_in(schedules.iter().copied()));
    // In this order: a command that becomes a run in between is seen twice, and not never.
    let mut busy: HashSet<i32> = wishes.into_tuple().all(db).await?.into_iter().collect();
    busy.extend(runs.into_tuple::<i32>().all(db).await?);
    Ok(busy)
}

/// The schedules beyond this one that have instants that wait, in order; of at most so many.
pub(super) async fn some(db: &impl ConnectionTrait, beyond: i32, limit: u64) -> Result<Vec<i32>, Error> {
    use firing::Column;
    let some = firing::Entity::find().select_only().column(Column::ScheduleId).distinct();
    let some = some.filter(Column::Outcome.eq(Outcome::Waiting.code())).filter(Column::ScheduleId.gt(beyond));
    Ok(some.order_by_asc(Column::ScheduleId).limit(limit).into_tuple().all(db).await?)
}

/// Those of these schedules whose first instant is not to wait any more: nothing of them runs, or they are off line.
pub(super) async fn ready(db: &impl ConnectionTrait, waiting: Vec<i32>) -> Result<Vec<ScheduleId>, Error> {
    use schedules::Column;
    let mut busy = busy(db, &waiting).await?;
    if !busy.is_empty() {
        let online = schedules::Entity::find().select_only().column(Column::Id);
        let online = online.filter(Column::Id.is_in(busy.iter().copied()));
        let online = online.filter(Column::ReleaseState.eq(ReleaseState::Online.code()));
        busy = online.into_tuple().all(db).await?.into_iter().collect();
    }
    Ok(waiting.into_iter().filter(|id| !busy.contains(id)).map(ScheduleId).collect())
}

/// Instants that wait, the oldest first.
pub(super) async fn waiting(tx: &impl ConnectionTrait, schedule: ScheduleId) -> Result<Vec<i64>, Error> {
    use firing::Column;
    let waiting = firing::Entity::find().select_only().column(Column::FireMs);
    let waiting = waiting.filter(Column::Outcome.eq(Outcome::Waiting.code())).filter(Column::ScheduleId.eq(schedule.0));
    let waiting = waiting.order_by_asc(Column::FireMs).limit(LONGEST_QUEUE as u64);
    Ok(waiting.into_tuple().all(tx).await?)
}

pub(super) async fn give_up_waiting(tx: &impl ConnectionTrait, schedule: ScheduleId) -> Result<(), Error> {
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
    if !busy(tx, &[id.0]).await?.is_empty() {
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
