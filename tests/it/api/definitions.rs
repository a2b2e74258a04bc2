//! Process definitions.

use super::stage::{id, release, save};
use super::world::document;
use super::{Stage, page_and, pick};
use escheduler::model::Time;
use escheduler::store::entity::schedules;
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

const BASE: &str = "projects/billing/process";

fn saved(stage: &Stage, document: &str) -> (i64, String) {
    let answer = stage.alice.post(&format!("{BASE}/save"), &[("name", "x"), ("processDefinitionJson", document)]);
    assert_eq!(answer.status, 201);
    (answer.code(), answer.msg())
}

fn selected(stage: &Stage, id: i32) -> Value {
    stage.alice.get(&format!("{BASE}/select-by-id"), &[("processId", &id.to_string())]).data()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_drawn_comes_back_letter_by_letter() {
    let Some(stage) = Stage::new().await else { return };
    let document = r#" {"tasks" : [{"name":"数据 \"x\"","id":"tasks-1","type":"SHELL","maxRetryTimes":"0","retryInterval":1,
        "params":{"rawScript":"echo ${dt} & ; + %41"},"preTasks":[]}], "timeout":"30", "tenantId":3, "strange":[1.50],
        "globalParams":[{"prop":"dt","direct":"IN","type":"VARCHAR","value":"${system.biz.date}"},{"prop":"dt","value":"2"}]}"#;
    let texts = [
        ("processDefinitionJson", document),
        ("locations", r#"{"tasks-1":{"name":"数据","targetarr":"","x":1,"y":2} }"#),
        ("connects", "[ ]"),
        ("desc", "a & b"),
    ];
    let form = [&[("name", "weekly")][..], &texts].concat();
    stage.alice.post(&format!("{BASE}/save"), &form).data();
    let weekly = id(&stage.alice, &format!("{BASE}/list-paging"), "weekly");
    let found = selected(&stage, weekly);
    for (key, text) in texts {
        assert_eq!(found[key], text);
    }
    let property = json!({"prop": "dt", "direct": "IN", "type": "VARCHAR", "value": "${system.biz.date}"});
    assert_eq!(found["globalParams"], json!([property]).to_string(), "without the double");
    assert_eq!(found["globalParamList"], json!([property]));
    assert_eq!(found["globalParamMap"], json!({"dt": "${system.biz.date}"}));
    let keys = "releaseState version timeout tenantId userName projectName flag scheduleReleaseState";
    assert_eq!(pick(&found, keys), json!(["OFFLINE", 0, 30, 3, "alice", "billing", "YES", null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_of_nodes_are_never_empty_text() {
    let Some(stage) = Stage::new().await else { return };
    let form = [("name", "w"), ("processDefinitionJson", &*document("a")), ("locations", ""), ("connects", "")];
    stage.alice.post(&format!("{BASE}/save"), &form).data();
    for name in ["w", "daily"] {
        let found = selected(&stage, id(&stage.alice, &format!("{BASE}/list-paging"), name));
        assert_eq!(pick(&found, "locations connects"), json!(["{}", "[]"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_document_is_told_with_its_code() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(saved(&stage, "{").0, 50017);
    assert_eq!(saved(&stage, "").0, 50017);
    assert_eq!(saved(&stage, "[]").0, 50017);
    assert_eq!(saved(&stage, "{\"tasks\":[]}").0, 50018);
    let node = |name: &str, after: &[&str]| json!({"name": name, "type": "SHELL", "params": {"rawScript": "x"}, "preTasks": after});
    let (code, msg) = saved(&stage, &json!({"tasks": [node("a", &["b"]), node("b", &["a"])]}).to_string());
    assert!(code == 50019 && msg.contains("`a`") && msg.contains("`b`"), "{code} {msg}");
    let (code, msg) =
        saved(&stage, &json!({"tasks": [{"name": "a", "type": "SHELL"}, {"name": "b", "type": "X"}]}).to_string());
    assert!(
        code == 50020 && msg.contains("node `a`") && msg.contains("node `b`"),
        "all problems at once: {code} {msg}"
    );
    let (code, msg) = saved(&stage, &json!({"tasks": [node("a", &["gone"])]}).to_string());
    assert!(code == 10001 && msg.contains("`gone`"), "{code} {msg}");
    assert_eq!(stage.alice.get(&format!("{BASE}/list"), &[]).names("name").len(), 2, "nothing was saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_unique_within_its_project() {
    let Some(stage) = Stage::new().await else { return };
    stage.bobs_project();
    let document = document("a");
    let save = |name: &str| {
        stage.alice.post(&format!("{BASE}/save"), &[("name", name), ("processDefinitionJson", &document)]).code()
    };
    assert_eq!(save("daily"), 50002);
    assert_eq!(save("hers"), 0, "another project's");
    assert_eq!((save(""), save(&"x".repeat(256)), save(&"x".repeat(255))), (10001, 10001, 0));
    let verify = |name| stage.alice.get(&format!("{BASE}/verify-name"), &[("name", name)]).code();
    assert_eq!((verify("daily"), verify("Daily")), (50002, 0));
    let form = [("id", &*stage.draft.to_string()), ("name", "daily"), ("processDefinitionJson", &document)];
    assert_eq!(stage.alice.post(&format!("{BASE}/update"), &form).code(), 50002);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_off_line_is_changed() {
    let Some(stage) = Stage::new().await else { return };
    let update = |id: i32, document: &str| {
        let id = id.to_string();
        let form = [("id", &*id), ("name", "new name"), ("processDefinitionJson", document), ("desc", "new")];
        stage.alice.post(&format!("{BASE}/update"), &form).code()
    };
    assert_eq!(update(stage.daily, &document("b")), 50008);
    assert_eq!(update(99, &document("b")), 50003);
    assert_eq!(update(stage.draft, "{}"), 50018);
    assert_eq!(update(stage.draft, &document("b")), 0);
    let found = selected(&stage, stage.draft);
    assert_eq!(found["processDefinitionJson"], document("b"));
    assert_eq!(pick(&found, "name desc"), json!(["new name", "new"]));
    assert_eq!(stage.alice.get(&format!("{BASE}/list-paging"), &super::PAGE).names("name"), ["new name", "daily"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_takes_0_and_1_and_its_schedules_off_line() {
    let Some(stage) = Stage::new().await else { return };
    let released = |id: i32, state: &str| {
        stage.alice.post(&format!("{BASE}/release"), &[("processId", &id.to_string()), ("releaseState", state)]).code()
    };
    assert_eq!((released(stage.draft, "2"), released(99, "1"), released(99, "0")), (10108, 10108, 10108));
    let now = Set(utc(Time::now()));
    let schedule = schedules::ActiveModel {
        process_definition_id: Set(stage.daily),
        start_time: now.clone(),
        end_time: now.clone(),
        crontab: Set("0 0 2 * * ? *".to_owned()),
        failure_strategy: Set(1),
        user_id: Set(2),
        release_state: Set(1),
        warning_type: Set(0),
        create_time: now.clone(),
        update_time: now,
        next_fire_ms: Set(Some(1)),
        ..Default::default()
    };
    stage.insert(schedule.clone()).await;
    stage.insert(schedules::ActiveModel { release_state: Set(0), ..schedule }).await;
    let shown = || {
        let rows = stage.alice.get(&format!("{BASE}/list-paging"), &page_and(&[("searchVal", "dail")])).rows();
        assert_eq!(rows.len(), 1, "once, however many schedules it has");
        rows[0]["scheduleReleaseState"].clone()
    };
    assert_eq!(shown(), "ONLINE");
    assert_eq!(released(stage.daily, "0"), 0);
    assert_eq!(shown(), "OFFLINE");
    let rows = schedules::Entity::find().all(stage.world.store.read()).await.unwrap();
    assert!(rows.iter().all(|row| row.release_state == 0));
    assert_eq!(selected(&stage, stage.daily)["releaseState"], "OFFLINE");
}

/// Rows of an upgraded database may hold what this release would refuse.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_run_is_not_taken_on_line() {
    let Some(stage) = Stage::new().await else { return };
    let row = escheduler::store::entity::process_definition::ActiveModel {
        name: Set(Some("old".to_owned())),
        release_state: Set(Some(0)),
        project_id: Set(Some(stage.project)),
        user_id: Set(Some(2)),
        flag: Set(Some(1)),
        tenant_id: Set(-1),
        process_definition_json: Set(Some(r#"{"tasks":[]}"#.to_owned())),
        ..Default::default()
    };
    let old = stage.insert(row).await.id.to_string();
    let form = [("processId", &*old), ("releaseState", "1")];
    assert_eq!(stage.alice.post(&format!("{BASE}/release"), &form).code(), 50018);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_of_another_project_does_not_exist_here() {
    let Some(stage) = Stage::new().await else { return };
    let hers = stage.bobs_project().to_string();
    assert_eq!(stage.alice.get(&format!("{BASE}/select-by-id"), &[("processId", &hers)]).code(), 50001);
    assert_eq!(stage.alice.get(&format!("{BASE}/select-by-id"), &[("processId", "99")]).code(), 50001);
    let form = [("processId", &*hers), ("releaseState", "0")];
    assert_eq!(stage.alice.post(&format!("{BASE}/release"), &form).code(), 10108);
    let form = [("id", &*hers), ("name", "mine"), ("processDefinitionJson", &*document("a"))];
    assert_eq!(stage.alice.post(&format!("{BASE}/update"), &form).code(), 50003);
    let form = [("processDefinitionId", &*hers), ("failureStrategy", "END"), ("warningType", "NONE")];
    assert_eq!(stage.alice.post("projects/billing/executors/start-process-instance", &form).code(), 50003);
    assert_eq!(stage.alice.post("projects/billing/executors/start-check", &form).code(), 30002);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_in_order_and_can_be_narrowed() {
    let Some(stage) = Stage::new().await else { return };
    save(&stage.world.admin, "billing", "by admin");
    release(&stage.alice, "billing", stage.draft, "1");
    let page = |more: &[(&str, &str)]| {
        stage.alice.get(&format!("{BASE}/list-paging"), &page_and(more)).names("name").join(" ")
    };
    assert_eq!(
        stage.alice.get(&format!("{BASE}/list"), &[]).names("name"),
        ["by admin", "daily", "draft"],
        "newest first"
    );
    assert_eq!(page(&[]), "draft by admin daily", "newest change first");
    assert_eq!(page(&[("userId", "1")]), "by admin");
    assert_eq!(page(&[("searchVal", "D"), ("userId", "0")]), "draft by admin daily");
    assert_eq!(page(&[("searchVal", "dA")]), "daily");
    let none = stage.alice.get(&format!("{BASE}/list-paging"), &[("pageNo", "0"), ("pageSize", "10")]);
    assert_eq!(none.code(), 10001);
    let row = &stage.alice.get(&format!("{BASE}/list-paging"), &super::PAGE).rows()[0];
    assert!(row["processDefinitionJson"].is_null() && row["locations"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_is_saved_and_read() {
    let Some(stage) = Stage::new().await else { return };
    let node = |number: usize| {
        json!({"name": format!("node {number}"), "type": "SHELL", "params": {"rawScript": "x".repeat(4000)},
            "preTasks": if number == 0 { vec![] } else { vec![format!("node {}", number - 1)] }})
    };
    let document = json!({"tasks": (0..2000).map(node).collect::<Vec<_>>()}).to_string();
    assert!(document.len() > 8_000_000);
    assert_eq!(saved(&stage, &document).0, 0);
    let found = selected(&stage, id(&stage.alice, &format!("{BASE}/list-paging"), "x"));
    assert_eq!(found["processDefinitionJson"], document);
}
