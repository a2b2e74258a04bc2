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
    variables, why,
};

/// What can be wrong with a workflow.
const UNDRAWN: &[Code] = &[Code::DOCUMENT_NOT_JSON, Code::DOCUMENT_EMPTY, Code::DOCUMENT_CYCLE, Code::DOCUMENT_PARAMS];

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        post("projects/create", Login, Code::CREATE_PROJECT, projects::create).created().takes(projects::CREATE)
            .refuses(&[Code::PROJECT_EXISTS])
            .about("Creates a project."),
        post("projects/update", ProjectId("projectId", Generic), Code::UPDATE_PROJECT, projects::update).takes(projects::UPDATE)
            .refuses(&[Code::PROJECT_EXISTS])
            .about("Changes the name and the description of a project."),
        get("projects/query-by-id", ProjectId("projectId", Told), Code::QUERY_PROJECT, projects::one).takes(projects::ONE)
            .refuses(&[Code::NO_SUCH_PROJECT])
            .about("Tells about a project."),
        get("projects/list-paging", Login, Code::LIST_PROJECTS, projects::page).takes(PAGE)
            .about("Lists by pages the projects that one owns or is granted."),
        get("projects/delete", ProjectId("projectId", Generic), Code::DELETE_PROJECT, projects::delete).changing().takes(projects::ONE)
            .refuses(&[Code::PROJECT_HAS_DEFINITIONS])
            .about("Deletes a project without process definitions."),
        get("projects/unauth-project", Admin, Code::UNGRANTED_PROJECTS, projects::ungranted).takes(projects::OF_USER)
            .about("Lists the projects that a user is not granted."),
        get("projects/authed-project", Admin, Code::GRANTED_PROJECTS, projects::granted).takes(projects::OF_USER)
            .about("Lists the projects that a user is granted."),

        get("projects/analysis/task-state-count", ProjectOrAll("projectId"), Code::COUNT_TASK_STATES, analysis::tasks).takes(analysis::SPAN)
            .about("Counts the task instances in each state."),
        get("projects/analysis/process-state-count", ProjectOrAll("projectId"), Code::COUNT_INSTANCE_STATES, analysis::instances).takes(analysis::SPAN)
            .about("Counts the process instances in each state."),
        get("projects/analysis/define-user-count", ProjectOrAll("projectId"), Code::COUNT_DEFINITIONS, analysis::definitions).takes(analysis::SCOPE)
            .about("Counts the process definitions of each author."),
        get("projects/analysis/command-state-count", ProjectOrAll("projectId"), Code::COUNT_COMMANDS, analysis::commands).takes(analysis::SPAN)
            .about("Counts the commands that wait and those that failed, by kind."),
        get("projects/analysis/queue-count", ProjectOrAll("projectId"), Code::COUNT_QUEUE, analysis::queue).takes(analysis::SCOPE)
            .about("Counts the tasks that wait for a worker and those to be stopped."),

        post("projects/{projectName}/process/save", Project, Code::CREATE_DEFINITION, definitions::save).created().takes(definitions::SAVE)
            .refuses(UNDRAWN).refuses(&[Code::DEFINITION_EXISTS])
            .about("Creates a process definition."),
        get("projects/{projectName}/process/verify-name", Project, Code::VERIFY_DEFINITION, definitions::verify_name).takes(definitions::VERIFY)
            .refuses(&[Code::DEFINITION_EXISTS])
            .about("Checks that no definition of the project has this name."),
        post("projects/{projectName}/process/update", Project, Code::UPDATE_DEFINITION, definitions::update).takes(definitions::UPDATE)
            .refuses(UNDRAWN).refuses(&[Code::NO_SUCH_DEFINITION, Code::IS_ONLINE, Code::DEFINITION_EXISTS])
            .about("Changes a process definition that is off line."),
        post("projects/{projectName}/process/release", Project, Code::RELEASE_DEFINITION, definitions::release).takes(definitions::RELEASE)
            .refuses(UNDRAWN).because(&[Code::NO_SUCH_DEFINITION])
            .about("Takes a process definition on line or off line."),
        get("projects/{projectName}/process/select-by-id", Project, Code::QUERY_DEFINITION, definitions::select).takes(definitions::SELECT)
            .refuses(&[Code::NO_SUCH_DEFINITION_HERE])
            .about("Tells all about a process definition."),
        get("projects/{projectName}/process/list", Project, Code::LIST_DEFINITIONS, definitions::list)
            .about("Lists all process definitions of the project."),
        get("projects/{projectName}/process/list-paging", Project, Code::PAGE_DEFINITIONS, definitions::page).takes(definitions::PAGE)
            .about("Lists process definitions by pages."),
        get("projects/{projectName}/process/view-tree", Definition("processId", Generic), Code::VIEW_TREE, trees::view).takes(trees::VIEW)
            .because(&[Code::NO_SUCH_DEFINITION])
            .about("Draws the newest runs of a definition as a tree."),
        get("projects/{projectName}/process/gen-task-list", Definition("processDefinitionId", Generic), Code::LIST_NODES, nodes::of_one).takes(nodes::ONE)
            .because(&[Code::NO_SUCH_DEFINITION])
            .about("Lists the nodes of a process definition."),
        get("projects/{projectName}/process/get-task-list", Definitions("processDefinitionIdList"), Code::LIST_NODES, nodes::of_some).takes(nodes::SOME)
            .about("Lists the nodes of several process definitions, by their ids."),
        get("projects/{projectName}/process/delete", Project, Code::DELETE_DEFINITION, definitions::delete).changing().takes(definitions::ONE)
            .refuses(&[Code::NO_SUCH_DEFINITION, Code::NO_PRIVILEGE, Code::ONLINE_UNDELETED, Code::SCHEDULE_ONLINE_UNDELETED]).because(&[Code::STILL_A_SUB_PROCESS, Code::SEVERAL_SCHEDULES, Code::STILL_RUNNING, Code::STILL_WANTED])
            .about("Deletes a process definition that is off line, with its ended runs."),
        get("projects/{projectName}/process/batch-delete", Project, Code::DELETE_SOME_DEFINITIONS, definitions::delete_some).changing().takes(definitions::SOME)
            .refuses(&[Code::DELETE_DEFINITIONS])
            .about("Deletes several process definitions."),

        get("projects/{projectName}/instance/list-paging", Project, Code::LIST_INSTANCES, instances::page).takes(instances::PAGE)
            .about("Lists process instances by pages, newest first."),
        get("projects/{projectName}/instance/task-list-by-process-id", Project, Code::TASKS_OF_INSTANCE, instances::tasks).takes(instances::ONE)
            .because(&[Code::NO_SUCH_INSTANCE])
            .about("Lists the tasks of a process instance."),
        post("projects/{projectName}/instance/update", Project, Code::UPDATE_INSTANCE, edits::edit).takes(edits::EDIT)
            .refuses(&[Code::NO_SUCH_INSTANCE, Code::NOT_FINISHED]).because(UNDRAWN).because(&[Code::STILL_RUNNING, Code::PENDING])
            .about("Changes the workflow of an instance that has ended."),
        get("projects/{projectName}/instance/select-by-id", Project, Code::QUERY_INSTANCE, instances::select).takes(instances::ONE)
            .refuses(&[Code::NO_SUCH_INSTANCE])
            .about("Tells all about a process instance."),
        get("projects/{projectName}/instance/delete", Project, Code::DELETE_INSTANCE, instances::delete).changing().takes(instances::ONE)
            .refuses(&[Code::NO_SUCH_INSTANCE])
            .about("Deletes a process instance that has ended."),
        get("projects/{projectName}/instance/select-sub-process", Project, Code::QUERY_SUB_PROCESS, instances::sub_process).takes(instances::SUB_PROCESS)
            .refuses(&[Code::NO_SUCH_TASK, Code::NOT_A_SUB_PROCESS, Code::NO_SUB_PROCESS_YET])
            .about("Tells which instance a SUB_PROCESS task has started."),
        get("projects/{projectName}/instance/select-parent-process", Project, Code::QUERY_PARENT, instances::parent).takes(instances::PARENT)
            .refuses(&[Code::NO_PARENT, Code::NOT_A_CHILD, Code::NO_SUCH_INSTANCE])
            .about("Tells which instance has started this one."),
        get("projects/{projectName}/instance/view-variables", Instance("processInstanceId"), Code::VIEW_VARIABLES, variables::view).takes(instances::ONE)
            .because(&[Code::NO_SUCH_INSTANCE])
            .about("Lists the parameters that an instance runs with."),
        get("projects/{projectName}/instance/view-gantt", Instance("processInstanceId"), Code::VIEW_GANTT, gantt::view).takes(instances::ONE)
            .because(&[Code::NO_SUCH_INSTANCE])
            .about("Draws the Gantt chart of a process instance."),
        get("projects/{projectName}/instance/why", Project, Code::ASK_WHY, why::ask).takes(why::ASK)
            .refuses(&[Code::NO_SUCH_INSTANCE, Code::NO_SUCH_DEFINITION])
            .about("Tells why an instance, or what was asked for of a definition, does not get on.")
            .beyond(),
        get("projects/{projectName}/instance/batch-delete", Project, Code::DELETE_INSTANCE, instances::delete_some).changing().takes(instances::SOME)
            .refuses(&[Code::DELETE_INSTANCES])
            .about("Deletes several process instances."),

        post("projects/{projectName}/executors/start-process-instance", Project, Code::START, executors::start).takes(executors::START)
            .refuses(&[Code::TASK_TIMEOUT, Code::NO_SUCH_DEFINITION, Code::NOT_ONLINE, Code::NO_SUCH_RESOURCE, Code::NO_RESOURCE_RIGHT])
            .about("Starts a process definition."),
        post("projects/{projectName}/executors/execute", Project, Code::EXECUTE, executors::execute).takes(executors::EXECUTE)
            .refuses(&[Code::NO_SUCH_INSTANCE, Code::NO_SUCH_DEFINITION, Code::NOT_ONLINE, Code::STATE_FORBIDS, Code::ALREADY, Code::PENDING])
            .about("Pauses, stops, repeats or recovers a process instance."),
        post("projects/{projectName}/executors/start-check", Definition("processDefinitionId", Told), Code::START_CHECK, executors::check).reading().takes(executors::CHECK)
            .refuses(&[Code::NO_SUCH_DEFINITION, Code::NOT_ONLINE, Code::NO_SUCH_RESOURCE, Code::NO_RESOURCE_RIGHT])
            .about("Checks that a definition and all its sub-processes can be started."),
        get("projects/{projectName}/executors/get-receiver-cc", DefinitionOrInstance("processDefinitionId", "processInstanceId"), Code::QUERY_RECEIVERS, executors::receivers).takes(executors::RECEIVERS)
            .because(&[Code::NO_SUCH_DEFINITION])
            .about("Tells who gets mails about the runs of a definition."),


        get("projects/{projectName}/backfill/list-paging", Project, Code::LIST_BACKFILLS, backfills::page).takes(backfills::PAGE)
            .about("Lists backfills by pages, with how far they are.")
            .beyond(),
        post("projects/{projectName}/backfill/execute", Project, Code::STEER_BACKFILL, backfills::steer).takes(backfills::STEER)
            .refuses(&[Code::NO_SUCH_BACKFILL, Code::BACKFILL_STATE, Code::BACKFILL_PAUSING])
            .about("Pauses, resumes or stops all runs of a backfill.")
            .beyond(),

        post("projects/{projectName}/schedule/create", Project, Code::CREATE_SCHEDULE, schedules::create).created().takes(schedules::CREATE)
            .refuses(&[Code::NO_SUCH_DEFINITION, Code::NOT_ONLINE, Code::SCHEDULE_ENDS_AT_START])
            .about("Creates a schedule, which is off line."),
        post("projects/{projectName}/schedule/update", Project, Code::UPDATE_SCHEDULE, schedules::update).takes(schedules::UPDATE)
            .refuses(&[Code::NO_SUCH_SCHEDULE, Code::NO_SUCH_DEFINITION, Code::SCHEDULE_IS_ONLINE, Code::CRON, Code::SCHEDULE_ENDS_AT_START])
            .about("Changes a schedule that is off line."),
        post("projects/{projectName}/schedule/online", Project, Code::SCHEDULE_ONLINE, schedules::online).takes(schedules::ONE)
            .refuses(&[Code::NO_SUCH_SCHEDULE, Code::SCHEDULE_ALREADY, Code::NO_SUCH_DEFINITION, Code::NOT_ONLINE, Code::NO_SUCH_RESOURCE, Code::NO_RESOURCE_RIGHT])
            .about("Lets a schedule fire."),
        post("projects/{projectName}/schedule/offline", Project, Code::SCHEDULE_OFFLINE, schedules::offline).takes(schedules::ONE)
            .refuses(&[Code::NO_SUCH_SCHEDULE, Code::SCHEDULE_ALREADY, Code::NOT_ONLINE])
            .about("Keeps a schedule from firing."),
        get("projects/{projectName}/schedule/list-paging", Project, Code::PAGE_SCHEDULES, schedules::page).takes(schedules::PAGE)
            .refuses(&[Code::NO_SUCH_DEFINITION])
            .about("Lists the schedules of a definition by pages."),
        post("projects/{projectName}/schedule/list", Project, Code::LIST_SCHEDULES, schedules::list).reading()
            .about("Lists all schedules of the project."),
        get("projects/{projectName}/schedule/delete", Project, Code::DELETE_SCHEDULE, schedules::delete).changing().takes(schedules::DELETE)
            .refuses(&[Code::NO_SUCH_SCHEDULE, Code::NO_PRIVILEGE, Code::SCHEDULE_ONLINE_UNDELETED])
            .about("Deletes a schedule that is off line."),
        post("projects/{projectName}/schedule/preview", Login, Code::PREVIEW_SCHEDULE, schedules::preview).created().reading().takes(schedules::PREVIEW)
            .refuses(&[Code::CRON_UNREADABLE, Code::SCHEDULE_ENDS_AT_START])
            .about("Tells the next five times at which a schedule would fire."),

        get("projects/{projectName}/task-instance/list-paging", Project, Code::LIST_TASKS, tasks::page).takes(tasks::PAGE)
            .about("Lists task instances by pages, newest first."),
    ]
}
