//! Wishes become command rows, or are refused.

use super::stage::{id, release};
use super::{Answer, Stage};
use escheduler::calls::Bell;
use escheduler::model::{Command, CommandType, DefinitionId, InstanceId, State, UserId};
use serde_json::json;
use std::time::Duration;

fn start(stage: &Stage, definition: i32, more: &[(&str, &str)]) -> Answer {
    let definition = definition.to_string();
    let mut form =
        vec![("processDefinitionId", &*definition), ("failureStrategy", "CONTINUE"), ("warningType", "NONE")];
    form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    form.extend(more);
    stage.alice.post("projects/billing/executors/start-process-instance", &form)
}

fn execute(stage: &Stage, instance: i32, wish: &str) -> i64 {
    let form = [("processInstanceId", &*instance.to_string()), ("executeType", wish)];
    stage.alice.post("projects/billing/executors/execute", &form).code()
}

async fn commands(stage: &Stage) -> Vec<Command> {
    let (starts, orders) = (stage.world.store.starts(100).await, stage.world.store.orders(100).await);
    [starts.unwrap(), orders.unwrap()].concat()
}

/// Saves a definition, on line if it says so.
fn defined(stage: &Stage, name: &str, tasks: serde_json::Value, online: bool) -> i32 {
    let form = [("name", name), ("processDefinitionJson", &json!({"tasks": tasks}).to_string())];
    stage.alice.post("projects/billing/process/save", &form).data();
    let id = id(&stage.alice, "projects/billing/process/list-paging", name);
    if online {
        release(&stage.alice, "billing", id, "1");
    }
    id
}

fn nested(name: &str, definition: i32) -> serde_json::Value {
    json!([{"name": name, "type": "SUB_PROCESS", "params": {"processDefinitionId": definition}, "preTasks": []}])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_start_is_a_command_with_the_defaults() {
    let Some(stage) = Stage::new().await else { return };
    assert!(start(&stage, stage.daily, &[]).data().is_null());
    let [command] = &commands(&stage).await[..] else { panic!("one command") };
    let plain = Command {
        id: command.id,
        created_at: command.created_at,
        ..Command::start(DefinitionId(stage.daily), UserId(2))
    };
    assert_eq!(*command, plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_carries_what_the_form_says() {
    let Some(stage) = Stage::new().await else { return };
    let form = [
        ("failureStrategy", "END"),
        ("warningType", "ALL"),
        ("warningGroupId", "1"),
        ("execType", "START_CURRENT_TASK_PROCESS"),
        ("startNodeList", "prepare"),
        ("taskDependType", "TASK_ONLY"),
        ("processInstancePriority", "HIGHEST"),
        ("workerGroupId", "4"),
        ("timeout", "60"),
    ];
    start(&stage, stage.daily, &form).data();
    let command = &commands(&stage).await[0];
    let picture = format!(
        "{} {} {} {} {} {} {} {}",
        command.kind,
        command.param,
        command.depend,
        command.strategy,
        command.warning,
        command.warning_group,
        command.priority,
        command.worker_group
    );
    assert_eq!(picture, r#"START_CURRENT_TASK_PROCESS {"StartNodeNameList":"prepare"} TASK_ONLY END ALL 1 HIGHEST 4"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_masters_are_woken() {
    let Some(stage) = Stage::new().await else { return };
    start(&stage, stage.daily, &[]).data();
    let woken = tokio::time::timeout(Duration::from_secs(5), stage.world.bell.rung());
    woken.await.expect("a start wakes");
    assert_eq!(execute(&stage, stage.running, "STOP"), 0);
    let woken = tokio::time::timeout(Duration::from_secs(5), stage.world.bell.rung());
    woken.await.expect("an order wakes");
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_kept_with_the_definition() {
    let Some(stage) = Stage::new().await else { return };
    let kept = || {
        let found =
            stage.alice.get("projects/billing/process/select-by-id", &[("processId", &stage.daily.to_string())]);
        ["receivers", "receiversCc"].map(|key| found.data()[key].as_str().unwrap_or("null").to_owned()).join(" | ")
    };
    start(&stage, stage.daily, &[("receivers", "a@x.org,b@x.org"), ("receiversCc", "")]).data();
    assert_eq!(kept(), "a@x.org,b@x.org | null");
    start(&stage, stage.daily, &[]).data();
    assert_eq!(kept(), "a@x.org,b@x.org | null");
    start(&stage, stage.daily, &[("receivers", ""), ("receiversCc", "c@x.org")]).data();
    assert_eq!(kept(), " | c@x.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_is_refused_at_once() {
    let Some(stage) = Stage::new().await else { return };
    let sql = json!([{"name": "report", "type": "SQL", "params": {"datasource": 1, "type": "MYSQL", "sql": "select 1"}, "preTasks": []}]);
    let later = defined(&stage, "later", sql, true);
    let hidden = defined(&stage, "hidden", nested("child", stage.draft), true);
    let refused = |definition, form: &[(&str, &str)]| {
        let answer = start(&stage, definition, form);
        assert_eq!(answer.status, 200);
        (answer.code(), answer.msg())
    };
    assert_eq!(refused(99, &[]).0, 50003);
    assert_eq!(refused(stage.draft, &[]).0, 50004);
    for timeout in ["0", "86401", "-1"] {
        assert_eq!(refused(stage.daily, &[("timeout", timeout)]).0, 10002);
    }
    let (code, msg) = refused(stage.daily, &[("execType", "COMPLEMENT_DATA")]);
    assert!(code == 10001 && msg.contains("scheduleTime") && msg.contains("two times"), "{msg}");
    for (range, why) in [
        ("2019-06-05 00:00:00,2019-06-01 00:00:00", "after it ends"),
        ("1970-01-01 00:00:00,2090-01-01 00:00:00", "more than 10000 dates"),
    ] {
        let (code, msg) = refused(stage.daily, &[("execType", "COMPLEMENT_DATA"), ("scheduleTime", range)]);
        assert!(code == 10001 && msg.contains(why), "{msg}");
    }
    let many = [("execType", "COMPLEMENT_DATA"), ("runMode", "RUN_MODE_PARALLEL"), ("expectedParallelismNumber", "0")];
    assert_eq!(refused(stage.daily, &many).0, 10001);
    assert_eq!(refused(stage.daily, &[("execType", "REPEAT_RUNNING")]).0, 50014);
    let (code, msg) = refused(later, &[]);
    assert!(code == 50014 && msg.contains("`report`") && msg.contains("SQL"), "{msg}");
    let (code, msg) = refused(stage.daily, &[("startNodeList", "prepare,gone")]);
    assert!(code == 50014 && msg.contains("`gone`"), "{msg}");
    let (code, msg) = refused(hidden, &[]);
    assert!(code == 50004 && msg.contains("draft"), "{msg}");
    assert_eq!(commands(&stage).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_check_looks_into_sub_processes() {
    let Some(stage) = Stage::new().await else { return };
    let check = |id: i32| {
        let answer = stage
            .alice
            .post("projects/%7BprojectName%7D/executors/start-check", &[("processDefinitionId", &id.to_string())]);
        (answer.code(), answer.msg())
    };
    assert_eq!(check(stage.daily).0, 0, "the path may hold the literal name");
    let outer = defined(&stage, "outer", nested("child", stage.draft), true);
    let (code, msg) = check(outer);
    assert!(code == 50004 && msg.contains("draft"), "{msg}");
    release(&stage.alice, "billing", stage.draft, "1");
    assert_eq!(check(outer).0, 0);
    release(&stage.alice, "billing", stage.draft, "0");
    let form = [
        ("id", &*stage.draft.to_string()),
        ("name", "draft"),
        ("processDefinitionJson", &json!({"tasks": nested("up", outer)}).to_string()),
    ];
    stage.alice.post("projects/billing/process/update", &form).data();
    release(&stage.alice, "billing", stage.draft, "1");
    let (code, msg) = check(outer);
    assert!(code == 50016 && msg.contains("outer") && msg.contains("draft"), "a circle: {msg}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_a_command_about_the_instance_and_changes_nothing_else() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(execute(&stage, stage.running, "PAUSE"), 0);
    assert_eq!(execute(&stage, stage.running, "PAUSE"), 50005, "one is pending");
    assert_eq!(execute(&stage, stage.running, "STOP"), 0);
    assert_eq!(execute(&stage, stage.running, "STOP"), 0, "the same wish");
    let about: Vec<_> = commands(&stage).await.iter().map(|command| (command.kind, command.instance)).collect();
    let instance = Some(InstanceId(stage.running));
    assert_eq!(about, [(CommandType::Pause, instance), (CommandType::Stop, instance)]);
    let state = stage.world.store.standpoint(InstanceId(stage.running)).await.unwrap().map(|it| it.state);
    assert_eq!(state, Some(State::Running));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_its_state_forbids_is_refused() {
    let Some(stage) = Stage::new().await else { return };
    let stopping = stage.instance("s", State::ReadyStop, |_| ()).await;
    let pausing = stage.instance("p", State::ReadyPause, |_| ()).await;
    assert_eq!(execute(&stage, stage.ended, "STOP"), 50006);
    assert_eq!(execute(&stage, stage.ended, "PAUSE"), 50006);
    assert_eq!(execute(&stage, stage.running, "REPEAT_RUNNING"), 50006);
    assert_eq!(execute(&stage, stage.running, "NONE"), 50006);
    assert_eq!(execute(&stage, stage.ended, "START_FAILURE_TASK_PROCESS"), 50006);
    assert_eq!(execute(&stage, pausing, "PAUSE"), 50005);
    assert_eq!(execute(&stage, stopping, "PAUSE"), 50006);
    assert_eq!(execute(&stage, 99, "STOP"), 50001);
    assert_eq!(execute(&stage, stage.running, "KILL"), 10001);
    assert_eq!(commands(&stage).await, []);
    assert_eq!(execute(&stage, stopping, "STOP"), 0, "once more: without grace");
    assert_eq!(execute(&stage, pausing, "STOP"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn running_again_needs_the_definition_on_line_and_stopping_does_not() {
    let Some(stage) = Stage::new().await else { return };
    release(&stage.alice, "billing", stage.daily, "0");
    assert_eq!(execute(&stage, stage.ended, "REPEAT_RUNNING"), 50004);
    assert_eq!(execute(&stage, stage.running, "STOP"), 0);
    release(&stage.alice, "billing", stage.daily, "1");
    assert_eq!(execute(&stage, stage.ended, "REPEAT_RUNNING"), 0);
    assert_eq!(execute(&stage, stage.ended, "REPEAT_RUNNING"), 50009);
    let suspended = stage.instance("s", State::Stop, |_| ()).await;
    assert_eq!(execute(&stage, suspended, "RECOVER_SUSPENDED_PROCESS"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_repeat_one_instance_at_a_time_one_is_heard() {
    let Some(stage) = Stage::new().await else { return };
    let mut codes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| execute(&stage, stage.ended, "REPEAT_RUNNING"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    codes.sort_unstable();
    assert_eq!(codes, [0, 50009, 50009, 50009, 50009, 50009, 50009, 50009]);
    assert_eq!(commands(&stage).await.len(), 1);
}
