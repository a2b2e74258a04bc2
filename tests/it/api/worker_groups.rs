//! Worker groups: names, addresses, and what keeps one from being deleted.

use super::stage::{release, save};
use super::world::document;
use super::{PAGE, Stage, page_and, pick};
use escheduler::model::State;
use sea_orm::ActiveValue::Set;
use serde_json::json;

fn put(stage: &Stage, id: &str, name: &str, list: &str) -> i64 {
    stage.world.admin.post("worker-group/save", &[("id", id), ("name", name), ("ipList", list)]).code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_changed_listed_and_deleted() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(put(&stage, "0", " gpu ", "10.0.0.7, 10.0.0.8,,10.0.0.7"), 0);
    assert_eq!(put(&stage, "", "cpu", "10.0.0.9"), 0);
    let groups = stage.bob.get("worker-group/all-groups", &[]).data();
    assert_eq!(pick(&groups[0], "id name ipList"), json!([1, "gpu", "10.0.0.7,10.0.0.8"]));
    assert!(groups[0]["createTime"].is_i64() && groups[0]["updateTime"].is_i64());
    assert_eq!(put(&stage, "1", "gpu", "10.0.0.8"), 0, "its own name is no obstacle");
    let names = |form: &[(&str, &str)]| stage.bob.get("worker-group/list-paging", form).names("name");
    assert_eq!(names(&PAGE), ["gpu", "cpu"], "the newest change first");
    assert_eq!(names(&page_and(&[("searchVal", "CP")])), ["cpu"]);
    let groups = stage.world.store.worker_groups().await.unwrap();
    assert_eq!(groups[&1].iter().collect::<Vec<_>>(), ["10.0.0.8"], "as masters read it");
    let delete = |id: &str| stage.world.admin.get("worker-group/delete-by-id", &[("id", id)]).code();
    assert_eq!((delete("1"), delete("1"), delete("7")), (0, 10136, 10136));
    assert_eq!(names(&PAGE), ["cpu"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_needs_a_free_name_and_addresses_and_an_administrator() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(put(&stage, "0", "gpu", "h1"), 0);
    assert_eq!(put(&stage, "0", " ", "h1"), 10134);
    assert_eq!(put(&stage, "0", "gpu", "h1"), 10135);
    assert_eq!(put(&stage, "9", "new", "h1"), 10136, "there is no such group");
    for list in ["", " , ", "h1;h2", "a b", &"h,".repeat(200)] {
        assert_eq!(put(&stage, "0", "new", list), 10001, "{list}");
    }
    let by_bob = [("id", "0"), ("name", "his"), ("ipList", "h1")];
    assert_eq!(stage.bob.post("worker-group/save", &by_bob).code(), 30001);
    assert_eq!(stage.bob.get("worker-group/delete-by-id", &[("id", "1")]).code(), 30001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_something_waits_for_stays() {
    let Some(stage) = Stage::new().await else { return };
    for id in 1..=5 {
        assert_eq!(put(&stage, "0", &format!("g{id}"), "h1"), 0);
    }
    let delete = |id: &str| stage.world.admin.get("worker-group/delete-by-id", &[("id", id)]);
    stage.instance("waits", State::Running, |row| row.worker_group_id = Set(Some(1))).await;
    stage.instance("ended", State::Success, |row| row.worker_group_id = Set(Some(2))).await;
    let chosen = document("prepare").replace("\"tasks-1\"", "\"tasks-1\",\"workerGroupId\":3");
    let form = [("name", "chooses"), ("processDefinitionJson", &*chosen), ("desc", "")];
    stage.alice.post("projects/billing/process/save", &form).data();
    let similar = document("prepare").replace("\"tasks-1\"", "\"tasks-1\",\"workerGroupId\":55");
    let form = [("name", "similar"), ("processDefinitionJson", &*similar), ("desc", "")];
    stage.alice.post("projects/billing/process/save", &form).data();
    let start = save(&stage.alice, "billing", "starts");
    release(&stage.alice, "billing", start, "1");
    let start = start.to_string();
    let form = [
        ("processDefinitionId", &*start),
        ("failureStrategy", "CONTINUE"),
        ("warningType", "NONE"),
        ("warningGroupId", "0"),
        ("workerGroupId", "4"),
    ];
    stage.alice.post("projects/billing/executors/start-process-instance", &form).data();
    for (id, user) in [("1", "process instances"), ("3", "definition chooses"), ("4", "waiting commands")] {
        let answer = delete(id);
        assert!(answer.code() == 10136 && answer.msg().contains(user), "{id}: {}", answer.text());
    }
    for id in ["2", "5"] {
        assert_eq!(delete(id).code(), 0, "{id}");
    }
}
