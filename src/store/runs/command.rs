//! Rows of `t_escheduler_command`.

use crate::model::{
    BackfillId, Command, CommandId, CommandType, DefinitionId, FailureStrategy, InstanceId, Priority, ScheduleId,
    TaskDependType, UserId, WarningType, param,
};
use crate::store::backfills::refused;
use crate::store::entity::{backfill, command, error_command};
use crate::store::{Error, Store, instant, lock, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

/// What is said to an instance that lives.
const ORDERS: [CommandType; 2] = [CommandType::Pause, CommandType::Stop];

/// A row as a wish; NULLs mean what the original took them for.
pub(in crate::store) fn read(row: command::Model) -> Command {
    let text = row.command_param.unwrap_or_else(|| "{}".into());
    let named = param::read(&text, param::INSTANCE).and_then(|id| id.parse().ok()).filter(|id| *id != 0);
    Command {
        id: CommandId(row.id),
        kind: row.command_type.and_then(CommandType::from_code).unwrap_or(CommandType::StartProcess),
        definition: DefinitionId(row.process_definition_id.unwrap_or_default()),
        instance: row.process_instance_id.or(named).map(InstanceId),
        depend: row.task_depend_type.and_then(TaskDependType::from_code).unwrap_or(TaskDependType::Post),
        strategy: row.failure_strategy.and_then(FailureStrategy::from_code).unwrap_or(FailureStrategy::Continue),
        warning: row.warning_type.and_then(WarningType::from_code).unwrap_or(WarningType::None),
        warning_group: row.warning_group_id.unwrap_or_default(),
        schedule_time: row.schedule_time.map(instant),
        created_at: row.start_time.or(row.update_time).map(instant).unwrap_or_default(),
        executor: UserId(row.executor_id.unwrap_or_default()),
        priority: row.process_instance_priority.and_then(Priority::from_code).unwrap_or(Priority::Medium),
        worker_group: row.worker_group_id.unwrap_or(-1),
        schedule: row.schedule_id.map(ScheduleId),
        backfill: row.backfill_id.map(BackfillId),
        zone: row.timezone_id,
        param: text,
    }
}

impl Store {
    /// Inserts a wish. When this returns, it is on disk.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn insert_command(&self, wish: Command) -> Result<CommandId, Error> {
        self.write(move |tx| {
            let wish = wish.clone();
            Box::pin(async move { insert(tx, wish).await })
        })
        .await
    }

    /// Pauses and stops, in the order in which they came.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn orders(&self, limit: u64) -> Result<Vec<Command>, Error> {
        let rows = command::Entity::find()
            .filter(command::Column::CommandType.is_in(ORDERS.map(CommandType::code)))
            .order_by_asc(command::Column::Id)
            .limit(limit)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// The most urgent starts, repetitions and recoveries: by priority, then in the order in which they came.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn starts(&self, limit: u64) -> Result<Vec<Command>, Error> {
        let rows = command::Entity::find()
            .filter(command::Column::CommandType.is_not_in(ORDERS.map(CommandType::code)))
            .order_by_asc(command::Column::ProcessInstancePriority)
            .order_by_asc(command::Column::Id)
            .limit(limit)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Moves a wish that cannot be fulfilled to the error table, with the reason
    /// (`EasyScheduler 1.1.0: t_escheduler_error_command`). One that is gone already is no error. A backfill whose date
    /// it was to begin is paused.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn reject_command(&self, id: CommandId, reason: String) -> Result<(), Error> {
        self.write(move |tx| {
            let reason = reason.clone();
            Box::pin(async move {
                let Some(row) = command::Entity::find_by_id(id.0).one(tx).await? else { return Ok(()) };
                if let Some(backfill) = row.backfill_id {
                    // First, as those do who steer it: so that the two do not wait for each other.
                    lock::row::<backfill::Entity>(tx, backfill).await?;
                }
                if !delete(tx, id).await? {
                    return Ok(());
                }
                if let (Some(backfill), None) = (row.backfill_id, row.process_instance_id) {
                    refused(tx, backfill, row.schedule_time, &reason).await?;
                }
                let error = error_command::Model {
                    id: row.id,
                    command_type: row.command_type,
                    executor_id: row.executor_id,
                    process_definition_id: row.process_definition_id,
                    command_param: row.command_param,
                    task_depend_type: row.task_depend_type,
                    failure_strategy: row.failure_strategy,
                    warning_type: row.warning_type,
                    warning_group_id: row.warning_group_id,
                    schedule_time: row.schedule_time,
                    start_time: row.start_time,
                    update_time: row.update_time,
                    dependence: row.dependence,
                    process_instance_priority: row.process_instance_priority,
                    worker_group_id: row.worker_group_id,
                    message: Some(reason),
                };
                // SQLite gives an id again after the newest row was deleted, so an older error may have it.
                error_command::Entity::delete_by_id(row.id).exec(tx).await?;
                error_command::Entity::insert(error.into_active_model().reset_all()).exec_without_returning(tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Drops a wish that has no effect any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn drop_command(&self, id: CommandId) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { delete(tx, id).await.map(drop) })).await
    }
}

/// Inserts a wish as part of a larger fact.
pub(in crate::store) async fn insert(tx: &DatabaseTransaction, wish: Command) -> Result<CommandId, Error> {
    Ok(CommandId(row(wish).insert(tx).await?.id))
}

/// A wish that is not in the table yet, as its row.
pub(in crate::store) fn row(wish: Command) -> command::ActiveModel {
    command::ActiveModel {
        command_type: Set(Some(wish.kind.code())),
        process_definition_id: Set(Some(wish.definition.0)),
        process_instance_id: Set(wish.instance.map(|id| id.0)),
        command_param: Set(Some(wish.param)),
        task_depend_type: Set(Some(wish.depend.code())),
        failure_strategy: Set(Some(wish.strategy.code())),
        warning_type: Set(Some(wish.warning.code())),
        warning_group_id: Set(Some(wish.warning_group)),
        schedule_time: Set(wish.schedule_time.map(utc)),
        start_time: Set(Some(utc(wish.created_at))),
        update_time: Set(Some(utc(wish.created_at))),
        executor_id: Set(Some(wish.executor.0)),
        process_instance_priority: Set(Some(wish.priority.code())),
        worker_group_id: Set(Some(wish.worker_group)),
        schedule_id: Set(wish.schedule.map(|id| id.0)),
        backfill_id: Set(wish.backfill.map(|id| id.0)),
        timezone_id: Set(wish.zone),
        ..Default::default()
    }
}

/// Whether the row was there: one master at most is told so.
pub(in crate::store) async fn delete(tx: &DatabaseTransaction, id: CommandId) -> Result<bool, Error> {
    Ok(command::Entity::delete_by_id(id.0).exec(tx).await?.rows_affected == 1)
}
