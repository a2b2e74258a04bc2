//! The keys of the wire: a missing one breaks pages of the front-end, so each shape is compared whole.

use super::{PAGE, Stage};
use serde_json::Value;

const USER: &str = "alertGroup createTime email id phone queue queueName tenantCode tenantId tenantName updateTime
    userName userPassword userType";
const TENANT: &str = "createTime desc id queue queueId queueName tenantCode tenantName updateTime";
const QUEUE: &str = "createTime id queue queueName updateTime";
const PROJECT: &str = "createTime defCount desc id instRunningCount name perm updateTime userId userName";
const DEFINITION: &str = "connects createTime desc flag globalParamList globalParamMap globalParams id locations name
    processDefinitionJson projectId projectName receivers receiversCc releaseState scheduleReleaseState tenantId timeout
    updateTime userId userName version";
const INSTANCE: &str = "cmdTypeIfComplement commandParam commandStartTime commandType dependenceScheduleTimes duration
    endTime executorId failureStrategy globalParams historyCmd host id isSubProcess maxTryTimes name processDefinition
    processDefinitionId processInstancePriority queue receivers receiversCc recovery runTimes scheduleTime startTime
    state taskDependType tenantCode tenantId timeout warningGroupId warningType workerGroupId workerGroupName";
const FULL_INSTANCE: &str = "complementData connects locations processInstanceJson";
const TASK: &str = "alertFlag appLink dependency dependentResult duration endTime executePath flag host id logPath
    maxRetryTimes name pid processDefine processDefinitionId processInstance processInstanceId processInstanceName
    processInstancePriority retryInterval retryTimes runFlag startTime state submitTime taskInstancePriority taskType
    workerGroupId";
const FULL_TASK: &str = "subProcess taskComplete taskJson taskSuccess";

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().expect("is an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn words<'a>(texts: &[&'a str]) -> Vec<&'a str> {
    let mut words: Vec<_> = texts.iter().flat_map(|text| text.split_whitespace()).collect();
    words.sort_unstable();
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_has_exactly_its_keys() {
    let Some(stage) = Stage::new().await else { return };
    let (admin, alice) = (&stage.world.admin, &stage.alice);
    let (ended, daily) = (stage.ended.to_string(), stage.daily.to_string());
    let instance = [("processInstanceId", &*ended)];
    let billing = |path: &str| format!("projects/billing/{path}");
    let first = |list: Value| list[0].clone();
    let page = |path: &str| admin.get(path, &PAGE).data();
    assert_eq!(keys(&page("users/list-paging")), words(&["currentPage total totalList totalPage"]));
    let tasks = alice.get(&billing("instance/task-list-by-process-id"), &instance).data();
    assert_eq!(keys(&tasks), ["processInstanceState", "taskList"]);
    let row = |path: &str| first(page(path)["totalList"].clone());
    for (shape, found) in [
        (&[USER][..], row("users/list-paging")),
        (&[USER], alice.get("users/get-user-info", &[]).data()),
        (&[TENANT], row("tenant/list-paging")),
        (&[TENANT], first(alice.get("tenant/list", &[]).data())),
        (&[QUEUE], row("queue/list-paging")),
        (&[QUEUE], first(admin.get("queue/list", &[]).data())),
        (&[PROJECT], row("projects/list-paging")),
        (&[DEFINITION], row(&billing("process/list-paging"))),
        (&[DEFINITION], first(alice.get(&billing("process/list"), &[]).data())),
        (&[DEFINITION], alice.get(&billing("process/select-by-id"), &[("processId", &daily)]).data()),
        (&[INSTANCE], row(&billing("instance/list-paging"))),
        (&[INSTANCE, FULL_INSTANCE], alice.get(&billing("instance/select-by-id"), &instance).data()),
        (&[TASK], row(&billing("task-instance/list-paging"))),
        (&[TASK, FULL_TASK], first(tasks["taskList"].clone())),
    ] {
        assert_eq!(keys(&found), words(shape));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_numbers_and_enumerations_are_names() {
    let Some(stage) = Stage::new().await else { return };
    let row = &stage.alice.get("projects/billing/instance/list-paging", &PAGE).rows()[1];
    assert!(row["startTime"].is_i64() && row["endTime"].is_i64() && row["scheduleTime"].is_null());
    let names = [
        "state",
        "recovery",
        "commandType",
        "taskDependType",
        "failureStrategy",
        "warningType",
        "isSubProcess",
        "processInstancePriority",
    ];
    assert_eq!(
        names.map(|key| row[key].as_str().unwrap()).join(" "),
        "SUCCESS NO START_PROCESS TASK_POST CONTINUE NONE NO MEDIUM"
    );
    for (path, row) in [("queue/list", 0), ("tenant/list", 0)] {
        let list = stage.world.admin.get(path, &[]).data();
        assert!(list[row]["createTime"].is_i64(), "{list}");
    }
}
