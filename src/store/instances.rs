//! Process instances as users see them (`t_escheduler_process_instance`). What a master needs of one is
//! [`super::Loaded`].

use super::entity::{
    command, process_definition, process_instance, queue, relation_process_instance, task_instance, tenant, user,
    worker_group,
};
use super::list::{contains, link, sparing_page};
use super::{Error, Page, Paged, Store, lock, utc};
use crate::model::{
    CommandType, DefinitionId, FailureStrategy, Flag, InstanceId, Priority, ProjectId, State, TaskDependType, Time,
    WarningType,
};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};

/// An instance without its long texts.
#[derive(Clone, Debug, FromQueryResult)]
pub struct InstanceHead {
    pub id: InstanceId,
    pub process_definition_id: Option<i32>,
    pub name: Option<String>,
    pub state: Option<State>,
    pub recovery: Option<Flag>,
    pub start_time: Option<Time>,
    pub end_time: Option<Time>,
    pub run_times: Option<i32>,
    pub max_try_times: Option<i32>,
    pub host: Option<String>,
    pub command_type: Option<CommandType>,
    pub command_param: Option<String>,
    pub task_depend_type: Option<TaskDependType>,
    pub failure_strategy: Option<FailureStrategy>,
    pub warning_type: Option<WarningType>,
    pub warning_group_id: Option<i32>,
    pub schedule_time: Option<Time>,
    pub command_start_time: Option<Time>,
    pub global_params: Option<String>,
    pub executor_id: i32,
    pub is_sub_process: Option<Flag>,
    pub history_cmd: Option<String>,
    pub dependence_schedule_times: Option<String>,
    pub process_instance_priority: Option<Priority>,
    pub worker_group_id: Option<i32>,
    pub timeout: Option<i32>,
    pub tenant_id: i32,
    /// The zone that its dates are computed in, if it is not the server's.
    pub timezone_id: Option<String>,
}

/// An instance with everything.
#[derive(Clone, Debug, FromQueryResult)]
pub struct FullInstance {
    #[sea_orm(nested)]
    pub head: InstanceHead,
    pub process_instance_json: Option<String>,
    pub locations: Option<String>,
    pub connects: Option<String>,
    pub receivers: Option<String>,
    pub receivers_cc: Option<String>,
    pub worker_group_name: Option<String>,
    /// The author of the definition.
    pub author: Option<i32>,
}

/// Which instances a list shows. Nothing set means all.
#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    pub definition: Option<DefinitionId>,
    pub name: String,
    pub host: String,
    pub state: Option<State>,
    /// Started later than this.
    pub after: Option<Time>,
    /// Started not later than this.
    pub until: Option<Time>,
}

/// Why an instance was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeleted {
    Missing,
    /// It, or one of its family, has not ended.
    Live(InstanceId),
}

impl Store {
    /// Instances of a project, sub-processes left out, newest start first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn instances(
        &self,
        project: ProjectId,
        filter: &InstanceFilter,
        part: Page,
    ) -> Result<Paged<InstanceHead>, Error> {
        sparing_page(self.read(), found(project, filter), newest_first, shown, part).await
    }

    /// An instance of a project, with everything.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn full_instance(&self, project: ProjectId, id: InstanceId) -> Result<Option<FullInstance>, Error> {
        use process_definition::Column as Definition;
        use process_instance::Column;
        let group =
            link::<process_instance::Entity, worker_group::Entity>(Column::WorkerGroupId, worker_group::Column::Id);
        let definition =
            link::<process_instance::Entity, process_definition::Entity>(Column::ProcessDefinitionId, Definition::Id);
        let found = shown(of_project(project))
            .join(JoinType::InnerJoin, definition)
            .join(JoinType::LeftJoin, group)
            .columns([Column::ProcessInstanceJson, Column::Locations, Column::Connects])
            .columns([Definition::Receivers, Definition::ReceiversCc])
            .column_as(Definition::UserId, "author")
            .column_as(worker_group::Column::Name, "worker_group_name")
            .filter(Column::Id.eq(id.0));
        Ok(found.into_model().one(self.read()).await?)
    }

    /// The newest runs of a definition, as a sub-process too, newest start first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn newest_instances(&self, definition: DefinitionId, most: u64) -> Result<Vec<InstanceHead>, Error> {
        use process_instance::Column;
        let found = process_instance::Entity::find().select_only().filter(Column::ProcessDefinitionId.eq(definition.0));
        let newest = newest_first(shown(found)).limit(most);
        Ok(newest.into_model().all(self.read()).await?)
    }

    /// The instance whose task runs this one; `None` if it is nobody's sub-process, `Some(None)` if that is not known
    /// any more.
    ///
    /// # Errors
    /// The database cannot be read; [`Error::Missing`] if the project has no such instance.
    pub async fn parent_instance(
        &self,
        project: ProjectId,
        id: InstanceId,
    ) -> Result<Option<Option<InstanceId>>, Error> {
        use process_instance::Column;
        use relation_process_instance::Column as Relation;
        let found = of_project(project).column(Column::IsSubProcess).filter(Column::Id.eq(id.0));
        let is_sub_process: Option<Option<i32>> = found.into_tuple().one(self.read()).await?;
        match is_sub_process {
            None => return Err(Error::Missing(format!("process instance {id}"))),
            Some(Some(1)) => {}
            Some(_) => return Ok(None),
        }
        let parent: Option<Option<i32>> = relation_process_instance::Entity::find()
            .select_only()
            .column(Relation::ParentProcessInstanceId)
            .filter(Relation::ProcessInstanceId.eq(id.0))
            .order_by_desc(Relation::Id)
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(Some(parent.flatten().filter(|id| *id != 0).map(InstanceId)))
    }

    /// The state of an instance of a project.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn state_in(&self, project: ProjectId, id: InstanceId) -> Result<Option<State>, Error> {
        use process_instance::Column;
        let found = of_project(project).column(Column::State).filter(Column::Id.eq(id.0));
        let state: Option<Option<i32>> = found.into_tuple().one(self.read()).await?;
        Ok(state.map(|code| code.and_then(State::from_code).unwrap_or(State::Submitted)))
    }

    /// The tenant's code and its queue that the tasks of an instance run under: the instance's own tenant, else
    /// that of the first of these users who has one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tenant_of_run(
        &self,
        tenant_id: i32,
        users: impl IntoIterator<Item = i32>,
    ) -> Result<Option<(String, Option<String>)>, Error> {
        let of_user = link::<tenant::Entity, user::Entity>(tenant::Column::Id, user::Column::TenantId);
        let of_user = || tenant::Entity::find().join(JoinType::InnerJoin, of_user.clone());
        let mut candidates = vec![tenant::Entity::find().filter(tenant::Column::Id.eq(tenant_id))];
        candidates.extend(users.into_iter().map(|id| of_user().filter(user::Column::Id.eq(id))));
        for candidate in candidates {
            let queue = link::<tenant::Entity, queue::Entity>(tenant::Column::QueueId, queue::Column::Id);
            let found: Option<(Option<String>, Option<String>)> = candidate
                .join(JoinType::LeftJoin, queue)
                .select_only()
                .column(tenant::Column::TenantCode)
                .column(queue::Column::Queue)
                .into_tuple()
                .one(self.read())
                .await?;
            if let Some((Some(code), queue)) = found {
                return Ok(Some((code, queue)));
            }
        }
        Ok(None)
    }

    /// Deletes an instance that has ended, with its children, its tasks and what was still wished of it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_instance(&self, project: ProjectId, id: InstanceId) -> Result<Result<(), Undeleted>, Error> {
        self.change(move |tx| {
            Box::pin(async move {
                use process_instance::Column;
                lock::row::<process_instance::Entity>(tx, id.0).await?;
                let found = of_project(project).column(Column::RootId).filter(Column::Id.eq(id.0));
                let Some(root): Option<Option<i32>> = found.into_tuple().one(tx).await? else {
                    return Ok(Err(Undeleted::Missing));
                };
                let family = family(tx, id.0).await?;
                let watched = family.iter().copied().chain(root);
                let live: Option<i32> = process_instance::Entity::find()
                    .select_only()
                    .column(Column::Id)
                    .filter(Column::Id.is_in(watched))
                    .filter(Column::State.is_in(State::ALL.iter().filter(|s| !s.is_finished()).map(|s| s.code())))
                    .into_tuple()
                    .one(tx)
                    .await?;
                if let Some(live) = live {
                    return Ok(Err(Undeleted::Live(InstanceId(live))));
                }
                remove(tx, &family).await?;
                Ok(Ok(()))
            })
        })
        .await
    }
}

/// What a list shows; without filters, an index tells it all.
pub(super) fn found(project: ProjectId, filter: &InstanceFilter) -> Select<process_instance::Entity> {
    use process_instance::Column;
    let top = Condition::any().add(Column::IsSubProcess.is_null()).add(Column::IsSubProcess.eq(0));
    of_project(project)
        .filter(top)
        .filter(contains(Column::Name, &filter.name))
        .filter(contains(Column::Host, &filter.host))
        .apply_if(filter.definition, |rows, id| rows.filter(Column::ProcessDefinitionId.eq(id.0)))
        .apply_if(filter.state, |rows, state| rows.filter(Column::State.eq(state.code())))
        .apply_if(filter.after, |rows, time| rows.filter(Column::StartTime.gt(utc(time))))
        .apply_if(filter.until, |rows, time| rows.filter(Column::StartTime.lte(utc(time))))
}

/// The instance and everything below it.
async fn family(tx: &DatabaseTransaction, id: i32) -> Result<Vec<i32>, Error> {
    use relation_process_instance::Column;
    let mut family = vec![id];
    let mut parents = vec![id];
    while !parents.is_empty() {
        let children: Vec<Option<i32>> = relation_process_instance::Entity::find()
            .select_only()
            .column(Column::ProcessInstanceId)
            .filter(Column::ParentProcessInstanceId.is_in(parents))
            .into_tuple()
            .all(tx)
            .await?;
        parents = children.into_iter().flatten().filter(|child| *child != 0 && !family.contains(child)).collect();
        parents.dedup();
        family.extend(&parents);
    }
    Ok(family)
}

async fn remove(tx: &DatabaseTransaction, family: &[i32]) -> Result<(), Error> {
    use relation_process_instance::Column as Relation;
    // SQLite takes 32,766 values in a statement.
    for some in family.chunks(10_000) {
        let ids = || some.iter().copied();
        let related = Condition::any()
            .add(Relation::ParentProcessInstanceId.is_in(ids()))
            .add(Relation::ProcessInstanceId.is_in(ids()));
        relation_process_instance::Entity::delete_many().filter(related).exec(tx).await?;
        command::Entity::delete_many().filter(command::Column::ProcessInstanceId.is_in(ids())).exec(tx).await?;
        let tasks = task_instance::Column::ProcessInstanceId.is_in(ids());
        task_instance::Entity::delete_many().filter(tasks).exec(tx).await?;
        process_instance::Entity::delete_many().filter(process_instance::Column::Id.is_in(ids())).exec(tx).await?;
    }
    Ok(())
}

/// Instances of the definitions of a project.
pub(super) fn of_project(project: ProjectId) -> Select<process_instance::Entity> {
    let definitions = process_definition::Entity::find()
        .select_only()
        .column(process_definition::Column::Id)
        .filter(process_definition::Column::ProjectId.eq(project.0))
        .into_query();
    process_instance::Entity::find()
        .select_only()
        .filter(process_instance::Column::ProcessDefinitionId.in_subquery(definitions))
}

pub(super) fn newest_first(instances: Select<process_instance::Entity>) -> Select<process_instance::Entity> {
    instances.order_by_desc(process_instance::Column::StartTime).order_by_desc(process_instance::Column::Id)
}

pub(super) fn shown(instances: Select<process_instance::Entity>) -> Select<process_instance::Entity> {
    use process_instance::Column;
    instances
        .columns([Column::Id, Column::ProcessDefinitionId, Column::Name, Column::State, Column::Recovery])
        .columns([Column::StartTime, Column::EndTime, Column::RunTimes, Column::MaxTryTimes, Column::Host])
        .columns([Column::CommandType, Column::CommandParam, Column::TaskDependType, Column::FailureStrategy])
        .columns([Column::WarningType, Column::WarningGroupId, Column::ScheduleTime, Column::CommandStartTime])
        .columns([Column::GlobalParams, Column::ExecutorId, Column::IsSubProcess, Column::HistoryCmd])
        .columns([Column::DependenceScheduleTimes, Column::ProcessInstancePriority, Column::WorkerGroupId])
        .columns([Column::Timeout, Column::TenantId, Column::TimezoneId])
}
