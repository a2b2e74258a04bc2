//! Projects, and who sees what of them.

use super::stage::{id, save};
use super::{BASE, PAGE, Stage, World, page_and, pick};
use escheduler::store::entity::relation_project_user;
use sea_orm::ActiveValue::Set;
use serde_json::json;

const LIST: &str = "projects/list-paging";

#[tokio::test(flavor = "multi_thread")]
async fn a_projects_name_is_free_and_fits_into_an_address() {
    let Some(stage) = Stage::new().await else { return };
    let create = |name: &str| {
        let answer = stage.bob.post("projects/create", &[("projectName", name), ("desc", "")]);
        (answer.status, answer.code())
    };
    for name in ["a/b", "a?b", "a#b", "100%", "a\\b", "a\nb", "..", ".", "", "  ", &"x".repeat(101)] {
        assert_eq!(create(name), (201, 10001), "{name}");
    }
    assert_eq!(create("billing"), (201, 10019));
    assert_eq!(create("Billing"), (201, 0), "names compare exactly");
    let long = stage.bob.post("projects/create", &[("projectName", "x"), ("desc", &"d".repeat(201))]);
    assert_eq!((long.status, long.code()), (201, 10001));
    assert!(long.msg().contains("desc"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_that_can_be_created_can_be_used_in_a_path() {
    let Some(world) = World::new().await else { return };
    for name in ["plain", "two words", "数据 🚀", "a+b&c=d;e", "a.b'\"", "{x}", "http-sync"] {
        world.admin.post("projects/create", &[("projectName", name), ("desc", "")]).data();
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        save(&world.admin, &encoded.to_string(), "daily");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_reached_at_the_root_as_well() {
    let Some(world) = World::new().await else { return };
    world.admin.post("projects/create", &[("projectName", "http-sync"), ("desc", "")]).data();
    save(&world.admin, "http-sync", "daily");
    for path in ["/projects/http-sync/process/list".to_owned(), format!("{BASE}/projects/http-sync/process/list")] {
        assert_eq!(world.admin.raw("GET", &path, &[], &[]).names("name"), ["daily"]);
        assert_eq!(world.stranger().raw("GET", &path, &[], &[]).status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_base_path_everything_is_at_the_root() {
    let Some(world) = World::with(|settings| settings.context_path = String::new()).await else { return };
    assert_eq!(world.admin.get(LIST, &PAGE).rows().len(), 0);
    assert!(world.stranger().raw("GET", "/", &[], &[]).text().contains("/login"));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_their_own_and_granted_projects_and_the_administrator_all() {
    let Some(stage) = Stage::new().await else { return };
    stage.bobs_project();
    assert_eq!(stage.alice.get(LIST, &PAGE).names("name"), ["billing"]);
    assert_eq!(stage.world.admin.get(LIST, &PAGE).names("name"), ["other", "billing"], "newest first");
    let grant = |perm| relation_project_user::ActiveModel {
        user_id: Set(3),
        project_id: Set(Some(stage.project)),
        perm: Set(Some(perm)),
        ..Default::default()
    };
    stage.insert(grant(5)).await;
    assert_eq!(stage.bob.get(LIST, &PAGE).names("name"), ["other"], "without the bit for reading");
    assert_eq!(stage.bob.get("projects/billing/process/list", &[]).code(), 30002);
    stage.insert(grant(7)).await;
    assert_eq!(stage.bob.get(LIST, &PAGE).names("name"), ["other", "billing"]);
    assert_eq!(stage.bob.get("projects/billing/process/list", &[]).names("name").len(), 2);
    let rows = stage.bob.get(LIST, &page_and(&[("searchVal", "BILL")])).rows();
    assert_eq!(pick(&rows[0], "userName perm defCount instRunningCount"), json!(["alice", 0, 2, 1]));
    assert_eq!(stage.world.admin.get(LIST, &PAGE).rows()[0]["perm"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_renamed_unless_the_name_is_taken() {
    let Some(stage) = Stage::new().await else { return };
    stage.bobs_project();
    let project = stage.project.to_string();
    let rename = |name| {
        stage.alice.post("projects/update", &[("projectId", &project), ("projectName", name), ("desc", "x")]).code()
    };
    assert_eq!(rename("other"), 10019);
    assert_eq!(rename("a/b"), 10001);
    assert_eq!(rename("billing"), 0, "its own name");
    assert_eq!(rename("invoices"), 0);
    let rows = stage.alice.get(LIST, &PAGE).rows();
    assert_eq!(pick(&rows[0], "name desc"), json!(["invoices", "x"]));
    let no_project = stage.alice.post("projects/update", &[("projectId", "99"), ("projectName", "x"), ("desc", "")]);
    assert_eq!(no_project.code(), 10046);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_definitions_is_not_deleted() {
    let Some(stage) = Stage::new().await else { return };
    let delete = |id: i32| stage.alice.get("projects/delete", &[("projectId", &id.to_string())]).code();
    assert_eq!(delete(stage.project), 10137);
    stage.alice.post("projects/create", &[("projectName", "spare"), ("desc", "")]).data();
    let spare = id(&stage.alice, LIST, "spare");
    assert_eq!((delete(spare), delete(spare)), (0, 10050));
    stage.alice.post("projects/create", &[("projectName", "spare"), ("desc", "")]).data();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_projects_takes_every_page_number() {
    let Some(stage) = Stage::new().await else { return };
    let page = |number, size| stage.alice.get(LIST, &[("pageNo", number), ("pageSize", size)]);
    assert_eq!(page("0", "10").data()["currentPage"], 1);
    assert_eq!(page("1", "0").code(), 10049);
}
