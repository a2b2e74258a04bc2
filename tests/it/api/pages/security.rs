//! The pages of an administrator, and the one of one's own account.

use super::super::{Stage, stage};
use super::calls::{Call, Page, get, post};
use escheduler::registry::{Member, Registry, Role};

const LIST: &str = "pageSize=10&pageNo=1&searchVal=";

const QUEUE: &str = "id queueName queue createTime updateTime";
const QUEUES: [Call; 5] = [
    get("queue/list-paging", LIST).rows(QUEUE),
    post("queue/verify-queue", "queue=root.night&queueName=night"),
    post("queue/create", "queue=root.night&queueName=night"),
    get("queue/list-paging", LIST).rows(QUEUE).keep("queue", "queueName", "night"),
    post("queue/update", "id={queue}&queue=root.late&queueName=night"),
];

const TENANT: &str = "id tenantCode tenantName desc queueId queueName createTime updateTime";
const TENANTS: [Call; 6] = [
    get("tenant/list-paging", LIST).rows(TENANT),
    get("tenant/verify-tenant-code", "tenantCode=ops"),
    get("queue/list", "").list("id queueName"),
    post("tenant/create", "tenantCode=ops&tenantName=Operations&queueId=1&desc="),
    get("tenant/list-paging", LIST).rows(TENANT).keep("tenant", "tenantCode", "ops"),
    post("tenant/update", "id={tenant}&tenantCode=ops&tenantName=Operations&queueId=1&desc=by day"),
];

const USER: &str = "id userName email phone userType tenantId tenantName queueName createTime updateTime";
const USERS: [Call; 7] = [
    get("users/list-paging", LIST).rows(USER),
    get("tenant/list", "").list("id tenantName"),
    get("users/verify-user-name", "userName=carol"),
    post("users/create", "userName=carol&userPassword=wonder1&tenantId=1&email=carol@example.org&phone="),
    get("users/list-paging", LIST).rows(USER).keep("carol", "userName", "carol"),
    post("users/update", "id={carol}&userName=carol&userPassword=&tenantId=1&email=c@example.org&phone="),
    post("users/delete", "id={carol}"),
];

/// Each dialog shows what a user has and what there is besides, then sends what the user is to have.
const GRANTS: [Call; 16] = [
    get("projects/unauth-project", "userId={bob}").list("id name").keep("project", "name", "billing"),
    get("projects/authed-project", "userId={bob}"),
    post("users/grant-project", "userId={bob}&projectIds={project}"),
    get("projects/authed-project", "userId={bob}").list("id name"),
    get("resources/unauth-file", "userId={bob}").list("id name alias").keep("file", "alias", "load.sh"),
    get("resources/authed-file", "userId={bob}"),
    post("users/grant-file", "userId={bob}&resourceIds={file}"),
    get("resources/authed-file", "userId={bob}").list("id name alias"),
    get("datasources/unauth-datasource", "userId={bob}").list("id name").keep("source", "name", "wh"),
    get("datasources/authed-datasource", "userId={bob}"),
    post("users/grant-datasource", "userId={bob}&datasourceIds={source}"),
    get("datasources/authed-datasource", "userId={bob}").list("id name"),
    get("resources/unauth-udf-func", "userId={bob}").list("id funcName").keep("udf", "funcName", "geo_city"),
    get("resources/authed-udf-func", "userId={bob}"),
    post("users/grant-udf-func", "userId={bob}&udfIds={udf}"),
    get("resources/authed-udf-func", "userId={bob}").list("id funcName"),
];

const GROUP: &str = "id groupName groupType desc createTime updateTime";
const ALERT_GROUPS: [Call; 9] = [
    get("alert-group/list-paging", LIST).rows(GROUP),
    get("alert-group/verify-group-name", "groupName=night shift"),
    post("alert-group/create", "groupName=night shift&groupType=EMAIL&desc="),
    get("alert-group/list-paging", LIST).rows(GROUP).keep("group", "groupName", "night shift"),
    post("alert-group/update", "id={group}&groupName=night shift&groupType=SMS&desc=from eight"),
    get("users/unauth-user", "alertgroupId={group}").list("id userName"),
    get("users/authed-user", "alertgroupId={group}"),
    post("alert-group/grant-user", "alertgroupId={group}&userIds={bob}"),
    post("alert-group/delete", "id={group}"),
];

const SERVER: &str = "id host port zkDirectory resInfo createTime lastHeartbeatTime";
const SERVERS: [Call; 2] = [get("process/master/list", "").list(SERVER), get("process/worker/list", "").list(SERVER)];

/// What the successor of the front-end has besides.
const LATER: [Call; 14] = [
    get("monitor/master/list", "").list(SERVER),
    get("monitor/worker/list", "").list(SERVER),
    get("monitor/database", "")
        .list("state maxConnections maxUsedConnections threadsConnections threadsRunningConnections date"),
    get("monitor/zookeeper/list", ""),
    get("worker-group/list-paging", LIST),
    post("worker-group/save", "id=0&name=gpu&ipList=10.0.0.7,10.0.0.8"),
    get("worker-group/list-paging", LIST).rows("id name ipList createTime updateTime").keep("group", "name", "gpu"),
    get("worker-group/all-groups", "").list("id name"),
    get("worker-group/delete-by-id", "id={group}"),
    get("users/list-all", "").list("id userName"),
    post("access-token/generate", "userId={bob}&expireTime=2036-01-01 00:00:00").text(),
    post("access-token/create", "userId={bob}&expireTime=2036-01-01 00:00:00&token=0123456789abcdef0123456789abcdef"),
    get("access-token/list-paging", LIST)
        .rows("id userId userName token expireTime createTime updateTime")
        .keep("token", "userName", "bob"),
    post("access-token/delete", "id={token}"),
];

const ACCOUNT: [Call; 4] = [
    get("users/get-user-info", "").object(USER),
    post("users/update", "id={bob}&userName=bob&userPassword=&tenantId=1&email=b@example.org&phone="),
    post("users/update", "id={bob}&userName=bob&userPassword=wonder2&tenantId=1&email=b@example.org&phone="),
    post("signOut", ""),
];

fn id_of(stage: &Stage, name: &str) -> String {
    let rows = stage.world.admin.get("users/list-paging", &super::super::PAGE).rows();
    rows.iter().find(|row| row["userName"] == name).unwrap()["id"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_tenants_and_users() {
    let Some(stage) = Stage::new().await else { return };
    for (name, calls) in [("queues", &QUEUES[..]), ("tenants", &TENANTS), ("users", &USERS)] {
        Page::new(name, &stage.world.admin, &[]).load(calls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_and_who_is_alerted() {
    let Some(stage) = Stage::new().await else { return };
    let bob = id_of(&stage, "bob");
    super::resources::something_to_grant(&stage);
    Page::new("grants of a user", &stage.world.admin, &[("bob", &bob)]).load(&GRANTS);
    Page::new("alert groups", &stage.world.admin, &[("bob", &bob)]).load(&ALERT_GROUPS);
    assert_eq!(stage.bob.get("projects/list-paging", &super::super::PAGE).names("name"), ["billing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_and_what_came_later() {
    let Some(stage) = Stage::new().await else { return };
    let member =
        |role| Member { role, start: "a".into(), host: "10.0.0.5".into(), pid: 4021, address: None, sound: true };
    let registry = stage.world.registry.clone();
    let _leases = [registry.join(member(Role::Master)).await, registry.join(member(Role::Worker)).await];
    Page::new("servers", &stage.world.admin, &[]).load(&SERVERS);
    let bob = id_of(&stage, "bob");
    Page::new("monitor, worker groups, tokens", &stage.world.admin, &[("bob", &bob)]).load(&LATER);
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_account_and_password() {
    let Some(stage) = Stage::new().await else { return };
    let bob = id_of(&stage, "bob");
    Page::new("account", &stage.bob, &[("bob", &bob)]).load(&ACCOUNT);
    assert_eq!(stage.bob.get("users/get-user-info", &[]).status, 401, "then the front-end shows the login");
    assert_eq!(stage.bob.log_in("bob", "wonder2").code(), 0);
    assert_ne!(stage::id(&stage.alice, "projects/list-paging", "billing"), 0);
}
