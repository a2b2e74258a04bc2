//! Task records, data sources, servers, monitor and worker groups.

use super::super::stage::START;
use super::case::{Form, Row, form, row};
use super::scene::Scene;
use super::shape::{DATA_SOURCE, DATA_SOURCE_FORM, DATABASE_STATE, SERVER, Shape, WORKER_GROUP, ZOOKEEPER_STATE};
use escheduler::registry::{Member, Registry, Role};
use escheduler::store::entity::{datasource, relation_datasource_user};
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

pub fn rows() -> Vec<Row> {
    let groups = [task_records(), data_sources(), lists_of_data_sources(), connections(), servers(), worker_groups()];
    groups.into_iter().flatten().collect()
}

fn task_records() -> Vec<Row> {
    let names = ["GET projects/task-record/list-paging", "GET projects/task-record/history-list-paging"];
    let right = |_: &Scene, _| form(&[("pageNo", &1), ("pageSize", &10), ("taskName", &""), ("startDate", &"")]);
    names.map(|name| row(name, Shape::Page(""), right).may_be_empty().without_store()).into()
}

/// Of a kind that is saved without being connected.
fn hive(name: &str) -> Form {
    form(&[
        ("name", &name),
        ("note", &""),
        ("type", &"HIVE"),
        ("host", &"h1,h2"),
        ("port", &10000),
        ("database", &"wh"),
        ("userName", &"etl"),
        ("password", &"tiger"),
        ("other", &""),
    ])
}

/// What nobody listens at.
fn nowhere() -> Form {
    form(&[("type", &"MYSQL"), ("host", &"127.0.0.1"), ("port", &1)])
}

/// A data source of alice's, granted to grace; returns its id.
fn source(scene: &Scene, name: &str, kind: i32, params: &Value) -> i32 {
    let row = datasource::ActiveModel {
        name: Set(name.to_owned()),
        note: Set(Some("the warehouse".to_owned())),
        kind: Set(kind),
        user_id: Set(2),
        connection_params: Set(params.to_string()),
        create_time: Set(utc(START)),
        update_time: Set(Some(utc(START))),
        ..Default::default()
    };
    let id = scene.wait(scene.insert(row)).id;
    let grant = relation_datasource_user::ActiveModel {
        user_id: Set(4),
        datasource_id: Set(Some(id)),
        perm: Set(Some(7)),
        ..Default::default()
    };
    scene.wait(scene.insert(grant));
    id
}

fn hive_source(scene: &Scene, name: &str) -> i32 {
    let params = json!({"address": "jdbc:hive2://h1:10000,h2:10000", "database": "wh",
        "jdbcUrl": "jdbc:hive2://h1:10000,h2:10000/wh", "user": "etl", "password": "tiger"});
    source(scene, name, 2, &params)
}

fn by_id(scene: &Scene, n: usize) -> Form {
    form(&[("id", &hive_source(scene, &format!("wh{n}")))])
}

fn data_sources() -> Vec<Row> {
    vec![
        row("POST datasources/create", Shape::Null, |_, n| hive(&format!("new{n}")))
            .code(10001, |_, _| form(&[("host", &"")]))
            .code(10015, |scene, n| {
                hive_source(scene, &format!("wh{n}"));
                form(&[("name", &format!("wh{n}"))])
            })
            .code(10016, |_, _| nowhere()),
        row("POST datasources/update", Shape::Null, |scene, n| {
            by_id(scene, n).changed(hive(&format!("wh{n}"))).changed(form(&[("password", &"******")]))
        })
        .code(10015, |scene, n| {
            hive_source(scene, &format!("other{n}"));
            form(&[("name", &format!("other{n}"))])
        })
        .code(10016, |_, _| nowhere().changed(form(&[("password", &"x")])))
        .code(20004, |_, _| form(&[("id", &99999)])),
        row("POST datasources/update-ui", Shape::Object(DATA_SOURCE_FORM), by_id)
            .sees(|_, form| {
                let keys = ["type", "host", "port", "database", "userName", "password", "other"];
                let seen = keys.map(|key| form[key].clone());
                assert_eq!(json!(seen), json!(["HIVE", "h1,h2", "10000", "wh", "etl", "******", {}]));
            })
            .code(20004, |_, _| form(&[("id", &99999)])),
        row("GET datasources/delete", Shape::Null, by_id).code(20004, |_, _| form(&[("id", &99999)])),
        row("GET datasources/verify-name", Shape::Null, |_, n| form(&[("name", &format!("free{n}"))])).code(
            10015,
            |scene, n| {
                hive_source(scene, &format!("wh{n}"));
                form(&[("name", &format!("wh{n}"))])
            },
        ),
        row("GET datasources/kerberos-startup-state", Shape::Bool, |_, _| form(&[])).without_store(),
    ]
}

/// No list shows a password.
fn masked(list: &Value) {
    for row in list.as_array().expect("a list") {
        assert!(!row.to_string().contains("tiger"), "{row}");
    }
}

fn lists_of_data_sources() -> Vec<Row> {
    vec![
        row("GET datasources/list", Shape::List(DATA_SOURCE), |scene, n| {
            hive_source(scene, &format!("wh{n}"));
            form(&[("type", &"HIVE")])
        })
        .sees(|_, list| masked(list)),
        row("GET datasources/list-paging", Shape::Page(DATA_SOURCE), |scene, n| {
            hive_source(scene, &format!("wh{n}"));
            form(&[("pageNo", &1), ("pageSize", &10), ("searchVal", &"WH")])
        })
        .sees(|_, page| masked(&page["totalList"])),
        row("GET datasources/unauth-datasource", Shape::List(DATA_SOURCE), |scene, n| {
            hive_source(scene, &format!("wh{n}"));
            form(&[("userId", &3)])
        })
        .sees(|_, list| masked(list)),
        row("GET datasources/authed-datasource", Shape::List(DATA_SOURCE), |scene, n| {
            hive_source(scene, &format!("wh{n}"));
            form(&[("userId", &4)])
        })
        .sees(|_, list| masked(list)),
    ]
}

/// What is really connected needs a server.
fn connections() -> Vec<Row> {
    let Some(server) = servers::postgres() else { return Vec::new() };
    let url = url::Url::parse(&server.url("postgres")).expect("an address");
    let password = percent_encoding::percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy();
    let (user, password, port) = (url.username().to_owned(), password.into_owned(), server.port());
    let typed = {
        let (user, password) = (user.clone(), password.clone());
        move |_: &Scene, n: usize| {
            hive(&format!("try{n}")).changed(form(&[
                ("type", &"POSTGRESQL"),
                ("host", &"127.0.0.1"),
                ("port", &port),
                ("database", &"postgres"),
                ("userName", &user),
                ("password", &password),
            ]))
        }
    };
    let stored = move |scene: &Scene, n: usize| {
        let params = json!({"address": format!("jdbc:postgresql://127.0.0.1:{port}"), "database": "postgres",
            "jdbcUrl": "", "user": user, "password": password});
        form(&[("id", &source(scene, &format!("pg{n}"), 1, &params))])
    };
    vec![
        row("POST datasources/connect", Shape::Null, typed).code(10036, |_, _| nowhere()).without_store(),
        row("GET datasources/connect-by-id", Shape::Null, stored)
            .code(10037, |scene, n| form(&[("id", &hive_source(scene, &format!("wh{n}")))])),
    ]
}

/// Somebody who has signed in for as long as the tests run.
fn member(scene: &Scene, role: Role, n: usize) {
    let member = Member { role, start: n.to_string(), host: "10.0.0.5".into(), pid: 4021, address: None, sound: true };
    Box::leak(Box::new(scene.wait(scene.world.registry.join(member))));
}

fn servers() -> Vec<Row> {
    let of = |name, role| {
        let right = move |scene: &Scene, n| {
            member(scene, role, n);
            form(&[])
        };
        row(name, Shape::List(SERVER), right)
            .sees(|_, list| assert_eq!((&list[0]["host"], &list[0]["port"]), (&json!("10.0.0.5"), &json!(4021))))
            .without_store()
    };
    vec![
        of("GET process/master/list", Role::Master),
        of("GET process/worker/list", Role::Worker),
        of("GET monitor/master/list", Role::Master),
        of("GET monitor/worker/list", Role::Worker),
        row("GET monitor/database", Shape::List(DATABASE_STATE), |_, _| form(&[]))
            .sees(|_, list| assert_eq!((list.as_array().map(Vec::len), &list[0]["state"]), (Some(1), &json!(1)))),
        row("GET monitor/zookeeper/list", Shape::List(ZOOKEEPER_STATE), |_, _| form(&[]))
            .may_be_empty()
            .without_store(),
    ]
}

fn group(n: usize) -> Form {
    form(&[("id", &0), ("name", &format!("gpu{n}")), ("ipList", &"10.0.0.7,10.0.0.8")])
}

/// A group that is there; returns its id.
fn saved(scene: &Scene, n: usize) -> i64 {
    let form = group(n);
    let form: Vec<(&str, &str)> = form.pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    scene.world.admin.post("worker-group/save", &form).data();
    let groups = scene.world.admin.get("worker-group/all-groups", &[]).data();
    let found = groups.as_array().expect("a list").iter().find(|group| group["name"] == format!("gpu{n}"));
    found.expect("the group")["id"].as_i64().expect("an id")
}

fn worker_groups() -> Vec<Row> {
    vec![
        row("POST worker-group/save", Shape::Null, |_, n| group(n))
            .code(10001, |_, _| form(&[("ipList", &" , ")]))
            .code(10134, |_, _| form(&[("name", &" ")]))
            .code(10135, |scene, n| {
                saved(scene, n);
                form(&[("name", &format!("gpu{n}"))])
            }),
        row("GET worker-group/list-paging", Shape::Page(WORKER_GROUP), |scene, n| {
            saved(scene, n);
            form(&[("pageNo", &1), ("pageSize", &10), ("searchVal", &"GPU")])
        }),
        row("GET worker-group/all-groups", Shape::List(WORKER_GROUP), |scene, n| {
            saved(scene, n);
            form(&[])
        }),
        row("GET worker-group/delete-by-id", Shape::Null, |scene, n| form(&[("id", &saved(scene, n))])),
    ]
}
