//! What holds for every row of the specification that this release answers. The table is the list of them.

use super::world::ADMIN;
use super::{Answer, BASE, Client, Stage};
use serde_json::Value;

/// Who may call a row.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Open,
    Login,
    Admin,
    /// By the project of the path.
    Project,
    /// By the project of the object; an unknown one is this code.
    Object(i64),
}
use Word::*;

struct Row {
    method: &'static str,
    path: &'static str,
    status: u16,
    word: Word,
    /// The code of what nobody foresaw.
    generic: i64,
    /// A star marks the required ones; `{daily}` and the like stand for ids of the stage.
    form: &'static [(&'static str, &'static str)],
}

const FILE: i64 = 0;
const WHOLE: (&str, &str) = ("pageNo*", "1");
const PAGES: (&str, &str) = ("pageSize*", "1000");
const DOCUMENT: (&str, &str) = (
    "processDefinitionJson*",
    r#"{"globalParams":[],"tasks":[{"id":"tasks-1","name":"prepare","type":"SHELL","params":{"rawScript":"true"},"preTasks":[]}]}"#,
);

macro_rules! rows {
    ($($method:literal $path:literal $status:literal $word:expr, $generic:expr, $form:expr;)*) => {
        &[$(Row { method: $method, path: $path, status: $status, word: $word, generic: $generic, form: &$form }),*]
    };
}

#[rustfmt::skip]
const ROWS: &[Row] = rows! {
    "POST" "login" 200 Open, 10043, [("userName*", "alice"), ("userPassword*", "wonder1")];
    "POST" "signOut" 200 Login, 10123, [];
    "POST" "users/create" 201 Admin, 10090, [("userName*", "carol"), ("userPassword*", "x"), ("tenantId*", "1"), ("email*", "c@example.org"), ("phone", "")];
    "GET" "users/list-paging" 200 Admin, 10091, [WHOLE, PAGES, ("searchVal", "")];
    "GET" "users/get-user-info" 200 Login, 10098, [];
    "POST" "tenant/create" 201 Admin, 10084, [("tenantCode*", "ml"), ("tenantName*", "ML"), ("queueId*", "1"), ("desc", "")];
    "GET" "tenant/list-paging" 200 Admin, 10085, [WHOLE, PAGES, ("searchVal", "")];
    "GET" "tenant/list" 200 Login, 10086, [];
    "GET" "queue/list" 200 Admin, 10053, [];
    "GET" "queue/list-paging" 200 Admin, 10053, [WHOLE, PAGES, ("searchVal", "")];
    "POST" "queue/create" 201 Admin, 10127, [("queue*", "root.ml"), ("queueName*", "ml")];
    "POST" "projects/create" 201 Login, 10048, [("projectName*", "spare"), ("desc", "")];
    "POST" "projects/update" 200 Object(10046), 10046, [("projectId*", "{project}"), ("projectName*", "billing"), ("desc", "")];
    "GET" "projects/list-paging" 200 Login, 10049, [WHOLE, PAGES, ("searchVal", "")];
    "GET" "projects/delete" 200 Object(10050), 10050, [("projectId*", "{spare}")];
    "POST" "projects/billing/process/save" 201 Project, 10105, [("name*", "weekly"), DOCUMENT, ("locations", "{}"), ("connects", "[]"), ("desc", "")];
    "GET" "projects/billing/process/verify-name" 200 Project, 10106, [("name*", "free")];
    "POST" "projects/billing/process/update" 200 Project, 10107, [("id*", "{draft}"), ("name*", "draft"), DOCUMENT, ("desc", "")];
    "POST" "projects/billing/process/release" 200 Project, 10108, [("processId*", "{draft}"), ("releaseState*", "1")];
    "GET" "projects/billing/process/select-by-id" 200 Project, 10109, [("processId*", "{daily}")];
    "GET" "projects/billing/process/list" 200 Project, 10110, [];
    "GET" "projects/billing/process/list-paging" 200 Project, 10122, [WHOLE, PAGES, ("searchVal", ""), ("userId", "")];
    "GET" "projects/billing/instance/list-paging" 200 Project, 10113, [WHOLE, PAGES, ("processDefinitionId", ""), ("searchVal", ""), ("stateType", ""), ("host", ""), ("startDate", ""), ("endDate", "")];
    "GET" "projects/billing/instance/task-list-by-process-id" 200 Project, 10114, [("processInstanceId*", "{ended}")];
    "GET" "projects/billing/instance/select-by-id" 200 Project, 10116, [("processInstanceId*", "{ended}")];
    "GET" "projects/billing/instance/select-sub-process" 200 Project, 10118, [("taskId*", "{sub_task}")];
    "POST" "projects/billing/executors/start-process-instance" 200 Project, 50014, [("processDefinitionId*", "{daily}"), ("scheduleTime", ""), ("failureStrategy*", "CONTINUE"), ("warningType*", "NONE"), ("warningGroupId", "0"), ("execType", ""), ("startNodeList", ""), ("taskDependType", "TASK_POST"), ("runMode", "RUN_MODE_SERIAL"), ("processInstancePriority", "MEDIUM"), ("receivers", ""), ("receiversCc", "")];
    "POST" "projects/billing/executors/execute" 200 Project, 50015, [("processInstanceId*", "{running}"), ("executeType*", "STOP")];
    "POST" "projects/billing/executors/start-check" 200 Object(50003), 50016, [("processDefinitionId*", "{daily}")];
    "GET" "projects/billing/task-instance/list-paging" 200 Project, 10082, [WHOLE, PAGES, ("processInstanceId", ""), ("searchVal", ""), ("taskName", ""), ("stateType", ""), ("host", ""), ("startDate", ""), ("endDate", "")];
    "GET" "log/detail" 200 Object(10103), 10103, [("taskInstId*", "{task}"), ("skipLineNum*", "0"), ("limit*", "10000")];
    "GET" "log/download-log" 200 Object(FILE), FILE, [("taskInstId*", "{task}")];
    "GET" "projects/billing/instance/delete" 200 Project, 10117, [("processInstanceId*", "{ended}")];
};

impl Row {
    fn required(&self) -> impl Iterator<Item = &'static str> {
        self.form.iter().filter_map(|(name, _)| name.strip_suffix('*'))
    }

    /// Calls it with what the form says, but for one parameter.
    fn call(&self, client: &Client, stage: &Stage, without: &str) -> Answer {
        let spare = self.form.iter().any(|(_, value)| *value == "{spare}");
        let spare = if spare { super::stage::id(&stage.world.admin, "projects/list-paging", "spare") } else { 0 };
        let ids = [
            ("{project}", stage.project),
            ("{spare}", spare),
            ("{draft}", stage.draft),
            ("{daily}", stage.daily),
            ("{ended}", stage.ended),
            ("{running}", stage.running),
            ("{task}", stage.task),
            ("{sub_task}", stage.sub_task),
        ];
        let value = |value: &str| {
            let id = ids.iter().find(|(name, _)| *name == value);
            id.map_or_else(|| value.to_owned(), |(_, id)| id.to_string())
        };
        let form: Vec<(&str, String)> =
            self.form.iter().map(|(name, text)| (name.trim_end_matches('*'), value(text))).collect();
        let form: Vec<(&str, &str)> =
            form.iter().filter(|(name, _)| *name != without).map(|(name, text)| (*name, text.as_str())).collect();
        client.call(self.method, self.path, &form)
    }

    /// The same call with ids that nothing has.
    fn call_unknown(&self, client: &Client) -> Answer {
        let form: Vec<(&str, &str)> = self
            .form
            .iter()
            .map(|(name, text)| (name.trim_end_matches('*'), if text.starts_with('{') { "999" } else { *text }))
            .collect();
        client.call(self.method, self.path, &form)
    }

    fn check(&self, answer: &Answer, code: i64) {
        if self.generic == FILE {
            assert_eq!(answer.status, 400, "{}", self.path);
            assert!(answer.header("content-type").starts_with("text/plain") && !answer.bytes.is_empty());
            return;
        }
        let json = answer.json();
        assert_eq!((answer.status, &json["code"]), (self.status, &Value::from(code)), "{}: {json}", self.path);
        assert_eq!(json["data"], Value::Null, "{}", self.path);
        assert!(!json["msg"].as_str().unwrap().is_empty());
        assert_eq!(answer.header("content-type"), "application/json;charset=UTF-8");
    }
}

fn with_spare(stage: &Stage) {
    stage.alice.post("projects/create", &[("projectName", "spare"), ("desc", "")]).data();
}

#[test]
fn the_table_has_a_row_for_every_call() {
    assert_eq!(ROWS.len(), 33);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_call_answers_code_0_and_its_status() {
    let Some(stage) = Stage::new().await else { return };
    for row in ROWS {
        let client = stage.world.stranger();
        let (name, password) = if row.word == Admin { ADMIN } else { ("alice", "wonder1") };
        client.log_in(name, password).data();
        let answer = row.call(&client, &stage, "");
        assert_eq!(answer.status, row.status, "{}: {}", row.path, answer.text());
        if row.generic != FILE {
            assert_eq!(answer.code(), 0, "{}: {}", row.path, answer.text());
            assert!(!answer.msg().is_empty());
            assert_eq!(answer.header("content-type"), "application/json;charset=UTF-8");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_login_there_is_401_and_nothing_else() {
    let Some(stage) = Stage::new().await else { return };
    with_spare(&stage);
    for row in ROWS.iter().filter(|row| row.word != Open) {
        let answer = row.call(&stage.world.stranger(), &stage, "");
        assert_eq!((answer.status, answer.bytes.len()), (401, 0), "{}", row.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_parameter_is_named_with_code_10001() {
    let Some(stage) = Stage::new().await else { return };
    with_spare(&stage);
    for row in ROWS {
        for name in row.required() {
            let answer = row.call(&stage.world.admin, &stage, name);
            assert_eq!(answer.status, 400, "{} without {name}: {}", row.path, answer.text());
            if row.generic != FILE {
                assert_eq!(answer.code(), 10001, "{} without {name}", row.path);
            }
            assert!(answer.text().contains(&format!("request parameter {name} is not valid")), "{}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_the_wrong_kind_is_named_with_code_10001() {
    let Some(stage) = Stage::new().await else { return };
    let page = [("pageNo", "one"), ("pageSize", "10")];
    let answer = stage.world.admin.get("users/list-paging", &page);
    assert_eq!((answer.status, answer.code()), (400, 10001));
    let answer =
        stage.alice.get("projects/billing/instance/list-paging", &super::page_and(&[("stateType", "success")]));
    assert_eq!((answer.status, answer.code()), (400, 10001), "names of enumerations are exact");
    assert!(answer.msg().contains("stateType") && answer.msg().contains("SUCCESS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_right_is_told_so() {
    let Some(stage) = Stage::new().await else { return };
    with_spare(&stage);
    for row in ROWS {
        let answer = row.call(&stage.bob, &stage, "");
        match row.word {
            Open | Login => {
                if row.path == "signOut" {
                    stage.bob.log_in("bob", "wonder1").data();
                }
            }
            Admin => row.check(&answer, 30001),
            Project | Object(_) => row.check(&answer, 30002),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_project_or_object_is_told_with_its_code() {
    let Some(stage) = Stage::new().await else { return };
    for row in ROWS {
        match row.word {
            Project => {
                let path = row.path.replace("billing", "nowhere");
                let answer = stage.alice.call(row.method, &path, &[("processDefinitionId", "1"), ("taskId", "1")]);
                row.check(&answer, 10018);
            }
            Object(code) => row.check(&row.call_unknown(&stage.alice), code),
            Open | Login | Admin => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_is_gone_every_row_tells_its_generic_code() {
    let Some(stage) = Stage::new().await else { return };
    with_spare(&stage);
    let spare = super::stage::id(&stage.world.admin, "projects/list-paging", "spare").to_string();
    stage.world.admin.get("users/get-user-info", &[]).data();
    stage.world.store.clone().close().await;
    for row in ROWS {
        let answer = match row.path {
            "projects/delete" => stage.world.admin.get(row.path, &[("projectId", &spare)]),
            _ => row.call(&stage.world.admin, &stage, ""),
        };
        row.check(&answer, row.generic);
    }
    let unseen = [("sessionId", "never seen")];
    let answer = stage.world.stranger().raw("GET", &format!("{BASE}/users/get-user-info"), &[], &unseen);
    assert_eq!((answer.status, answer.code()), (200, 10098), "a broken database is no reason to log in again");
}
