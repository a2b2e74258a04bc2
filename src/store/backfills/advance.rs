//! The next dates of a backfill start: one transaction that locks the backfill, inserts their commands and notes that
//! they have started. Whoever crashes, crashes before or after.

use super::{locked, order, read, set, withdraw};
use crate::model::{Backfill, BackfillId, BackfillState, Outcome, ReleaseState, RunMode, State, Time};
use crate::store::entity::{backfill, backfill_date, command, process_definition, process_instance};
use crate::store::list::kept;
use crate::store::runs::command::row as command_row;
use crate::store::{Error, Store};
use async_trait::async_trait;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

/// How many backfills are looked at together.
const LOOKED_AT: u64 = 1000;

/// What the timer of a master needs to know of backfills.
#[async_trait]
pub trait Backfills: Send + Sync {
    /// Starts dates where fewer run than may, and ends what has run; how many were started.
    ///
    /// # Errors
    /// The database cannot be read or written.
    async fn advance(&self, now: Time) -> Result<usize, Error>;
}

#[async_trait]
impl Backfills for Store {
    async fn advance(&self, now: Time) -> Result<usize, Error> {
        let (mut started, mut last) = (0, i32::MIN);
        loop {
            let running = running(self.read(), last).await?;
            let Some((beyond, _)) = running.last().copied() else { return Ok(started) };
            last = beyond;
            for (id, parallelism) in running {
                // Most have no room most of the time, and a transaction is dear.
                if busy(self.read(), id).await? < parallelism {
                    match self.write(move |tx| Box::pin(start_next(tx, BackfillId(id), now))).await {
                        Ok(dates) => started += dates,
                        Err(error @ Error::Unavailable(_)) => return Err(error),
                        // It is not to keep the others from going on.
                        Err(error) => tracing::error!(backfill = id, "the backfill cannot go on: {error}"),
                    }
                }
            }
        }
    }
}

/// Some that run, beyond this one, and how many dates of each may.
async fn running(db: &impl ConnectionTrait, beyond: i32) -> Result<Vec<(i32, i32)>, Error> {
    use backfill::Column;
    let running = backfill::Entity::find().select_only().columns([Column::Id, Column::Parallelism]);
    let running = running.filter(Column::State.eq(BackfillState::Running.code())).filter(Column::Id.gt(beyond));
    Ok(running.order_by_asc(Column::Id).limit(LOOKED_AT).into_tuple().all(db).await?)
}

/// How many of its places are taken: by runs, and by commands that are going to be some.
async fn busy(db: &impl ConnectionTrait, backfill: i32) -> Result<i32, Error> {
    use process_instance::Column;
    let live = State::ALL.iter().filter(|state| !state.is_finished()).map(|state| state.code());
    let runs = process_instance::Entity::find().filter(Column::BackfillId.eq(backfill));
    // In this order: a command that becomes a run in between is counted twice, and not never.
    let wishes = command::Entity::find().filter(command::Column::BackfillId.eq(backfill)).count(db).await?;
    let runs = runs.filter(Column::State.is_in(live)).count(db).await?;
    Ok(i32::try_from(runs + wishes).unwrap_or(i32::MAX))
}

async fn start_next(tx: &DatabaseTransaction, id: BackfillId, now: Time) -> Result<usize, Error> {
    let Some(row) = locked(tx, id).await? else { return Ok(0) };
    if row.state != BackfillState::Running.code() {
        return Ok(0);
    }
    let busy = busy(tx, id.0).await?;
    let room = row.parallelism.saturating_sub(busy);
    let Ok(room) = u64::try_from(room) else { return Ok(0) };
    if room == 0 {
        return Ok(0);
    }
    let backfill = read(&row);
    let dates = next_dates(tx, id, room).await?;
    if dates.is_empty() {
        if busy == 0 {
            end(tx, id, now).await?;
        }
        return Ok(0);
    }
    if let Some(why) = halts(tx, &row, &backfill).await? {
        halt(tx, id, why).await?;
        return Ok(0);
    }
    let wishes = dates.iter().map(|(_, date)| command_row(backfill.command(id, Time(*date), now)));
    command::Entity::insert_many(wishes).exec_without_returning(tx).await?;
    backfill_date::Entity::update_many()
        .col_expr(backfill_date::Column::Outcome, Expr::value(Outcome::Started.code()))
        .filter(backfill_date::Column::BackfillId.eq(id.0))
        .filter(backfill_date::Column::Position.is_in(dates.iter().map(|(position, _)| *position)))
        .exec(tx)
        .await?;
    Ok(dates.len())
}

async fn next_dates(tx: &DatabaseTransaction, id: BackfillId, limit: u64) -> Result<Vec<(i32, i64)>, Error> {
    use backfill_date::Column;
    let next = backfill_date::Entity::find().select_only().columns([Column::Position, Column::DateMs]);
    let next = next.filter(Column::BackfillId.eq(id.0)).filter(Column::Outcome.eq(Outcome::Waiting.code()));
    Ok(next.order_by_asc(Column::Position).limit(limit).into_tuple().all(tx).await?)
}

/// Why no further date may start.
async fn halts(tx: &DatabaseTransaction, row: &backfill::Model, backfill: &Backfill) -> Result<Option<String>, Error> {
    use process_definition::Column;
    let online = process_definition::Entity::find_by_id(row.process_definition_id)
        .filter(Column::ReleaseState.eq(ReleaseState::Online.code()))
        .filter(kept(Column::Flag));
    if online.count(tx).await? == 0 {
        return Ok(Some("the definition is off line".to_owned()));
    }
    match backfill.mode {
        RunMode::Parallel => Ok(None),
        RunMode::Serial => order::broken(tx, row).await,
    }
}

pub(super) async fn halt(tx: &DatabaseTransaction, id: BackfillId, why: String) -> Result<(), Error> {
    tracing::warn!(backfill = %id, "the backfill is paused: {why}");
    let paused = backfill::ActiveModel {
        id: Set(id.0),
        state: Set(BackfillState::Paused.code()),
        note: Set(Some(why)),
        ..Default::default()
    };
    set(tx, paused).await?;
    // As when somebody pauses it: no date begins meanwhile.
    withdraw::unclaimed(tx, id.0, Outcome::Waiting).await
}

async fn end(tx: &DatabaseTransaction, id: BackfillId, now: Time) -> Result<(), Error> {
    let ended = backfill::ActiveModel {
        id: Set(id.0),
        state: Set(BackfillState::Finished.code()),
        end_ms: Set(Some(now.0)),
        ..Default::default()
    };
    set(tx, ended).await
}
