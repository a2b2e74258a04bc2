//! The real program on a database server: made by `migrate`, and still in order after the server and the program were
//! killed.

use crate::ledger::{Ledger, Line};
use crate::site::{Site, document, eventually, shell};
use serde_json::Value;
use servers::{Mariadb, Postgres, Server, Zookeeper};
use std::collections::BTreeMap;
use std::process::{Command, Output};

const INSTANCES: usize = 12;

#[test]
fn a_site_on_mariadb_runs_every_node_once_through_kills() {
    let Some(server) = Mariadb::start() else { return };
    let url = server.database();
    let (user, password, address) = parts(&url);
    // As the original writes it.
    let url = format!("jdbc:mysql://{address}?characterEncoding=UTF-8&useSSL=false");
    serves(&server, &[("URL", &url), ("USERNAME", &user), ("PASSWORD", &password)]);
}

#[test]
fn a_site_on_postgres_runs_every_node_once_through_kills() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database();
    let (user, password, address) = parts(&url);
    let url = format!("jdbc:postgresql://{address}");
    serves(&server, &[("URL", &url), ("USERNAME", &user), ("PASSWORD", &password)]);
}

/// User, password, and what follows.
fn parts(url: &str) -> (String, String, String) {
    let (_, rest) = url.split_once("://").expect("an address");
    let (user, address) = rest.split_once('@').expect("a user");
    let (user, password) = user.split_once(':').expect("a password");
    (user.to_owned(), password.replace("%2B", "+"), address.to_owned())
}

fn serves(server: &Server, datasource: &[(&str, &str)]) {
    let names = datasource.iter().map(|(key, value)| (format!("ESCHEDULER_DATASOURCE_{key}"), *value));
    let settings: Vec<(String, &str)> = names.collect();
    let mut settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    // Who shares a database has to know who else does.
    let Some(registry) = Zookeeper::start() else { return };
    let quorum = registry.address();
    settings.extend([("ESCHEDULER_ZOOKEEPER_QUORUM", quorum.as_str()), ("ESCHEDULER_ZOOKEEPER_SESSION_TIMEOUT", "3")]);
    let mut site = Site::prepare(&settings);
    let refused = program(&site, "run");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("run `escheduler migrate` first"), "{said}");
    for _ in 0..2 {
        let migrated = program(&site, "migrate");
        let said = String::from_utf8_lossy(&migrated.stdout).into_owned();
        assert!(migrated.status.success() && said.ends_with("is up to date\n"), "{migrated:?}");
        assert!(!said.contains("es+") && said.contains("127.0.0.1"), "the place, without the password: {said}");
    }
    site.up();
    runs_through_kills(server, &mut site);
    let password = datasource.last().expect("a password").1;
    assert!(!site.said().contains(password), "secrets are not told");
}

fn program(site: &Site, command: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_escheduler"))
        .arg(command)
        .env("ESCHEDULER_DATA_BASEDIR_PATH", &site.data)
        .env("ESCHEDULER_SERVER_PORT", "0")
        .envs(site.settings.iter().cloned())
        .output()
        .expect("escheduler starts")
}

fn runs_through_kills(server: &Server, site: &mut Site) {
    let ledger = Ledger::new(site.folder.path());
    site.project();
    let node = |name: &str, before: &[&str]| shell(name, &ledger.script(name, "sleep 0.2"), before);
    let definition = site.define("daily", &document(vec![node("one", &[]), node("two", &["one"])]));
    for n in 0..INSTANCES {
        site.start_instance(definition, &[]);
        match n {
            4 => {
                server.kill();
                server.start();
            }
            8 => {
                site.crash();
                site.up();
            }
            _ => {}
        }
    }
    let states =
        |site: &Site| -> Vec<Value> { site.instances(definition).iter().map(|row| row["state"].clone()).collect() };
    eventually("all instances succeed", || {
        let states = states(site);
        (states.len() == INSTANCES && states.iter().all(|state| state == "SUCCESS")).then_some(())
    });
    let mut runs: BTreeMap<(i64, String), usize> = BTreeMap::new();
    for line in ledger.lines() {
        if let Line::Start(attempt) = line {
            *runs.entry((attempt.instance, attempt.node)).or_default() += 1;
        }
    }
    assert_eq!(runs.len(), 2 * INSTANCES, "{runs:?}");
    assert!(runs.values().all(|count| *count == 1), "{runs:?}");
}
