//! Dates that did not begin are taken back: no master has taken their commands, or one has refused them.

use super::advance::halt;
use super::read;
use crate::model::{BackfillId, BackfillState, CommandId, Outcome};
use crate::store::entity::{backfill, backfill_date, command};
use crate::store::runs::command::delete;
use crate::store::{Error, instant};
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// How long a note may be.
const NOTED: usize = 255;

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
            mark(tx, backfill, date, outcome).await?;
        }
    }
    Ok(())
}

/// A date cannot begin. It waits again, and the whole is paused with the reason: whoever resumes it when that is mended
/// loses no date, and until then no other is refused for the same reason. The backfill is locked.
pub(in crate::store) async fn refused(
    tx: &DatabaseTransaction,
    id: i32,
    date: Option<DateTime>,
    reason: &str,
) -> Result<(), Error> {
    let Some(row) = backfill::Entity::find_by_id(id).one(tx).await? else { return Ok(()) };
    let state = BackfillState::from_code(row.state);
    if !matches!(state, Some(BackfillState::Running | BackfillState::Paused)) {
        return Ok(());
    }
    mark(tx, id, date, Outcome::Waiting).await?;
    if state == Some(BackfillState::Paused) {
        return Ok(());
    }
    let date = date.map(|date| instant(date).on_the_clock_of(read(&row).zone)).unwrap_or_default();
    let why = format!("the run of {date} was refused: {reason}");
    halt(tx, BackfillId(id), why.chars().take(NOTED).collect()).await
}

async fn mark(tx: &DatabaseTransaction, backfill: i32, date: Option<DateTime>, outcome: Outcome) -> Result<(), Error> {
    let Some(date) = date.map(instant) else { return Ok(()) };
    backfill_date::Entity::update_many()
        .col_expr(backfill_date::Column::Outcome, Expr::value(outcome.code()))
        .filter(backfill_date::Column::BackfillId.eq(backfill))
        .filter(backfill_date::Column::DateMs.eq(date.0))
        .exec(tx)
        .await?;
    Ok(())
}
