//! Projects and all that is in them: definitions, instances, orders, schedules and tasks.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{
    Admin, Definition, DefinitionOrInstance, Definitions, Instance, Login, Project, ProjectId, ProjectOrAll,
};
use crate::api::permission::Unknown::{Generic, Told};
use crate::api::routes::{
    analysis, backfills, definitions, edits, executors, gantt, instances, nodes, projects, schedules, tasks, trees,
    variables,
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        post("projects/create", Login, Code::CREATE_PROJECT, projects::create).created().takes(projects::CREATE),
        post("projects/update", ProjectId("projectId", Generic), Code::UPDATE_PROJECT, projects::update).takes(projects::UPDATE),
        get("projects/query-by-id", ProjectId("projectId", Told), Code::QUERY_PROJECT, projects::one).takes(projects::ONE),
        get("projects/list-paging", Login, Code::LIST_PROJECTS, projects::page).takes(PAGE),
        get("projects/delete", ProjectId("projectId", Generic), Code::DELETE_PROJECT, projects::delete).changing().takes(projects::ONE),
        get("projects/unauth-project", Admin, Code::UNGRANTED_PROJECTS, projects::ungranted).takes(projects::OF_USER),
        get("projects/authed-project", Admin, Code::GRANTED_PROJECTS, projects::granted).takes(projects::OF_USER),

        get("projects/analysis/task-state-count", ProjectOrAll("projectId"), Code::COUNT_TASK_STATES, analysis::tasks).takes(analysis::SPAN),
        get("projects/analysis/process-state-count", ProjectOrAll("projectId"), Code::COUNT_INSTANCE_STATES, analysis::instances).takes(analysis::SPAN),
        get("projects/analysis/define-user-count", ProjectOrAll("projectId"), Code::COUNT_DEFINITIONS, analysis::definitions).takes(analysis::SCOPE),
        get("projects/analysis/command-state-count", ProjectOrAll("projectId"), Code::COUNT_COMMANDS, analysis::commands).takes(analysis::SPAN),
        get("projects/analysis/queue-count", ProjectOrAll("projectId"), Code::COUNT_QUEUE, analysis::queue).takes(analysis::SCOPE),

        post("projects/{projectName}/process/save", Project, Code::CREATE_DEFINITION, definitions::save).created().takes(definitions::SAVE),
        get("projects/{projectName}/process/verify-name", Project, Code::VERIFY_DEFINITION, definitions::verify_name).takes(definitions::VERIFY),
        post("projects/{projectName}/process/update", Project, Code::UPDATE_DEFINITION, definitions::update).takes(definitions::UPDATE),
        post("projects/{projectName}/process/release", Project, Code::RELEASE_DEFINITION, definitions::release).takes(definitions::RELEASE),
        get("projects/{projectName}/process/select-by-id", Project, Code::QUERY_DEFINITION, definitions::select).takes(definitions::SELECT),
        get("projects/{projectName}/process/list", Project, Code::LIST_DEFINITIONS, definitions::list),
        get("projects/{projectName}/process/list-paging", Project, Code::PAGE_DEFINITIONS, definitions::page).takes(definitions::PAGE),
        get("projects/{projectName}/process/view-tree", Definition("processId", Generic), Code::VIEW_TREE, trees::view).takes(trees::VIEW),
        get("projects/{projectName}/process/gen-task-list", Definition("processDefinitionId", Generic), Code::LIST_NODES, nodes::of_one).takes(nodes::ONE),
        get("projects/{projectName}/process/get-task-list", Definitions("processDefinitionIdList"), Code::LIST_NODES, nodes::of_some).takes(nodes::SOME),
        get("projects/{projectName}/process/delete", Project, Code::DELETE_DEFINITION, definitions::delete).changing().takes(definitions::ONE),
        get("projects/{projectName}/process/batch-delete", Project, Code::DELETE_SOME_DEFINITIONS, definitions::delete_some).changing().takes(definitions::SOME),

        get("projects/{projectName}/instance/list-paging", Project, Code::LIST_INSTANCES, instances::page).takes(instances::PAGE),
        get("projects/{projectName}/instance/task-list-by-process-id", Project, Code::TASKS_OF_INSTANCE, instances::tasks).takes(instances::ONE),
        post("projects/{projectName}/instance/update", Project, Code::UPDATE_INSTANCE, edits::edit).takes(edits::EDIT),
        get("projects/{projectName}/instance/select-by-id", Project, Code::QUERY_INSTANCE, instances::select).takes(instances::ONE),
        get("projects/{projectName}/instance/delete", Project, Code::DELETE_INSTANCE, instances::delete).changing().takes(instances::ONE),
        get("projects/{projectName}/instance/select-sub-process", Project, Code::QUERY_SUB_PROCESS, instances::sub_process).takes(instances::SUB_PROCESS),
        get("projects/{projectName}/instance/select-parent-process", Project, Code::QUERY_PARENT, instances::parent).takes(instances::PARENT),
        get("projects/{projectName}/instance/view-variables", Instance("processInstanceId"), Code::VIEW_VARIABLES, variables::view).takes(instances::ONE),
        get("projects/{projectName}/instance/view-gantt", Instance("processInstanceId"), Code::VIEW_GANTT, gantt::view).takes(instances::ONE),
        get("projects/{projectName}/instance/batch-delete", Project, Code::DELETE_INSTANCE, instances::delete_some).changing().takes(instances::SOME),

        post("projects/{projectName}/executors/start-process-instance", Project, Code::START, executors::start).takes(executors::START),
        post("projects/{projectName}/executors/execute", Project, Code::EXECUTE, executors::execute).takes(executors::EXECUTE),
        post("projects/{projectName}/executors/start-check", Definition("processDefinitionId", Told), Code::START_CHECK, executors::check).reading().takes(executors::CHECK),
        get("projects/{projectName}/executors/get-receiver-cc", DefinitionOrInstance("processDefinitionId", "processInstanceId"), Code::QUERY_RECEIVERS, executors::receivers).takes(executors::RECEIVERS),

        get("projects/{projectName}/backfill/list-paging", Project, Code::LIST_BACKFILLS, backfills::page).takes(backfills::PAGE),
        post("projects/{projectName}/backfill/execute", Project, Code::STEER_BACKFILL, backfills::steer).takes(backfills::STEER),

        post("projects/{projectName}/schedule/create", Project, Code::CREATE_SCHEDULE, schedules::create).created().takes(schedules::CREATE),
        post("projects/{projectName}/schedule/update", Project, Code::UPDATE_SCHEDULE, schedules::update).takes(schedules::UPDATE),
        post("projects/{projectName}/schedule/online", Project, Code::SCHEDULE_ONLINE, schedules::online).takes(schedules::ONE),
        post("projects/{projectName}/schedule/offline", Project, Code::SCHEDULE_OFFLINE, schedules::offline).takes(schedules::ONE),
        get("projects/{projectName}/schedule/list-paging", Project, Code::PAGE_SCHEDULES, schedules::page).takes(schedules::PAGE),
        post("projects/{projectName}/schedule/list", Project, Code::LIST_SCHEDULES, schedules::list).reading(),
        get("projects/{projectName}/schedule/delete", Project, Code::DELETE_SCHEDULE, schedules::delete).changing().takes(schedules::DELETE),
        post("projects/{projectName}/schedule/preview", Login, Code::PREVIEW_SCHEDULE, schedules::preview).created().reading().takes(schedules::PREVIEW),

        get("projects/{projectName}/task-instance/list-paging", Project, Code::LIST_TASKS, tasks::page).takes(tasks::PAGE),
    ]
}
