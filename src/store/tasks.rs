//! Task instances as users see them (`t_escheduler_task_instance`).

use super::entity::{process_definition, process_instance, relation_process_instance, task_instance};
use super::list::{contains, exactly, link, sparing_page};
use super::{Error, Page, Paged, Store, utc};
use crate::model::{Flag, InstanceId, Priority, ProjectId, State, TaskId, TaskType, Time};
use sea_orm::sea_query::NullOrdering;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};

/// A task without its node.
#[derive(Clone, Debug, FromQueryResult)]
pub struct TaskHead {
    pub id: TaskId,
    pub name: Option<String>,
    pub task_type: Option<String>,
    pub process_definition_id: Option<i32>,
    pub process_instance_id: Option<i32>,
    /// Filled by [`Store::tasks`] only.
    pub process_instance_name: Option<String>,
    pub state: Option<State>,
    pub submit_time: Option<Time>,
    pub start_time: Option<Time>,
    pub end_time: Option<Time>,
    pub host: Option<String>,
    pub execute_path: Option<String>,
    pub log_path: Option<String>,
    pub retry_times: Option<i32>,
    pub max_retry_times: Option<i32>,
    pub retry_interval: Option<i32>,
    pub alert_flag: Option<Flag>,
    pub flag: Option<Flag>,
    pub pid: Option<i32>,
    pub app_link: Option<String>,
    pub task_instance_priority: Option<Priority>,
    pub worker_group_id: Option<i32>,
}

/// A task and its node.
#[derive(Clone, Debug, FromQueryResult)]
pub struct FullTask {
    #[sea_orm(nested)]
    pub head: TaskHead,
    /// The node, as JSON.
    pub task_json: Option<String>,
    /// How the items of a DEPENDENT node stand, see [`crate::dependency::Report`].
    pub dependent_result: Option<String>,
}

/// Which tasks a list shows. Nothing set means all.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub instance: Option<InstanceId>,
    /// Part of the name.
    pub search: String,
    /// The whole name.
    pub name: String,
    pub host: String,
    pub state: Option<State>,
    /// Started later than this.
    pub after: Option<Time>,
    /// Started not later than this.
    pub until: Option<Time>,
}

/// Where a task has run, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct TaskPlace {
    pub task_type: Option<String>,
    pub process_definition_id: Option<i32>,
    pub process_instance_id: Option<i32>,
    pub host: Option<String>,
    pub log_path: Option<String>,
    /// How the items of a DEPENDENT node stand, see [`crate::dependency::Report`].
    pub dependent_result: Option<String>,
}

/// What a SUB_PROCESS task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubProcess {
    /// The project has no such task.
    NoTask,
    /// A task of another kind.
    OtherKind,
    NotStarted,
    Instance(InstanceId),
}

impl Store {
    /// Tasks of a project, former attempts included, newest start first and those without one last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tasks(&self, project: ProjectId, filter: &TaskFilter, part: Page) -> Result<Paged<TaskHead>, Error> {
        let instance = link::<task_instance::Entity, process_instance::Entity>(
            task_instance::Column::ProcessInstanceId,
            process_instance::Column::Id,
        );
        let shown = |rows: Select<_>| {
            shown(rows)
                .join(JoinType::LeftJoin, instance)
                .column_as(process_instance::Column::Name, "process_instance_name")
        };
        sparing_page(self.read(), found(project, filter), newest_first, shown, part).await
    }

    /// The valid attempts of an instance, newest start first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tasks_of(&self, instance: InstanceId) -> Result<Vec<FullTask>, Error> {
        use task_instance::Column;
        let rows = task_instance::Entity::find()
            .select_only()
            .filter(Column::ProcessInstanceId.eq(instance.0))
            .filter(Column::Flag.eq(Flag::Yes.code()));
        Ok(newest_first(shown(rows))
            .columns([Column::TaskJson, Column::DependentResult])
            .into_model()
            .all(self.read())
            .await?)
    }

    /// The valid attempts of some instances, without their nodes, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tasks_among(&self, instances: &[InstanceId]) -> Result<Vec<TaskHead>, Error> {
        use task_instance::Column;
        let rows = task_instance::Entity::find()
            .select_only()
            .filter(Column::ProcessInstanceId.is_in(instances.iter().map(|id| id.0)))
            .filter(Column::Flag.eq(Flag::Yes.code()));
        Ok(shown(rows).order_by_asc(Column::Id).into_model().all(self.read()).await?)
    }

    /// Where a task has run; `None` if there is no such task.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn task_place(&self, id: TaskId) -> Result<Option<TaskPlace>, Error> {
        use task_instance::Column;
        let found = task_instance::Entity::find_by_id(id.0)
            .select_only()
            .columns([Column::TaskType, Column::ProcessDefinitionId, Column::ProcessInstanceId])
            .columns([Column::Host, Column::LogPath, Column::DependentResult]);
        Ok(found.into_model().one(self.read()).await?)
    }

    /// The instance that a SUB_PROCESS task of a project runs.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sub_process(&self, project: ProjectId, task: TaskId) -> Result<SubProcess, Error> {
        use relation_process_instance::Column as Relation;
        use task_instance::Column;
        let found =
            of_project(project).columns([Column::TaskType, Column::ProcessInstanceId]).filter(Column::Id.eq(task.0));
        let found: Option<(Option<String>, Option<i32>)> = found.into_tuple().one(self.read()).await?;
        let Some((kind, parent)) = found else { return Ok(SubProcess::NoTask) };
        if kind.as_deref() != Some(TaskType::SubProcess.name()) {
            return Ok(SubProcess::OtherKind);
        }
        let child: Option<Option<i32>> = relation_process_instance::Entity::find()
            .select_only()
            .column(Relation::ProcessInstanceId)
            .filter(Relation::ParentProcessInstanceId.eq(parent))
            .filter(Relation::ParentTaskInstanceId.eq(task.0))
            .order_by_desc(Relation::Id)
            .into_tuple()
            .one(self.read())
            .await?;
        let child = child.flatten().filter(|id| *id != 0);
        Ok(child.map_or(SubProcess::NotStarted, |id| SubProcess::Instance(InstanceId(id))))
    }
}

/// What a list shows; without filters, an index tells it all.
pub(super) fn found(project: ProjectId, filter: &TaskFilter) -> Select<task_instance::Entity> {
    use task_instance::Column;
    of_project(project)
        .filter(contains(Column::Name, &filter.search))
        .filter(contains(Column::Host, &filter.host))
        .apply_if(filter.instance, |rows, id| rows.filter(Column::ProcessInstanceId.eq(id.0)))
        .apply_if((!filter.name.is_empty()).then_some(&filter.name), |rows, name| {
            rows.filter(exactly(Column::Name, name))
        })
        .apply_if(filter.state, |rows, state| rows.filter(Column::State.eq(state.code())))
        .apply_if(filter.after, |rows, time| rows.filter(Column::StartTime.gt(utc(time))))
        .apply_if(filter.until, |rows, time| rows.filter(Column::StartTime.lte(utc(time))))
}

/// Tasks of the definitions of a project.
fn of_project(project: ProjectId) -> Select<task_instance::Entity> {
    let definitions = process_definition::Entity::find()
        .select_only()
        .column(process_definition::Column::Id)
        .filter(process_definition::Column::ProjectId.eq(project.0))
        .into_query();
    task_instance::Entity::find()
        .select_only()
        .filter(task_instance::Column::ProcessDefinitionId.in_subquery(definitions))
}

pub(super) fn newest_first(tasks: Select<task_instance::Entity>) -> Select<task_instance::Entity> {
    tasks
        .order_by_with_nulls(task_instance::Column::StartTime, Order::Desc, NullOrdering::Last)
        .order_by_desc(task_instance::Column::Id)
}

fn shown(tasks: Select<task_instance::Entity>) -> Select<task_instance::Entity> {
    use task_instance::Column;
    tasks
        .columns([Column::Id, Column::Name, Column::TaskType, Column::ProcessDefinitionId])
        .columns([Column::ProcessInstanceId, Column::State, Column::SubmitTime, Column::StartTime, Column::EndTime])
        .columns([Column::Host, Column::ExecutePath, Column::LogPath, Column::RetryTimes, Column::MaxRetryTimes])
        .columns([Column::RetryInterval, Column::AlertFlag, Column::Flag, Column::Pid, Column::AppLink])
        .columns([Column::TaskInstancePriority, Column::WorkerGroupId])
}
