//! The key of stored passwords, as a first start makes it and later ones find it.

use crate::site::Site;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

/// What becomes of a stored password: trying it out opens it before it comes to nothing.
fn tried(site: &Site) -> Value {
    site.try_get("datasources/connect-by-id?id=1")
}

#[test]
fn passwords_outlive_a_restart_and_a_changed_key_but_not_a_lost_one() {
    let mut site = Site::start();
    let file = site.data.join("secrets.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&file).unwrap();
    let form = [
        ("name", "wh"),
        ("type", "HIVE"),
        ("host", "h"),
        ("port", "10000"),
        ("database", "wh"),
        ("userName", "etl"),
        ("password", "tiger-lily"),
        ("other", ""),
    ];
    site.post("datasources/create", &form);
    let opened = |site: &Site| tried(site)["msg"].as_str().unwrap().contains("connect to HIVE yet");
    assert!(opened(&site));
    site.stop();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key, "it is made once");
    let new = "0123456789abcdef".repeat(4);
    site.settings.push(("ESCHEDULER_SECRETS_KEY".to_owned(), format!("{new},{}", key.trim())));
    site.up();
    assert!(opened(&site));
    site.stop();
    site.settings.pop();
    std::fs::remove_file(&file).unwrap();
    site.up();
    let answer = tried(&site);
    assert!(answer["code"] == 10037 && answer["msg"].as_str().unwrap().contains("secrets.key"), "{answer}");
    site.stop();
    let told = std::fs::read_to_string(site.folder.path().join("stderr")).unwrap();
    let logs = std::fs::read_dir(site.data.join("server-logs")).unwrap();
    let logs = logs.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let everything = [told.into_bytes()].into_iter().chain(logs).fold(Vec::new(), |all, text| [all, text].concat());
    let everything = String::from_utf8_lossy(&everything);
    for secret in ["tiger-lily", key.trim(), &new] {
        assert!(!everything.contains(secret), "{secret} in a log");
    }
    for file in ["escheduler.db", "escheduler.db-wal"] {
        let bytes = std::fs::read(site.data.join(file)).unwrap_or_default();
        assert!(!bytes.windows(10).any(|window| window == b"tiger-lily"), "{file}");
    }
}
