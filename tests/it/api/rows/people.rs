//! Logins, users, tenants, queues, alert groups and access tokens.

use super::case::{Form, Row, form, row};
use super::shape::{QUEUE, Shape, TENANT, USER};

pub fn rows() -> Vec<Row> {
    [logins(), users(), tenants(), queues()].into_iter().flatten().collect()
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

fn tenants() -> Vec<Row> {
    vec![
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
        row("GET queue/list", Shape::List(QUEUE), |_, _| form(&[])),
        row("GET queue/list-paging", Shape::Page(QUEUE), |_, _| first_page()),
        row("POST queue/create", Shape::Null, |_, n| form(&[("queue", &format!("root.q{n}")), ("queueName", &n)]))
            .code(10001, |_, _| form(&[("queue", &"")]))
            .code(10129, |_, _| form(&[("queue", &"default")]))
            .code(10130, |_, _| form(&[("queueName", &"default")])),
    ]
}
