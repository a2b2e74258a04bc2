//! The pages of a project: the editor of its definitions, their schedules, and what has run.

use super::super::Stage;
use super::super::world::document;
use super::calls::{Call, Page, get, post};

/// What every page of the program asks first, then the log-in that follows a refusal.
const LOGIN: [Call; 3] = [
    post("login", "userName=alice&userPassword=wonder1").text(),
    get("users/get-user-info", "")
        .object("id userName email phone userType tenantId tenantName queueName createTime updateTime"),
    get("projects/analysis/define-user-count", "projectId=0").object("count userList"),
];

const DEFINITION: &str = "id name releaseState desc createTime updateTime scheduleReleaseState";
const EDITOR: [Call; 12] = [
    get("projects/billing/process/list", "").list("id name").keep("other", "name", "daily"),
    get("resources/list", "type=FILE"),
    // The forms of the nodes: SQL, a function in it, DEPENDENT in its own project and in another one.
    get("datasources/list", "type=MYSQL"),
    get("resources/udf-func/list", "type=HIVE"),
    get("projects/billing/process/gen-task-list", "processDefinitionId={other}").list("name"),
    get("projects/%7BprojectName%7D/process/get-task-list", "processDefinitionIdList={other}").object("{other}"),
    get("projects/billing/process/verify-name", "name=weekly"),
    post(
        "projects/billing/process/save",
        "processDefinitionJson={document}&locations={locations}&connects=[]&name=weekly&desc=",
    ),
    get("projects/billing/process/list-paging", "pageSize=10&pageNo=1&searchVal=&userId=")
        .rows(DEFINITION)
        .keep("weekly", "name", "weekly"),
    get("projects/billing/process/select-by-id", "processId={weekly}")
        .object("id name releaseState processDefinitionJson desc locations connects receivers receiversCc"),
    post(
        "projects/billing/process/update",
        "processDefinitionJson={document}&locations={locations}&connects=[]&name=weekly&desc=late&id={weekly}",
    ),
    post("projects/billing/process/release", "processId={weekly}&releaseState=1"),
];

const TIMING: &str = r#"{"startTime":"2026-03-01 00:00:00","endTime":"2036-03-01 00:00:00","crontab":"0 0 2 * * ? *"}"#;
const CHOSEN: &str = "schedule={timing}&failureStrategy=CONTINUE&warningType=NONE&processInstancePriority=MEDIUM\
                      &warningGroupId=0&receivers=&receiversCc=";
const SCHEDULE: &str = "id processDefinitionId processDefinitionName startTime endTime crontab failureStrategy \
                        warningType createTime updateTime releaseState warningGroupId processInstancePriority";
const SCHEDULES: [Call; 9] = [
    get("projects/%7BprojectName%7D/executors/get-receiver-cc", "processDefinitionId={daily}")
        .object("receivers receiversCc"),
    get("alert-group/list", "").list("id groupName"),
    post("projects/billing/schedule/create", "processDefinitionId={daily}&{chosen}"),
    get("projects/billing/schedule/list-paging", "processDefinitionId={daily}&searchVal=&pageNo=1&pageSize=10")
        .rows(SCHEDULE)
        .keep("schedule", "processDefinitionName", "daily"),
    post("projects/billing/schedule/update", "id={schedule}&{chosen}"),
    post("projects/billing/schedule/online", "id={schedule}"),
    post("projects/billing/schedule/offline", "id={schedule}"),
    // Only the successor of the front-end has these.
    post("projects/billing/schedule/preview", "schedule={timing}"),
    get("projects/billing/schedule/delete", "scheduleId={schedule}"),
];

const NODE: &str = "name type instances children";
const SQUARE: &str = "id name type state startTime endTime host duration subflowId";
const TREE: [Call; 4] = [
    get("projects/billing/process/view-tree", "processId={daily}&limit=25").object(NODE),
    get("projects/billing/process/view-tree", "processId={daily}&limit=50").under("instances", SQUARE),
    get("projects/billing/process/view-tree", "processId={daily}&limit=75").under("children", NODE),
    get("projects/billing/process/view-tree", "processId={daily}&limit=100").under("children", NODE),
];

const TASK: &str = "id name taskType state submitTime startTime endTime host retryTimes duration";
const GRAPH: [Call; 8] = [
    get(
        "projects/billing/instance/list-paging",
        "pageSize=10&pageNo=1&searchVal=&stateType=&host=&startDate=&endDate=",
    )
    .rows("id name state recovery startTime endTime runTimes host commandType duration")
    .keep("instance", "name", "daily-0-1"),
    get("projects/billing/instance/select-by-id", "processInstanceId={instance}")
        .object("id name state processInstanceJson locations connects startTime"),
    get("projects/billing/process/list", "").list("id name"),
    get("resources/list", "type=FILE"),
    get("projects/billing/instance/task-list-by-process-id", "processInstanceId={instance}")
        .under("taskList", "name taskType state host retryTimes submitTime startTime endTime dependentResult"),
    get("projects/billing/instance/view-variables", "processInstanceId={instance}").object("globalParams localParams"),
    get("projects/billing/instance/select-sub-process", "taskId={sub_task}").object("subProcessInstanceId"),
    get("projects/billing/instance/select-parent-process", "subId={child}").object("parentWorkflowInstance"),
];

const GANTT: [Call; 2] = [
    get("projects/billing/instance/view-gantt", "processInstanceId={instance}").object("taskNames tasks"),
    get("projects/billing/instance/view-gantt", "processInstanceId={instance}")
        .under("tasks", "taskName startDate endDate isoStart isoEnd status duration"),
];

const TASKS: [Call; 4] = [
    get(
        "projects/billing/task-instance/list-paging",
        "pageSize=10&pageNo=1&searchVal=&processInstanceId=&host=&stateType=&startDate=&endDate=&taskName=",
    )
    .rows(TASK),
    get(
        "projects/billing/task-instance/list-paging",
        "pageSize=10&pageNo=1&searchVal=prep&processInstanceId={instance}&host=10.0&stateType=SUCCESS\
         &startDate=2026-01-01 00:00:00&endDate=2026-12-31 00:00:00&taskName=",
    )
    .rows("processInstanceName")
    .keep("task", "name", "prepare"),
    // Menus do not lead there, its address does.
    get("projects/task-record/list-paging", "pageSize=10&pageNo=1&taskName=&state=&sourceTable=&destTable=&taskDate="),
    get("projects/task-record/history-list-paging", "pageSize=10&pageNo=1"),
];

const LOG: [Call; 4] = [
    get("log/detail", "taskInstId={task}&skipLineNum=0&limit=10000").text(),
    get("log/detail", "taskInstId={task}&skipLineNum=10000&limit=20000"),
    get("log/detail", "taskInstId={task}&skipLineNum=2&limit=10000").text(),
    get("log/download-log", "taskInstId={task}").file("one\ntwo\nthree\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn logging_in() {
    let Some(stage) = Stage::new().await else { return };
    let someone = stage.world.stranger();
    assert_eq!(someone.get("users/get-user-info", &[]).status, 401, "this is what shows the login");
    Page::new("login", &someone, &[]).load(&LOGIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_and_the_schedules_of_definitions() {
    let Some(stage) = Stage::new().await else { return };
    let locations = r#"{"tasks-1":{"name":"prepare","targetarr":"","x":120,"y":80}}"#;
    let told = [("document", &*document("prepare")), ("locations", locations)];
    Page::new("DAG editor", &stage.alice, &told).load(&EDITOR);
    let (daily, chosen) = (stage.daily.to_string(), CHOSEN.replace("{timing}", TIMING));
    let told = [("daily", &*daily), ("timing", TIMING), ("chosen", &*chosen)];
    Page::new("schedules", &stage.alice, &told).load(&SCHEDULES);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_of_an_instance_its_charts_tasks_and_logs() {
    let Some(stage) = Stage::new().await else { return };
    let told = [
        ("daily", stage.daily.to_string()),
        ("child", stage.child.to_string()),
        ("sub_task", stage.sub_task.to_string()),
    ];
    let told = told.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut page = Page::new("tree, instance, Gantt, tasks, log", &stage.alice, &told);
    for calls in [&TREE[..], &GRAPH, &GANTT, &TASKS, &LOG] {
        page.load(calls);
    }
}
