//! Logins, users, tenants, queues, alert groups and access tokens.

use super::case::{Form, Row, form, row};
use super::scene::{Scene, Who};
use super::shape::{GROUP, QUEUE, Shape, TENANT, TOKEN, USER};

pub fn rows() -> Vec<Row> {
    [logins(), users(), people(), grants(), tenants(), queues(), groups(), tokens()].into_iter().flatten().collect()
}

fn first_page() -> Form {
    form(&[("pageNo", &1), ("pageSize", &10), ("searchVal", &"")])
}

fn logins() -> Vec<Row> {
    vec![
        row("POST login", Shape::Text, |_, _| form(&[("userName", &"bob"), ("userPassword", &"wonder1")]))
            .code(10004, |_, _| form(&[("userName", &"")]))
            .code(10013, |_, _| form(&[("userPassword", &"wrong")]))
            .changes_login(),
        row("POST signOut", Shape::Null, |_, _| form(&[])).changes_login(),
    ]
}

fn users() -> Vec<Row> {
    vec![
        row("POST users/create", Shape::Null, |_, n| {
            let name = format!("carol{n}");
            form(&[
                ("userName", &name),
                ("userPassword", &"x"),
                ("tenantId", &1),
                ("email", &"c@example.org"),
                ("phone", &""),
            ])
        })
        .code(10001, |_, _| form(&[("email", &" ")]))
        .code(10003, |_, _| form(&[("userName", &"alice")]))
        .code(10017, |_, _| form(&[("tenantId", &99)])),
        row("GET users/list-paging", Shape::Page(USER), |_, _| first_page()),
        row("GET users/get-user-info", Shape::Object(USER), |_, _| form(&[])).sees(|_, user| {
            assert_eq!((&user["userName"], &user["userType"]), (&"alice".into(), &"GENERAL_USER".into()));
        }),
    ]
}

/// The id of the row of a list or a page in which the key has this value.
fn id(scene: &Scene, list: &str, key: &str, value: &str) -> i64 {
    let data = scene.world.admin.get(list, &super::super::PAGE).data();
    let rows = data.as_array().or_else(|| data["totalList"].as_array()).expect("is a list");
    let row = rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("no {value} in {data}"));
    row["id"].as_i64().expect("has an id")
}

/// A user who does nothing.
fn idler(scene: &Scene, number: usize) -> i64 {
    let name = format!("idler{number}");
    let form = [("userName", &*name), ("userPassword", "x"), ("tenantId", "1"), ("email", "i@example.org")];
    scene.world.admin.post("users/create", &form).data();
    id(scene, "users/list-all", "userName", &name)
}

fn people() -> Vec<Row> {
    let group = |group: i32| form(&[("alertgroupId", &group)]);
    vec![
        row("POST users/update", Shape::Null, |_, _| {
            let kept = [("id", &2 as _), ("userName", &"" as _), ("userPassword", &"" as _), ("email", &"" as _)];
            form(&kept).changed(form(&[("tenantId", &1), ("phone", &"123")]))
        })
        .code(10003, |_, _| form(&[("userName", &"bob")]))
        .code_for(Who::Admin, 10010, |_, _| form(&[("id", &999)])),
        row("POST users/delete", Shape::Null, |scene, n| form(&[("id", &idler(scene, n))])),
        row("GET users/list", Shape::List(USER), |_, _| form(&[])).sees(|_, users| {
            assert!(users.as_array().unwrap().iter().all(|user| user["userType"] == "GENERAL_USER"));
        }),
        row("GET users/list-all", Shape::List(USER), |_, _| form(&[])).sees(|_, users| {
            assert!(users.as_array().unwrap().iter().any(|user| user["userName"] == "admin"));
        }),
        row("GET users/verify-user-name", Shape::Null, |_, n| form(&[("userName", &format!("free{n}"))]))
            .code(10003, |_, _| form(&[("userName", &"alice")])),
        row("GET users/unauth-user", Shape::List(USER), move |_, _| group(1)),
        row("GET users/authed-user", Shape::List(USER), move |scene, _| {
            scene.world.admin.post("alert-group/grant-user", &[("alertgroupId", "1"), ("userIds", "2")]).data();
            group(1)
        })
        .sees(|_, users| assert_eq!(users[0]["userName"], "alice")),
    ]
}

fn grants() -> Vec<Row> {
    vec![
        row("POST users/grant-project", Shape::Null, |scene, _| {
            form(&[("userId", &4), ("projectIds", &scene.project)])
        }),
        row("POST users/grant-file", Shape::Null, |_, _| form(&[("userId", &4), ("resourceIds", &"")])),
        row("POST users/grant-udf-func", Shape::Null, |_, _| form(&[("userId", &4), ("udfIds", &"")])),
        row("POST users/grant-datasource", Shape::Null, |_, _| form(&[("userId", &4), ("datasourceIds", &"")])),
    ]
}

fn groups() -> Vec<Row> {
    let group = |n: usize| form(&[("groupName", &format!("night shift {n}")), ("groupType", &"EMAIL"), ("desc", &"")]);
    let made = |scene: &Scene, n: usize| {
        let name = format!("day shift {n}");
        scene.world.admin.post("alert-group/create", &[("groupName", &*name), ("groupType", "SMS")]).data();
        id(scene, "alert-group/list", "groupName", &name)
    };
    vec![
        row("POST alert-group/create", Shape::Null, move |_, n| group(n)),
        row("GET alert-group/list", Shape::List(GROUP), |_, _| form(&[])),
        row("GET alert-group/list-paging", Shape::Page(GROUP), |_, _| first_page()),
        row("POST alert-group/update", Shape::Null, move |scene, n| group(n).changed(form(&[("id", &made(scene, n))])))
            .code(10011, |_, _| form(&[("id", &999)])),
        row("POST alert-group/delete", Shape::Null, move |scene, n| form(&[("id", &made(scene, n))])),
        row("GET alert-group/verify-group-name", Shape::Null, |_, n| form(&[("groupName", &format!("free {n}"))]))
            .code(10012, |_, _| form(&[("groupName", &"escheduler管理员告警组")])),
        row("POST alert-group/grant-user", Shape::Null, |_, _| form(&[("alertgroupId", &1), ("userIds", &"2,3")])),
    ]
}

/// A token of that user's, made by the administrator.
fn token(scene: &Scene, user: &str, name: &str, number: usize) -> i64 {
    let text = format!("shown-only-once-{number}");
    let form = [("userId", user), ("expireTime", "2099-01-01 00:00:00"), ("token", &*text)];
    scene.world.admin.post("access-token/create", &form).data();
    id(scene, "access-token/list-paging", "userName", name)
}

fn tokens() -> Vec<Row> {
    let right = |n: usize| {
        let token = format!("token-of-the-contract-{n}");
        form(&[("userId", &2), ("expireTime", &"2099-12-31 23:59:59"), ("token", &token)])
    };
    vec![
        row("POST access-token/create", Shape::Null, move |_, n| right(n)),
        row("POST access-token/generate", Shape::Text, |_, _| form(&[("userId", &2), ("expireTime", &"soon")]))
            .without_store(),
        row("GET access-token/list-paging", Shape::Page(TOKEN), |scene, n| {
            token(scene, "2", "alice", n);
            first_page()
        })
        .sees(|_, page| {
            let rows = page["totalList"].as_array().unwrap();
            assert!(rows.iter().all(|row| row["userName"] == "alice" && row["token"].as_str().unwrap().ends_with('*')));
        }),
        row("POST access-token/delete", Shape::Null, |scene, n| form(&[("id", &token(scene, "1", "admin", n))])),
        row("POST access-token/update", Shape::Null, move |scene, n| {
            right(n).changed(form(&[("id", &token(scene, "2", "alice", n))]))
        }),
    ]
}

fn tenants() -> Vec<Row> {
    let made = |scene: &Scene, n: usize| {
        let code = format!("made{n}");
        let form = [("tenantCode", &*code), ("tenantName", "made"), ("queueId", "1")];
        scene.world.admin.post("tenant/create", &form).data();
        id(scene, "tenant/list", "tenantCode", &code)
    };
    vec![
        row("POST tenant/update", Shape::Null, move |scene, n| {
            let code = format!("bi{n}");
            let form = form(&[("tenantCode", &code), ("tenantName", &"BI"), ("queueId", &0), ("desc", &"x")]);
            form.changed(super::case::form(&[("id", &made(scene, n))]))
        })
        .code(10010, |_, _| form(&[("id", &999)]))
        .code(10124, |_, _| form(&[("tenantCode", &"etl")])),
        row("POST tenant/delete", Shape::Null, move |scene, n| form(&[("id", &made(scene, n))]))
            .code(10017, |_, _| form(&[("id", &999)])),
        row("GET tenant/verify-tenant-code", Shape::Null, |_, n| form(&[("tenantCode", &format!("free{n}"))]))
            .code(10009, |_, _| form(&[("tenantCode", &"etl")])),
        row("POST tenant/create", Shape::Null, |_, n| {
            form(&[("tenantCode", &format!("ml{n}")), ("tenantName", &"ML"), ("queueId", &1), ("desc", &"")])
        })
        .code(10001, |_, _| form(&[("tenantCode", &"etl")]))
        .code(10089, |_, _| form(&[("tenantCode", &"../etl")]))
        .code(10128, |_, _| form(&[("queueId", &99)])),
        row("GET tenant/list-paging", Shape::Page(TENANT), |_, _| first_page()),
        row("GET tenant/list", Shape::List(TENANT), |_, _| form(&[])),
    ]
}

fn queues() -> Vec<Row> {
    vec![
        row("POST queue/update", Shape::Null, |scene, n| {
            let (value, name) = (format!("root.old{n}"), format!("old{n}"));
            scene.world.admin.post("queue/create", &[("queue", &value), ("queueName", &name)]).data();
            let id = id(scene, "queue/list", "queueName", &name);
            form(&[("id", &id), ("queue", &format!("root.new{n}")), ("queueName", &format!("new{n}"))])
        })
        .code(10128, |_, _| form(&[("id", &999)]))
        .code(10129, |_, _| form(&[("queue", &"default")]))
        .code(10130, |_, _| form(&[("queueName", &"default")]))
        .code(10132, |_, n| form(&[("queue", &format!("root.old{n}")), ("queueName", &format!("old{n}"))])),
        row("POST queue/verify-queue", Shape::Null, |_, n| {
            form(&[("queue", &format!("root.free{n}")), ("queueName", &format!("free{n}"))])
        })
        .code(10001, |_, _| form(&[("queue", &"")]))
        .code(10129, |_, _| form(&[("queue", &"default")]))
        .code(10130, |_, _| form(&[("queueName", &"default")])),
        row("GET queue/list", Shape::List(QUEUE), |_, _| form(&[])),
        row("GET queue/list-paging", Shape::Page(QUEUE), |_, _| first_page()),
        row("POST queue/create", Shape::Null, |_, n| form(&[("queue", &format!("root.q{n}")), ("queueName", &n)]))
            .code(10001, |_, _| form(&[("queue", &"")]))
            .code(10129, |_, _| form(&[("queue", &"default")]))
            .code(10130, |_, _| form(&[("queueName", &"default")])),
    ]
}
