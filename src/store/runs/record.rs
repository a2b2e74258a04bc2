//! One step of an instance, in one write.

use super::claim::{NewInstance, appended, revive};
use super::{command, insert};
use crate::calls::{Holder, Place};
use crate::model::{CommandId, CommandType, InstanceId, ShowType, State, Tag, TaskId, Time};
use crate::store::entity::{alert, process_instance, relation_process_instance, task_instance};
use crate::store::{Error, Store, utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use std::collections::HashMap;
use std::sync::Arc;

/// What a step changes. Guarded by the epoch and revision that the master believes in.
#[derive(Clone, Debug)]
pub struct Step {
    pub instance: InstanceId,
    pub epoch: i32,
    pub revision: i64,
    pub at: Time,
    /// The instance's new state.
    pub state: Option<State>,
    /// The time-out alert was raised.
    pub warned: bool,
    /// Orders that this step obeys: appended to the history, and their rows deleted.
    pub orders: Vec<(CommandId, CommandType)>,
    pub inserts: Vec<NewTask>,
    pub changes: Vec<TaskChange>,
    /// Attempts that are not the newest of their node any more.
    pub superseded: Vec<TaskId>,
    pub alerts: Vec<NewAlert>,
}

/// A new attempt.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub name: String,
    pub kind: &'static str,
    pub definition: i32,
    /// The node as JSON text (`EasyScheduler 1.0.1: task_json`).
    pub json: Arc<str>,
    pub state: State,
    pub tag: Tag,
    pub attempt: u32,
    pub retries: u32,
    pub max_retries: u32,
    pub retry_interval: u32,
    pub priority: i32,
    pub worker_group: i32,
    /// Who may run it; nobody yet, if it has to wait.
    pub holder: Option<Holder>,
    /// A SUB_PROCESS node's child, inserted or revived in the same write.
    pub child: Option<ChildStart>,
}

/// What a SUB_PROCESS attempt begins.
#[derive(Clone, Debug)]
pub enum ChildStart {
    New(Box<NewInstance>),
    Revive { instance: InstanceId, kind: CommandType, owner: String, root: InstanceId },
}

/// What became known of an attempt. `None` leaves the column as it is.
#[derive(Clone, Debug, Default)]
pub struct TaskChange {
    pub task: i32,
    pub state: Option<State>,
    pub started_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub warned: bool,
    pub place: Option<Place>,
    /// The attempt is granted to this holder, and to nobody else.
    pub holder: Option<Holder>,
    /// How the items of a DEPENDENT node stand.
    pub dependent: Option<String>,
}

#[derive(Clone, Debug)]
pub struct NewAlert {
    pub title: String,
    pub show_type: ShowType,
    pub content: String,
    pub group: i32,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
}

/// The ids that the database gave, by tag.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub tasks: HashMap<Tag, TaskId>,
    /// The child of each SUB_PROCESS attempt; `None` if it could not be revived.
    pub children: HashMap<Tag, Option<InstanceId>>,
}

impl Store {
    /// Records a step: all of it or nothing. Repeating a step whose answer was lost records nothing new
    /// and returns what the first one did.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the instance has another owner or was changed meanwhile.
    pub async fn record(&self, step: Arc<Step>) -> Result<Recorded, Error> {
        self.write(move |tx| {
            let step = step.clone();
            Box::pin(async move {
                match step.guard(tx).await? {
                    Guard::Passed => step.write(tx).await,
                    Guard::RecordedBefore => step.read_back(tx).await,
                }
            })
        })
        .await
    }
}

enum Guard {
    Passed,
    RecordedBefore,
}

impl Step {
    /// Whether the instance, or an attempt of it, ends in this step.
    pub fn ends_something(&self) -> bool {
        let ends = |state: Option<State>| state.is_some_and(State::is_finished);
        ends(self.state) || self.changes.iter().any(|change| ends(change.state))
    }

    /// The first statement of the transaction: whoever passes it holds the row.
    async fn guard(&self, tx: &DatabaseTransaction) -> Result<Guard, Error> {
        use process_instance::Column;
        let mut update = process_instance::Entity::update_many()
            .col_expr(Column::Revision, Expr::value(self.revision + 1))
            .col_expr(Column::UpdateTime, Expr::value(utc(self.at)))
            .col_expr(Column::Takeovers, Expr::value(0));
        if let Some(state) = self.state {
            update = update.col_expr(Column::State, Expr::value(state.code()));
            if state.is_finished() {
                update = update.col_expr(Column::EndTime, Expr::value(utc(self.at)));
            }
        }
        if self.warned {
            update = update.col_expr(Column::AlertFlag, Expr::value(1));
        }
        let updated = update
            .filter(Column::Id.eq(self.instance.0))
            .filter(Column::Epoch.eq(self.epoch))
            .filter(Column::Revision.eq(self.revision))
            .exec(tx)
            .await?;
        if updated.rows_affected == 1 {
            return Ok(Guard::Passed);
        }
        let row: Option<(i32, i64)> = process_instance::Entity::find_by_id(self.instance.0)
            .select_only()
            .columns([Column::Epoch, Column::Revision])
            .into_tuple()
            .one(tx)
            .await?;
        match row {
            Some((epoch, revision)) if epoch == self.epoch && revision == self.revision + 1 => {
                Ok(Guard::RecordedBefore)
            }
            _ => Err(Error::Conflict(format!("process instance {}", self.instance))),
        }
    }

    async fn write(&self, tx: &DatabaseTransaction) -> Result<Recorded, Error> {
        self.obey(tx).await?;
        for change in &self.changes {
            change.write(tx).await?;
        }
        if !self.superseded.is_empty() {
            task_instance::Entity::update_many()
                .col_expr(task_instance::Column::Flag, Expr::value(0))
                .filter(task_instance::Column::Id.is_in(self.superseded.iter().map(|id| id.0)))
                .exec(tx)
                .await?;
        }
        let recorded = self.insert_tasks(tx).await?;
        self.insert_alerts(tx).await?;
        Ok(recorded)
    }

    async fn obey(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        let Some((_, last)) = self.orders.last() else { return Ok(()) };
        use process_instance::Column;
        for (command, _) in &self.orders {
            command::delete(tx, *command).await?;
        }
        let history: Option<Option<String>> = process_instance::Entity::find_by_id(self.instance.0)
            .select_only()
            .column(Column::HistoryCmd)
            .into_tuple()
            .one(tx)
            .await?;
        let history = self.orders.iter().fold(history.flatten(), |history, (_, kind)| Some(appended(history, *kind)));
        process_instance::Entity::update_many()
            .col_expr(Column::HistoryCmd, Expr::value(history))
            .col_expr(Column::CommandType, Expr::value(last.code()))
            .filter(Column::Id.eq(self.instance.0))
            .exec(tx)
            .await?;
        Ok(())
    }

    async fn insert_tasks(&self, tx: &DatabaseTransaction) -> Result<Recorded, Error> {
        let mut recorded = Recorded::default();
        // SQLite takes 32,766 values in a statement, other databases 65,535.
        for chunk in self.inserts.chunks(500) {
            let rows = chunk.iter().map(|new| new.row(self.instance, self.at));
            let inserted = task_instance::Entity::insert_many(rows).exec(tx).await?;
            let last = inserted.last_insert_id.unwrap_or_default();
            recorded.tasks.extend(self.ids(tx, chunk, last).await?);
        }
        for new in &self.inserts {
            let Some(child) = &new.child else { continue };
            let task = recorded.tasks[&new.tag];
            recorded.children.insert(new.tag, self.begin_child(tx, task, child).await?);
        }
        Ok(recorded)
    }

    async fn begin_child(
        &self,
        tx: &DatabaseTransaction,
        task: TaskId,
        child: &ChildStart,
    ) -> Result<Option<InstanceId>, Error> {
        let child = match child {
            ChildStart::New(new) => Some(insert::one(tx, new).await?),
            ChildStart::Revive { instance, kind, owner, root } => {
                revive(tx, *instance, *kind, owner, Some(*root)).await?.then_some(*instance)
            }
        };
        if let Some(child) = child {
            let link = relation_process_instance::ActiveModel {
                parent_process_instance_id: Set(Some(self.instance.0)),
                parent_task_instance_id: Set(Some(task.0)),
                process_instance_id: Set(Some(child.0)),
                ..Default::default()
            };
            link.insert(tx).await?;
        }
        Ok(child)
    }

    async fn insert_alerts(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        if self.alerts.is_empty() {
            return Ok(());
        }
        let now = utc(self.at);
        let rows = self.alerts.iter().map(|new| alert::ActiveModel {
            title: Set(Some(new.title.clone())),
            show_type: Set(Some(new.show_type.code())),
            content: Set(Some(new.content.clone())),
            alert_type: Set(Some(0)),
            alert_status: Set(Some(0)),
            alertgroup_id: Set(Some(new.group)),
            receivers: Set(new.receivers.clone()),
            receivers_cc: Set(new.receivers_cc.clone()),
            create_time: Set(Some(now)),
            update_time: Set(Some(now)),
            ..Default::default()
        });
        alert::Entity::insert_many(rows).exec_without_returning(tx).await?;
        Ok(())
    }

    /// The ids that new rows got. Databases tell one of them: MySQL the first, others the last. The rest is
    /// close by, and is looked up by key.
    async fn ids(&self, tx: &DatabaseTransaction, chunk: &[NewTask], told: i32) -> Result<Vec<(Tag, TaskId)>, Error> {
        if let [new] = chunk {
            return Ok(vec![(new.tag, TaskId(told))]);
        }
        let count = chunk.len() as i32;
        let close = task_instance::Column::Id.between(told.saturating_sub(count), told.saturating_add(count));
        let ids = tagged(tx, chunk, close).await?;
        if ids.len() == chunk.len() {
            return Ok(ids);
        }
        tagged(tx, chunk, task_instance::Column::ProcessInstanceId.eq(self.instance.0)).await
    }

    /// The ids that this very step got when it was recorded the first time.
    async fn read_back(&self, tx: &DatabaseTransaction) -> Result<Recorded, Error> {
        let mut recorded = Recorded::default();
        for chunk in self.inserts.chunks(500) {
            let own = task_instance::Column::ProcessInstanceId.eq(self.instance.0);
            recorded.tasks.extend(tagged(tx, chunk, own).await?);
        }
        for new in self.inserts.iter().filter(|new| new.child.is_some()) {
            let Some(task) = recorded.tasks.get(&new.tag) else { continue };
            let link = relation_process_instance::Entity::find()
                .filter(relation_process_instance::Column::ParentProcessInstanceId.eq(self.instance.0))
                .filter(relation_process_instance::Column::ParentTaskInstanceId.eq(task.0))
                .one(tx)
                .await?;
            recorded.children.insert(new.tag, link.and_then(|link| link.process_instance_id).map(InstanceId));
        }
        Ok(recorded)
    }
}

/// Tags and ids of the rows of `chunk` among those that `place` names.
async fn tagged(
    tx: &DatabaseTransaction,
    chunk: &[NewTask],
    place: impl IntoCondition,
) -> Result<Vec<(Tag, TaskId)>, Error> {
    let rows: Vec<(i32, Option<i64>)> = task_instance::Entity::find()
        .select_only()
        .columns([task_instance::Column::Id, task_instance::Column::Tag])
        .filter(place)
        .filter(task_instance::Column::Tag.is_in(chunk.iter().map(|new| new.tag.to_column())))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().filter_map(|(id, tag)| Some((Tag::from_column(tag?), TaskId(id)))).collect())
}

impl NewTask {
    fn row(&self, instance: InstanceId, now: Time) -> task_instance::ActiveModel {
        let ended_at = self.state.is_finished().then(|| utc(now));
        task_instance::ActiveModel {
            name: Set(Some(self.name.clone())),
            task_type: Set(Some(self.kind.to_owned())),
            process_definition_id: Set(Some(self.definition)),
            process_instance_id: Set(Some(instance.0)),
            task_json: Set(Some(self.json.to_string())),
            state: Set(Some(self.state.code())),
            submit_time: Set(Some(utc(now))),
            end_time: Set(ended_at),
            alert_flag: Set(Some(0)),
            retry_times: Set(Some(self.retries as i32)),
            pid: Set(Some(0)),
            flag: Set(Some(1)),
            retry_interval: Set(Some(self.retry_interval as i32)),
            max_retry_times: Set(Some(self.max_retries as i32)),
            task_instance_priority: Set(Some(self.priority)),
            worker_group_id: Set(Some(self.worker_group)),
            tag: Set(Some(self.tag.to_column())),
            attempt: Set(self.attempt as i32),
            holder: Set(self.holder.as_ref().map(|holder| holder.worker.clone())),
            incarnation: Set(self.holder.as_ref().map(|holder| format!("{:016x}", holder.incarnation))),
            ..Default::default()
        }
    }
}

impl TaskChange {
    async fn write(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        use task_instance::Column;
        let mut row = <task_instance::ActiveModel as Default>::default();
        if let Some(state) = self.state {
            row.state = Set(Some(state.code()));
        }
        if let Some(at) = self.started_at {
            row.start_time = Set(Some(utc(at)));
        }
        if let Some(at) = self.ended_at {
            row.end_time = Set(Some(utc(at)));
        }
        if self.warned {
            row.alert_flag = Set(Some(1));
        }
        if let Some(holder) = &self.holder {
            row.holder = Set(Some(holder.worker.clone()));
            row.incarnation = Set(Some(format!("{:016x}", holder.incarnation)));
        }
        if let Some(dependent) = &self.dependent {
            row.dependent_result = Set(Some(dependent.clone()));
        }
        if let Some(place) = &self.place {
            row.host = Set(Some(place.host.clone()));
            row.execute_path = Set(place.execute_path.clone());
            row.log_path = Set(place.log_path.clone());
            row.app_link = Set(Some(String::new()));
            if let Some(pid) = place.pid {
                row.pid = Set(Some(pid as i32));
            }
        }
        task_instance::Entity::update_many().set(row).filter(Column::Id.eq(self.task)).exec(tx).await?;
        Ok(())
    }
}
