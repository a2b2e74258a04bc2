//! The real program on a data folder of its own, driven over HTTP. Used by the tests and the bench.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A data folder, and the process that serves it while it is up.
pub struct Site {
    pub folder: tempfile::TempDir,
    /// More configuration: environment variables.
    pub settings: Vec<(String, String)>,
    /// What starts the program, if it is not started directly.
    pub launcher: Vec<String>,
    /// `data.basedir.path`
    pub data: PathBuf,
    running: Option<Running>,
    agent: ureq::Agent,
}

struct Running {
    child: Child,
    /// Kept open, so that the program can go on printing.
    output: BufReader<ChildStdout>,
    base: String,
}

/// How long anything may take before a test gives up. Nothing is asserted about it.
pub const PATIENCE: Duration = Duration::from_secs(120);

impl Site {
    /// A running site.
    pub fn start() -> Site {
        Site::with(&[])
    }

    /// A running site with more configuration, as environment variables.
    pub fn with(settings: &[(&str, &str)]) -> Site {
        let mut site = Site::prepare(settings);
        site.up();
        site
    }

    /// A site that is not up yet.
    pub fn prepare(settings: &[(&str, &str)]) -> Site {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let folder = tempfile::tempdir().expect("a folder");
        open_to_all(folder.path());
        Site {
            data: folder.path().join("data"),
            folder,
            settings: settings.iter().map(own).collect(),
            launcher: vec![],
            running: None,
            agent,
        }
    }

    /// Starts the process, and logs in.
    pub fn up(&mut self) {
        let mut child = self.spawn();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        let address = line.trim().rsplit(' ').next().unwrap_or_default().trim_end_matches('/').to_owned();
        assert!(address.starts_with("http://"), "the first line names the address: {line:?}");
        self.running = Some(Running { child, output, base: format!("{address}/escheduler") });
        self.post("login", &[("userName", "admin"), ("userPassword", "escheduler123")]);
    }

    /// Starts the process and kills it after a while, whatever it has come to.
    pub fn stillborn(&self, age: Duration) {
        let mut child = self.spawn();
        std::thread::sleep(age);
        child.kill().expect("our own child");
        child.wait().expect("our own child");
    }

    fn spawn(&self) -> Child {
        let program = env!("CARGO_BIN_EXE_escheduler").to_owned();
        let mut line = self.launcher.iter().chain([&program]);
        let said = std::fs::File::options().create(true).append(true).open(self.folder.path().join("stderr"));
        Command::new(line.next().expect("at least the program"))
            .args(line)
            .arg("run")
            .env("ESCHEDULER_DATA_BASEDIR_PATH", &self.data)
            .env("ESCHEDULER_SERVER_PORT", "0")
            .envs(self.settings.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said.expect("our own folder"))
            .spawn()
            .expect("escheduler starts")
    }

    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the site is up").child.id()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid() as i32), signal).expect("our own child");
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn crash(&mut self) {
        let mut running = self.running.take().expect("the site is up");
        running.child.kill().expect("our own child");
        running.child.wait().expect("our own child");
    }

    /// SIGKILL to everything at once, running tasks and the shim included, as if the power was cut. Returns
    /// which task processes died, those that nobody had reaped included.
    pub fn cut_power(&mut self) -> Vec<i32> {
        // Frozen, so that it notices nothing of what it does not survive.
        crate::processes::freeze(self.pid() as i32);
        let dead = crate::processes::end_all(&self.data);
        self.crash();
        dead
    }

    /// What is sent while the program may die: `None` if there was no answer.
    pub fn risk_post(&self, path: &str, form: &[(&str, &str)]) -> Option<Value> {
        let mut response = self.agent.post(self.url(path)).send_form(form.iter().copied()).ok()?;
        serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()
    }

    /// SIGTERM, and waits; returns exit code and the last line printed.
    pub fn stop(&mut self) -> (Option<i32>, String) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let mut running = self.running.take().expect("the site is up");
        let mut last = String::new();
        let mut line = String::new();
        while running.output.read_line(&mut line).is_ok_and(|read| read > 0) {
            last = std::mem::take(&mut line);
        }
        (running.child.wait().expect("our own child").code(), last.trim().to_owned())
    }

    /// The address of the API, up to its base path.
    pub fn base(&self) -> &str {
        &self.running.as_ref().expect("the site is up").base
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.running.as_ref().expect("the site is up").base)
    }

    fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
        let mut response = response.expect("an answer");
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string().expect("a text");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// The body of an answer, piece by piece.
    pub fn download(&self, path: &str) -> impl std::io::Read + use<> {
        self.agent.get(self.url(path)).call().expect("an answer").into_body().into_reader()
    }

    /// The whole answer, with its code.
    pub fn try_post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        Site::answer(self.agent.post(self.url(path)).send_form(form.iter().copied()))
    }

    /// The whole answer, with its code.
    pub fn try_get(&self, path: &str) -> Value {
        Site::answer(self.agent.get(self.url(path)).call())
    }

    /// The data of an answer that must be a success.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        good(path, self.try_post(path, form))
    }

    /// The data of an answer that must be a success.
    pub fn get(&self, path: &str) -> Value {
        good(path, self.try_get(path))
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

    /// Starts a definition; `more` adds to, or replaces, form fields.
    pub fn start_instance(&self, definition: i64, more: &[(&str, &str)]) {
        let id = definition.to_string();
        self.post(START, &start_form(&id, more));
    }

    /// As [`start_instance`](Site::start_instance), while the program may die: whether it was accepted, and
    /// `None` if there was no answer.
    pub fn risk_start(&self, definition: i64, more: &[(&str, &str)]) -> Option<bool> {
        let id = definition.to_string();
        Some(self.risk_post(START, &start_form(&id, more))?["code"] == 0)
    }

    /// Rows of the instance list, newest first.
    pub fn instances(&self, definition: i64) -> Vec<Value> {
        let path = format!("projects/p/instance/list-paging?processDefinitionId={definition}&pageNo=1&pageSize=100000");
        self.get(&path)["totalList"].as_array().expect("a list").clone()
    }

    /// How many instances of the definition are in a state.
    #[allow(dead_code, reason = "the bench asks for it")]
    pub fn count(&self, definition: i64, state: &str) -> i64 {
        let path = format!(
            "projects/p/instance/list-paging?processDefinitionId={definition}&stateType={state}&pageNo=1&pageSize=1"
        );
        self.get(&path)["total"].as_i64().expect("a number")
    }

    /// Valid tasks of an instance.
    pub fn tasks(&self, instance: i64) -> Vec<Value> {
        let answer = self.get(&format!("projects/p/instance/task-list-by-process-id?processInstanceId={instance}"));
        answer["taskList"].as_array().expect("a list").clone()
    }

    /// The log of a task, as the front-end reads it.
    pub fn log(&self, task: &Value) -> String {
        let answer = self.try_get(&format!("log/detail?taskInstId={}&skipLineNum=0&limit=1000000", task["id"]));
        answer["data"].as_str().unwrap_or_default().to_owned()
    }

    /// What the program has said on its standard error.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// PAUSE, STOP, REPEAT_RUNNING, …
    pub fn execute(&self, instance: i64, what: &str) -> Value {
        let id = instance.to_string();
        self.try_post("projects/p/executors/execute", &[("processInstanceId", &id), ("executeType", what)])
    }

    /// Starts one instance and waits for its end; returns its row.
    pub fn run(&self, definition: i64) -> Value {
        let known = self.instances(definition).len();
        self.start_instance(definition, &[]);
        eventually("the instance ends", || {
            let rows = self.instances(definition);
            let newest = (rows.len() > known).then(|| rows[0].clone())?;
            is_finished(&newest["state"]).then_some(newest)
        })
    }

    /// The process and what it started itself (the shim).
    #[allow(dead_code, reason = "the bench asks for it")]
    pub fn pids(&self) -> Vec<u32> {
        let own = self.pid();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect()
    }
}

impl Drop for Site {
    /// Whatever happened, nothing that was started here goes on.
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if self.running.is_some() {
            if failed {
                self.crash();
            } else {
                self.stop();
            }
        }
        crate::processes::end_all(&self.data);
        if failed {
            self.folder.disable_cleanup(true);
            eprintln!("logs and data are kept in {}", self.folder.path().display());
        }
    }
}

const START: &str = "projects/p/executors/start-process-instance";

fn start_form<'a>(definition: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("processDefinitionId", definition),
        ("failureStrategy", "CONTINUE"),
        ("warningType", "NONE"),
        ("warningGroupId", "0"),
        ("scheduleTime", ""),
    ];
    form.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    form.extend(more);
    form
}

/// Other accounts may pass through the folder, as they may in the places where data is kept.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).expect("our own folder");
}

fn good(path: &str, answer: Value) -> Value {
    assert_eq!(answer["code"], 0, "{path}: {answer}");
    answer["data"].clone()
}

pub fn is_finished(state: &Value) -> bool {
    let states = ["PAUSE", "STOP", "FAILURE", "SUCCESS", "NEED_FAULT_TOLERANCE", "KILL"];
    states.iter().any(|known| state == known)
}

/// Waits for something that must come.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A zone in which it is about noon, so that today stays the same day for hours.
#[allow(dead_code, reason = "not everybody waits for a day's run")]
pub fn where_it_is_noon() -> String {
    let ahead = 12 - i64::from(chrono::Timelike::hour(&chrono::Utc::now()));
    if ahead < 0 { format!("Etc/GMT+{}", -ahead) } else { format!("Etc/GMT-{ahead}") }
}

/// A SHELL node.
pub fn shell(name: &str, script: &str, before: &[&str]) -> Value {
    json!({"id": format!("tasks-{name}"), "name": name, "type": "SHELL", "params": {"rawScript": script, "localParams": [], "resourceList": []},
        "desc": "", "runFlag": "NORMAL", "dependence": {}, "maxRetryTimes": "0", "retryInterval": "1",
        "timeout": {"strategy": "", "interval": null, "enable": false}, "taskInstancePriority": "MEDIUM", "preTasks": before})
}

/// A SUB_PROCESS node.
pub fn sub_process(name: &str, definition: i64, before: &[&str]) -> Value {
    let mut node = shell(name, "", before);
    node["type"] = json!("SUB_PROCESS");
    node["params"] = json!({"processDefinitionId": definition});
    node
}

/// The node with retries at once.
pub fn retried(mut node: Value, times: u32) -> Value {
    node["maxRetryTimes"] = json!(times.to_string());
    node["retryInterval"] = json!("0");
    node
}

/// A document of nodes.
pub fn document(tasks: Vec<Value>) -> Value {
    json!({"globalParams": [], "tasks": tasks, "tenantId": -1, "timeout": 0})
}
