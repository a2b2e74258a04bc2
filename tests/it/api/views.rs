//! Trees, Gantt charts, variables and nodes.

use super::stage::START;
use super::world::World;
use super::{Stage, pick};
use escheduler::api::Compat;
use escheduler::model::{State, Time};
use escheduler::store::entity::{process_instance, task_instance};
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

/// Redraws `draft`: prepare, then the nested definition, then a report that waits for both.
fn draw(stage: &Stage) -> String {
    let locals = json!([
        {"prop": "limit", "direct": "IN", "type": "INTEGER", "value": "10"},
        {"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "$[yyyyMMdd]"},
    ]);
    let tasks = json!([
        {"id": "t1", "name": "report", "type": "PYTHON", "params": {"rawScript": "1", "localParams": locals},
         "preTasks": ["prepare", "nested"]},
        {"id": "t2", "name": "prepare", "type": "SHELL", "params": {"rawScript": "true"}, "preTasks": []},
        {"id": "t3", "name": "nested", "type": "SUB_PROCESS", "params": {"processDefinitionId": stage.daily},
         "preTasks": ["prepare"], "maxRetryTimes": "3"},
    ]);
    let document = json!({"globalParams": [], "tasks": tasks}).to_string();
    let form =
        [("id", &*stage.draft.to_string()), ("name", "draft"), ("processDefinitionJson", &document), ("desc", "")];
    stage.alice.post("projects/billing/process/update", &form).data();
    document
}

/// An instance of `draft`.
async fn instance(stage: &Stage, name: &str, minutes: i64, document: &str) -> i32 {
    let change = |row: &mut process_instance::ActiveModel| {
        row.process_definition_id = Set(Some(stage.draft));
        row.start_time = Set(Some(utc(Time(START.0 + minutes * 60_000))));
        row.end_time = Set(Some(utc(Time(START.0 + minutes * 60_000 + 93_784_000))));
        row.process_instance_json = Set(Some(document.to_owned()));
    };
    stage.instance(name, State::Success, change).await
}

fn tree(stage: &Stage, limit: &str) -> Value {
    let form = [("processId", &*stage.draft.to_string()), ("limit", limit)];
    stage.alice.get("projects/billing/process/view-tree", &form).data()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_shows_the_newest_instances_oldest_first_on_every_node() {
    let Some(stage) = Stage::new().await else { return };
    let document = draw(&stage);
    let nothing = tree(&stage, "25");
    assert_eq!(pick(&nothing, "name type instances"), json!(["DAG", "", []]));
    assert_eq!(nothing["children"][0]["name"], "prepare", "nodes are there without any instance");

    let mut ids = Vec::new();
    for number in [3, 1, 2] {
        ids.push(instance(&stage, &format!("run {number}"), number, &document).await);
    }
    let kind = |row: &mut task_instance::ActiveModel| row.task_type = Set(Some("SUB_PROCESS".to_owned()));
    let task = stage.task(ids[2], "nested", State::Failure, kind).await;
    let whole = tree(&stage, "2");
    let names = |node: &Value| -> Vec<String> {
        node["instances"].as_array().unwrap().iter().map(|square| square["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&whole), ["run 2", "run 3"]);
    assert_eq!(whole["instances"][0]["duration"], "01 02:03:04");
    let prepare = &whole["children"][0];
    assert_eq!(names(prepare), ["not running", "not running"]);
    assert_eq!(pick(&prepare["instances"][0], "id type state startTime"), json!([-1, "null", null, null]));
    let below: Vec<&Value> = prepare["children"].as_array().unwrap().iter().map(|child| &child["name"]).collect();
    assert_eq!(below, ["report", "nested"]);
    let nested = &prepare["children"][1];
    assert_eq!(nested["children"][0]["name"], "report", "a node stands below all that it waits for");
    let square = pick(&nested["instances"][0], "id type state subflowId duration");
    assert_eq!(square, json!([task, "SUB_PROCESS", "FAILURE", stage.daily, "00 00:01:07"]));
    let form = [("processId", &*stage.draft.to_string()), ("limit", "0")];
    assert_eq!(stage.alice.get("projects/billing/process/view-tree", &form).code(), 10111);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gantt_chart_has_its_nodes_in_order_and_a_bar_for_each_that_ran() {
    let Some(stage) = Stage::new().await else { return };
    let document = draw(&stage);
    let id = instance(&stage, "run", 0, &document).await;
    stage.task(id, "prepare", State::Failure, |row| row.flag = Set(Some(0))).await;
    stage.task(id, "prepare", State::Success, |_| ()).await;
    stage.task(id, "nested", State::Submitted, |row| row.start_time = Set(None)).await;
    let form = [("processInstanceId", &*id.to_string())];
    let chart = stage.alice.get("projects/billing/instance/view-gantt", &form).data();
    assert_eq!(pick(&chart, "height taskNames"), json!([0, ["prepare", "nested", "report"]]));
    let bars = chart["tasks"].as_array().unwrap();
    assert_eq!(bars.len(), 2);
    let keys = "taskName startDate endDate executionDate isoStart isoEnd status duration";
    let (start, end) = (START.0, START.0 + 67_500);
    let bar = json!(["prepare", [start], [end], start, start, end, "SUCCESS", "00 00:01:07"]);
    assert_eq!(pick(&bars[0], keys), bar);
    assert_eq!(
        pick(&bars[1], "taskName executionDate status duration"),
        json!(["nested", null, "SUBMITTED_SUCCESS", "00 00:00:00"])
    );
    assert!(bars[1]["startDate"][0].as_i64().unwrap() > START.0, "now, where nothing is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_have_the_values_of_the_run_in_the_shape_of_the_release() {
    let locals = |kind: &str, value: &str| json!({"prop": kind, "direct": "IN", "type": if kind == "limit" { "INTEGER" } else { "VARCHAR" }, "value": value});
    let expected = json!([locals("limit", "10"), locals("day", "20260301")]);
    for compat in [Compat::V1_0, Compat::V1_1] {
        let Some(world) = World::with(|settings| settings.compat = compat).await else { return };
        let stage = Stage::on(world).await;
        let document = draw(&stage);
        let change = |row: &mut process_instance::ActiveModel| {
            row.process_instance_json = Set(Some(document));
            row.global_params =
                Set(Some(r#"[{"prop":"dt","direct":"IN","type":"VARCHAR","value":"20260228"}]"#.into()));
        };
        let id = stage.instance("run", State::Success, change).await;
        let form = [("processInstanceId", &*id.to_string())];
        let found = stage.alice.get("projects/billing/instance/view-variables", &form).data();
        assert_eq!(found["globalParams"][0]["value"], "20260228");
        let shaped = match compat {
            Compat::V1_0 => json!({"report": expected}),
            Compat::V1_1 => json!({"report": {"taskType": "PYTHON", "localParamsList": expected}}),
        };
        assert_eq!(found["localParams"], shaped, "only nodes that have any");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_listed_with_all_their_keys() {
    let Some(stage) = Stage::new().await else { return };
    draw(&stage);
    let form = [("processDefinitionId", &*stage.draft.to_string())];
    let nodes = stage.alice.get("projects/billing/process/gen-task-list", &form).data();
    let keys = "name type maxRetryTimes retryInterval preTasks depList taskInstancePriority forbidden workerGroupId";
    let nested = json!(["nested", "SUB_PROCESS", 3, 0, ["prepare"], ["prepare"], "MEDIUM", false, -1]);
    assert_eq!(pick(&nodes[2], keys), nested);
    assert_eq!(nodes[2]["taskTimeoutParameter"], json!({"enable": false, "strategy": null, "interval": 0}));

    let hers = stage.bobs_project();
    let lists = |client: &super::Client, ids: String| {
        client.get("projects/%7BprojectName%7D/process/get-task-list", &[("processDefinitionIdList", &ids)])
    };
    let found = lists(&stage.alice, format!("{},999", stage.draft)).data();
    assert_eq!(found[stage.draft.to_string()].as_array().unwrap().len(), 3);
    assert_eq!(found.as_object().unwrap().len(), 1);
    assert_eq!(lists(&stage.alice, format!("{},{hers}", stage.draft)).code(), 30002, "one of them is not hers");
}
