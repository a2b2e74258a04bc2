//! The JSON of answers: exactly these keys, each of its kind. A missing key breaks pages of the front-end.

use serde_json::{Map, Value};

/// What `data` looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Null,
    Text,
    Bool,
    /// `key kind, key kind, …`: see [`fits`] for the kinds.
    Object(&'static str),
    /// An array of such objects, not empty when the right person asks.
    List(&'static str),
    /// A page of such objects, not empty either.
    Page(&'static str),
    /// An array of texts.
    Texts,
    /// Whatever this finds no fault with.
    Like(fn(&Value) -> Result<(), String>),
    /// Not JSON: bytes with a name.
    File,
}

const PAGE: &str = "totalList list, total int, currentPage int, totalPage int";

impl Shape {
    /// What is wrong with `data`; `full` if a list must have rows.
    pub fn check(self, data: &Value, full: bool) -> Result<(), String> {
        match self {
            Shape::Null => one("null", data),
            Shape::Text => one("str", data),
            Shape::Bool => one("bool", data),
            Shape::Object(keys) => object(keys, data),
            Shape::List(keys) => rows(data, full)?.iter().try_for_each(|row| object(keys, row)),
            Shape::Page(keys) => {
                object(PAGE, data)?;
                rows(&data["totalList"], full)?.iter().try_for_each(|row| object(keys, row))
            }
            Shape::Texts => rows(data, full)?.iter().try_for_each(|row| one("str", row)),
            Shape::Like(check) => check(data),
            Shape::File => Ok(()),
        }
    }
}

fn rows(list: &Value, full: bool) -> Result<&Vec<Value>, String> {
    let rows = list.as_array().ok_or_else(|| format!("{list} is no list"))?;
    if full && rows.is_empty() { Err("the list is empty, so it shows nothing".to_owned()) } else { Ok(rows) }
}

/// Exactly these keys, each of its kind.
pub fn object(keys: &str, value: &Value) -> Result<(), String> {
    let object = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    let wanted: Vec<(&str, &str)> =
        keys.split(',').filter_map(|pair| pair.trim().split_once(char::is_whitespace)).collect();
    let more: Vec<_> = object.keys().filter(|key| wanted.iter().all(|(name, _)| name != key)).collect();
    if !more.is_empty() {
        return Err(format!("{more:?} are too much in {value}"));
    }
    wanted.iter().try_for_each(|(key, kind)| entry(object, key, kind.trim()))
}

fn entry(object: &Map<String, Value>, key: &str, kind: &str) -> Result<(), String> {
    let value = object.get(key).ok_or_else(|| format!("`{key}` is missing in {object:?}"))?;
    one(kind, value).map_err(|error| format!("`{key}`: {error}"))
}

fn one(kind: &str, value: &Value) -> Result<(), String> {
    if fits(kind, value) { Ok(()) } else { Err(format!("{value} is not {kind}")) }
}

/// The kinds: `int`, `num`, `str`, `bool`, `date` (epoch milliseconds), `json` (a text that holds JSON), `list`,
/// `object`, `any`, `null`; with a question mark if it may be null; `A|B` is one of these names.
fn fits(kind: &str, value: &Value) -> bool {
    if let Some(kind) = kind.strip_suffix('?') {
        return value.is_null() || fits(kind, value);
    }
    match kind {
        "any" => true,
        "null" => value.is_null(),
        "int" => value.is_i64(),
        "num" => value.is_number(),
        "str" => value.is_string(),
        "bool" => value.is_boolean(),
        // Not before this millennium: seconds instead of milliseconds are found out.
        "date" => value.as_i64().is_some_and(|millis| millis > 946_684_800_000),
        "json" => value.as_str().is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()),
        "list" => value.is_array(),
        "object" => value.is_object(),
        names => value.as_str().is_some_and(|text| names.split('|').any(|name| name == text)),
    }
}

pub const USER: &str = "id int, userName str, userPassword null, email str?, phone str?,
    userType ADMIN_USER|GENERAL_USER, tenantId int, tenantCode str?, tenantName str?, queueName str?, alertGroup str?,
    createTime date?, updateTime date?, queue str?";
pub const TENANT: &str = "id int, tenantCode str, tenantName str, desc str?, queueId int, queueName str?, queue str?,
    createTime date, updateTime date";
pub const QUEUE: &str = "id int, queueName str, queue str, createTime date?, updateTime date?";
pub const GROUP: &str = "id int, groupName str, groupType EMAIL|SMS, desc str?, createTime date, updateTime date";
pub const TOKEN: &str =
    "id int, userId int, userName str, token str, expireTime date, createTime date, updateTime date";
pub const PROJECT: &str = "id int, userId int, userName str?, name str, desc str?, createTime date, updateTime date,
    perm int, defCount int, instRunningCount int";
pub const NODE: &str = "id str, name str, desc str?, type SHELL|SQL|SUB_PROCESS|PROCEDURE|MR|SPARK|PYTHON|DEPENDENT,
    runFlag str?, loc any, maxRetryTimes int, retryInterval int, params object, preTasks list, extras any, depList list,
    dependence object?, taskInstancePriority HIGHEST|HIGH|MEDIUM|LOW|LOWEST, timeout object?, forbidden bool,
    taskTimeoutParameter object, workerGroupId int";
pub const DEFINITION: &str = "id int, name str, version int, releaseState OFFLINE|ONLINE, projectId int,
    processDefinitionJson null, desc str?, globalParams json?, globalParamList list?, globalParamMap object?,
    createTime date, updateTime date, flag YES|NO, userId int, userName str?, projectName str?, locations null,
    connects null, receivers str?, receiversCc str?, scheduleReleaseState OFFLINE|ONLINE?, timeout int, tenantId int";
pub const FULL_DEFINITION: &str = "id int, name str, version int, releaseState OFFLINE|ONLINE, projectId int,
    processDefinitionJson json, desc str?, globalParams json, globalParamList list, globalParamMap object,
    createTime date, updateTime date, flag YES|NO, userId int, userName str, projectName str, locations json,
    connects json, receivers str?, receiversCc str?, scheduleReleaseState OFFLINE|ONLINE?, timeout int, tenantId int";

macro_rules! instance {
    ($more:literal) => {
        concat!(
            "id int, processDefinitionId int, state SUBMITTED_SUCCESS|RUNNING_EXEUTION|READY_PAUSE|PAUSE|READY_STOP|STOP|FAILURE|SUCCESS|NEED_FAULT_TOLERANCE|KILL|WAITTING_THREAD|WAITTING_DEPEND,
            recovery YES|NO, startTime date, endTime date?, runTimes int, name str, host str?, processDefinition null,
            commandType START_PROCESS|START_CURRENT_TASK_PROCESS|RECOVER_TOLERANCE_FAULT_PROCESS|RECOVER_SUSPENDED_PROCESS|START_FAILURE_TASK_PROCESS|COMPLEMENT_DATA|SCHEDULER|REPEAT_RUNNING|PAUSE|STOP|RECOVER_WAITTING_THREAD,
            commandParam json?, taskDependType TASK_ONLY|TASK_PRE|TASK_POST?, maxTryTimes int,
            failureStrategy END|CONTINUE?, warningType NONE|SUCCESS|FAILURE|ALL?, warningGroupId int?,
            scheduleTime date?, commandStartTime date?, globalParams json?, executorId int, tenantCode str?, queue str?,
            isSubProcess YES|NO, historyCmd str?, dependenceScheduleTimes str?, duration int?,
            processInstancePriority HIGHEST|HIGH|MEDIUM|LOW|LOWEST?, cmdTypeIfComplement str, workerGroupId int,
            workerGroupName str?, timeout int, tenantId int, receivers str?, receiversCc str?",
            $more
        )
    };
}
pub const INSTANCE: &str = instance!("");
pub const FULL_INSTANCE: &str =
    instance!(", processInstanceJson json, locations json, connects json, complementData bool");

macro_rules! task {
    ($more:literal) => {
        concat!(
            "id int, name str, taskType SHELL|SQL|SUB_PROCESS|PROCEDURE|MR|SPARK|PYTHON|DEPENDENT,
            processDefinitionId int, processInstanceId int, processInstanceName str?,
            state SUBMITTED_SUCCESS|RUNNING_EXEUTION|READY_PAUSE|PAUSE|READY_STOP|STOP|FAILURE|SUCCESS|NEED_FAULT_TOLERANCE|KILL|WAITTING_THREAD|WAITTING_DEPEND,
            submitTime date?, startTime date?, endTime date?, host str?, executePath str?, logPath str?, retryTimes int,
            alertFlag YES|NO, runFlag YES|NO?, processInstance null, processDefine null, pid int, appLink str?,
            flag YES|NO, dependency json?, duration int?, maxRetryTimes int, retryInterval int,
            taskInstancePriority HIGHEST|HIGH|MEDIUM|LOW|LOWEST?, processInstancePriority HIGHEST|HIGH|MEDIUM|LOW|LOWEST?,
            dependentResult str?, workerGroupId int",
            $more
        )
    };
}
pub const TASK: &str = task!("");
pub const FULL_TASK: &str = task!(", taskJson json, taskSuccess bool, subProcess bool, taskComplete bool");

pub const DATA_SOURCE: &str = "id int, userId int, userName str?, name str, note str?,
    type MYSQL|POSTGRESQL|HIVE|SPARK|CLICKHOUSE|ORACLE|SQLSERVER, connectionParams json, createTime date,
    updateTime date?";
pub const DATA_SOURCE_FORM: &str = "name str, note str?,
    type MYSQL|POSTGRESQL|HIVE|SPARK|CLICKHOUSE|ORACLE|SQLSERVER, host str, port str, principal str, database str,
    userName str, password str, other object";
pub const SERVER: &str =
    "id int, host str, port int, zkDirectory str, resInfo json, createTime date, lastHeartbeatTime date";
pub const DATABASE_STATE: &str = "state int, maxConnections int, maxUsedConnections int, threadsConnections int,
    threadsRunningConnections int, date date";
pub const ZOOKEEPER_STATE: &str = "hostname str, connections int, watches int, sent int, received int, mode str?,
    minLatency int, avgLatency int, maxLatency int, nodeCount int, date date, state int";
pub const WORKER_GROUP: &str = "id int, name str, ipList str, createTime date, updateTime date";

#[test]
fn a_key_too_many_one_too_few_and_one_of_another_kind_are_found() {
    let check = |value: Value| Shape::Object("id int, at date?, kind A|B").check(&value, true);
    assert_eq!(check(serde_json::json!({"id": 1, "at": 1_772_323_200_000_i64, "kind": "B"})), Ok(()));
    assert_eq!(check(serde_json::json!({"id": 1, "at": null, "kind": "A"})), Ok(()));
    for wrong in [
        serde_json::json!({"id": 1, "at": null}),
        serde_json::json!({"id": 1, "at": null, "kind": "A", "more": 1}),
        serde_json::json!({"id": "1", "at": null, "kind": "A"}),
        serde_json::json!({"id": 1, "at": 1_772_323_200, "kind": "A"}),
        serde_json::json!({"id": 1, "at": null, "kind": "C"}),
    ] {
        assert!(check(wrong.clone()).is_err(), "{wrong}");
    }
    assert!(Shape::List("id int").check(&serde_json::json!([]), true).is_err());
    assert!(Shape::List("id int").check(&serde_json::json!([]), false).is_ok());
}

pub const SCHEDULE: &str = "id int, processDefinitionId int, processDefinitionName str, projectName str, desc str?, \
    startTime date, endTime date, crontab str, failureStrategy str, warningType str, createTime date, updateTime date, \
    userId int, userName str, releaseState str, warningGroupId int, processInstancePriority str?, workerGroupId int, \
    timezoneId str?, misfirePolicy str, overlapPolicy str, gap str, overlap str, jitter int, nextFireTime date?, \
    problem str?";
