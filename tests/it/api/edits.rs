//! Editing an instance that has ended.

use super::Stage;
use super::world::document;
use escheduler::model::State;
use escheduler::store::entity::process_definition;
use escheduler::store::entity::process_instance::{ActiveModel, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use serde_json::json;

const UPDATE: &str = "projects/billing/instance/update";

async fn row(stage: &Stage, id: i32) -> Model {
    Entity::find_by_id(id).one(stage.world.store.read()).await.unwrap().unwrap()
}

/// One node, and a global parameter that is the day of the run.
fn dated(name: &str) -> String {
    let mut document: serde_json::Value = serde_json::from_str(&document(name)).unwrap();
    document["globalParams"] =
        json!([{"prop": "dt", "direct": "IN", "type": "VARCHAR", "value": "${system.biz.curdate}"}]);
    document["timeout"] = json!("30");
    document.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_instance_gets_another_document_and_its_definition_stays() {
    let Some(stage) = Stage::new().await else { return };
    let (id, json) = (stage.ended.to_string(), dated("other"));
    let form = [
        ("processInstanceId", &*id),
        ("processInstanceJson", &*json),
        ("locations", r#"{"a":1}"#),
        ("connects", "[]"),
        ("syncDefine", "false"),
    ];
    stage.alice.post(UPDATE, &form).data();
    let changed = row(&stage, stage.ended).await;
    assert_eq!(changed.process_instance_json.as_deref(), Some(&*json), "verbatim");
    assert_eq!(changed.locations.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(changed.timeout, Some(30));
    let globals = changed.global_params.unwrap();
    assert!(globals.contains("20260301"), "computed from the start of the run: {globals}");
    let definition = process_definition::Entity::find_by_id(stage.daily).one(stage.world.store.read()).await.unwrap();
    assert!(!definition.unwrap().process_definition_json.unwrap().contains("other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_of_the_run_is_what_its_dates_are_computed_from() {
    let Some(stage) = Stage::new().await else { return };
    let (id, json) = (stage.ended.to_string(), dated("other"));
    let form = [("processInstanceId", &*id), ("processInstanceJson", &*json), ("syncDefine", "false")];
    let with = |time: &str| {
        let form: Vec<_> = form.iter().copied().chain([("scheduleTime", time), ("flag", "NO")]).collect();
        stage.alice.post(UPDATE, &form)
    };
    with("2026-02-03 00:00:00").data();
    let changed = row(&stage, stage.ended).await;
    assert!(changed.global_params.unwrap().contains("20260203"));
    assert_eq!(changed.flag, Some(0));
    assert_eq!(with("soon").code(), 10001);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_definition_follows_when_asked_to_although_it_is_on_line() {
    let Some(stage) = Stage::new().await else { return };
    let (id, json) = (stage.ended.to_string(), dated("other"));
    let form = [("processInstanceId", &*id), ("processInstanceJson", &*json), ("syncDefine", "true")];
    stage.alice.post(UPDATE, &form).data();
    let select = [("processId", &*stage.daily.to_string())];
    let definition = stage.alice.get("projects/billing/process/select-by-id", &select).data();
    assert_eq!(definition["processDefinitionJson"], *json);
    assert_eq!((&definition["timeout"], &definition["releaseState"]), (&json!(30), &json!("ONLINE")));
    assert_eq!(definition["globalParamMap"], json!({"dt": "${system.biz.curdate}"}), "as it was written");
}

/// Nothing outside the master edits an instance that runs, or that is about to.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_or_is_about_to_is_not_edited() {
    let Some(stage) = Stage::new().await else { return };
    let json = document("other");
    let update = |id: i32| {
        let id = id.to_string();
        let form = [("processInstanceId", &*id), ("processInstanceJson", &*json), ("syncDefine", "true")];
        stage.alice.post(UPDATE, &form)
    };
    for state in State::ALL.iter().filter(|state| !state.is_finished()) {
        let id = stage.instance("lives", *state, |_| ()).await;
        let answer = update(id);
        assert_eq!(answer.code(), 50006, "{state}");
        assert!(answer.msg().contains(state.name()));
        assert!(!row(&stage, id).await.process_instance_json.unwrap().contains("other"));
    }
    let part = |row: &mut ActiveModel| row.root_id = Set(Some(stage.running));
    assert_eq!(update(stage.instance("part", State::Failure, part).await).code(), 10115);
    let again = [("processInstanceId", &*stage.ended.to_string()), ("executeType", "REPEAT_RUNNING")];
    stage.alice.post("projects/billing/executors/execute", &again).data();
    assert_eq!(update(stage.ended).code(), 10115, "somebody has asked to run it again");
    let select = [("processId", &*stage.daily.to_string())];
    let definition = stage.alice.get("projects/billing/process/select-by-id", &select).data();
    assert!(!definition["processDefinitionJson"].as_str().unwrap().contains("other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_run_is_refused_with_its_reason() {
    let Some(stage) = Stage::new().await else { return };
    let id = stage.ended.to_string();
    for (json, why) in [("{", "JSON"), (r#"{"tasks":[]}"#, "no nodes")] {
        let form = [("processInstanceId", &*id), ("processInstanceJson", json), ("syncDefine", "false")];
        let answer = stage.alice.post(UPDATE, &form);
        assert_eq!(answer.code(), 10115);
        assert!(answer.msg().contains(why), "{}", answer.msg());
    }
    let elsewhere = [("processInstanceId", &*id), ("syncDefine", "false")];
    stage.bobs_project();
    assert_eq!(stage.bob.post("projects/other/instance/update", &elsewhere).code(), 50001, "not of that project");
}
