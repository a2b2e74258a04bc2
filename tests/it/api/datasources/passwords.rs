//! What becomes of the passwords of data sources.

use super::super::{PAGE, Stage, World, stage};
use super::{form, save, secret, stored, with};
use escheduler::secrets::Keyring;
use escheduler::store::entity::datasource;
use escheduler::store::utc;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_sealed_in_the_database_and_in_no_answer() {
    let Some(stage) = Stage::new().await else { return };
    let id = save(&stage.alice, "wh");
    let sealed = stored(&stage, "wh").await["password"].as_str().unwrap().to_owned();
    assert!(sealed.starts_with("{aes:") && !sealed.contains("tiger"), "{sealed}");
    let by_id = [("id", &*id)];
    for answer in [
        stage.alice.get("datasources/list-paging", &PAGE),
        stage.alice.get("datasources/list", &[("type", "HIVE")]),
        stage.alice.post("datasources/update-ui", &by_id),
        stage.alice.get("datasources/connect-by-id", &by_id),
        stage.alice.post("datasources/connect", &form("wh", "HIVE", "h1,h2", "10000", "tiger")),
        stage.world.admin.get("datasources/unauth-datasource", &[("userId", "3")]),
    ] {
        assert!(!answer.text().contains("tiger") && !answer.text().contains(&sealed), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_or_empty_password_stays_as_it_is_where_it_was_meant_for() {
    let Some(stage) = Stage::new().await else { return };
    let id = save(&stage.alice, "wh");
    let password = async || stored(&stage, "wh").await["password"].as_str().unwrap().to_owned();
    let first = password().await;
    let update = |form: &[(&str, &str)]| {
        let form: Vec<_> = form.iter().copied().chain([("id", &*id)]).collect();
        stage.alice.post("datasources/update", &form)
    };
    for kept in ["******", ""] {
        let form = with(&form("wh", "HIVE", "h1,h2", "10000", kept), "database", "other");
        assert_eq!(update(&form).data(), Value::Null);
        let now = password().await;
        assert_ne!(now, first, "it is sealed anew");
    }
    assert_eq!(stored(&stage, "wh").await["database"], "other");
    // What was sealed for one server is not sent to another one.
    for (name, value) in [("host", "evil"), ("port", "1"), ("userName", "root"), ("type", "SPARK")] {
        let answer = update(&with(&form("wh", "HIVE", "h1,h2", "10000", "******"), name, value));
        assert_eq!(answer.code(), 10001, "{}", answer.text());
        assert!(answer.msg().contains("password"));
    }
    let moved = with(&form("wh", "HIVE", "h1,h2", "10000", ""), "host", "h3");
    update(&moved).data();
    assert_eq!(password().await, "", "elsewhere, empty is empty");
    assert_eq!(stage.alice.post("datasources/create", &form("x", "HIVE", "h", "1", "******")).code(), 10001);
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_of_the_original_is_used_and_sealed_when_it_is_written() {
    let Some(stage) = Stage::new().await else { return };
    let Some(server) = servers::postgres() else { return };
    let url = url::Url::parse(&server.database()).unwrap();
    let params = json!({"address": format!("jdbc:postgresql://127.0.0.1:{}", server.port()),
        "database": url.path().trim_matches('/'), "jdbcUrl": "x", "user": url.username(), "password": secret(&url)});
    let row = datasource::ActiveModel {
        name: Set("old".to_owned()),
        kind: Set(1),
        user_id: Set(2),
        connection_params: Set(params.to_string()),
        create_time: Set(utc(stage::START)),
        ..Default::default()
    };
    let id = stage.insert(row).await.id.to_string();
    assert_eq!(stage.alice.get("datasources/connect-by-id", &[("id", &id)]).data(), Value::Null);
    let shown = stage.alice.get("datasources/list-paging", &PAGE);
    assert!(!shown.text().contains(&secret(&url)));
    let port = server.port().to_string();
    let form = [
        ("id", &*id),
        ("name", "old"),
        ("note", ""),
        ("type", "POSTGRESQL"),
        ("host", "127.0.0.1"),
        ("port", &*port),
        ("database", url.path().trim_matches('/')),
        ("userName", url.username()),
        ("password", "******"),
        ("other", ""),
    ];
    stage.alice.post("datasources/update", &form).data();
    assert!(stored(&stage, "old").await["password"].as_str().unwrap().starts_with("{aes:"));
    stage.alice.get("datasources/connect-by-id", &[("id", &id)]).data();
    // The edit form tests with the mask; the name tells whose password is meant.
    stage.alice.post("datasources/connect", &form[1..]).data();
    let stranger = stage.bob.post("datasources/connect", &form[1..]);
    assert_eq!(stranger.code(), 10001, "{}", stranger.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_no_password_is_stored_and_the_way_out_is_told() {
    let Some(world) = World::with_keys(Keyring::empty(), |_| ()).await else { return };
    let create = |form: &[(&str, &str)]| world.admin.post("datasources/create", form);
    let answer = create(&form("wh", "HIVE", "h", "1", "tiger"));
    assert!(answer.code() == 10033 && answer.msg().contains("set secrets.key"), "{}", answer.text());
    assert!(!answer.text().contains("tiger"));
    create(&form("wh", "HIVE", "h", "1", "")).data();
}
