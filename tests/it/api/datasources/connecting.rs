//! Whether a data source can be connected, on real servers.

use super::super::Stage;
use super::{form, id, secret, with};
use serde_json::Value;
use std::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_really_connected_and_failures_are_told_in_plain_words() {
    let Some(stage) = Stage::new().await else { return };
    let (Some(mariadb), Some(postgres)) = (servers::mariadb(), servers::postgres()) else { return };
    for (kind, url, port) in
        [("MYSQL", mariadb.database(), mariadb.port()), ("POSTGRESQL", postgres.database(), postgres.port())]
    {
        let (url, port) = (url::Url::parse(&url).unwrap(), port.to_string());
        let password = secret(&url);
        let good = form(kind, kind, "127.0.0.1", &port, &password);
        let good = with(&with(&good, "database", url.path().trim_matches('/')), "userName", url.username());
        let connect = |form: &[(&str, &str)]| stage.alice.post("datasources/connect", form);
        assert_eq!(connect(&good).data(), Value::Null, "{kind}");
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        for (name, value, told) in [
            ("password", "wrong", "refuses the user"),
            ("database", "no_such", "has no database `no_such`"),
            ("port", &*nobody, "nothing listens at 127.0.0.1"),
            ("host", "no.such.host.invalid", "no host is called"),
        ] {
            let bad = with(&good, name, value);
            let answer = connect(&bad);
            assert!(answer.code() == 10036 && answer.msg().contains(told), "{kind} {name}: {}", answer.text());
            assert!(!answer.text().contains(&password));
            let answer = stage.alice.post("datasources/create", &bad);
            assert!((answer.status, answer.code()) == (201, 10016) && answer.msg().contains(told), "{}", answer.text());
        }
        stage.alice.post("datasources/create", &good).data();
        let id = id(&stage.alice, kind);
        stage.alice.get("datasources/connect-by-id", &[("id", &id)]).data();
        let mut worse = with(&good, "password", "wrong");
        worse.push(("id", &id));
        assert_eq!(stage.alice.post("datasources/update", &worse).code(), 10016);
        stage.alice.get("datasources/connect-by-id", &[("id", &id)]).data();
    }
    let strange = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = strange.local_addr().unwrap().port().to_string();
    let talker = std::thread::spawn(move || {
        let (mut stream, _) = strange.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let answer = stage.alice.post("datasources/connect", &form("x", "MYSQL", "127.0.0.1", &port, "p"));
    assert!(answer.code() == 10036 && answer.msg().contains("MYSQL"), "{}", answer.text());
    talker.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_connected_yet_is_saved_and_says_so() {
    let Some(stage) = Stage::new().await else { return };
    for kind in ["HIVE", "SPARK", "CLICKHOUSE", "ORACLE", "SQLSERVER"] {
        let form = form(kind, kind, "h", "1", "p");
        stage.alice.post("datasources/create", &form).data();
        let answer = stage.alice.post("datasources/connect", &form);
        assert!(
            answer.code() == 10036 && answer.msg().contains(&format!("connect to {kind} yet")),
            "{}",
            answer.text()
        );
        let answer = stage.alice.get("datasources/connect-by-id", &[("id", &id(&stage.alice, kind))]);
        assert!(answer.code() == 10037 && answer.msg().contains(kind));
        assert_eq!(stage.alice.get("datasources/list", &[("type", kind)]).names("name"), [kind]);
    }
}
