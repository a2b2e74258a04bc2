//! Reads an instance, with all that a master needs to drive it.

use crate::model::{
    CommandType, DefinitionId, FailureStrategy, InstanceId, Priority, ProjectId, State, TaskDependType, TaskId, UserId,
    WarningType, param,
};
use crate::store::entity::{
    process_definition, process_instance, relation_process_instance, task_instance, tenant, user,
};
use crate::store::runs::{Child, Definition, Loaded, LoadedTask, NewInstance, Parent};
use crate::store::{Error, Store, instant};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;

impl Store {
    /// Reads an instance with its tasks.
    ///
    /// # Errors
    /// The instance does not exist, or the database cannot be read.
    pub async fn load(&self, id: InstanceId) -> Result<Loaded, Error> {
        let row = process_instance::Entity::find_by_id(id.0).one(self.read()).await?;
        let row = row.ok_or_else(|| Error::Missing(format!("process instance {id}")))?;
        let definition_id = row.process_definition_id.unwrap_or_default();
        let definition = process_definition::Entity::find_by_id(definition_id).one(self.read()).await?;
        let author = definition.as_ref().and_then(|definition| definition.user_id).map(UserId);
        let tenant = self.tenant_of(row.tenant_id, author, UserId(row.executor_id)).await?;
        let is_child = row.is_sub_process == Some(1);
        let again = row.run_times.unwrap_or(1) > 1;
        let names: HashMap<i32, String> = if again { self.task_names(id).await? } else { HashMap::new() };
        let tasks = self.valid_tasks(id).await?;
        let history = row.history_cmd.unwrap_or_default();
        let code = |code: Option<i32>| code.unwrap_or_default();
        Ok(Loaded {
            id,
            name: row.name.unwrap_or_default(),
            definition: DefinitionId(definition_id),
            definition_name: definition.as_ref().and_then(|d| d.name.clone()).unwrap_or_default(),
            project: ProjectId(definition.as_ref().and_then(|d| d.project_id).unwrap_or_default()),
            state: State::from_code(code(row.state)).unwrap_or(State::Running),
            owner: row.owner,
            epoch: row.epoch,
            revision: row.revision,
            takeovers: row.takeovers,
            command: CommandType::from_code(code(row.command_type)).unwrap_or(CommandType::StartProcess),
            history,
            start_nodes: row
                .command_param
                .as_deref()
                .and_then(|text| param::read(text, param::START_NODES))
                .unwrap_or_default(),
            depend: row.task_depend_type.and_then(TaskDependType::from_code).unwrap_or(TaskDependType::Post),
            strategy: FailureStrategy::from_code(code(row.failure_strategy)).unwrap_or(FailureStrategy::End),
            warning: WarningType::from_code(code(row.warning_type)).unwrap_or(WarningType::None),
            warning_group: row.warning_group_id.unwrap_or_default(),
            priority: row.process_instance_priority.and_then(Priority::from_code).unwrap_or(Priority::Medium),
            executor: UserId(row.executor_id),
            worker_group: row.worker_group_id.unwrap_or(-1),
            started_at: row.start_time.map(instant).unwrap_or_default(),
            command_start_time: row.command_start_time.map(instant).unwrap_or_default(),
            schedule_time: row.schedule_time.map(instant),
            zone: row.timezone_id,
            run_times: row.run_times.unwrap_or(1),
            timeout_minutes: row.timeout.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or_default(),
            warned: row.alert_flag != 0,
            tenant,
            host: row.host.unwrap_or_default(),
            document: row.process_instance_json.unwrap_or_default().into(),
            globals: row.global_params.unwrap_or_else(|| "[]".into()),
            receivers: definition.as_ref().and_then(|d| d.receivers.clone()),
            receivers_cc: definition.and_then(|d| d.receivers_cc),
            root: InstanceId(row.root_id.unwrap_or(id.0)),
            parent: if is_child { self.parent_of(id).await? } else { None },
            attempts: if again { self.attempts(id).await? } else { HashMap::new() },
            children: self.children_of(id, &names, &tasks).await?,
            tasks,
        })
    }

    async fn valid_tasks(&self, id: InstanceId) -> Result<Vec<LoadedTask>, Error> {
        use task_instance::Column;
        let rows = task_instance::Entity::find()
            .filter(Column::ProcessInstanceId.eq(id.0))
            .filter(Column::Flag.eq(1))
            .order_by_asc(Column::Id)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(LoadedTask::of).collect())
    }

    async fn attempts(&self, id: InstanceId) -> Result<HashMap<String, u32>, Error> {
        use task_instance::Column;
        let rows: Vec<(Option<String>, Option<i32>)> = task_instance::Entity::find()
            .select_only()
            .column(Column::Name)
            .column_as(Column::Attempt.max(), "attempt")
            .filter(Column::ProcessInstanceId.eq(id.0))
            .group_by(Column::Name)
            .into_tuple()
            .all(self.read())
            .await?;
        let counted = |(name, attempt): (Option<String>, Option<i32>)| {
            (name.unwrap_or_default(), attempt.and_then(|count| u32::try_from(count).ok()).unwrap_or_default())
        };
        Ok(rows.into_iter().map(counted).collect())
    }

    /// Names of all task rows, superseded ones included.
    async fn task_names(&self, id: InstanceId) -> Result<HashMap<i32, String>, Error> {
        use task_instance::Column;
        let rows: Vec<(i32, Option<String>)> = task_instance::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name])
            .filter(Column::ProcessInstanceId.eq(id.0))
            .filter(Column::TaskType.eq("SUB_PROCESS"))
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(|(id, name)| (id, name.unwrap_or_default())).collect())
    }

    async fn parent_of(&self, id: InstanceId) -> Result<Option<Parent>, Error> {
        use relation_process_instance::Column;
        let link = relation_process_instance::Entity::find()
            .filter(Column::ProcessInstanceId.eq(id.0))
            .order_by_desc(Column::Id)
            .one(self.read())
            .await?;
        Ok(link.and_then(|link| {
            Some(Parent {
                instance: InstanceId(link.parent_process_instance_id?),
                task: TaskId(link.parent_task_instance_id?),
            })
        }))
    }

    async fn children_of(
        &self,
        id: InstanceId,
        former: &HashMap<i32, String>,
        tasks: &[LoadedTask],
    ) -> Result<HashMap<String, Child>, Error> {
        if former.is_empty() && !tasks.iter().any(|task| task.kind == "SUB_PROCESS") {
            return Ok(HashMap::new());
        }
        use relation_process_instance::Column;
        let links = relation_process_instance::Entity::find()
            .filter(Column::ParentProcessInstanceId.eq(id.0))
            .order_by_asc(Column::Id)
            .all(self.read())
            .await?;
        let ids: Vec<i32> = links.iter().filter_map(|link| link.process_instance_id).collect();
        let states: HashMap<i32, Option<i32>> = process_instance::Entity::find()
            .select_only()
            .columns([process_instance::Column::Id, process_instance::Column::State])
            .filter(process_instance::Column::Id.is_in(ids))
            .into_tuple::<(i32, Option<i32>)>()
            .all(self.read())
            .await?
            .into_iter()
            .collect();
        let mut children = HashMap::new();
        for link in links {
            let (Some(task), Some(child)) = (link.parent_task_instance_id, link.process_instance_id) else { continue };
            let current = tasks.iter().find(|known| known.id.0 == task).map(|known| known.name.clone());
            let Some(name) = current.or_else(|| former.get(&task).cloned()) else { continue };
            let Some(state) = states.get(&child).copied().flatten().and_then(State::from_code) else { continue };
            children.insert(name, Child { instance: InstanceId(child), task: TaskId(task), state });
        }
        Ok(children)
    }

    /// The account that tasks run under: the definition's tenant, else its author's, else the executor's
    /// (`EasyScheduler 1.1.0: tenant rule`).
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tenant_of(&self, own: i32, author: Option<UserId>, executor: UserId) -> Result<Option<String>, Error> {
        let mut users = vec![executor];
        users.splice(0..0, author.filter(|author| *author != executor));
        let mut candidates = vec![Some(own).filter(|id| *id > 0)];
        for user in users {
            let found = user::Entity::find_by_id(user.0).one(self.read()).await?;
            candidates.push(found.and_then(|user| user.tenant_id).filter(|id| *id > 0));
        }
        for id in candidates.into_iter().flatten() {
            let found = tenant::Entity::find_by_id(id).one(self.read()).await?;
            if let Some(code) = found.and_then(|tenant| tenant.tenant_code).filter(|code| !code.is_empty()) {
                return Ok(Some(code));
            }
        }
        Ok(None)
    }
}

impl Loaded {
    /// What [`Store::load`] would read of an instance that was made just now, without reading it.
    pub fn fresh(id: InstanceId, new: NewInstance, definition: &Definition, tenant: Option<String>) -> Loaded {
        let command = new.command;
        Loaded {
            id,
            name: new.name,
            definition: command.definition,
            definition_name: definition.name.clone(),
            project: definition.project,
            state: State::Running,
            owner: Some(new.owner),
            epoch: 1,
            revision: 1,
            takeovers: 0,
            command: command.kind,
            history: command.kind.name().to_owned(),
            start_nodes: command.param(param::START_NODES).unwrap_or_default(),
            depend: command.depend,
            strategy: command.strategy,
            warning: command.warning,
            warning_group: command.warning_group,
            priority: command.priority,
            executor: command.executor,
            worker_group: command.worker_group,
            started_at: new.started_at,
            command_start_time: command.created_at,
            schedule_time: command.schedule_time,
            zone: command.zone,
            run_times: 1,
            timeout_minutes: u32::try_from(new.timeout_minutes).unwrap_or_default(),
            warned: false,
            tenant,
            host: new.host,
            document: new.document,
            globals: new.globals,
            receivers: definition.receivers.clone(),
            receivers_cc: definition.receivers_cc.clone(),
            root: id,
            parent: None,
            tasks: Vec::new(),
            attempts: HashMap::new(),
            children: HashMap::new(),
        }
    }
}
