//! Passwords, access tokens, failed log-ins, and what the administrator sees of changes.

use super::world::ADMIN;
use super::{BASE, Client, PAGE, World, page_and, pick};
use escheduler::api::Limits;
use serde_json::json;
use std::time::Duration;

const INFO: &str = "users/get-user-info";

fn me(client: &Client) -> u16 {
    client.get(INFO, &[]).status
}

fn with_token(world: &World, token: &str) -> super::Answer {
    world.stranger().raw("GET", &format!("{BASE}/{INFO}"), &[], &[("token", token)])
}

fn account<'a>(id: &'a str, password: &'a str, tenant: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("id", id), ("userName", ""), ("userPassword", password), ("email", ""), ("tenantId", tenant), ("phone", "1")]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_changes_the_public_password() {
    let Some(world) = World::new().await else { return };
    let other = world.stranger();
    other.log_in(ADMIN.0, ADMIN.1).data();
    world.admin.post("users/update", &account("1", "a better one", "0")).data();
    assert_eq!((me(&world.admin), me(&other)), (200, 401), "every other login ends at once");
    let stranger = world.stranger();
    assert_eq!(stranger.log_in(ADMIN.0, ADMIN.1).code(), 10013);
    stranger.log_in(ADMIN.0, "a better one").data();
    let info = stranger.get(INFO, &[]).data();
    assert_eq!(pick(&info, "userName email phone"), json!(["admin", "admin@example.com", "1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_change_themselves_but_neither_others_nor_their_tenant() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    world.user("bob");
    let ml = [("tenantCode", "ml"), ("tenantName", "ML"), ("queueId", "1")];
    world.admin.post("tenant/create", &ml).data();
    let update = |client: &Client, id, tenant| client.post("users/update", &account(id, "", tenant)).code();
    assert_eq!(update(&alice, "2", "1"), 0);
    assert_eq!(update(&alice, "3", "1"), 30001, "somebody else");
    assert_eq!(update(&alice, "2", "2"), 30001, "her tasks would run under another account");
    assert_eq!(update(&alice, "2", "0"), 30001);
    assert_eq!(update(&world.admin, "2", "2"), 0);
    assert_eq!(update(&world.admin, "2", "9"), 10017);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_is_out_at_once_and_what_belongs_to_somebody_keeps_the_user() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let delete = |id| world.admin.post("users/delete", &[("id", id)]);
    alice.post("projects/create", &[("projectName", "billing"), ("desc", "")]).data();
    let refused = delete("2");
    assert_eq!(refused.code(), 10093);
    assert!(refused.msg().contains("projects: 1"), "{}", refused.msg());
    assert_eq!(delete("1").code(), 10093, "nobody deletes the own account");
    alice.get("projects/delete", &[("projectId", "1")]).data();
    assert_eq!(me(&alice), 200);
    delete("2").data();
    assert_eq!(me(&alice), 401);
    assert_eq!(delete("2").code(), 10093);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_stands_for_its_user_until_it_expires_or_is_deleted() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let generated = alice.post("access-token/generate", &[("userId", "2"), ("expireTime", "x")]).data();
    let token = generated.as_str().unwrap();
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(with_token(&world, token).status, 401, "it is not kept yet");
    let form = |expires| [("userId", "2"), ("expireTime", expires), ("token", token)];
    alice.post("access-token/create", &form("2001-01-01 00:00:00")).data();
    assert_eq!(with_token(&world, token).status, 401, "it has expired");
    let id = alice.get("access-token/list-paging", &PAGE).rows()[0]["id"].to_string();
    let update = [vec![("id", &*id)], form("2099-01-01 00:00:00").to_vec()].concat();
    alice.post("access-token/update", &update).data();
    assert_eq!(with_token(&world, token).data()["userName"], "alice");
    let create = [("projectName", "by token"), ("desc", "")];
    let made = world.stranger().raw("POST", &format!("{BASE}/projects/create"), &create, &[("token", token)]);
    assert_eq!(made.code(), 0);
    alice.post("access-token/delete", &[("id", &id)]).data();
    assert_eq!(with_token(&world, token).status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_not_made_good_by_a_login_and_an_empty_one_is_none() {
    let Some(world) = World::new().await else { return };
    let with = |token| world.admin.raw("GET", &format!("{BASE}/{INFO}"), &[], &[("token", token)]).status;
    assert_eq!((with("wrong"), with("")), (401, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_how_a_token_begins_and_takes_that_for_the_same() {
    let Some(world) = World::new().await else { return };
    let token = "0123456789abcdef0123456789abcdef";
    let form = |token| [("userId", "1"), ("expireTime", "2099-01-01 00:00:00"), ("token", token)];
    world.admin.post("access-token/create", &form(token)).data();
    let row = world.admin.get("access-token/list-paging", &PAGE).rows().remove(0);
    let shown = row["token"].as_str().unwrap();
    assert_eq!(shown, format!("0123{}", "*".repeat(28)));
    let id = row["id"].to_string();
    world.admin.post("access-token/update", &[vec![("id", &*id)], form(shown).to_vec()].concat()).data();
    assert_eq!(with_token(&world, token).status, 200);
    assert_eq!(with_token(&world, shown).status, 401);
    let create = |token| {
        let answer = world.admin.post("access-token/create", &form(token));
        (answer.status, answer.code())
    };
    assert_eq!(create(token), (201, 10001), "there is one already");
    assert_eq!(create("guess me"), (201, 10001), "too short");
    let date = [("userId", "1"), ("expireTime", "soon"), ("token", "fedcba9876543210")];
    assert_eq!(world.admin.post("access-token/create", &date).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_managed_by_their_user_and_by_administrators() {
    let Some(world) = World::new().await else { return };
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let form = [("userId", "2"), ("expireTime", "2099-01-01 00:00:00"), ("token", "a-token-of-alice-s")];
    assert_eq!(bob.post("access-token/create", &form).code(), 30001);
    alice.post("access-token/create", &form).data();
    assert!(bob.get("access-token/list-paging", &PAGE).rows().is_empty());
    let id =
        world.admin.get("access-token/list-paging", &page_and(&[("searchVal", "ALI")])).rows()[0]["id"].to_string();
    let mine = [("id", &*id), ("userId", "3"), ("expireTime", "2099-01-01 00:00:00"), ("token", "a-token-of-bob-s")];
    assert_eq!(bob.post("access-token/update", &mine).code(), 30001);
    assert_eq!(bob.post("access-token/delete", &[("id", &id)]).code(), 10010);
    assert_eq!(alice.post("access-token/delete", &[("id", &id)]).code(), 0);
    assert_eq!(world.admin.post("access-token/delete", &[("id", &id)]).code(), 10093);
}

fn limited(per_address: u32, per_name: u32) -> impl FnOnce(&mut escheduler::api::Settings) {
    move |settings| settings.logins = Limits { per_address, per_name, window: Duration::from_secs(3600) }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_some_failed_logins_with_a_name_the_next_ones_wait() {
    let Some(world) = World::with(limited(0, 3)).await else { return };
    world.user("alice");
    let stranger = world.stranger();
    for _ in 0..20 {
        stranger.log_in("alice", "wonder1").data();
    }
    for _ in 0..3 {
        assert_eq!(stranger.log_in("alice", "wrong").code(), 10013);
    }
    let refused = stranger.log_in("alice", "wonder1");
    assert_eq!((refused.status, refused.code()), (429, 429), "even the right one: else guessing would go on");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1100..=1201).contains(&wait) && refused.msg().contains(&wait.to_string()), "{}", refused.msg());
    stranger.log_in(ADMIN.0, ADMIN.1).data();
    for _ in 0..3 {
        assert_eq!(stranger.log_in("nobody", "x").code(), 10013);
    }
    assert_eq!(stranger.log_in("nobody", "x").code(), 429, "names that nobody has are no different");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_some_failed_logins_from_an_address_the_next_ones_wait() {
    let Some(world) = World::with(limited(3, 0)).await else { return };
    let from = |address: &str, name: &str, password: &str| {
        let form = [("userName", name), ("userPassword", password)];
        world.stranger().raw("POST", &format!("{BASE}/login"), &form, &[("X-Forwarded-For", address)]).code()
    };
    for name in ["a", "b", "c"] {
        assert_eq!(from("192.0.2.1", name, "x"), 10013);
    }
    assert_eq!(from("192.0.2.1", ADMIN.0, ADMIN.1), 429);
    assert_eq!(from("1.1.1.1, 192.0.2.1", ADMIN.0, ADMIN.1), 429, "what a client invents does not count");
    assert_eq!(from("192.0.2.2", ADMIN.0, ADMIN.1), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request() {
    let Some(world) = World::new().await else { return };
    for path in [format!("{BASE}/{INFO}"), "/".to_owned(), "/no/such".to_owned()] {
        let drawn = world.stranger().raw("GET", &path, &[], &[]);
        assert_eq!(drawn.header("x-request-id").len(), 16, "{path}");
        let given = world.stranger().raw("GET", &path, &[], &[("X-Request-Id", "proxy-7")]);
        assert_eq!(given.header("x-request-id"), "proxy-7");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_sees_who_has_changed_what_when_and_from_where() {
    let Some(world) = World::new().await else { return };
    let alice = world.user("alice");
    let headers = [("X-Forwarded-For", "192.0.2.7"), ("X-Request-Id", "r-1")];
    let form = [("projectName", "billing"), ("desc", "secret plans")];
    alice.raw("POST", &format!("{BASE}/projects/create"), &form, &headers).data();
    let taken = alice.post("projects/create", &form);
    assert_eq!(taken.code(), 10019);
    let list = |more: &[(&str, &str)]| world.admin.get("audit/list-paging", &page_and(more)).rows();
    let rows = list(&[("userId", "2")]);
    let keys = "userId userName action object address requestId";
    let picture: Vec<_> = rows.iter().map(|row| pick(row, keys)).collect();
    let created = json!([2, "alice", "projects/create", "id=1 projectName=billing", "192.0.2.7", "r-1"]);
    assert_eq!(picture[0], created);
    assert_eq!(rows.len(), 2, "the login, the project, and not what was refused: {rows:?}");
    assert!(rows[0]["createTime"].as_i64().unwrap() > 1_700_000_000_000);
    let users = list(&[("searchVal", "users/create")]);
    assert_eq!(pick(&users[0], "userName object"), json!(["admin", "id=2 userName=alice"]));
    let everything = serde_json::to_string(&list(&[])).unwrap();
    for secret in ["wonder1", ADMIN.1, "secret plans"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    assert!(list(&[("startDate", "2099-01-01 00:00:00")]).is_empty());
    assert_eq!(alice.get("audit/list-paging", &PAGE).code(), 30001);
    assert_eq!(world.stranger().get("audit/list-paging", &PAGE).status, 401);
    assert_eq!(world.admin.get("audit/list-paging", &[("pageNo", "0"), ("pageSize", "1")]).code(), 10001);
}
