//! What is outside the table: pages, unknown addresses, limits.

use super::{BASE, Stage, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_root_says_what_this_is_and_where_to_go_on() {
    let Some(world) = World::new().await else { return };
    for path in ["/", BASE, "/escheduler/"] {
        let page = world.stranger().raw("GET", path, &[], &[]);
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let (text, address) = (page.text(), world.address);
        for part in ["escheduler", env!("CARGO_PKG_VERSION"), "admin", &format!("http://{address}{BASE}/")] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    let page = world.stranger().raw("GET", "/", &[], &[("Host", "x\"><script>")]);
    assert!(!page.text().contains("<script>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_401_for_strangers_and_has_a_code_for_users() {
    let Some(world) = World::new().await else { return };
    for path in ["/escheduler/no/such", "/elsewhere", "/escheduler/users", "/projects/x/no/such"] {
        let stranger = world.stranger().raw("GET", path, &[], &[]);
        assert_eq!((stranger.status, stranger.bytes.len()), (401, 0));
        let user = world.admin.raw("GET", path, &[], &[]);
        assert!(user.status == 404 && user.code() != 0 && user.msg().contains(path));
    }
    assert_eq!(world.stranger().get("users/create", &[]).status, 401);
    let method = world.admin.get("users/create", &[]);
    assert!(method.status == 405 && method.code() != 0, "{}", method.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_login_names_the_method_that_it_does_not_know() {
    let Some(world) = World::new().await else { return };
    for path in ["/", "/escheduler/healthz", "/escheduler/openapi.json", "/escheduler/docs/"] {
        let answer = world.stranger().raw("POST", path, &[], &[]);
        assert!(answer.status == 405 && answer.code() == 405 && answer.msg().contains("POST"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_the_limit_is_refused_with_a_code() {
    let Some(world) = World::with(|settings| settings.max_post = 200_000).await else { return };
    let create = |length: usize| {
        let desc = "x".repeat(length);
        world.admin.post("projects/create", &[("projectName", "p"), ("desc", &desc)])
    };
    let large = create(200_000);
    assert_eq!((large.status, large.code()), (413, 10001));
    assert!(large.msg().contains("200000"));
    assert_eq!(create(199_000).code(), 10001, "it was read: the description is too long");
    assert_eq!(create(10).code(), 0);
    let login = world.stranger().log_in("admin", &"x".repeat(100_000));
    assert_eq!((login.status, login.code()), (413, 10001), "strangers may send less");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_a_post_may_stand_in_the_query() {
    let Some(world) = World::new().await else { return };
    let path = format!("{BASE}/projects/create?projectName=two+words");
    assert_eq!(world.admin.raw("POST", &path, &[("projectName", "other"), ("desc", "")], &[]).code(), 0);
    assert_eq!(world.admin.get("projects/list-paging", &super::PAGE).names("name"), ["two words"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_on_another_site_deletes_nothing() {
    let Some(stage) = Stage::new().await else { return };
    let delete = |site| {
        let form = [("processInstanceId", &*stage.ended.to_string())];
        let path = format!("{BASE}/projects/billing/instance/delete");
        stage.alice.raw("GET", &path, &form, &[("Sec-Fetch-Site", site)]).code()
    };
    assert_eq!((delete("cross-site"), delete("same-origin")), (30001, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_name_that_is_no_text_is_refused() {
    let Some(world) = World::new().await else { return };
    let answer = world.admin.get("projects/%FF/process/list", &[]);
    assert_eq!((answer.status, answer.code()), (400, 10001));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_not_kept_by_browsers() {
    let Some(stage) = Stage::new().await else { return };
    for path in ["users/get-user-info", "no/such"] {
        assert_eq!(stage.alice.get(path, &[]).header("cache-control"), "no-store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_the_wrong_kind_is_named_with_code_10001() {
    let Some(stage) = Stage::new().await else { return };
    let answer = stage.world.admin.get("users/list-paging", &[("pageNo", "one"), ("pageSize", "10")]);
    assert_eq!((answer.status, answer.code()), (400, 10001));
    let list = "projects/billing/instance/list-paging";
    let answer = stage.alice.get(list, &super::page_and(&[("stateType", "success")]));
    assert_eq!((answer.status, answer.code()), (400, 10001), "names of enumerations are exact");
    assert!(answer.msg().contains("stateType") && answer.msg().contains("SUCCESS"));
    for name in ["searchVal", "host"] {
        let answer = stage.alice.get(list, &super::page_and(&[(name, "a\0b")]));
        assert_eq!((answer.status, answer.code()), (400, 10001), "no database keeps NUL");
        let answer = stage.alice.get(list, &super::page_and(&[(name, &"x".repeat(256))]));
        assert_eq!((answer.status, answer.code()), (200, 10001));
    }
    let answer = stage.alice.get("projects/bill%00ing/process/list", &[]);
    assert_eq!((answer.status, answer.code()), (400, 10001));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_things_in_their_language() {
    let Some(world) = World::new().await else { return };
    let said = |headers: &[(&str, &str)]| {
        let stranger = world.stranger();
        stranger.raw("POST", &format!("{BASE}/login"), &[("userName", "x"), ("userPassword", "x")], headers).msg()
    };
    assert_eq!(said(&[]), "wrong user name or password");
    assert_eq!(said(&[("Cookie", "language=zh_CN")]), "用户名或密码错误");
    assert_eq!(said(&[("Accept-Language", "zh-CN,zh;q=0.9")]), "用户名或密码错误");
    assert_eq!(said(&[("Cookie", "language=en_US"), ("Accept-Language", "zh")]), "wrong user name or password");
    let page = [("pageNo", "x"), ("pageSize", "1")];
    let headers = [("Accept-Language", "zh")];
    let answer = world.admin.raw("GET", &format!("{BASE}/users/list-paging"), &page, &headers);
    assert_eq!(answer.msg(), "请求参数 pageNo 无效: `x` 不是整数");
    assert_eq!(world.admin.raw("GET", &format!("{BASE}/tenant/list"), &[], &headers).msg(), "成功");
}
