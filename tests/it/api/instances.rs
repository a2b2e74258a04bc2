//! Process instances and task instances.

use super::stage::START;
use super::{Stage, page_and, pick};
use escheduler::model::{Command, CommandType, DefinitionId, InstanceId, State, Time, UserId};
use escheduler::store::entity::{process_instance, relation_process_instance, task_instance};
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, PaginatorTrait};
use serde_json::json;

const LIST: &str = "projects/billing/instance/list-paging";
const TASKS: &str = "projects/billing/task-instance/list-paging";

fn found(stage: &Stage, list: &str, more: &[(&str, &str)]) -> String {
    stage.alice.get(list, &page_and(more)).names("name").join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_listed_newest_start_first_without_sub_processes() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(found(&stage, LIST, &[]), "daily-0-2 daily-0-1");
    let rows = stage.alice.get(LIST, &super::PAGE).rows();
    assert_eq!(pick(&rows[1], "startTime endTime duration"), json!([START.0, START.0 + 67_500, 67]));
    assert!(rows[0]["endTime"].is_null() && rows[0]["duration"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_found_by_definition_name_state_host_and_start() {
    let Some(stage) = Stage::new().await else { return };
    stage.bobs_project();
    let other_host = |row: &mut process_instance::ActiveModel| row.host = Set(Some("10.0.0.77".to_owned()));
    stage.instance("nightly", State::Failure, other_host).await;
    let daily = stage.daily.to_string();
    let draft = stage.draft.to_string();
    assert_eq!(found(&stage, LIST, &[("processDefinitionId", &daily)]), "daily-0-2 nightly daily-0-1");
    assert_eq!(found(&stage, LIST, &[("processDefinitionId", &draft)]), "");
    assert_eq!(found(&stage, LIST, &[("processDefinitionId", "0"), ("searchVal", "NIGHT")]), "nightly");
    assert_eq!(found(&stage, LIST, &[("stateType", "RUNNING_EXEUTION")]), "daily-0-2");
    assert_eq!(found(&stage, LIST, &[("host", "0.77")]), "nightly");
    assert_eq!(stage.bob.get("projects/other/instance/list-paging", &super::PAGE).rows().len(), 0);
}

/// Start is excluded, end included; texts are in the zone of the server.
#[tokio::test(flavor = "multi_thread")]
async fn dates_are_read_in_the_zone_of_the_server() {
    let Some(stage) = Stage::new().await else { return };
    let between = |list, start, end| found(&stage, list, &[("startDate", start), ("endDate", end)]);
    for (list, first) in [(LIST, "daily-0-1"), (TASKS, "nested prepare")] {
        assert_eq!(between(list, "2026-03-01 07:59:59", "2026-03-01 08:00:00"), first);
        assert_eq!(between(list, "2026-03-01 08:00:00", "2026-03-01 08:00:59"), "");
        assert!(between(list, "soon", "2026-03-01 07:00:00").contains(first), "unreadable dates filter nothing");
        assert!(between(list, "", "2026-03-01 07:00:00").contains(first), "the end counts with a start only");
    }
    assert_eq!(between(LIST, "2026-03-01 08:00:00", "later"), "daily-0-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_read_with_its_document_and_tenant() {
    let Some(stage) = Stage::new().await else { return };
    let select =
        |id: i32| stage.alice.get("projects/billing/instance/select-by-id", &[("processInstanceId", &id.to_string())]);
    let found = select(stage.ended).data();
    let keys = "state commandType cmdTypeIfComplement complementData tenantCode queue";
    assert_eq!(pick(&found, keys), json!(["SUCCESS", "START_PROCESS", "START_PROCESS", false, "etl", "default"]));
    assert!(found["processInstanceJson"].as_str().unwrap().contains("prepare"));
    let backfill = |row: &mut process_instance::ActiveModel| {
        row.history_cmd = Set(Some("COMPLEMENT_DATA,STOP".to_owned()));
        row.command_type = Set(Some(9));
    };
    let found = select(stage.instance("b", State::Stop, backfill).await).data();
    assert_eq!(pick(&found, "cmdTypeIfComplement complementData"), json!(["COMPLEMENT_DATA", true]));
    assert_eq!(select(99).code(), 50001);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tasks_of_an_instance_are_its_valid_attempts() {
    let Some(stage) = Stage::new().await else { return };
    stage.task(stage.ended, "former", State::Failure, |row| row.flag = Set(Some(0))).await;
    let tasks = |id: i32| {
        let id = id.to_string();
        stage.alice.get("projects/billing/instance/task-list-by-process-id", &[("processInstanceId", &id)])
    };
    let data = tasks(stage.ended).data();
    assert_eq!(data["processInstanceState"], "SUCCESS");
    let list = data["taskList"].as_array().unwrap();
    let picture: Vec<String> = list
        .iter()
        .map(|task| {
            format!(
                "{} {} {} {} {}",
                task["name"], task["state"], task["taskSuccess"], task["taskComplete"], task["subProcess"]
            )
        })
        .collect();
    assert_eq!(picture, [r#""nested" "SUCCESS" true true true"#, r#""prepare" "SUCCESS" true true false"#]);
    assert!(list[1]["taskJson"].as_str().unwrap().contains("prepare") && list[1]["dependency"] == "{}");
    assert_eq!(tasks(stage.running).data()["taskList"], json!([]));
    assert_eq!(tasks(99).code(), 10114);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_attempts_are_listed_and_found_by_name_instance_state_and_host() {
    let Some(stage) = Stage::new().await else { return };
    stage.task(stage.ended, "prepare", State::Failure, |row| row.flag = Set(Some(0))).await;
    let waiting = |row: &mut task_instance::ActiveModel| {
        row.start_time = Set(None);
        row.host = Set(None);
    };
    stage.task(stage.running, "prepare more", State::Submitted, waiting).await;
    assert_eq!(found(&stage, TASKS, &[]), "prepare nested prepare prepare more", "those without a start are last");
    assert_eq!(found(&stage, TASKS, &[("searchVal", "MORE")]), "prepare more");
    assert_eq!(found(&stage, TASKS, &[("taskName", "prepare")]), "prepare prepare");
    assert_eq!(found(&stage, TASKS, &[("processInstanceId", &stage.running.to_string())]), "prepare more");
    assert_eq!(found(&stage, TASKS, &[("stateType", "FAILURE")]), "prepare");
    assert_eq!(found(&stage, TASKS, &[("host", "0.0.5"), ("taskName", "nested")]), "");
    let rows = stage.alice.get(TASKS, &page_and(&[("taskName", "nested")])).rows();
    assert_eq!(rows[0]["processInstanceName"], "daily-0-1");
    assert_eq!(rows[0].get("taskJson"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_of_runs_answer_their_code_for_a_page_without_rows() {
    let Some(stage) = Stage::new().await else { return };
    for (list, code) in [(LIST, 10113), (TASKS, 10082)] {
        assert_eq!(stage.alice.get(list, &[("pageNo", "1"), ("pageSize", "0")]).code(), code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_process_task_leads_to_its_instance() {
    let Some(stage) = Stage::new().await else { return };
    let sub =
        |task: i32| stage.alice.get("projects/billing/instance/select-sub-process", &[("taskId", &task.to_string())]);
    assert_eq!(sub(stage.sub_task).data(), json!({"subProcessInstanceId": stage.child}));
    assert_eq!(sub(stage.task).code(), 10021);
    assert_eq!(sub(99).code(), 10020);
    let early = stage
        .task(stage.running, "nested", State::Submitted, |row| row.task_type = Set(Some("SUB_PROCESS".to_owned())))
        .await;
    assert_eq!(sub(early).code(), 50007);
}

fn delete(stage: &Stage, id: i32) -> (i64, String) {
    let answer = stage.alice.get("projects/billing/instance/delete", &[("processInstanceId", &id.to_string())]);
    (answer.code(), answer.msg())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_deleted_with_its_children_tasks_and_wishes() {
    let Some(stage) = Stage::new().await else { return };
    let store = &stage.world.store;
    let grandchild = stage.instance("deep", State::Success, |row| row.is_sub_process = Set(Some(1))).await;
    let inner = stage.task(stage.child, "inner", State::Success, |_| ()).await;
    stage.relate(stage.child, inner, grandchild).await;
    let wish = Command::about(CommandType::Repeat, InstanceId(stage.ended), DefinitionId(stage.daily), UserId(2));
    store.insert_command(wish).await.unwrap();
    assert_eq!(delete(&stage, stage.ended).0, 0);
    let left = process_instance::Entity::find().all(store.read()).await.unwrap();
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [stage.running]);
    assert_eq!(task_instance::Entity::find().count(store.read()).await.unwrap(), 0);
    assert_eq!(relation_process_instance::Entity::find().count(store.read()).await.unwrap(), 0);
    assert!(store.starts(9).await.unwrap().is_empty());
    assert_eq!(delete(&stage, stage.ended).0, 50001);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_ended_is_not_deleted() {
    let Some(stage) = Stage::new().await else { return };
    let (code, msg) = delete(&stage, stage.running);
    assert!(code == 10117 && msg.contains(&format!("process instance {} has not ended", stage.running)), "{msg}");
    let child = stage.instance("child", State::Success, |row| row.root_id = Set(Some(stage.running))).await;
    assert_eq!(delete(&stage, child).0, 10117, "its family has not");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_of_another_project_does_not_exist_here() {
    let Some(stage) = Stage::new().await else { return };
    stage.bobs_project();
    for (path, code) in [("select-by-id", 50001), ("delete", 50001), ("task-list-by-process-id", 10114)] {
        let form = [("processInstanceId", &*stage.ended.to_string())];
        assert_eq!(stage.bob.get(&format!("projects/other/instance/{path}"), &form).code(), code);
    }
    let form = [("taskId", &*stage.sub_task.to_string())];
    assert_eq!(stage.bob.get("projects/other/instance/select-sub-process", &form).code(), 10020);
    let form = [("processInstanceId", &*stage.running.to_string()), ("executeType", "STOP")];
    assert_eq!(stage.bob.post("projects/other/executors/execute", &form).code(), 50001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_thousand_and_more_is_one_page() {
    let Some(stage) = Stage::new().await else { return };
    let (instance, definition) = (stage.ended, stage.daily);
    let written = stage.world.store.write(move |tx| {
        Box::pin(async move {
            let row = |number: i64| task_instance::ActiveModel {
                name: Set(Some(format!("t{number}"))),
                process_definition_id: Set(Some(definition)),
                process_instance_id: Set(Some(instance)),
                start_time: Set(Some(utc(Time(number)))),
                attempt: Set(1),
                ..Default::default()
            };
            for number in 0..1500 {
                row(number).insert(tx).await?;
            }
            Ok(())
        })
    });
    written.await.unwrap();
    let answer = stage.alice.get(TASKS, &[("pageNo", "1"), ("pageSize", "2000")]);
    assert_eq!((answer.rows().len(), answer.data()["totalPage"].as_i64()), (1502, Some(1)));
}
