//! A command becomes an instance, or revives one: one transaction, so that a crash leaves either the
//! command or the instance (`EasyScheduler 1.0.1: known defects C16`).

use super::command;
use super::insert::Inserts;
use crate::model::{Command, CommandType, InstanceId, State, Time};
use crate::store::entity::{command as wish, process_instance, task_instance};
use crate::store::{Error, Store, lock, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashSet;
use std::sync::Arc;

/// A top-level instance or a child, before its first step.
#[derive(Clone, Debug)]
pub struct NewInstance {
    pub command: Command,
    pub owner: String,
    pub host: String,
    pub name: String,
    pub document: Arc<str>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    /// Resolved global parameters, as JSON.
    pub globals: String,
    pub timeout_minutes: i32,
    pub tenant_id: i32,
    pub started_at: Time,
    /// The family, if it is a child.
    pub root: Option<InstanceId>,
}

impl NewInstance {
    pub(super) fn row(&self) -> process_instance::ActiveModel {
        let command = &self.command;
        process_instance::ActiveModel {
            name: Set(Some(self.name.clone())),
            process_definition_id: Set(Some(command.definition.0)),
            state: Set(Some(State::Running.code())),
            recovery: Set(Some(0)),
            start_time: Set(Some(utc(self.started_at))),
            run_times: Set(Some(1)),
            host: Set(Some(self.host.clone())),
            command_type: Set(Some(command.kind.code())),
            command_param: Set(Some(command.param.clone())),
            task_depend_type: Set(Some(command.depend.code())),
            max_try_times: Set(Some(0)),
            failure_strategy: Set(Some(command.strategy.code())),
            warning_type: Set(Some(command.warning.code())),
            warning_group_id: Set(Some(command.warning_group)),
            schedule_time: Set(command.schedule_time.map(utc)),
            command_start_time: Set(Some(utc(command.created_at))),
            global_params: Set(Some(self.globals.clone())),
            process_instance_json: Set(Some(self.document.to_string())),
            flag: Set(Some(1)),
            update_time: Set(Some(utc(self.started_at))),
            is_sub_process: Set(Some(i32::from(self.root.is_some()))),
            executor_id: Set(command.executor.0),
            locations: Set(self.locations.clone()),
            connects: Set(self.connects.clone()),
            history_cmd: Set(Some(command.kind.name().to_owned())),
            process_instance_priority: Set(Some(command.priority.code())),
            worker_group_id: Set(Some(command.worker_group)),
            timeout: Set(Some(self.timeout_minutes)),
            tenant_id: Set(self.tenant_id),
            owner: Set(Some(self.owner.clone())),
            epoch: Set(1),
            revision: Set(1),
            root_id: Set(self.root.map(|id| id.0)),
            takeovers: Set(0),
            alert_flag: Set(0),
            schedule_id: Set(command.schedule.map(|id| id.0)),
            backfill_id: Set(command.backfill.map(|id| id.0)),
            timezone_id: Set(command.zone.clone()),
            ..Default::default()
        }
    }
}

impl Store {
    /// Takes start commands, all in one write: `None` for those where somebody else was faster.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn claim_starts(&self, new: Arc<[NewInstance]>) -> Result<Vec<Option<InstanceId>>, Error> {
        let all = Arc::new(Inserts::of(new.clone(), self.read().get_database_backend())?);
        self.write(move |tx| {
            let (new, all) = (new.clone(), all.clone());
            Box::pin(async move {
                let ours = taken(tx, new.iter().map(|new| new.command.id.0).collect()).await?;
                let is_ours = |new: &NewInstance| ours.contains(&new.command.id.0);
                let ids = match ours.len() == new.len() {
                    true => all.carry_out(tx).await?,
                    false => {
                        let some = new.iter().filter(|new| is_ours(new)).cloned().collect();
                        Inserts::of(some, tx.get_database_backend())?.carry_out(tx).await?
                    }
                };
                let mut ids = ids.into_iter();
                Ok(new.iter().map(|new| if is_ours(new) { ids.next() } else { None }).collect())
            })
        })
        .await
    }

    /// Takes a command that revives an ended instance: a repetition or a recovery. `false` if somebody
    /// else was faster, or the instance is not ended.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn claim_again(&self, command: Command, instance: InstanceId, owner: String) -> Result<bool, Error> {
        self.write(move |tx| {
            let (command, owner) = (command.clone(), owner.clone());
            Box::pin(async move {
                if !command::delete(tx, command.id).await? {
                    return Ok(false);
                }
                revive(tx, instance, command.kind, &owner, None).await
            })
        })
        .await
    }
}

/// Deletes commands. Those that were there: of each, one master at most is told so.
async fn taken(tx: &DatabaseTransaction, commands: Vec<i32>) -> Result<HashSet<i32>, Error> {
    use wish::Column;
    let mut there = wish::Entity::find().select_only().column(Column::Id).filter(Column::Id.is_in(commands));
    // In one order, so that two who take some of the same do not wait for each other.
    there = there.order_by_asc(Column::Id);
    if !lock::has_one_writer(tx) {
        there = there.lock_exclusive();
    }
    let there: Vec<i32> = there.into_tuple().all(tx).await?;
    wish::Entity::delete_many().filter(Column::Id.is_in(there.iter().copied())).exec(tx).await?;
    Ok(there.into_iter().collect())
}

/// Makes an ended instance run again under a new epoch. What has to run again loses its valid rows:
/// everything for a repetition, else whatever did not succeed. `root` is the family of a child that its
/// parent revives; an instance that is revived by itself is a family of its own.
pub(super) async fn revive(
    tx: &DatabaseTransaction,
    instance: InstanceId,
    kind: CommandType,
    owner: &str,
    root: Option<InstanceId>,
) -> Result<bool, Error> {
    use process_instance::Column;
    let ended = State::ALL.iter().filter(|state| state.is_finished()).map(|state| state.code());
    let now = utc(Time::now());
    let Some(row) = process_instance::Entity::find_by_id(instance.0).one(tx).await? else { return Ok(false) };
    let history = appended(row.history_cmd, kind);
    let repeat = kind == CommandType::Repeat;
    let mut update = process_instance::Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Running.code()))
        .col_expr(Column::CommandType, Expr::value(kind.code()))
        .col_expr(Column::HistoryCmd, Expr::value(history))
        .col_expr(Column::Owner, Expr::value(owner.to_owned()))
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .col_expr(Column::RunTimes, Expr::col(Column::RunTimes).add(1))
        .col_expr(Column::RootId, Expr::value(root.map(|id| id.0)))
        .col_expr(Column::EndTime, Expr::value(None::<chrono::NaiveDateTime>))
        .col_expr(Column::AlertFlag, Expr::value(0))
        .col_expr(Column::Takeovers, Expr::value(0));
    if repeat {
        update = update.col_expr(Column::StartTime, Expr::value(now));
    }
    let updated = update.filter(Column::Id.eq(instance.0)).filter(Column::State.is_in(ended)).exec(tx).await?;
    if updated.rows_affected == 0 {
        return Ok(false);
    }
    let mut retired = task_instance::Entity::update_many()
        .col_expr(task_instance::Column::Flag, Expr::value(0))
        .filter(task_instance::Column::ProcessInstanceId.eq(instance.0))
        .filter(task_instance::Column::Flag.eq(1));
    if !repeat {
        retired = retired.filter(task_instance::Column::State.ne(State::Success.code()));
    }
    retired.exec(tx).await?;
    Ok(true)
}

/// The history with one more command (`EasyScheduler 1.0.1: history_cmd`).
pub(super) fn appended(history: Option<String>, kind: CommandType) -> String {
    match history {
        Some(history) if !history.is_empty() => format!("{history},{kind}"),
        _ => kind.name().to_owned(),
    }
}
