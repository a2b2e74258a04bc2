//! Resources and functions.

use super::case::{Form, Row, form, row};
use super::scene::Scene;
use super::shape::Shape;
use escheduler::store::entity::{relation_resources_user, relation_udfs_user};
use sea_orm::ActiveValue::Set;

const RESOURCE: &str = "id int, alias str, desc str?, fileName str, userId int, type FILE|UDF, size int,
    createTime date, updateTime date";
/// As the dialogs of grants want it.
const GRANTED: &str = "id int, name str, alias str, desc str?, fileName str, userId int, type FILE|UDF, size int,
    createTime date, updateTime date";
const UDF: &str = "id int, userId int, funcName str, className str, argTypes str?, database str?, desc str?,
    resourceId int, resourceName str, type HIVE|SPARK, createTime date, updateTime date";
const CONTENT: &str = "alias str, content str";

pub fn rows() -> Vec<Row> {
    [files(), contents(), functions(), grants()].into_iter().flatten().collect()
}

/// A file of alice that grace may use.
fn file(scene: &Scene, kind: &str, name: &str, content: &str) -> i32 {
    let form = [("type", kind), ("name", name), ("desc", "")];
    let path = format!("{}/resources/create", super::super::BASE);
    let made = scene.alice.upload(&path, &form, name, content.as_bytes(), &[]).data();
    let id = i32::try_from(made["id"].as_i64().unwrap()).unwrap();
    let grant =
        relation_resources_user::ActiveModel { user_id: Set(4), resources_id: Set(Some(id)), ..Default::default() };
    scene.wait(scene.insert(grant));
    id
}

fn script(scene: &Scene, n: usize) -> i32 {
    file(scene, "FILE", &format!("load{n}.sh"), "one\r\ntwo\nthree")
}

/// A jar, by its first use; everybody who may create functions may use it.
fn jar(scene: &Scene, n: usize) -> i32 {
    let id = file(scene, "UDF", &format!("geo{n}.jar"), "PK");
    let grant =
        relation_resources_user::ActiveModel { user_id: Set(3), resources_id: Set(Some(id)), ..Default::default() };
    scene.wait(scene.insert(grant));
    id
}

fn function_form(name: &str, jar: i32) -> Form {
    form(&[
        ("type", &"HIVE"),
        ("funcName", &name),
        ("className", &"org.example.GeoCity"),
        ("argTypes", &""),
        ("database", &""),
        ("desc", &"the city of an address"),
        ("resourceId", &jar),
    ])
}

/// A function of alice that grace may use.
fn function(scene: &Scene, n: usize) -> i32 {
    let name = format!("geo_city_{n}");
    let form = function_form(&name, jar(scene, n));
    let pairs: Vec<(&str, &str)> = form.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    scene.alice.post("resources/udf-func/create", &pairs).data();
    let found = scene.alice.get("resources/udf-func/list-paging", &super::super::page_and(&[("searchVal", &name)]));
    let id = i32::try_from(found.rows()[0]["id"].as_i64().unwrap()).unwrap();
    let grant = relation_udfs_user::ActiveModel { user_id: Set(4), udf_id: Set(Some(id)), ..Default::default() };
    scene.wait(scene.insert(grant));
    id
}

fn page() -> Form {
    form(&[("pageNo", &1), ("pageSize", &10), ("searchVal", &"")])
}

fn files() -> Vec<Row> {
    vec![
        row("POST resources/create", Shape::Object(RESOURCE), |_, n| {
            let name = format!("new{n}.sh");
            form(&[("type", &"FILE"), ("name", &name), ("desc", &"nightly")]).file(&name, "echo hello\n")
        })
        .sees(|_, made| assert_eq!((&made["size"], &made["desc"]), (&11.into(), &"nightly".into())))
        .code(10062, |_, n| form(&[]).file(&format!("new{n}.sh"), ""))
        .code(20005, |scene, n| {
            file(scene, "FILE", &format!("taken{n}.sh"), "x");
            form(&[("name", &format!("taken{n}.sh"))])
        })
        .code(20007, |_, n| {
            form(&[]).file(&format!("new{n}.sh"), vec![b'x'; super::super::world::MAX_FILE as usize + 1])
        })
        .code(20008, |_, n| form(&[]).file(&format!("new{n}.txt"), "x"))
        .code(20009, |_, _| form(&[("type", &"UDF")])),
        row("POST resources/update", Shape::Object(RESOURCE), |scene, n| {
            let id = script(scene, n);
            form(&[("id", &id), ("type", &"FILE"), ("name", &format!("renamed{n}.sh")), ("desc", &"")])
        })
        .code(20004, |_, _| form(&[("id", &9999)]))
        .code(20005, |scene, n| {
            file(scene, "FILE", &format!("other{n}.sh"), "x");
            form(&[("name", &format!("other{n}.sh"))])
        }),
        row("GET resources/list", Shape::List(RESOURCE), |scene, n| {
            script(scene, n);
            form(&[("type", &"FILE")])
        }),
        row("GET resources/list-paging", Shape::Page(RESOURCE), |scene, n| {
            script(scene, n);
            page().changed(form(&[("type", &"FILE")]))
        }),
        row("GET resources/delete", Shape::Null, |scene, n| form(&[("id", &script(scene, n))]))
            .code(20004, |_, _| form(&[("id", &9999)])),
        row("GET resources/verify-name", Shape::Null, |_, n| {
            form(&[("name", &format!("free{n}.sh")), ("type", &"FILE")])
        })
        .code(20005, |scene, n| {
            script(scene, n);
            form(&[("name", &format!("load{n}.sh"))])
        }),
    ]
}

fn contents() -> Vec<Row> {
    vec![
        row("GET resources/view", Shape::Object(CONTENT), |scene, n| {
            form(&[("id", &script(scene, n)), ("skipLineNum", &1), ("limit", &2000)])
        })
        .sees(|_, shown| assert_eq!(shown["content"], "two\nthree"))
        .code(20004, |_, _| form(&[("id", &9999)]))
        .code(20006, |scene, n| form(&[("id", &jar(scene, n))])),
        row("POST resources/online-create", Shape::Null, |_, n| {
            form(&[
                ("type", &"FILE"),
                ("fileName", &format!("online{n}")),
                ("suffix", &"sql"),
                ("desc", &""),
                ("content", &"select 1;"),
            ])
        })
        .code(10062, |_, _| form(&[("content", &"")]))
        .code(20005, |scene, n| {
            script(scene, n);
            form(&[("fileName", &format!("load{n}")), ("suffix", &"sh")])
        })
        .code(20006, |_, _| form(&[("suffix", &"exe")])),
        row("POST resources/update-content", Shape::Null, |scene, n| {
            form(&[("id", &script(scene, n)), ("content", &"echo changed")])
        })
        .code(10062, |_, _| form(&[("content", &"")]))
        .code(20004, |_, _| form(&[("id", &9999)]))
        .code(20006, |scene, n| form(&[("id", &jar(scene, n))])),
        row("GET resources/download", Shape::File, |scene, n| form(&[("id", &script(scene, n))])),
    ]
}

fn functions() -> Vec<Row> {
    vec![
        row("POST resources/udf-func/create", Shape::Null, |scene, n| {
            function_form(&format!("new_{n}"), jar(scene, n))
        })
        .code(20002, |scene, n| {
            function(scene, n + 100_000);
            form(&[("funcName", &format!("geo_city_{}", n + 100_000))])
        })
        .code(20004, |_, _| form(&[("resourceId", &9999)])),
        row("GET resources/udf-func/update-ui", Shape::Object(UDF), |scene, n| form(&[("id", &function(scene, n))]))
            .sees(|_, udf| {
                assert_eq!((&udf["type"], &udf["className"]), (&"HIVE".into(), &"org.example.GeoCity".into()))
            })
            .code(20004, |_, _| form(&[("id", &9999)])),
        row("POST resources/udf-func/update", Shape::Null, |scene, n| {
            let id = function(scene, n);
            let name = format!("changed_{n}");
            function_form(&name, jar(scene, n + 200_000)).changed(form(&[("id", &id), ("type", &"SPARK")]))
        })
        .code(20001, |_, _| form(&[("id", &9999)]))
        .code(20002, |scene, n| {
            function(scene, n + 100_000);
            form(&[("funcName", &format!("geo_city_{}", n + 100_000))])
        })
        .code(20004, |_, _| form(&[("resourceId", &9999)])),
        row("GET resources/udf-func/list-paging", Shape::Page(UDF), |scene, n| {
            function(scene, n);
            page().changed(form(&[("searchVal", &"geo_city")]))
        })
        .sees(|_, page| {
            let rows = page["totalList"].as_array().unwrap();
            assert!(rows.iter().all(|row| row["funcName"].as_str().unwrap().contains("geo_city")), "{rows:?}");
        }),
        row("GET resources/udf-func/list", Shape::List(UDF), |scene, n| {
            function(scene, n);
            form(&[("type", &"HIVE")])
        }),
        row("GET resources/udf-func/verify-name", Shape::Null, |_, n| form(&[("name", &format!("free_{n}"))])).code(
            20002,
            |scene, n| {
                function(scene, n);
                form(&[("name", &format!("geo_city_{n}"))])
            },
        ),
        row("GET resources/udf-func/delete", Shape::Null, |scene, n| form(&[("id", &function(scene, n))])),
    ]
}

fn grants() -> Vec<Row> {
    vec![
        // grace was granted it, bob was not; both are asked about as the dialogs do.
        row("GET resources/authed-file", Shape::List(GRANTED), |scene, n| {
            script(scene, n);
            form(&[("userId", &4)])
        })
        .sees(|_, rows| {
            assert!(rows.as_array().unwrap().iter().all(|row| row["name"] == row["alias"] && row["userId"] == 2));
        }),
        row("GET resources/unauth-file", Shape::List(GRANTED), |scene, n| {
            script(scene, n);
            form(&[("userId", &3)])
        })
        .sees(|_, rows| assert!(rows.as_array().unwrap().iter().all(|row| row["type"] == "FILE"))),
        row("GET resources/unauth-udf-func", Shape::List(UDF), |scene, n| {
            function(scene, n);
            form(&[("userId", &3)])
        }),
        row("GET resources/authed-udf-func", Shape::List(UDF), |scene, n| {
            function(scene, n);
            form(&[("userId", &4)])
        }),
    ]
}
