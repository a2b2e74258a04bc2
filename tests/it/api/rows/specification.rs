//! Chapter 2 of `EasyScheduler 1.0.1: HTTP API`, with what 1.1.0 added: every call, one row each. Where the chapter
//! gives advice, the advice; where the releases contradict each other, 1.0.1.

/// Who may call a row, and what the others are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Word {
    /// Everybody, without a login.
    Open,
    /// Every user.
    Login,
    /// Administrators; else 30001.
    Admin,
    /// Administrators; else this code.
    AdminElse(i64),
    /// Every user but administrators, who are told 30001.
    #[allow(dead_code, reason = "not every release has such a row")]
    General,
    /// Whoever may work in the project of the path; else 30002. An unknown project is 10018.
    Project,
    /// The same, but only for the author of the object and administrators; the others there are told this code.
    Author(i64),
    /// The same, but administrators are told so too.
    AuthorOnly(i64),
    /// Whoever may work in the project of the object; else 30002.
    ProjectOf,
    /// The owner of the object; else 30001.
    #[allow(dead_code, reason = "not every release has such a row")]
    Owner,
    /// The owner of the object (or the person that it is about) and administrators; else 30001.
    #[allow(dead_code, reason = "not every release has such a row")]
    OwnerOrAdmin,
    /// The owner, whoever was granted the object, and administrators; else 30001.
    #[allow(dead_code, reason = "not every release has such a row")]
    Reader,
}
use Word::*;

/// One row.
pub struct Spec {
    pub method: &'static str,
    pub path: &'static str,
    /// The HTTP status of every answer in an envelope.
    pub status: u16,
    pub word: Word,
    /// What a client can cause besides the codes of the permission.
    pub codes: &'static [i64],
    /// The code of what nobody foresaw; [`FILE`] if the answer is a file.
    pub generic: i64,
    /// Those that must be there have a star.
    pub params: &'static str,
}

/// Answers with a file, or with HTTP 400 and a text.
pub const FILE: i64 = 0;

impl Spec {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The parameters without which there is HTTP 400.
    pub fn required(&self) -> impl Iterator<Item = &'static str> {
        self.params.split_whitespace().filter_map(|name| name.strip_suffix('*'))
    }

    /// Whether it changes something.
    pub fn changes(&self) -> bool {
        const READING: [&str; 7] = [
            "queue/verify-queue",
            "projects/{projectName}/executors/start-check",
            "projects/{projectName}/schedule/list",
            "projects/{projectName}/schedule/preview",
            "datasources/update-ui",
            "datasources/connect",
            "access-token/generate",
        ];
        let last = self.path.rsplit('/').next().unwrap_or_default();
        match self.method {
            "GET" => ["delete", "batch-delete", "delete-by-id"].contains(&last),
            _ => !READING.contains(&self.path),
        }
    }

    pub fn takes(&self, name: &str) -> bool {
        self.params.split_whitespace().any(|known| known.trim_end_matches('*') == name)
    }
}

macro_rules! rows {
    ($($method:ident $path:literal $status:literal $word:expr, [$($code:literal)*] $generic:expr, $params:literal;)*) => {
        &[$(Spec {
            method: stringify!($method), path: $path, status: $status, word: $word, codes: &[$($code),*],
            generic: $generic, params: $params,
        }),*]
    };
}

#[rustfmt::skip]
pub const ROWS: &[Spec] = rows! {
    POST "login" 200 Open, [10004 10013] 10043, "userName* userPassword*";
    POST "signOut" 200 Login, [] 10123, "";

    POST "users/create" 201 Admin, [10001 10003 10017] 10090, "userName* userPassword* tenantId* email* phone queue";
    GET "users/list-paging" 200 Admin, [10001] 10091, "pageNo* pageSize* searchVal";
    POST "users/update" 200 OwnerOrAdmin, [10003 10010] 10092, "id* userName* userPassword* email* tenantId* phone queue";
    POST "users/delete" 200 AdminElse(10010), [] 10093, "id*";
    POST "users/grant-project" 200 Admin, [] 10094, "userId* projectIds*";
    POST "users/grant-file" 200 Admin, [] 10095, "userId* resourceIds*";
    POST "users/grant-udf-func" 200 Admin, [] 10096, "userId* udfIds*";
    POST "users/grant-datasource" 200 Admin, [] 10097, "userId* datasourceIds*";
    GET "users/get-user-info" 200 Login, [] 10098, "";
    GET "users/list" 200 Admin, [] 10099, "";
    GET "users/list-all" 200 Admin, [] 10099, "";
    GET "users/verify-user-name" 200 Login, [10003] 10100, "userName*";
    GET "users/unauth-user" 200 Admin, [] 10101, "alertgroupId*";
    GET "users/authed-user" 200 Admin, [] 10102, "alertgroupId*";

    POST "tenant/create" 201 Admin, [10001 10089 10128] 10084, "tenantCode* tenantName* queueId* desc";
    GET "tenant/list-paging" 200 Admin, [10001] 10085, "pageNo* pageSize* searchVal";
    GET "tenant/list" 200 Login, [] 10086, "";
    POST "tenant/update" 200 Admin, [10010 10124] 10087, "id* tenantCode* tenantName* queueId* desc";
    POST "tenant/delete" 200 Admin, [10017] 10088, "id*";
    GET "tenant/verify-tenant-code" 200 Login, [10009] 10089, "tenantCode*";

    GET "queue/list" 200 Admin, [] 10053, "";
    GET "queue/list-paging" 200 Admin, [10001] 10053, "pageNo* pageSize* searchVal";
    POST "queue/create" 201 Admin, [10001 10129 10130] 10127, "queue* queueName*";
    POST "queue/update" 201 Admin, [10128 10129 10130 10132] 10131, "id* queue* queueName*";
    POST "queue/verify-queue" 200 Login, [10001 10129 10130] 10133, "queue* queueName*";

    POST "alert-group/create" 201 Admin, [] 10027, "groupName* groupType* desc";
    GET "alert-group/list" 200 Login, [] 10028, "";
    GET "alert-group/list-paging" 200 Login, [10001] 10029, "pageNo* pageSize* searchVal";
    POST "alert-group/update" 200 Admin, [10011] 10030, "id* groupName* groupType* desc";
    POST "alert-group/delete" 200 Admin, [] 10031, "id*";
    GET "alert-group/verify-group-name" 200 Login, [10012] 10012, "groupName*";
    POST "alert-group/grant-user" 200 Admin, [] 10032, "alertgroupId* userIds*";

    POST "projects/create" 201 Login, [10001 10019] 10048, "projectName* desc";
    POST "projects/update" 200 ProjectOf, [10019 10046] 10046, "projectId* projectName* desc";
    GET "projects/query-by-id" 200 ProjectOf, [10018] 10047, "projectId*";
    GET "projects/list-paging" 200 Login, [] 10049, "pageSize* pageNo* searchVal";
    GET "projects/delete" 200 ProjectOf, [10050 10137] 10050, "projectId*";
    GET "projects/unauth-project" 200 Admin, [] 10051, "userId*";
    GET "projects/authed-project" 200 Admin, [] 10052, "userId*";

    GET "projects/analysis/task-state-count" 200 Login, [10001 10018 30002] 50011, "startDate endDate projectId";
    GET "projects/analysis/process-state-count" 200 Login, [10001 10018 30002] 50012, "startDate endDate projectId";
    GET "projects/analysis/define-user-count" 200 Login, [10018 30002] 50013, "projectId";
    GET "projects/analysis/command-state-count" 200 Login, [10018 30002] 80001, "startDate endDate projectId";
    GET "projects/analysis/queue-count" 200 Login, [10018 30002] 90001, "projectId";

    POST "projects/{projectName}/process/save" 201 Project, [10001 50002 50017 50018 50019 50020] 10105, "name* processDefinitionJson* locations connects desc";
    GET "projects/{projectName}/process/verify-name" 200 Project, [50002] 10106, "name*";
    POST "projects/{projectName}/process/update" 200 Project, [10001 50002 50003 50008 50017 50018 50019 50020] 10107, "id* name* processDefinitionJson* locations connects desc";
    POST "projects/{projectName}/process/release" 200 Project, [10108] 10108, "processId* releaseState*";
    GET "projects/{projectName}/process/select-by-id" 200 Project, [50001] 10109, "processId*";
    GET "projects/{projectName}/process/list" 200 Project, [] 10110, "";
    GET "projects/{projectName}/process/list-paging" 200 Project, [10001] 10122, "pageNo* pageSize* searchVal userId";
    GET "projects/{projectName}/process/view-tree" 200 ProjectOf, [10111] 10111, "processId* limit*";
    GET "projects/{projectName}/process/gen-task-list" 200 ProjectOf, [10112] 10112, "processDefinitionId*";
    GET "projects/{projectName}/process/get-task-list" 200 ProjectOf, [50003] 10112, "processDefinitionIdList*";
    GET "projects/{projectName}/process/delete" 200 Author(30001), [30001 50003 50021 50023] 50022, "processDefinitionId*";
    GET "projects/{projectName}/process/batch-delete" 200 Author(50026), [50026] 50026, "processDefinitionIds*";

    GET "projects/{projectName}/instance/list-paging" 200 Project, [] 10113, "processDefinitionId searchVal stateType host startDate endDate pageNo* pageSize*";
    GET "projects/{projectName}/instance/task-list-by-process-id" 200 Project, [10114] 10114, "processInstanceId*";
    POST "projects/{projectName}/instance/update" 200 Project, [10115 50001 50006] 10115, "processInstanceJson processInstanceId* scheduleTime syncDefine* locations connects flag";
    GET "projects/{projectName}/instance/select-by-id" 200 Project, [50001] 10116, "processInstanceId*";
    GET "projects/{projectName}/instance/delete" 200 Project, [10117 50001] 10117, "processInstanceId*";
    GET "projects/{projectName}/instance/select-sub-process" 200 Project, [10020 10021 50007] 10118, "taskId*";
    GET "projects/{projectName}/instance/select-parent-process" 200 Project, [50001 50007 50010] 10119, "subId*";
    GET "projects/{projectName}/instance/view-variables" 200 ProjectOf, [10120] 10120, "processInstanceId*";
    GET "projects/{projectName}/instance/view-gantt" 200 ProjectOf, [10121] 10121, "processInstanceId*";
    GET "projects/{projectName}/instance/batch-delete" 200 Project, [10117] 10117, "processInstanceIds*";

    POST "projects/{projectName}/executors/start-process-instance" 200 Project, [10002 50003 50004 50014] 50014, "processDefinitionId* scheduleTime failureStrategy* startNodeList taskDependType execType warningType* warningGroupId receivers receiversCc runMode processInstancePriority timeout workerGroupId";
    POST "projects/{projectName}/executors/execute" 200 Project, [50001 50004 50005 50006 50009] 50015, "processInstanceId* executeType*";
    POST "projects/{projectName}/executors/start-check" 200 ProjectOf, [50003 50004 50016] 50016, "processDefinitionId*";
    GET "projects/{projectName}/executors/get-receiver-cc" 200 ProjectOf, [50017] 50017, "processDefinitionId processInstanceId";

    POST "projects/{projectName}/schedule/create" 201 Project, [10001 10141 50003 50004] 10076, "processDefinitionId* schedule* warningType warningGroupId failureStrategy receivers receiversCc processInstancePriority workerGroupId";
    POST "projects/{projectName}/schedule/update" 200 Project, [10022 10023 10024 10141] 10077, "id* schedule* warningType warningGroupId failureStrategy receivers receiversCc processInstancePriority workerGroupId";
    POST "projects/{projectName}/schedule/online" 200 Project, [10022 10126 50004] 10078, "id*";
    POST "projects/{projectName}/schedule/offline" 200 Project, [10022 10126] 10079, "id*";
    GET "projects/{projectName}/schedule/list-paging" 200 Project, [50003] 10080, "processDefinitionId* searchVal pageNo* pageSize*";
    POST "projects/{projectName}/schedule/list" 200 Project, [] 10081, "";
    GET "projects/{projectName}/schedule/delete" 200 AuthorOnly(30001), [10022 30001 50023] 50024, "scheduleId*";
    POST "projects/{projectName}/schedule/preview" 201 Login, [10140] 10139, "schedule*";

    GET "projects/{projectName}/task-instance/list-paging" 200 Project, [] 10082, "processInstanceId searchVal taskName stateType host startDate endDate pageNo* pageSize*";

    GET "projects/task-record/list-paging" 200 Login, [] 10083, "taskName state sourceTable destTable taskDate startDate endDate pageNo* pageSize*";
    GET "projects/task-record/history-list-paging" 200 Login, [] 10083, "taskName state sourceTable destTable taskDate startDate endDate pageNo* pageSize*";

    GET "log/detail" 200 ProjectOf, [10008 10103] 10103, "taskInstId* skipLineNum* limit*";
    GET "log/download-log" 200 ProjectOf, [] FILE, "taskInstId*";

    POST "resources/create" 200 Login, [10062 20005 20007 20008 20009] 10054, "file* type* name* desc";
    POST "resources/update" 200 Owner, [20004 20005] 10055, "id* type* name* desc";
    GET "resources/list" 200 Login, [] 10056, "type*";
    GET "resources/list-paging" 200 Login, [10001] 10057, "type* pageNo* pageSize* searchVal";
    GET "resources/delete" 200 Owner, [20004] 10058, "id*";
    GET "resources/verify-name" 200 Login, [20005] 10059, "name* type*";
    GET "resources/view" 200 Reader, [20004 20006] 10060, "id* skipLineNum* limit*";
    POST "resources/online-create" 200 Login, [10062 20005 20006] 10061, "type* fileName* suffix* desc content*";
    POST "resources/update-content" 200 Reader, [10062 20004 20006] 10063, "id* content*";
    GET "resources/download" 200 Reader, [] FILE, "id*";
    POST "resources/udf-func/create" 201 Login, [20002 20004] 10065, "type* funcName* className* argTypes database desc resourceId*";
    GET "resources/udf-func/update-ui" 200 Reader, [20004] 10066, "id*";
    POST "resources/udf-func/update" 200 Reader, [20001 20002 20004] 10067, "id* type* funcName* className* argTypes database desc resourceId*";
    GET "resources/udf-func/list-paging" 200 Login, [10001] 10068, "pageNo* pageSize* searchVal";
    GET "resources/udf-func/list" 200 Login, [] 10069, "type*";
    GET "resources/udf-func/verify-name" 200 Login, [20002] 10070, "name*";
    GET "resources/udf-func/delete" 200 Reader, [] 10071, "id*";
    GET "resources/authed-file" 201 Admin, [] 10072, "userId*";
    GET "resources/unauth-file" 201 Admin, [] 10073, "userId*";
    GET "resources/unauth-udf-func" 201 Admin, [] 10074, "userId*";
    GET "resources/authed-udf-func" 201 Admin, [] 10075, "userId*";

    POST "datasources/create" 201 Login, [10001 10015 10016] 10033, "name* note type* host* port* database* userName* password* other* principal";
    POST "datasources/update" 200 Reader, [10015 10016 20004] 10034, "id* name* note type* host* port* database* userName* password* other* principal";
    POST "datasources/update-ui" 200 Reader, [20004] 10035, "id*";
    GET "datasources/list" 200 Login, [] 10035, "type*";
    GET "datasources/list-paging" 200 Login, [10001] 10035, "pageNo* pageSize* searchVal";
    POST "datasources/connect" 200 Login, [10036] 10036, "name* note type* host* port* database* userName* password* other* principal";
    GET "datasources/connect-by-id" 200 Reader, [10037] 10037, "id*";
    GET "datasources/delete" 200 Owner, [20004] 10038, "id*";
    GET "datasources/verify-name" 200 Login, [10015] 10039, "name*";
    GET "datasources/unauth-datasource" 200 Admin, [] 10040, "userId*";
    GET "datasources/authed-datasource" 200 Admin, [] 10041, "userId*";
    GET "datasources/kerberos-startup-state" 200 Login, [] 100001, "";

    GET "process/master/list" 200 Admin, [] 10045, "";
    GET "process/worker/list" 200 Admin, [] 10044, "";

    GET "monitor/master/list" 200 Login, [] 10045, "";
    GET "monitor/worker/list" 200 Login, [] 10044, "";
    GET "monitor/database" 200 Login, [] 70001, "";
    GET "monitor/zookeeper/list" 200 Login, [] 70002, "";

    POST "access-token/create" 201 OwnerOrAdmin, [] 70001, "userId* expireTime* token*";
    POST "access-token/generate" 201 Login, [] 70002, "userId* expireTime*";
    GET "access-token/list-paging" 200 Login, [10001] 70003, "pageNo* pageSize* searchVal";
    POST "access-token/delete" 200 AdminElse(10010), [] 10093, "id*";
    POST "access-token/update" 201 OwnerOrAdmin, [] 70001, "id* userId* expireTime* token*";

    POST "worker-group/save" 200 Admin, [10134 10135] 10136, "id name* ipList*";
    GET "worker-group/list-paging" 200 Login, [] 10136, "pageNo* pageSize* searchVal";
    GET "worker-group/all-groups" 200 Login, [] 10136, "";
    GET "worker-group/delete-by-id" 200 Admin, [] 10136, "id*";
};
