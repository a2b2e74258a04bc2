//! Backfills: made at a wish, paused, resumed and stopped as a whole, and shown with their progress. How their dates
//! start is in [`advance`].

mod advance;
mod order;
mod progress;
mod withdraw;

pub use advance::Backfills;
pub use progress::{BackfillRow, Progress};
pub(super) use withdraw::refused;

use super::entity::{backfill, backfill_date, command, process_definition, process_instance};
use super::orders::remember;
use super::runs::command::insert;
use super::{Error, Store, lock};
use crate::model::{
    Backfill, BackfillId, BackfillState, Command, CommandType, DateOrder, DefinitionId, ExecuteType, FailureStrategy,
    InstanceId, Outcome, Priority, ProjectId, RunMode, ScheduleId, State, TaskDependType, Time, UserId, WarningType,
};
use chrono_tz::Tz;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};
use std::sync::Arc;

/// How many dates one statement inserts: databases count its values.
const AT_ONCE: usize = 1000;

/// Why a backfill does not do what somebody wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsteered {
    State(BackfillState),
    /// Some of its runs are not paused yet, so that they cannot be resumed.
    Pausing,
}

impl Store {
    /// Makes a backfill of these dates, the earliest first. `None` if its definition is off line or gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create_backfill(
        &self,
        backfill: Backfill,
        dates: Arc<[Time]>,
        mails: [Option<String>; 2],
        at: Time,
    ) -> Result<Option<BackfillId>, Error> {
        self.change(move |tx| {
            let (backfill, dates, mails) = (backfill.clone(), dates.clone(), mails.clone());
            Box::pin(async move {
                if !remember(tx, backfill.template.definition, mails).await? {
                    return Ok(None);
                }
                let id = row(&backfill, &dates, at).insert(tx).await?.id;
                let mut dates = dates.to_vec();
                if backfill.order == DateOrder::Descending {
                    dates.reverse();
                }
                let rows: Vec<_> = (1..).zip(dates).map(|(position, date)| waiting(id, position, date)).collect();
                for rows in rows.chunks(AT_ONCE) {
                    backfill_date::Entity::insert_many(rows.to_vec()).exec_without_returning(tx).await?;
                }
                Ok(Some(BackfillId(id)))
            })
        })
        .await
    }

    /// Pauses, resumes or stops a backfill of a project with all its runs. `None` if there is no such.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn order_backfill(
        &self,
        project: ProjectId,
        id: BackfillId,
        wish: ExecuteType,
        user: UserId,
        at: Time,
    ) -> Result<Option<Result<(), Unsteered>>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                let Some(row) = locked(tx, id).await? else { return Ok(None) };
                if !belongs(tx, row.process_definition_id, project).await? {
                    return Ok(None);
                }
                let state = BackfillState::from_code(row.state).unwrap_or(BackfillState::Finished);
                match (wish, state) {
                    (ExecuteType::Pause, BackfillState::Running) => pause(tx, &row, user).await?,
                    (ExecuteType::RecoverSuspended, BackfillState::Paused) if pausing(tx, &row).await? => {
                        return Ok(Some(Err(Unsteered::Pausing)));
                    }
                    (ExecuteType::RecoverSuspended, BackfillState::Paused) => resume(tx, &row, user).await?,
                    (ExecuteType::Stop, BackfillState::Running | BackfillState::Paused) => {
                        stop(tx, &row, user, at).await?;
                    }
                    _ => return Ok(Some(Err(Unsteered::State(state)))),
                }
                Ok(Some(Ok(())))
            })
        })
        .await
    }
}

fn row(backfill: &Backfill, dates: &[Time], at: Time) -> backfill::ActiveModel {
    let template = &backfill.template;
    let ms = |date: Option<&Time>| Set(date.map_or(0, |date| date.0));
    backfill::ActiveModel {
        process_definition_id: Set(template.definition.0),
        schedule_id: Set(backfill.schedule.map(|id| id.0)),
        timezone_id: Set(backfill.zone.name().to_owned()),
        state: Set(BackfillState::Running.code()),
        run_mode: Set(backfill.mode.code()),
        parallelism: Set(backfill.parallelism),
        date_order: Set(backfill.order.code()),
        total: Set(i32::try_from(dates.len()).unwrap_or(i32::MAX)),
        accepted: Set(0),
        note: Set(None),
        first_ms: ms(dates.first()),
        last_ms: ms(dates.last()),
        task_depend_type: Set(template.depend.code()),
        failure_strategy: Set(template.strategy.code()),
        warning_type: Set(template.warning.code()),
        warning_group_id: Set(template.warning_group),
        executor_id: Set(template.executor.0),
        process_instance_priority: Set(template.priority.code()),
        worker_group_id: Set(template.worker_group),
        command_param: Set(template.param.clone()),
        create_ms: Set(at.0),
        end_ms: Set(None),
        ..Default::default()
    }
}

fn waiting(backfill: i32, position: i32, date: Time) -> backfill_date::ActiveModel {
    backfill_date::ActiveModel {
        backfill_id: Set(backfill),
        position: Set(position),
        date_ms: Set(date.0),
        outcome: Set(Outcome::Waiting.code()),
    }
}

/// A row as a backfill.
fn read(row: &backfill::Model) -> Backfill {
    let template = Command {
        depend: TaskDependType::from_code(row.task_depend_type).unwrap_or(TaskDependType::Post),
        strategy: FailureStrategy::from_code(row.failure_strategy).unwrap_or(FailureStrategy::Continue),
        warning: WarningType::from_code(row.warning_type).unwrap_or(WarningType::None),
        warning_group: row.warning_group_id,
        priority: Priority::from_code(row.process_instance_priority).unwrap_or(Priority::Lowest),
        worker_group: row.worker_group_id,
        param: row.command_param.clone(),
        ..Command::start(DefinitionId(row.process_definition_id), UserId(row.executor_id))
    };
    Backfill {
        template,
        schedule: row.schedule_id.map(ScheduleId),
        zone: row.timezone_id.parse().unwrap_or(Tz::UTC),
        mode: RunMode::from_code(row.run_mode).unwrap_or(RunMode::Serial),
        parallelism: row.parallelism,
        order: DateOrder::from_code(row.date_order).unwrap_or(DateOrder::Ascending),
    }
}

/// The row of a backfill, locked.
async fn locked(tx: &DatabaseTransaction, id: BackfillId) -> Result<Option<backfill::Model>, Error> {
    lock::row::<backfill::Entity>(tx, id.0).await?;
    Ok(backfill::Entity::find_by_id(id.0).one(tx).await?)
}

async fn belongs(tx: &DatabaseTransaction, definition: i32, project: ProjectId) -> Result<bool, Error> {
    let owner: Option<Option<i32>> = process_definition::Entity::find_by_id(definition)
        .select_only()
        .column(process_definition::Column::ProjectId)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(owner.flatten() == Some(project.0))
}

/// No date starts any more: those that no master has begun wait again, and what runs is asked to pause.
async fn pause(tx: &DatabaseTransaction, row: &backfill::Model, user: UserId) -> Result<(), Error> {
    set(tx, backfill::ActiveModel { id: Set(row.id), state: Set(BackfillState::Paused.code()), ..Default::default() })
        .await?;
    withdraw::unclaimed(tx, row.id, Outcome::Waiting).await?;
    // Read after that: what a master has claimed meanwhile is an instance by now.
    tell(tx, row, CommandType::Pause, &[State::Running, State::WaitingDepend], user).await
}

/// Whether runs have been asked to pause and do not yet.
async fn pausing(tx: &DatabaseTransaction, row: &backfill::Model) -> Result<bool, Error> {
    use process_instance::Column;
    let pausing = process_instance::Entity::find().filter(Column::BackfillId.eq(row.id));
    Ok(pausing.filter(Column::State.eq(State::ReadyPause.code())).count(tx).await? > 0)
}

/// Dates start again, and those that paused go on. Whether the dates that have ended succeeded matters no more.
async fn resume(tx: &DatabaseTransaction, row: &backfill::Model, user: UserId) -> Result<(), Error> {
    let running = backfill::ActiveModel {
        id: Set(row.id),
        state: Set(BackfillState::Running.code()),
        accepted: Set(order::ended(tx, row.id).await?),
        note: Set(None),
        ..Default::default()
    };
    set(tx, running).await?;
    // Whoever has not heard of the pause yet, need not pause any more.
    drop_orders(tx, row, CommandType::Pause).await?;
    tell(tx, row, CommandType::RecoverSuspended, &[State::Pause], user).await
}

/// What waits never starts, and what runs is stopped.
async fn stop(tx: &DatabaseTransaction, row: &backfill::Model, user: UserId, at: Time) -> Result<(), Error> {
    use backfill_date::Column;
    let stopped = backfill::ActiveModel {
        id: Set(row.id),
        state: Set(BackfillState::Stopped.code()),
        note: Set(None),
        end_ms: Set(Some(at.0)),
        ..Default::default()
    };
    set(tx, stopped).await?;
    withdraw::unclaimed(tx, row.id, Outcome::Skipped).await?;
    backfill_date::Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(Outcome::Skipped.code()))
        .filter(Column::BackfillId.eq(row.id))
        .filter(Column::Outcome.eq(Outcome::Waiting.code()))
        .exec(tx)
        .await?;
    let live: Vec<State> = State::ALL.iter().copied().filter(|state| !state.is_finished()).collect();
    tell(tx, row, CommandType::Stop, &live, user).await
}

async fn set(tx: &DatabaseTransaction, row: backfill::ActiveModel) -> Result<(), Error> {
    row.update(tx).await?;
    Ok(())
}

/// Inserts a wish about each instance that is in one of these states and has no such wish yet.
async fn tell(
    tx: &DatabaseTransaction,
    row: &backfill::Model,
    kind: CommandType,
    states: &[State],
    user: UserId,
) -> Result<(), Error> {
    use process_instance::Column;
    let instances: Vec<InstanceId> = process_instance::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::BackfillId.eq(row.id))
        .filter(Column::State.is_in(states.iter().map(|state| state.code())))
        .into_tuple()
        .all(tx)
        .await?;
    let told: Vec<Option<i32>> = command::Entity::find()
        .select_only()
        .column(command::Column::ProcessInstanceId)
        .filter(command::Column::ProcessInstanceId.is_in(instances.iter().map(|id| id.0)))
        .filter(command::Column::CommandType.eq(kind.code()))
        .into_tuple()
        .all(tx)
        .await?;
    for instance in instances.into_iter().filter(|id| !told.contains(&Some(id.0))) {
        let wish = Command::about(kind, instance, DefinitionId(row.process_definition_id), user);
        // A recovery takes one of its places, as a date that has not begun does.
        let backfill = (kind == CommandType::RecoverSuspended).then_some(BackfillId(row.id));
        insert(tx, Command { backfill, ..wish }).await?;
    }
    Ok(())
}

async fn drop_orders(tx: &DatabaseTransaction, row: &backfill::Model, kind: CommandType) -> Result<(), Error> {
    use process_instance::Column;
    let instances = process_instance::Entity::find().select_only().column(Column::Id);
    let instances: Vec<i32> = instances.filter(Column::BackfillId.eq(row.id)).into_tuple().all(tx).await?;
    command::Entity::delete_many()
        .filter(command::Column::CommandType.eq(kind.code()))
        .filter(command::Column::ProcessInstanceId.is_in(instances))
        .exec(tx)
        .await?;
    Ok(())
}
