//! Data sources: what is kept, and who sees it.

mod connecting;
mod passwords;

use super::{Client, PAGE, Stage, page_and, pick};
use escheduler::api::Compat;
use escheduler::store::entity::{datasource, relation_datasource_user};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

/// The words of a form, with a password.
fn form<'a>(name: &'a str, kind: &'a str, host: &'a str, port: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", name),
        ("note", "the warehouse"),
        ("type", kind),
        ("host", host),
        ("port", port),
        ("database", "wh"),
        ("userName", "etl"),
        ("password", password),
        ("other", ""),
    ]
}

/// The same form, with another value for one of its words.
fn with<'a>(form: &[(&'a str, &'a str)], name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    form.iter().map(|(known, old)| (*known, if *known == name { value } else { *old })).collect()
}

fn id(client: &Client, name: &str) -> String {
    let rows = client.get("datasources/list-paging", &PAGE).rows();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"));
    row["id"].to_string()
}

/// Saves one that needs no connection, and tells its id.
fn save(client: &Client, name: &str) -> String {
    client.post("datasources/create", &form(name, "HIVE", "h1,h2", "10000", "tiger")).data();
    id(client, name)
}

async fn stored(stage: &Stage, name: &str) -> Value {
    let rows = datasource::Entity::find().all(stage.world.store.read()).await.unwrap();
    let row = rows.into_iter().find(|row| row.name == name).unwrap();
    serde_json::from_str(&row.connection_params).unwrap()
}

/// The password in an address.
pub fn secret(url: &url::Url) -> String {
    percent_encoding::percent_decode_str(url.password().unwrap()).decode_utf8().unwrap().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_source_comes_back_in_the_edit_form_without_its_password() {
    let Some(stage) = Stage::new().await else { return };
    let wanted = with(&form(" wh ", "SPARK", "h1, h2", "10001", "tiger"), "other", r#"{"a":"1","b":true}"#);
    assert_eq!(stage.alice.post("datasources/create", &wanted).data(), Value::Null);
    let id = id(&stage.alice, "wh");
    let form = stage.alice.post("datasources/update-ui", &[("id", &id)]).data();
    assert_eq!(
        form,
        json!({"name": "wh", "note": "the warehouse", "type": "SPARK", "host": "h1,h2", "port": "10001", "principal": "",
               "database": "wh", "userName": "etl", "password": "******", "other": {"a": "1", "b": "true"}})
    );
    let row = &stage.alice.get("datasources/list-paging", &PAGE).rows()[0];
    assert_eq!(pick(row, "name note type userName"), json!(["wh", "the warehouse", "SPARK", "alice"]));
    assert!(row["createTime"].is_i64() && row["updateTime"].is_i64());
    let params: Value = serde_json::from_str(row["connectionParams"].as_str().unwrap()).unwrap();
    assert_eq!(
        params,
        json!({"address": "jdbc:hive2://h1:10001,h2:10001", "database": "wh",
               "jdbcUrl": "jdbc:hive2://h1:10001,h2:10001/wh", "user": "etl", "password": "******", "other": "a=1;b=true"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_used_once_by_anybody() {
    let Some(stage) = Stage::new().await else { return };
    let first = save(&stage.alice, "wh");
    let second = save(&stage.bob, "other");
    assert_eq!(stage.bob.post("datasources/create", &form("wh ", "HIVE", "h", "1", "p")).code(), 10015);
    assert_eq!(stage.bob.get("datasources/verify-name", &[("name", " wh")]).code(), 10015);
    assert_eq!(stage.bob.get("datasources/verify-name", &[("name", "Wh")]).code(), 0);
    let rename = |client: &Client, id: &str, name| {
        let mut form = form(name, "HIVE", "h1,h2", "10000", "******");
        form.push(("id", id));
        client.post("datasources/update", &form).code()
    };
    assert_eq!(rename(&stage.bob, &second, "wh"), 10015);
    assert_eq!(rename(&stage.alice, &first, "wh"), 0, "its own name is no obstacle");
    assert_eq!(rename(&stage.alice, &first, "dwh"), 0);
    assert_eq!(rename(&stage.bob, &second, "wh"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_host_port_or_option_is_refused() {
    let Some(stage) = Stage::new().await else { return };
    let good = form("wh", "MYSQL", "db", "3306", "p");
    for (name, value) in [
        ("host", ""),
        ("host", "/var/run/mysqld"),
        ("host", "db/x?allowLoadLocalInfile=true"),
        ("host", "a,b"),
        ("port", "0"),
        ("port", "70000"),
        ("port", "x"),
        ("other", "x"),
        ("other", r#"{"a":{}}"#),
        ("name", " "),
        ("name", &"n".repeat(65)),
        ("note", &"n".repeat(257)),
        ("database", "a\nb"),
    ] {
        for path in ["datasources/create", "datasources/connect"] {
            let answer = stage.alice.post(path, &with(&good, name, value));
            assert!(answer.code() == 10001 && answer.msg().contains(name), "{name}={value}: {}", answer.text());
        }
    }
    let answer = stage.alice.post("datasources/create", &with(&good, "type", "mysql"));
    assert_eq!((answer.status, answer.code()), (400, 10001));
}

#[tokio::test(flavor = "multi_thread")]
async fn own_and_granted_ones_are_seen_and_only_own_ones_are_deleted() {
    let Some(stage) = Stage::new().await else { return };
    let (hers, his) = (save(&stage.alice, "hers"), save(&stage.bob, "his"));
    let names = |client: &Client, path: &str, form: &[(&str, &str)]| client.get(path, form).names("name");
    let hive = [("type", "HIVE")];
    let lists = |client: &Client| {
        let list = names(client, "datasources/list", &hive);
        let mut page = names(client, "datasources/list-paging", &PAGE);
        page.sort();
        assert_eq!(list, page);
        list
    };
    assert_eq!(lists(&stage.bob), ["his"]);
    let admin = &stage.world.admin;
    assert_eq!(admin.get("datasources/list-paging", &PAGE).rows().len(), 2, "an administrator sees all");
    let of_bob = [("userId", "3")];
    assert_eq!(names(&stage.world.admin, "datasources/unauth-datasource", &of_bob), ["hers"]);
    assert_eq!(names(&stage.world.admin, "datasources/authed-datasource", &of_bob), [""; 0]);
    let by_id = |client: &Client, path: &str, id: &str| match path {
        "datasources/update-ui" => client.post(path, &[("id", id)]).code(),
        _ => client.get(path, &[("id", id)]).code(),
    };
    for (path, code) in
        [("datasources/update-ui", 30001), ("datasources/connect-by-id", 30001), ("datasources/delete", 30001)]
    {
        assert_eq!(by_id(&stage.bob, path, &hers), code, "{path}");
    }
    let grant = relation_datasource_user::ActiveModel {
        user_id: Set(3),
        datasource_id: Set(Some(hers.parse().unwrap())),
        perm: Set(Some(7)),
        ..Default::default()
    };
    stage.insert(grant).await;
    assert_eq!(lists(&stage.bob), ["hers", "his"]);
    assert_eq!(names(&stage.world.admin, "datasources/unauth-datasource", &of_bob), [""; 0]);
    assert_eq!(names(&stage.world.admin, "datasources/authed-datasource", &of_bob), ["hers"]);
    assert_eq!(by_id(&stage.bob, "datasources/update-ui", &hers), 0);
    assert_eq!(by_id(&stage.bob, "datasources/delete", &hers), 30001);
    assert_eq!(by_id(admin, "datasources/update-ui", &his), 0);
    assert_eq!(by_id(admin, "datasources/delete", &his), 30001, "as in release 1.0.1");
    assert_eq!(by_id(&stage.alice, "datasources/delete", &hers), 0);
    assert_eq!(by_id(&stage.alice, "datasources/delete", &hers), 20004);
    let grants = relation_datasource_user::Entity::find().all(stage.world.store.read()).await.unwrap();
    assert!(grants.is_empty(), "grants go with what was granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_counts_what_it_finds() {
    let Some(stage) = Stage::new().await else { return };
    for name in ["one", "two", "twenty"] {
        save(&stage.alice, name);
    }
    let found = stage.alice.get("datasources/list-paging", &page_and(&[("searchVal", "TW")])).data();
    assert_eq!(found["total"], 2);
    assert_eq!(found["totalList"][0]["name"], "twenty", "the newest change first");
}

#[tokio::test(flavor = "multi_thread")]
async fn kerberos_decides_whether_a_principal_is_kept() {
    for kerberos in [false, true] {
        let Some(world) = super::World::with(|settings| settings.kerberos = kerberos).await else { return };
        assert_eq!(world.admin.get("datasources/kerberos-startup-state", &[]).data(), kerberos);
        let mut form = form("wh", "HIVE", "h", "1", "p");
        form.push(("principal", "hive/h@EXAMPLE.ORG"));
        world.admin.post("datasources/create", &form).data();
        let edit = world.admin.post("datasources/update-ui", &[("id", "1")]).data();
        assert_eq!(edit["principal"], if kerberos { "hive/h@EXAMPLE.ORG" } else { "" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_listed_without_its_parameters_and_can_be_saved_anew() {
    let Some(stage) = Stage::new().await else { return };
    let id = save(&stage.alice, "wh");
    let broken = datasource::ActiveModel {
        id: Set(id.parse().unwrap()),
        connection_params: Set("password=tiger".to_owned()),
        ..Default::default()
    };
    let written = stage.world.store.write(move |tx| {
        let broken = broken.clone();
        Box::pin(async move { Ok(sea_orm::ActiveModelTrait::update(broken, tx).await?) })
    });
    written.await.unwrap();
    let row = &stage.alice.get("datasources/list-paging", &PAGE).rows()[0];
    let params: Value = serde_json::from_str(row["connectionParams"].as_str().unwrap()).unwrap();
    assert_eq!(params["password"], "");
    let answer = stage.alice.post("datasources/update-ui", &[("id", &id)]);
    assert!(answer.code() == 10035 && !answer.text().contains("tiger"), "{}", answer.text());
    let mut form = form("wh", "HIVE", "h", "1", "lion");
    form.push(("id", &id));
    stage.alice.post("datasources/update", &form).data();
    assert_eq!(stage.alice.post("datasources/update-ui", &[("id", &id)]).code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_release_1_1_administrators_list_and_delete_what_others_own() {
    for (compat, list, code) in [(Compat::V1_0, 0, 30001), (Compat::V1_1, 1, 0)] {
        let Some(world) = super::World::with(|settings| settings.compat = compat).await else { return };
        let alice = world.user("alice");
        let id = save(&alice, "hers");
        let found = world.admin.get("datasources/list", &[("type", "HIVE")]).data();
        assert_eq!(found.as_array().unwrap().len(), list);
        assert_eq!(world.admin.get("datasources/delete", &[("id", &id)]).code(), code);
    }
}
