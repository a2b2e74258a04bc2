//! Where the attacks happen: a running site with things that belong to somebody else, and things to play with.

use super::form::Operation;
use super::values::MARK;
use super::wire::{self, Answer};
use crate::site::{Site, document, shell};
use serde_json::Value;
use servers::Zookeeper;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Admin,
    User,
    Nobody,
}

const ADMIN: (&str, &str) = ("admin", "escheduler123");
const USER: (&str, &str) = ("mallory", "mallory-of-the-sandbox");

pub struct Grounds {
    pub site: Site,
    pub operations: Vec<Operation>,
    address: String,
    admin: String,
    user: String,
    /// What belongs to somebody else, as it was.
    canaries: BTreeMap<String, Value>,
    /// The files outside of the data folder.
    files: Vec<PathBuf>,
    _registry: Option<Zookeeper>,
}

/// A workflow that does nothing.
pub fn workflow() -> String {
    document(vec![shell("one", "true", &[]), shell("two", "true", &["one"])]).to_string()
}

impl Grounds {
    /// A site on the kind of database that the suite is named after; `None` where its server is missing.
    pub fn new() -> Option<Grounds> {
        let suite = module_path!();
        let url = match suite {
            suite if suite.contains("_on_mariadb") => Some(servers::mariadb()?.database()),
            suite if suite.contains("_on_postgres") => Some(servers::postgres()?.database()),
            _ => None,
        };
        let registry = if url.is_some() { Some(Zookeeper::start()?) } else { None };
        // Guesses are a part of the attack, and its log-ins fail on purpose.
        let mut settings = vec![
            ("ESCHEDULER_API_LOGIN_FAILURES_ADDRESS", "0".to_owned()),
            ("ESCHEDULER_API_LOGIN_FAILURES_USER", "0".to_owned()),
        ];
        // Who shares a database shares the key for what is sealed in it.
        settings.extend(registry.as_ref().map(|_| ("ESCHEDULER_SECRETS_KEY", "5a".repeat(32))));
        settings.extend(url.map(|url| ("ESCHEDULER_DATASOURCE_URL", url)));
        settings.extend(registry.as_ref().map(|registry| ("ESCHEDULER_ZOOKEEPER_QUORUM", registry.address())));
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut site = Site::prepare(&settings);
        if registry.is_some() {
            migrate(&site);
        }
        site.up();
        let address = site.base().trim_start_matches("http://").trim_end_matches("/escheduler").to_owned();
        let operations = Operation::all(&site.try_get("openapi.json"));
        let mut grounds = Grounds {
            admin: log_in(&address, ADMIN).expect("the administrator"),
            user: String::new(),
            files: files(site.folder.path(), &site.data),
            site,
            operations,
            address,
            canaries: BTreeMap::new(),
            _registry: registry,
        };
        grounds.plant();
        grounds.tend();
        Some(grounds)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The session of a caller.
    pub fn session(&self, caller: Caller) -> Option<&str> {
        match caller {
            Caller::Admin => Some(&self.admin),
            Caller::User => Some(&self.user),
            Caller::Nobody => None,
        }
    }

    /// What the attacks must not touch has the id 1 in its table, which no request names.
    fn plant(&mut self) {
        let site = &self.site;
        site.post("projects/create", &[("projectName", "canary"), ("desc", "not yours")]);
        let form = [("name", "keep"), ("processDefinitionJson", &*workflow()), ("locations", "{}"), ("connects", "[]")];
        site.post("projects/canary/process/save", &form);
        site.post("projects/canary/process/release", &[("processId", "1"), ("releaseState", "1")]);
        let timing = r#"{"startTime":"2026-01-01 00:00:00","endTime":"2099-01-01 00:00:00","crontab":"0 0 2 1 1 ? *"}"#;
        site.post("projects/canary/schedule/create", &[("processDefinitionId", "1"), ("schedule", timing)]);
        let file = [("type", "FILE"), ("fileName", "keep"), ("suffix", "sh"), ("content", "echo mine\n")];
        site.post("resources/online-create", &file);
        let source = [
            ("name", "keep"),
            ("type", "HIVE"),
            ("host", "127.0.0.1"),
            ("port", "9"),
            ("database", "d"),
            ("userName", "u"),
            ("password", "p"),
            ("other", ""),
            ("note", ""),
        ];
        site.post("datasources/create", &source);
        site.post("tenant/create", &[("tenantCode", "canary"), ("tenantName", "keep"), ("queueId", "1"), ("desc", "")]);
        // Users whom requests name, so that nobody who is needed has one of these ids.
        for number in 0..8 {
            self.account(&format!("pawn{number}"), "pawn-of-the-game");
        }
        self.account(USER.0, USER.1);
        self.canaries = self.observed();
    }

    fn account(&self, name: &str, password: &str) {
        let email = format!("{name}@example.org");
        let form =
            [("userName", name), ("userPassword", password), ("tenantId", "1"), ("email", &email), ("phone", "")];
        self.site.post("users/create", &form);
    }

    /// Something to play with, again where it was played away.
    pub fn tend(&mut self) {
        self.user = log_in(&self.address, USER).expect("mallory may still log in");
        let call = |path: &str, form: &str| post(&self.address, &self.user, path, form);
        call("projects/create", "projectName=sandbox&desc=");
        for number in 0..4 {
            let json: String = url_encoded(&workflow());
            call("projects/sandbox/process/save", &format!("name=w{number}&processDefinitionJson={json}"));
        }
        for id in 2..9 {
            call("projects/sandbox/process/release", &format!("processId={id}&releaseState={}", id % 2));
        }
        call("resources/online-create", "type=FILE&fileName=toy&suffix=sh&content=true");
    }

    /// After an answer that may have ended a session.
    pub fn recover(&mut self, caller: Caller, answer: &Answer) {
        let ended = matches!(answer, Answer::Http { status: 401, .. });
        let lives = |session: &str| {
            matches!(get(&self.address, session, "users/get-user-info"), Answer::Http { status: 200, .. })
        };
        match caller {
            Caller::Admin if ended || !lives(&self.admin) => {
                self.admin = log_in(&self.address, ADMIN).expect("the administrator may still log in");
            }
            Caller::User if ended || !lives(&self.user) => self.tend(),
            _ => {}
        }
    }

    /// What is to stay as it is.
    fn observed(&self) -> BTreeMap<String, Value> {
        let paths = [
            "projects/query-by-id?projectId=1",
            "projects/canary/process/select-by-id?processId=1",
            "projects/canary/process/list",
            "projects/canary/schedule/list-paging?processDefinitionId=1&pageNo=1&pageSize=100",
            "projects/canary/instance/list-paging?pageNo=1&pageSize=100",
            "projects/canary/task-instance/list-paging?pageNo=1&pageSize=100",
            "resources/view?id=1&skipLineNum=0&limit=100",
        ];
        let mut seen: BTreeMap<String, Value> =
            paths.iter().map(|path| ((*path).to_owned(), self.site.get(path))).collect();
        seen.insert("data source".to_owned(), self.site.post("datasources/update-ui", &[("id", "1")]));
        seen
    }

    /// After everything: what belongs to somebody else, every table, the files, the process and its log.
    pub fn must_be_unharmed(&mut self) {
        self.site.post("login", &[("userName", ADMIN.0), ("userPassword", ADMIN.1)]);
        let now = self.observed();
        for (what, before) in &self.canaries {
            assert_eq!(now.get(what), Some(before), "{what} was changed");
        }
        for list in [
            "users/list-paging",
            "tenant/list-paging",
            "queue/list-paging",
            "alert-group/list-paging",
            "access-token/list-paging",
            "audit/list-paging",
            "projects/list-paging",
            "datasources/list-paging",
            "resources/udf-func/list-paging",
            "worker-group/list-paging",
        ] {
            let page = self.site.get(&format!("{list}?pageNo=1&pageSize=10000"));
            assert!(page["total"].is_number(), "{list} is there: {page}");
        }
        self.files_must_be_in_their_folders();
        let said = self.site.said();
        let wrong: Vec<&str> =
            said.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked")).collect();
        assert!(
            wrong.is_empty(),
            "{} lines are about errors: {:#?}",
            wrong.len(),
            wrong.iter().take(20).collect::<Vec<_>>()
        );
    }

    fn files_must_be_in_their_folders(&self) {
        let folder = self.site.folder.path();
        assert_eq!(files(folder, &self.site.data), self.files, "nothing is written outside of the data folder");
        let marked = |place: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(MARK)).collect()
        };
        let mut places = vec![PathBuf::from("/"), PathBuf::from("/tmp"), PathBuf::from("/etc"), PathBuf::from(".")];
        places.extend(std::env::var("HOME").map(PathBuf::from));
        places.push(self.site.data.clone());
        for place in places {
            assert_eq!(marked(&place), Vec::<PathBuf>::new(), "in {}", place.display());
        }
    }
}

/// All files below a folder, without those in `except`.
fn files(folder: &Path, except: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(place) = open.pop() {
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let path = entry.path();
            if path == except {
                continue;
            }
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn migrate(site: &Site) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_escheduler"));
    program.arg("migrate").env("ESCHEDULER_DATA_BASEDIR_PATH", &site.data).envs(site.settings.iter().cloned());
    assert!(program.output().expect("escheduler starts").status.success(), "the database is made");
}

pub fn url_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn get(address: &str, session: &str, path: &str) -> Answer {
    let request = format!(
        "GET /escheduler/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nsessionId: {session}\r\n\r\n"
    );
    wire::send(address, request.as_bytes(), false)
}

pub fn post(address: &str, session: &str, path: &str, form: &str) -> Answer {
    let request = format!(
        "POST /escheduler/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nsessionId: {session}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    wire::send(address, request.as_bytes(), false)
}

/// The session of a log-in, if it is let in.
pub fn log_in(address: &str, (name, password): (&str, &str)) -> Option<String> {
    let form = format!("userName={}&userPassword={}", url_encoded(name), url_encoded(password));
    let Answer::Http { body, .. } = post(address, "", "login", &form) else { return None };
    let answer: Value = serde_json::from_slice(&body).ok()?;
    answer["data"].as_str().map(str::to_owned)
}
