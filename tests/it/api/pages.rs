//! The pages of the original front-end, release 1.0.1: the calls of each, in its order and with its parameters
//! (`EasyScheduler 1.0.1: HTTP API, what each page calls`). A page loads if none of them fails.

mod calls;
mod resources;
mod security;
mod workflows;

use super::Stage;
use super::world::document;
use calls::Page;

const DAY: [(&str, &str); 2] = [("startDate", "2026-03-01 00:00:00"), ("endDate", "2026-03-01 23:59:59")];
const LIST: [(&str, &str); 3] = [("pageSize", "10"), ("pageNo", "1"), ("searchVal", "")];

fn and<'a>(some: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    some.iter().chain(more).copied().collect()
}

/// `/view/login`, and what every page asks before it shows anything.
#[tokio::test(flavor = "multi_thread")]
async fn login_and_logout() {
    let Some(stage) = Stage::new().await else { return };
    let someone = stage.world.stranger();
    assert_eq!(someone.log_in("alice", "wonder1").code(), 0);
    let page = Page::new("every page", &someone, &[]);
    assert_eq!(page.get("users/get-user-info", &[]).data()["userName"], "alice");
    page.post("signOut", &[]);
    assert_eq!(someone.get("users/get-user-info", &[]).status, 401, "then the front-end shows the login");
}

/// The home page of both kinds of users, and the home page of a project.
#[tokio::test(flavor = "multi_thread")]
async fn home() {
    let Some(stage) = Stage::new().await else { return };
    let project = stage.project.to_string();
    for (who, project) in [(&stage.world.admin, "0"), (&stage.alice, "0"), (&stage.alice, &*project), (&stage.bob, "0")]
    {
        let page = Page::new("home", who, &[]);
        page.get("users/get-user-info", &[]);
        for chart in ["task-state-count", "process-state-count"] {
            let path = format!("projects/analysis/{chart}");
            let counts = page.get(&path, &and(&[("projectId", project)], &DAY)).data();
            assert_eq!(counts["taskCountDtos"].as_array().unwrap().len(), 12);
        }
        assert!(
            page.get("projects/analysis/define-user-count", &[("projectId", project)]).data()["userList"].is_array()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects() {
    let Some(stage) = Stage::new().await else { return };
    let page = Page::new("project list", &stage.alice, &[]);
    page.get("projects/list-paging", &LIST);
    page.post("projects/create", &[("projectName", "http-sync"), ("desc", "")]);
    let id = page.get("projects/list-paging", &LIST).rows()[0]["id"].to_string();
    page.post("projects/update", &[("projectId", &id), ("projectName", "http-sync"), ("desc", "nightly")]);
    page.get("projects/delete", &[("projectId", &id)]);
}

/// Definitions: drawing one, looking at it, changing it, its tree.
#[tokio::test(flavor = "multi_thread")]
async fn definitions() {
    let Some(stage) = Stage::new().await else { return };
    let page = Page::new("definition", &stage.alice, &[]);
    let base = "projects/billing/process";
    let list = page.get(&format!("{base}/list"), &[]).data();
    let other = list[0]["id"].to_string();
    // A DEPENDENT node: the tasks of another definition. The segment is literal.
    page.get("projects/%7BprojectName%7D/process/get-task-list", &[("processDefinitionIdList", &other)]);
    page.get(&format!("{base}/gen-task-list"), &[("processDefinitionId", &other)]);
    page.get(&format!("{base}/verify-name"), &[("name", "weekly")]);
    let drawing = [
        ("processDefinitionJson", &*document("prepare")),
        ("locations", r#"{"tasks-1":{"name":"prepare","targetarr":"","x":120,"y":80}}"#),
        ("connects", "[]"),
        ("name", "weekly"),
        ("desc", ""),
    ];
    page.post(&format!("{base}/save"), &drawing);
    let shown = page.get(&format!("{base}/list-paging"), &and(&LIST, &[("userId", "")])).rows();
    let id = shown.iter().find(|row| row["name"] == "weekly").unwrap()["id"].to_string();
    let found = page.get(&format!("{base}/select-by-id"), &[("processId", &id)]).data();
    assert_eq!((&found["locations"], &found["connects"]), (&drawing[1].1.into(), &drawing[2].1.into()));
    page.post(&format!("{base}/update"), &and(&drawing, &[("id", &id)]));
    page.post(&format!("{base}/release"), &[("processId", &id), ("releaseState", "1")]);
    let literal = "projects/%7BprojectName%7D/executors/get-receiver-cc";
    page.post("projects/billing/executors/start-check", &[("processDefinitionId", &id)]);
    page.get(literal, &[("processDefinitionId", &id)]);
    let start = [
        ("processDefinitionId", &*id),
        ("scheduleTime", ""),
        ("failureStrategy", "CONTINUE"),
        ("warningType", "NONE"),
        ("warningGroupId", "0"),
        ("execType", ""),
        ("startNodeList", ""),
        ("taskDependType", "TASK_POST"),
        ("runMode", "RUN_MODE_SERIAL"),
        ("processInstancePriority", "MEDIUM"),
        ("receivers", "ops@example.org"),
        ("receiversCc", ""),
    ];
    page.post("projects/billing/executors/start-process-instance", &start);
    assert_eq!(page.get(literal, &[("processDefinitionId", &id)]).data()["receivers"], "ops@example.org");
    let tree = page.get(&format!("{base}/view-tree"), &[("processId", &id), ("limit", "25")]).data();
    assert_eq!(tree["children"][0]["name"], "prepare");
}

/// Instances: their list, one of them, its Gantt chart, and the tasks of all.
#[tokio::test(flavor = "multi_thread")]
async fn instances() {
    let Some(stage) = Stage::new().await else { return };
    let page = Page::new("instance", &stage.alice, &[]);
    let base = "projects/billing/instance";
    let filter = [("stateType", ""), ("host", ""), ("startDate", ""), ("endDate", "")];
    let shown = page.get(&format!("{base}/list-paging"), &and(&and(&LIST, &filter), &[("processDefinitionId", "")]));
    assert_eq!(shown.rows().len(), 2);
    let one = stage.ended.to_string();
    let instance = [("processInstanceId", &*one)];
    let found = page.get(&format!("{base}/select-by-id"), &instance).data();
    page.get("projects/billing/process/list", &[]);
    page.get(&format!("{base}/task-list-by-process-id"), &instance);
    page.get(&format!("{base}/view-variables"), &instance);
    page.get(&format!("{base}/select-sub-process"), &[("taskId", &stage.sub_task.to_string())]);
    let log = [("taskInstId", &*stage.task.to_string()), ("skipLineNum", "0"), ("limit", "1000")];
    page.get("log/detail", &log);
    page.get(&format!("{base}/view-gantt"), &instance);
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    let (json, locations, connects) = (text("processInstanceJson"), text("locations"), text("connects"));
    let edit = [
        ("processInstanceJson", &*json),
        ("locations", &*locations),
        ("connects", &*connects),
        ("syncDefine", "false"),
        ("processInstanceId", &*one),
    ];
    page.post(&format!("{base}/update"), &edit);
    let tasks = and(&and(&LIST, &filter), &[("processInstanceId", ""), ("taskName", "")]);
    page.get("projects/billing/task-instance/list-paging", &tasks);
    page.post("projects/billing/executors/execute", &and(&instance, &[("executeType", "REPEAT_RUNNING")]));
    page.get(&format!("{base}/delete"), &[("processInstanceId", &stage.child.to_string())]);
}
