//! Users, tenants and queues.

use super::{Stage, World, page_and, pick};
use serde_json::json;

fn new_user<'a>(name: &'a str, tenant: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("userName", name), ("userPassword", "x"), ("tenantId", tenant), ("email", "e@example.org"), ("phone", "")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_needs_a_tenant_and_a_free_name() {
    let Some(stage) = Stage::new().await else { return };
    let create = |form: &[(&str, &str)]| {
        let answer = stage.world.admin.post("users/create", form);
        (answer.status, answer.code())
    };
    assert_eq!(create(&new_user("carol", "9")), (201, 10017));
    assert_eq!(create(&new_user("alice", "1")), (201, 10003));
    assert_eq!(create(&new_user(" ", "1")), (201, 10001));
    assert_eq!(create(&new_user(&"x".repeat(65), "1")), (201, 10001));
    assert_eq!(create(&new_user("Alice", "1")), (201, 0), "names compare exactly");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_newest_first_with_tenant_and_queue_and_without_password() {
    let Some(stage) = Stage::new().await else { return };
    let admin = &stage.world.admin;
    let own_queue = [new_user("carol", "1"), vec![("queue", "root.own")]].concat();
    admin.post("users/create", &own_queue).data();
    let rows = admin.get("users/list-paging", &super::PAGE).rows();
    let picture: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {} {}", row["userName"], row["tenantName"], row["queueName"], row["queue"]))
        .collect();
    let line = |name: &str, queue: &str| format!(r#""{name}" "ETL team" "default" "{queue}""#);
    assert_eq!(picture, [line("carol", "root.own"), line("bob", "default"), line("alice", "default")]);
    assert!(rows.iter().all(|row| row["userPassword"].is_null() && row["userType"] == "GENERAL_USER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ignores_case_and_takes_percent_and_underscore_as_letters() {
    let Some(stage) = Stage::new().await else { return };
    for name in ["a_b", "aXb", "100%", "100x"] {
        stage.world.admin.post("users/create", &new_user(name, "1")).data();
    }
    let found = |text| {
        let mut names = stage.world.admin.get("users/list-paging", &page_and(&[("searchVal", text)])).names("userName");
        names.sort();
        names.join(" ")
    };
    assert_eq!(found("LIC"), "alice");
    assert_eq!(found("_"), "a_b");
    assert_eq!(found("0%"), "100%");
    assert_eq!(found("axB"), "aXb");
    assert_eq!(found("!"), "");
    assert_eq!(found("'; DROP TABLE t_escheduler_user; --"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_holds_its_rows_and_the_total_counts_all() {
    let Some(stage) = Stage::new().await else { return };
    for number in 1..=5 {
        stage.world.admin.post("users/create", &new_user(&format!("u{number}"), "1")).data();
    }
    let page = |number, size| {
        let answer =
            stage.world.admin.get("users/list-paging", &[("pageNo", number), ("pageSize", size), ("searchVal", "u")]);
        let data = answer.data();
        let counts = ["total", "currentPage", "totalPage"].map(|key| data[key].as_i64().unwrap());
        (answer.names("userName").join(" "), counts)
    };
    assert_eq!(page("1", "2"), ("u5 u4".to_owned(), [5, 1, 3]));
    assert_eq!(page("3", "2"), ("u1".to_owned(), [5, 3, 3]));
    assert_eq!(page("9", "2"), (String::new(), [5, 9, 3]));
    assert_eq!(page("1", "1000").1, [5, 1, 1]);
    assert_eq!(page("2147483647", "2147483647").1, [5, 2_147_483_647, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_of_people_refuse_pages_below_one() {
    let Some(world) = World::new().await else { return };
    for list in ["users", "tenant", "queue"] {
        for (name, number, size) in [("pageNo", "0", "10"), ("pageSize", "1", "-1")] {
            let answer = world.admin.get(&format!("{list}/list-paging"), &[("pageNo", number), ("pageSize", size)]);
            assert_eq!((answer.status, answer.code()), (200, 10001));
            assert!(answer.msg().contains(name), "{}", answer.msg());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_has_one_page() {
    let Some(world) = World::new().await else { return };
    let data = world.admin.get("tenant/list-paging", &super::PAGE).data();
    assert_eq!(data, json!({"totalList": [], "total": 0, "currentPage": 1, "totalPage": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_their_own_tenant_queue_and_groups() {
    let Some(stage) = Stage::new().await else { return };
    let alice = stage.alice.get("users/get-user-info", &[]).data();
    let keys = "userName userType tenantName queueName alertGroup";
    assert_eq!(pick(&alice, keys), json!(["alice", "GENERAL_USER", "ETL team", "default", null]));
    let admin = stage.world.admin.get("users/get-user-info", &[]).data();
    let found = pick(&admin, "userName userType tenantId tenantName alertGroup");
    assert_eq!(found, json!(["admin", "ADMIN_USER", 0, null, "escheduler管理员告警组"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_needs_a_free_code_that_is_an_account_and_a_queue() {
    let Some(stage) = Stage::new().await else { return };
    let create = |code: &str, queue: &str| {
        let form = [("tenantCode", code), ("tenantName", "x"), ("queueId", queue), ("desc", "")];
        stage.world.admin.post("tenant/create", &form).code()
    };
    assert_eq!(create("etl", "1"), 10001, "used");
    assert_eq!(create("-rf", "1"), 10089);
    assert_eq!(create("a b", "1"), 10089);
    assert_eq!(create("../x", "1"), 10089);
    assert_eq!(create("", "1"), 10001);
    assert_eq!(create("ml", "7"), 10128);
    assert_eq!(create("ml", "1"), 0);
    assert_eq!(stage.alice.get("tenant/list", &[]).names("tenantCode"), ["etl", "ml"]);
    let rows = stage.world.admin.get("tenant/list-paging", &page_and(&[("searchVal", "TEAM")])).rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(pick(&rows[0], "tenantCode queue"), json!(["etl", "default"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_needs_a_free_name_and_a_free_value() {
    let Some(world) = World::new().await else { return };
    let create = |name, value| world.admin.post("queue/create", &[("queue", value), ("queueName", name)]).code();
    assert_eq!(create("default", "other"), 10130);
    assert_eq!(create("other", "default"), 10129);
    assert_eq!(create("", "x"), 10001);
    assert_eq!(create("x", " "), 10001);
    assert_eq!(create("ml", "root.ml"), 0);
    assert_eq!(world.admin.get("queue/list", &[]).names("queue"), ["root.ml", "default"]);
    assert_eq!(world.admin.get("queue/list-paging", &page_and(&[("searchVal", "M")])).names("queueName"), ["ml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_want_one_name_at_a_time_one_gets_it() {
    let Some(stage) = Stage::new().await else { return };
    let (admin, form) = (&stage.world.admin, new_user("carol", "1"));
    let mut codes = [0; 2];
    std::thread::scope(|scope| {
        let create = || admin.post("users/create", &form).code();
        let other = scope.spawn(create);
        codes = [create(), other.join().unwrap()];
    });
    codes.sort_unstable();
    assert_eq!(codes, [0, 10003]);
}
