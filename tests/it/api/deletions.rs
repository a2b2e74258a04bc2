//! Deleting definitions and instances.

use super::stage::{id, release, save};
use super::{PAGE, Stage};
use escheduler::model::State;
use escheduler::store::entity::process_instance::ActiveModel;
use sea_orm::ActiveValue::Set;
use serde_json::json;

const DELETE: &str = "projects/billing/process/delete";

fn deleted(stage: &Stage, definition: i32) -> super::Answer {
    stage.alice.get(DELETE, &[("processDefinitionId", &definition.to_string())])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_off_line_and_at_rest_is_deleted() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(deleted(&stage, stage.daily).code(), 50021);
    assert_eq!(deleted(&stage, stage.draft).code(), 0);
    assert_eq!(deleted(&stage, stage.draft).code(), 50003);
    assert_eq!(stage.alice.get("projects/billing/process/list-paging", &PAGE).names("name"), ["daily"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_is_kept_while_an_instance_of_it_runs_or_is_wanted() {
    let Some(stage) = Stage::new().await else { return };
    let definition = save(&stage.alice, "billing", "busy");
    let of_it = |row: &mut ActiveModel| row.process_definition_id = Set(Some(definition));
    let running = stage.instance("busy-0-1", State::ReadyPause, of_it).await;
    let answer = deleted(&stage, definition);
    assert_eq!(answer.code(), 50022);
    assert!(answer.msg().contains(&format!("process instance {running} has not ended")), "{}", answer.msg());

    let nested = save(&stage.alice, "billing", "nested");
    let part = |row: &mut ActiveModel| {
        row.process_definition_id = Set(Some(nested));
        row.root_id = Set(Some(running));
    };
    stage.instance("nested-0-1", State::Success, part).await;
    assert_eq!(deleted(&stage, nested).code(), 50022, "its family runs");

    let wanted = save(&stage.alice, "billing", "wanted");
    let of_it = |row: &mut ActiveModel| row.process_definition_id = Set(Some(wanted));
    let ended = stage.instance("wanted-0-1", State::Failure, of_it).await;
    release(&stage.alice, "billing", wanted, "1");
    let again = [("processInstanceId", &*ended.to_string()), ("executeType", "REPEAT_RUNNING")];
    stage.alice.post("projects/billing/executors/execute", &again).data();
    release(&stage.alice, "billing", wanted, "0");
    assert!(deleted(&stage, wanted).msg().contains("still pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_others_run_is_kept_and_they_are_named() {
    let Some(stage) = Stage::new().await else { return };
    let draw = |name: &str, params: serde_json::Value, kind: &str| {
        let task = json!({"name": "child", "type": kind, "params": params, "preTasks": []});
        let document = json!({"globalParams": [], "tasks": [task]}).to_string();
        let form = [("name", name), ("processDefinitionJson", &document)];
        stage.alice.post("projects/billing/process/save", &form).data();
        id(&stage.alice, "projects/billing/process/list-paging", name)
    };
    let params = json!({"processDefinitionId": stage.draft.to_string()});
    let parent = draw("parent", params.clone(), "SUB_PROCESS");
    draw("mentions it", json!({"rawScript": format!("echo SUB_PROCESS {}", stage.draft)}), "SHELL");
    let answer = deleted(&stage, stage.draft);
    assert_eq!(answer.code(), 50022);
    assert!(answer.msg().ends_with("is a sub-process of parent"), "{}", answer.msg());
    assert_eq!(deleted(&stage, parent).code(), 0);
    assert_eq!(deleted(&stage, stage.draft).code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_those_that_can_go_go_and_the_others_are_named() {
    let Some(stage) = Stage::new().await else { return };
    let ids = format!("{},{},999", stage.draft, stage.daily);
    let answer = stage.alice.get("projects/billing/process/batch-delete", &[("processDefinitionIds", &ids)]);
    assert_eq!(answer.code(), 50026);
    assert!(answer.msg().contains(&format!("{},999", stage.daily)), "{}", answer.msg());
    assert_eq!(stage.alice.get("projects/billing/process/list-paging", &PAGE).names("name"), ["daily"]);

    let ids = format!("{},{}", stage.running, stage.ended);
    let answer = stage.alice.get("projects/billing/instance/batch-delete", &[("processInstanceIds", &ids)]);
    assert_eq!(answer.code(), 10117);
    assert!(answer.msg().contains(&format!("instances {} failed", stage.running)), "{}", answer.msg());
    assert_eq!(stage.alice.get("projects/billing/instance/list-paging", &PAGE).names("name"), ["daily-0-2"]);
}
