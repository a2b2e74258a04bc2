//! Who uses the cluster: over HTTP, at whichever API node answers.

use crate::site::{eventually, is_finished};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

pub struct Client {
    nodes: Vec<Node>,
    next: AtomicUsize,
}

struct Node {
    base: String,
    agent: ureq::Agent,
    logged_in: AtomicBool,
}

pub const START: &str = "projects/p/executors/start-process-instance";

impl Client {
    pub fn new(bases: Vec<String>) -> Client {
        let node = |base| {
            let config = ureq::Agent::config_builder().http_status_as_error(false);
            let agent = config.timeout_global(Some(Duration::from_secs(20))).build().into();
            Node { base, agent, logged_in: AtomicBool::new(false) }
        };
        Client { nodes: bases.into_iter().map(node).collect(), next: AtomicUsize::new(0) }
    }

    fn node(&self) -> &Node {
        &self.nodes[self.next.fetch_add(1, Relaxed) % self.nodes.len()]
    }

    /// Asks one node, once: the answer, if there was one.
    pub fn try_post(&self, path: &str, form: &[(&str, &str)]) -> Option<Value> {
        self.node().post(path, form)
    }

    /// Asks until some node answers with success. For what may be said twice.
    pub fn get(&self, path: &str) -> Value {
        eventually(path, || self.try_get(path))
    }

    pub fn try_get(&self, path: &str) -> Option<Value> {
        self.nodes.iter().find_map(|_| data(self.node().get(path)?))
    }

    /// Asks until a node accepts. For what may be said twice.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        eventually(path, || data(self.try_post(path, form)?))
    }

    /// Makes the project that the other calls use.
    pub fn project(&self) {
        self.post("projects/create", &[("projectName", "p"), ("desc", "")]);
    }

    /// Saves a document and takes it online; returns the definition's id.
    pub fn define(&self, name: &str, document: &Value) -> i64 {
        let text = document.to_string();
        let form = [("name", name), ("processDefinitionJson", &text), ("locations", "{}"), ("connects", "[]")];
        self.post("projects/p/process/save", &form);
        let list = self.get("projects/p/process/list");
        let rows = list.as_array().expect("a list");
        let id = rows.iter().find(|row| row["name"] == name).expect("the definition")["id"].as_i64().expect("an id");
        self.post("projects/p/process/release", &[("processId", &id.to_string()), ("releaseState", "1")]);
        id
    }

    /// Starts a definition; `None` if nobody knows whether it was accepted.
    pub fn try_start(&self, definition: i64, strategy: &str) -> Option<()> {
        let id = definition.to_string();
        let form = [
            ("processDefinitionId", id.as_str()),
            ("failureStrategy", strategy),
            ("warningType", "NONE"),
            ("warningGroupId", "0"),
            ("scheduleTime", ""),
        ];
        data(self.try_post(START, &form)?).map(|_| ())
    }

    /// Starts one instance and returns its id. To be used by one caller for a definition.
    pub fn start(&self, definition: i64) -> i64 {
        let known = self.instances(definition).len();
        assert!(self.try_start(definition, "CONTINUE").is_some(), "the start is accepted");
        eventually("the instance begins", || {
            let rows = self.instances(definition);
            (rows.len() > known).then(|| rows[0]["id"].as_i64().expect("an id"))
        })
    }

    /// Rows of the instance list, newest first.
    pub fn instances(&self, definition: i64) -> Vec<Value> {
        self.get(&instances(definition))["totalList"].as_array().expect("a list").clone()
    }

    /// The same, if a node answers now.
    pub fn try_instances(&self, definition: i64) -> Option<Vec<Value>> {
        self.try_get(&instances(definition))?["totalList"].as_array().cloned()
    }

    /// The row of one instance.
    pub fn instance(&self, definition: i64, id: i64) -> Value {
        self.instances(definition).into_iter().find(|row| row["id"] == id).expect("the instance")
    }

    /// Waits for the end of an instance and returns its state.
    pub fn end_of(&self, definition: i64, id: i64) -> String {
        eventually("the instance ends", || {
            let state = self.instance(definition, id)["state"].clone();
            is_finished(&state).then(|| state.as_str().unwrap_or_default().to_owned())
        })
    }

    /// Valid tasks of an instance.
    pub fn tasks(&self, instance: i64) -> Vec<Value> {
        let answer = self.get(&format!("projects/p/instance/task-list-by-process-id?processInstanceId={instance}"));
        answer["taskList"].as_array().expect("a list").clone()
    }

    /// PAUSE, STOP, REPEAT_RUNNING, …; whether it was accepted for sure.
    pub fn execute(&self, instance: i64, what: &str) -> bool {
        let id = instance.to_string();
        let form = [("processInstanceId", id.as_str()), ("executeType", what)];
        self.try_post("projects/p/executors/execute", &form).is_some_and(|answer| answer["code"] == 0)
    }

    /// What each node shows of a log, by `log/detail` and by `download-log`.
    pub fn logs(&self, task: &Value) -> Vec<(String, String)> {
        let id = task["id"].to_string();
        let detail = format!("log/detail?taskInstId={id}&skipLineNum=0&limit=1000000");
        let whole = |node: &Node| {
            let detail = node.get(&detail)?["data"].as_str().unwrap_or_default().to_owned();
            Some((detail, node.text(&format!("log/download-log?taskInstId={id}"))?))
        };
        self.nodes.iter().map(|node| eventually("the node shows the log", || whole(node))).collect()
    }
}

fn instances(definition: i64) -> String {
    format!("projects/p/instance/list-paging?processDefinitionId={definition}&pageNo=1&pageSize=100000")
}

/// The data of an answer that is a success.
fn data(answer: Value) -> Option<Value> {
    (answer["code"] == 0).then(|| answer["data"].clone())
}

impl Node {
    fn log_in(&self) -> Option<()> {
        if !self.logged_in.load(Relaxed) {
            let form = [("userName", "admin"), ("userPassword", "escheduler123")];
            let mut response = self.agent.post(format!("{}/login", self.base)).send_form(form).ok()?;
            let answer: Value = serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()?;
            data(answer)?;
            self.logged_in.store(true, Relaxed);
        }
        Some(())
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Option<Value> {
        self.log_in()?;
        let text = self.read(self.agent.post(format!("{}/{path}", self.base)).send_form(form.iter().copied()))?;
        serde_json::from_str(&text).ok()
    }

    fn get(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&self.text(path)?).ok()
    }

    fn text(&self, path: &str) -> Option<String> {
        self.log_in()?;
        self.read(self.agent.get(format!("{}/{path}", self.base)).call())
    }

    fn read(&self, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<String> {
        let mut response = response.ok()?;
        if response.status() == 401 {
            self.logged_in.store(false, Relaxed);
            return None;
        }
        response.body_mut().with_config().limit(256 << 20).read_to_string().ok()
    }
}
