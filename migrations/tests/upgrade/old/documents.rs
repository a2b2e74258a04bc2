//! JSON as EasyScheduler's tables hold it, in every shape that it has had.

/// Definitions: what the front-end of 1.0.x, that of 1.1.0, and callers of the API have stored.
pub const DEFINITIONS: [&str; 6] = [
    // A front-end of 1.0.x: numbers as texts, an interval of null, both kinds of time-out, layout.
    r##"{"globalParams":[{"prop":"dt","direct":"IN","type":"VARCHAR","value":"$[yyyyMMdd-1]"}],"tasks":[{"type":"SHELL","id":"tasks-1","name":"extract","params":{"resourceList":[{"res":"job.sh"}],"localParams":[{"prop":"n","direct":"IN","type":"INTEGER","value":"7"}],"rawScript":"echo \"it's ${dt}\"\necho 'C:\\temp'"},"desc":"取数","runFlag":"NORMAL","dependence":{},"maxRetryTimes":"0","retryInterval":"1","timeout":{"strategy":"","interval":null,"enable":false},"taskInstancePriority":"MEDIUM","preTasks":[],"loc":null,"extras":null},{"type":"PYTHON","id":"tasks-2","name":"load","params":{"resourceList":[],"localParams":[],"rawScript":"print('${n}')"},"desc":"","runFlag":"NORMAL","dependence":{},"maxRetryTimes":"2","retryInterval":"1","timeout":{"strategy":"WARN,FAILED","interval":30,"enable":true},"taskInstancePriority":"HIGH","preTasks":["extract"]}]}"##,
    // Without priority, time-out or retries, and a node that is left out.
    r#"{"tasks":[{"type":"SHELL","id":"tasks-9","name":"only","params":{"rawScript":"true"},"preTasks":[]},{"type":"SHELL","id":"tasks-10","name":"never","params":{"rawScript":"false"},"runFlag":"FORBIDDEN","taskInstancePriority":null,"preTasks":["only"]}]}"#,
    // A sub-process.
    r#"{"globalParams":[],"tasks":[{"type":"SUB_PROCESS","id":"tasks-5","name":"child","params":{"processDefinitionId":2},"desc":"","runFlag":"NORMAL","dependence":{},"timeout":{"strategy":"","interval":null,"enable":false},"taskInstancePriority":"LOW","preTasks":[]}]}"#,
    // 1.1.0: every other kind of node.
    r#"{"globalParams":[],"tasks":[{"type":"SQL","id":"tasks-1","name":"sql","params":{"type":"MYSQL","datasource":1,"sql":"select * from t where d = '${dt}'","udfs":"","sqlType":"0","title":"t","receivers":"a@example.com","receiversCc":"","showType":"TABLE,ATTACHMENT","localParams":[],"connParams":"a=b;c=d","preStatements":["set x = 1"],"postStatements":[]},"workerGroupId":-1,"preTasks":[]},{"type":"PROCEDURE","id":"tasks-2","name":"procedure","params":{"type":"MYSQL","datasource":1,"method":"p(${a})","localParams":[{"prop":"a","direct":"OUT","type":"DOUBLE","value":""}]},"workerGroupId":1,"preTasks":["sql"]},{"type":"MR","id":"tasks-3","name":"mr","params":{"mainClass":"a.B","mainJar":{"res":"a.jar"},"resourceList":[],"localParams":[],"mainArgs":"","others":"","programType":"JAVA","queue":"x"},"preTasks":["sql"]},{"type":"SPARK","id":"tasks-4","name":"spark","params":{"mainClass":"a.B","mainJar":{"res":"a.jar"},"deployMode":"cluster","resourceList":[],"localParams":[],"driverCores":1,"driverMemory":"512M","numExecutors":2,"executorMemory":"2G","executorCores":2,"mainArgs":"","others":"","programType":"SCALA"},"preTasks":["mr"]},{"type":"DEPENDENT","id":"tasks-5","name":"dependent","params":{},"dependence":{"relation":"AND","dependTaskList":[{"relation":"OR","dependItemList":[{"projectId":1,"definitionId":1,"depTasks":"ALL","cycle":"day","dateValue":"last1Days"},{"projectId":1,"definitionId":2,"depTasks":"only","cycle":"hour","dateValue":"last1Hour"}]}]},"preTasks":[]}],"tenantId":-1,"timeout":15}"#,
    // From the API: nested objects as texts.
    r#"{"tasks":[{"type":"SHELL","id":"tasks-1","name":"as text","params":"{\"rawScript\":\"echo\"}","timeout":"{\"enable\":true,\"interval\":30,\"strategy\":\"WARN\"}","dependence":"{}","preTasks":"[]","workerGroupId":0}]}"#,
    r#"{"tasks":[{"name":"numbers","type":"SHELL","id":"tasks-1","params":{"rawScript":"echo"},"maxRetryTimes":3,"retryInterval":5,"timeout":{"strategy":"FAILED","interval":"10","enable":true},"preTasks":[],"unknown":{"key":[1,2]}}]}"#,
];

/// Nodes as their tasks hold them: beans with JSON in texts, and one with objects.
pub const NODES: [&str; 3] = [
    r#"{"depList":["A"],"dependence":"{}","desc":"","forbidden":false,"id":"tasks-101","maxRetryTimes":2,"name":"B","params":"{\"rawScript\":\"echo\"}","preTasks":"[\"A\"]","retryInterval":1,"runFlag":"NORMAL","taskInstancePriority":"HIGH","taskTimeoutParameter":{"enable":true,"interval":30,"strategy":"WARNFAILED"},"timeout":"{\"enable\":true,\"interval\":30,\"strategy\":\"WARN,FAILED\"}","type":"SHELL"}"#,
    r#"{"depList":[],"dependence":"{}","desc":"","forbidden":false,"id":"tasks-7","maxRetryTimes":0,"name":"only","params":"{\"rawScript\":\"true\"}","preTasks":"[]","retryInterval":0,"runFlag":"NORMAL","type":"SHELL","workerGroupId":-1}"#,
    r#"{"id":"tasks-7","name":"objects","params":{"rawScript":"true"},"preTasks":[],"dependence":{},"timeout":{"enable":false,"interval":null,"strategy":""},"type":"SHELL"}"#,
];

pub const GLOBALS: [Option<&str>; 4] = [
    None,
    Some("[]"),
    Some(r#"[{"direct":"IN","prop":"dt","type":"VARCHAR","value":"20190310"}]"#),
    Some(
        r#"[{"prop":"dt","direct":"IN","type":"VARCHAR","value":"${system.biz.date}"},{"prop":"n","direct":"OUT","type":"LONG","value":"5"}]"#,
    ),
];

/// What instances have kept of their commands.
pub const PARAMS: [Option<&str>; 7] = [
    None,
    Some("{}"),
    Some(""),
    Some(r#"{"StartNodeNameList":"extract,load"}"#),
    Some(r#"{"ProcessInstanceId":"3","StartNodeIdList":"4,5"}"#),
    Some(r#"{"complementStartDate":"2019-03-01 00:00:00","complementEndDate":"2019-03-05 00:00:00"}"#),
    Some(r#"{"id":3,"parentProcessInstanceId":7,"parentTaskInstanceId":9,"processInstanceId":0}"#),
];

/// Data sources: code of the type, and its parameters.
pub const SOURCES: [(u8, &str); 6] = [
    (
        0,
        r#"{"address":"jdbc:mysql://db:3306","database":"x","jdbcUrl":"jdbc:mysql://db:3306/x","user":"u","password":"p'w\"d\\","other":"useUnicode=true&characterEncoding=UTF-8"}"#,
    ),
    (
        1,
        r#"{"address":"jdbc:postgresql://db:5432","database":"x","jdbcUrl":"jdbc:postgresql://db:5432/x","user":"u","password":""}"#,
    ),
    (
        2,
        r#"{"address":"jdbc:hive2://h1:10000,h2:10000","database":"x","jdbcUrl":"jdbc:hive2://h1:10000,h2:10000/x","user":"u","password":"p","other":"a=b;c=d","principal":"hive/_HOST@EXAMPLE.COM"}"#,
    ),
    (4, r#"{"address":"jdbc:clickhouse://db:8123","database":"x","user":"u","password":"p"}"#),
    (5, r#"{"address":"jdbc:oracle:thin:@//db:1521","database":"x","user":"u","password":"p"}"#),
    (
        6,
        r#"{"address":"jdbc:sqlserver://db:1433","database":"x","user":"u","password":"p","other":"encrypt=true;x=y"}"#,
    ),
];

/// Alerts: how they are shown, and their content. The original writes single quotes and leaves quotes inside as
/// they are.
pub const ALERTS: [(u8, &str); 4] = [
    (1, "[\"Id:1\",\"Name:daily-0-1\",\"State: SUCCESS\"]"),
    (0, "[{\"任务id\":7,\"任务名称\":\"extract\",\"host\":null}]"),
    (1, "[{'type':'MASTER','host':'10.0.0.1','event':'server down','warning level':'serious'}]"),
    (1, ""),
];

pub const LOADS: [&str; 2] =
    [r#"{"cpuUsage":0.05,"memoryUsage":0.31}"#, r#"{"cpuUsage":0.05,"loadAverage":0.0,"memoryUsage":0.31}"#];
