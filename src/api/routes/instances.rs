//! Process instances.

use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind::*, LONGEST_SEARCH, PAGE_NO, PAGE_SIZE, Params, SEARCH, may, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{ChildInstance, FullInstance, FullTask, Instance, InstanceTasks, Listed, ParentInstance};
use crate::model::{DefinitionId, InstanceId, State, TaskId};
use crate::store::{Error, InstanceFilter, SubProcess, Undeleted};

pub const PAGE: Params = &[
    may("processDefinitionId", Int, "Only those of this definition; empty or 0 means every one.").or(0),
    SEARCH,
    may("stateType", OneOf(State::NAMES), "Only those in this state."),
    may("host", Text(LONGEST_SEARCH), "What the name of the master's host must contain."),
    may("startDate", Date, "Only those that started after this."),
    may("endDate", Date, "Only those that started by then; counts if there is a startDate."),
    PAGE_NO,
    PAGE_SIZE,
];
pub const ONE: Params = &[need("processInstanceId", Int, "The id of the process instance.")];
pub const SUB_PROCESS: Params = &[need("taskId", Int, "The id of the task instance.")];

pub const PARENT: Params = &[need("subId", Int, "The id of the sub-process instance.")];
pub const SOME: Params = &[need("processInstanceIds", Ids, "The ids of the process instances.")];

/// `instance/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<Instance>> {
    let form = &call.form;
    let part = form.lenient_page()?;
    let zone = call.shared.settings.zone;
    let after = form.instant("startDate", zone);
    let filter = InstanceFilter {
        definition: Some(form.int_or("processDefinitionId", 0)?).filter(|id| *id != 0).map(DefinitionId),
        name: form.search()?.to_owned(),
        host: form.short("host", LONGEST_SEARCH)?.unwrap_or_default().to_owned(),
        state: form.any_of("stateType")?,
        after,
        until: after.and(form.instant("endDate", zone)),
    };
    let found = call.store().instances(call.project()?, &filter, part).await?;
    Reply::data(&Listed::of(found, part, Instance::from))
}

/// `instance/task-list-by-process-id`
pub async fn tasks(call: Call) -> Outcome<InstanceTasks> {
    let id = InstanceId(call.form.int("processInstanceId")?);
    let state = call.store().state_in(call.project()?, id).await?;
    let process_instance_state = state.ok_or_else(|| Code::NO_SUCH_INSTANCE.because(&[&id]))?;
    let task_list = call.store().tasks_of(id).await?.into_iter().map(FullTask::from).collect();
    Reply::data(&InstanceTasks { process_instance_state, task_list })
}

/// `instance/select-by-id`
pub async fn select(call: Call) -> Outcome<FullInstance> {
    let id = InstanceId(call.form.int("processInstanceId")?);
    let Some(instance) = call.store().full_instance(call.project()?, id).await? else {
        return Err(Code::NO_SUCH_INSTANCE.refuse(&[&id]));
    };
    let users = [instance.author, Some(instance.head.executor_id)].into_iter().flatten();
    let tenant = call.store().tenant_of_run(instance.head.tenant_id, users).await?;
    Reply::data(&FullInstance::of(instance, tenant))
}

/// `instance/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = InstanceId(call.form.int("processInstanceId")?);
    match call.store().delete_instance(call.project()?, id).await? {
        Ok(()) => Reply::done(),
        Err(Undeleted::Missing) => Err(Code::NO_SUCH_INSTANCE.refuse(&[&id])),
        Err(Undeleted::Live(live)) => {
            let english = format!("process instance {live} has not ended; stop it first");
            Err(Failure::because(Words::new(english, format!("流程实例 {live} 尚未结束，请先停止"))))
        }
    }
}

/// `instance/batch-delete`: one by one, so that one which has not ended does not keep the others.
pub async fn delete_some(call: Call) -> Outcome {
    let mut left = Vec::new();
    for id in call.form.ids("processInstanceIds")? {
        // What is gone already needs no deleting.
        if let Err(Undeleted::Live(_)) = call.store().delete_instance(call.project()?, InstanceId(id)).await? {
            left.push(id.to_string());
        }
    }
    if left.is_empty() { Reply::done() } else { Err(Code::DELETE_INSTANCES.refuse(&[&left.join(",")])) }
}

/// `instance/select-parent-process`
pub async fn parent(call: Call) -> Outcome<ParentInstance> {
    let id = InstanceId(call.form.int("subId")?);
    match call.store().parent_instance(call.project()?, id).await {
        Ok(Some(Some(parent_workflow_instance))) => Reply::data(&ParentInstance { parent_workflow_instance }),
        Ok(Some(None)) => Err(Code::NO_PARENT.refuse(&[&id])),
        Ok(None) => Err(Code::NOT_A_CHILD.refuse(&[&id])),
        Err(Error::Missing(_)) => Err(Code::NO_SUCH_INSTANCE.refuse(&[&id])),
        Err(error) => Err(error.into()),
    }
}

/// `instance/select-sub-process`
pub async fn sub_process(call: Call) -> Outcome<ChildInstance> {
    let id = TaskId(call.form.int("taskId")?);
    match call.store().sub_process(call.project()?, id).await? {
        SubProcess::Instance(sub_process_instance_id) => Reply::data(&ChildInstance { sub_process_instance_id }),
        SubProcess::NoTask => Err(Code::NO_SUCH_TASK.refuse(&[&id])),
        SubProcess::OtherKind => Err(Code::NOT_A_SUB_PROCESS.refuse(&[&id])),
        SubProcess::NotStarted => Err(Code::NO_SUB_PROCESS_YET.refuse(&[&id])),
    }
}
