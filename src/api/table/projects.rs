//! Projects and all that is in them: definitions, instances, orders, schedules and tasks.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Definition, Login, Project, ProjectId};
use crate::api::routes::{definitions, executors, instances, projects, tasks};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        post("projects/create", Login, Code::CREATE_PROJECT, projects::create).created().takes(projects::CREATE),
        post("projects/update", ProjectId("projectId"), Code::UPDATE_PROJECT, projects::update).takes(projects::UPDATE),
        get("projects/list-paging", Login, Code::LIST_PROJECTS, projects::page).takes(PAGE),
        get("projects/delete", ProjectId("projectId"), Code::DELETE_PROJECT, projects::delete).changing().takes(projects::ONE),

        post("projects/{projectName}/process/save", Project, Code::CREATE_DEFINITION, definitions::save).created().takes(definitions::SAVE),
        get("projects/{projectName}/process/verify-name", Project, Code::VERIFY_DEFINITION, definitions::verify_name).takes(definitions::VERIFY),
        post("projects/{projectName}/process/update", Project, Code::UPDATE_DEFINITION, definitions::update).takes(definitions::UPDATE),
        post("projects/{projectName}/process/release", Project, Code::RELEASE_DEFINITION, definitions::release).takes(definitions::RELEASE),
        get("projects/{projectName}/process/select-by-id", Project, Code::QUERY_DEFINITION, definitions::select).takes(definitions::SELECT),
        get("projects/{projectName}/process/list", Project, Code::LIST_DEFINITIONS, definitions::list),
        get("projects/{projectName}/process/list-paging", Project, Code::PAGE_DEFINITIONS, definitions::page).takes(definitions::PAGE),

        get("projects/{projectName}/instance/list-paging", Project, Code::LIST_INSTANCES, instances::page).takes(instances::PAGE),
        get("projects/{projectName}/instance/task-list-by-process-id", Project, Code::TASKS_OF_INSTANCE, instances::tasks).takes(instances::ONE),
        get("projects/{projectName}/instance/select-by-id", Project, Code::QUERY_INSTANCE, instances::select).takes(instances::ONE),
        get("projects/{projectName}/instance/delete", Project, Code::DELETE_INSTANCE, instances::delete).changing().takes(instances::ONE),
        get("projects/{projectName}/instance/select-sub-process", Project, Code::QUERY_SUB_PROCESS, instances::sub_process).takes(instances::SUB_PROCESS),

        post("projects/{projectName}/executors/start-process-instance", Project, Code::START, executors::start).takes(executors::START),
        post("projects/{projectName}/executors/execute", Project, Code::EXECUTE, executors::execute).takes(executors::EXECUTE),
        post("projects/{projectName}/executors/start-check", Definition("processDefinitionId"), Code::START_CHECK, executors::check).reading().takes(executors::CHECK),

        get("projects/{projectName}/task-instance/list-paging", Project, Code::LIST_TASKS, tasks::page).takes(tasks::PAGE),
    ]
}
