//! Why something does not run, asked over HTTP where no master and no worker is there.

use super::{Stage, stage::save};
use escheduler::model::State;
use escheduler::store::entity::{firing, schedules, task_instance};
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

const WHY: &str = "projects/billing/instance/why";

fn of_instance(stage: &Stage, id: i32) -> Value {
    stage.alice.get(WHY, &[("processInstanceId", &id.to_string())]).data().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_and_its_nodes_say_what_they_wait_for() {
    let Some(stage) = Stage::new().await else { return };
    let waits = of_instance(&stage, stage.running);
    let reason = json!({"code": "NO_MASTER", "text": "no master is running", "until": null});
    let nodes = json!([{"name": "prepare", "state": null, "reason": reason}]);
    assert_eq!((&waits["state"], &waits["nodes"]), (&json!("RUNNING_EXEUTION"), &nodes));
    assert_eq!(waits["reason"]["text"], "`prepare`: no master is running");
    let submitted = |row: &mut task_instance::ActiveModel| row.start_time = Set(None);
    stage.task(stage.running, "prepare", State::Submitted, submitted).await;
    assert_eq!(of_instance(&stage, stage.running)["nodes"][0]["reason"]["code"], "NO_WORKER");
    let paused = stage.instance("daily-0-9", State::Pause, |_| ()).await;
    assert_eq!(of_instance(&stage, paused)["reason"]["code"], "PAUSED");
    assert_eq!(of_instance(&stage, stage.ended)["reason"], Value::Null);
    // It is to run again, and nobody is there to see to that.
    let form = [("processInstanceId", &*stage.ended.to_string()), ("executeType", "REPEAT_RUNNING")];
    stage.alice.post("projects/billing/executors/execute", &form).data();
    let reason = &of_instance(&stage, stage.ended)["reason"];
    assert_eq!(reason["text"], "REPEAT_RUNNING: no master is running that could take it up");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dependent_node_waits_for_is_told() {
    let Some(stage) = Stage::new().await else { return };
    let node = json!({"id": "tasks-1", "name": "waits", "type": "DEPENDENT", "params": {}, "dependence": {}});
    let document = json!({"globalParams": [], "tasks": [node], "tenantId": -1, "timeout": 0}).to_string();
    let instance =
        stage.instance("daily-0-9", State::Running, |row| row.process_instance_json = Set(Some(document))).await;
    let item = |result: &str, text: &str| json!({"key": "5-ALL-day-today", "result": result, "text": text, "at": 7});
    let report =
        json!({"items": [item("SUCCESS", "met"), item("WAITING", "`weekly`: there is no run yet")]}).to_string();
    let waiting = |row: &mut task_instance::ActiveModel| {
        row.task_type = Set(Some("DEPENDENT".into()));
        row.log_path = Set(None);
        row.dependent_result = Set(Some(report.clone()));
    };
    let task = stage.task(instance, "waits", State::Running, waiting).await;
    let reason = json!({"code": "DEPENDENCY", "text": "it waits for `weekly`: there is no run yet", "until": null});
    assert_eq!(of_instance(&stage, instance)["nodes"][0]["reason"], reason);
    // The same stands in the log, and in the list of tasks.
    let form = [("taskInstId", &*task.to_string()), ("skipLineNum", "1"), ("limit", "1")];
    let log = stage.alice.get("log/detail", &form);
    let log = log.data();
    let line = log.as_str().unwrap_or_default();
    assert!(
        line.ends_with(&format!(
            "[taskAppId=TASK_{}_{instance}_{task}] dependent item complete :|| 5-ALL-day-today,SUCCESS\r\n",
            stage.daily
        )),
        "{line}"
    );
    let tasks = stage
        .alice
        .get("projects/billing/instance/task-list-by-process-id", &[("processInstanceId", &*instance.to_string())]);
    assert_eq!(tasks.data()["taskList"][0]["dependentResult"], "{\"5-ALL-day-today\":\"WAITING\"}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_says_what_was_asked_for_and_has_not_begun() {
    let Some(stage) = Stage::new().await else { return };
    let asked = || {
        let form = [("processDefinitionId", &*stage.daily.to_string())];
        stage.alice.get(WHY, &form).data()["pending"].clone()
    };
    assert_eq!(asked(), json!([]));
    let form = [
        ("processDefinitionId", &*stage.daily.to_string()),
        ("failureStrategy", "CONTINUE"),
        ("warningType", "NONE"),
        ("warningGroupId", "0"),
    ];
    stage.alice.post("projects/billing/executors/start-process-instance", &form).data();
    let schedule = stage
        .insert(schedules::ActiveModel {
            process_definition_id: Set(stage.daily),
            start_time: Set(utc(escheduler::model::Time(0))),
            end_time: Set(utc(escheduler::model::Time(1))),
            crontab: Set("0 0 0 * * ?".into()),
            failure_strategy: Set(0),
            user_id: Set(1),
            release_state: Set(1),
            warning_type: Set(0),
            create_time: Set(utc(escheduler::model::Time(0))),
            update_time: Set(utc(escheduler::model::Time(0))),
            overlap_policy: Set(Some(1)),
            ..Default::default()
        })
        .await
        .id;
    let running = stage.instance("daily-0-9", State::Running, |row| row.schedule_id = Set(Some(schedule))).await;
    let waiting = firing::ActiveModel {
        schedule_id: Set(schedule),
        fire_ms: Set(5000),
        fired_ms: Set(5001),
        outcome: Set(escheduler::model::Outcome::Waiting.code()),
        missed: Set(0),
    };
    stage.insert(waiting).await;
    let asked = asked();
    let told: Vec<_> =
        asked.as_array().expect("a list").iter().map(|it| (&it["commandType"], &it["reason"]["code"])).collect();
    assert_eq!(told, [(&json!("START_PROCESS"), &json!("NO_MASTER")), (&Value::Null, &json!("OVERLAP"))]);
    let text = format!("process instance {running} has not ended, and the schedule's overlap policy is wait");
    assert_eq!((&asked[1]["scheduleTime"], &asked[1]["reason"]["text"]), (&json!(5000), &json!(text)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_about_one_thing_of_the_own_project() {
    let Some(stage) = Stage::new().await else { return };
    let code = |form: &[(&str, &str)]| stage.alice.get(WHY, form).code();
    assert_eq!(code(&[]), 10001);
    assert_eq!(code(&[("processInstanceId", "x")]), 10001);
    assert_eq!(code(&[("processInstanceId", "1"), ("processDefinitionId", "1")]), 10001);
    assert_ne!(code(&[("processInstanceId", "99999")]), 0);
    assert_ne!(code(&[("processDefinitionId", "99999")]), 0);
    let running = stage.running.to_string();
    assert_ne!(stage.bob.get(WHY, &[("processInstanceId", &running)]).code(), 0, "it is not his project");
    stage.bobs_project();
    let foreign = stage.bob.get("projects/other/instance/why", &[("processInstanceId", &running)]);
    assert_ne!(foreign.code(), 0, "the instance is of another project");
    let draft = save(&stage.alice, "billing", "another");
    assert_eq!(code(&[("processDefinitionId", &draft.to_string())]), 0);
}
