//! One after the other, each date may build upon those before it (`EasyScheduler 1.0.1: serial complement`). So none
//! starts while one before it has not succeeded: the newest, or an older one that somebody has run again.

use super::read;
use crate::model::{Outcome, State, Time};
use crate::store::entity::{backfill, backfill_date, process_instance};
use crate::store::{Error, instant, utc};
use sea_orm::prelude::DateTime;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// A date that has started, and its run.
struct Run {
    position: i32,
    date: Time,
    instance: i32,
    state: State,
}

/// What keeps the next date from starting, if something does.
pub(super) async fn broken(tx: &DatabaseTransaction, row: &backfill::Model) -> Result<Option<String>, Error> {
    let Some((last, date)) = last_started(tx, row.id).await? else { return Ok(None) };
    if last <= row.accepted {
        return Ok(None);
    }
    let zone = read(row).zone;
    let first = unsuccessful(tx, row.id).await?.into_iter().find(|run| run.position > row.accepted);
    if let Some(Run { date, instance, state, .. }) = first {
        let date = date.on_the_clock_of(zone);
        return Ok(Some(format!("the run of {date} (process instance {instance}) ended as {}", state.name())));
    }
    // Those before it were there when it started.
    if !has_run(tx, row, date).await? {
        let date = date.on_the_clock_of(zone);
        return Ok(Some(format!("there is no run of {date}: it has been deleted")));
    }
    Ok(None)
}

/// How many dates have ended, and all dates before them.
pub(super) async fn ended(tx: &DatabaseTransaction, backfill: i32) -> Result<i32, Error> {
    let is_open = |run: &Run| !run.state.is_finished() || run.state == State::Pause;
    let open = unsuccessful(tx, backfill).await?.into_iter().find(is_open);
    Ok(match open {
        Some(run) => run.position - 1,
        None => last_started(tx, backfill).await?.map_or(0, |(position, _)| position),
    })
}

async fn last_started(tx: &DatabaseTransaction, backfill: i32) -> Result<Option<(i32, Time)>, Error> {
    use backfill_date::Column;
    let last: Option<(i32, i64)> = backfill_date::Entity::find()
        .select_only()
        .columns([Column::Position, Column::DateMs])
        .filter(Column::BackfillId.eq(backfill))
        .filter(Column::Outcome.eq(Outcome::Started.code()))
        .order_by_desc(Column::Position)
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(last.map(|(position, date)| (position, Time(date))))
}

/// The dates whose runs have not succeeded, in order. There are few: they halt the others until somebody says that they
/// do not matter.
async fn unsuccessful(tx: &DatabaseTransaction, backfill: i32) -> Result<Vec<Run>, Error> {
    use backfill_date::Column as Date;
    use process_instance::Column;
    let others = State::ALL.iter().filter(|state| **state != State::Success).map(|state| state.code());
    let runs: Vec<(i32, i32, Option<DateTime>)> = process_instance::Entity::find()
        .select_only()
        .columns([Column::Id, Column::State, Column::ScheduleTime])
        .filter(Column::BackfillId.eq(backfill))
        .filter(Column::State.is_in(others))
        .into_tuple()
        .all(tx)
        .await?;
    let runs =
        runs.into_iter().filter_map(|(id, state, date)| Some((instant(date?).0, (id, State::from_code(state)?))));
    let runs: BTreeMap<i64, (i32, State)> = runs.collect();
    let dates: Vec<(i32, i64)> = backfill_date::Entity::find()
        .select_only()
        .columns([Date::Position, Date::DateMs])
        .filter(Date::BackfillId.eq(backfill))
        .filter(Date::DateMs.is_in(runs.keys().copied()))
        .order_by_asc(Date::Position)
        .into_tuple()
        .all(tx)
        .await?;
    let run = |(position, date): (i32, i64)| {
        let (instance, state) = *runs.get(&date)?;
        Some(Run { position, date: Time(date), instance, state })
    };
    Ok(dates.into_iter().filter_map(run).collect())
}

/// The definition and the time are what the index is by that finds one run among many.
async fn has_run(tx: &DatabaseTransaction, row: &backfill::Model, date: Time) -> Result<bool, Error> {
    use process_instance::Column;
    let runs = process_instance::Entity::find()
        .filter(Column::ProcessDefinitionId.eq(row.process_definition_id))
        .filter(Column::ScheduleTime.eq(utc(date)))
        .filter(Column::BackfillId.eq(row.id));
    Ok(runs.count(tx).await? > 0)
}
