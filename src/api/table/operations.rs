//! What whoever runs the site looks at and sets up: servers, monitor, worker groups.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Admin, Login};
use crate::api::routes::{monitor, worker_groups};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        get("process/master/list", Admin, Code::LIST_MASTERS, monitor::masters),
        get("process/worker/list", Admin, Code::LIST_WORKERS, monitor::workers),

        get("monitor/master/list", Login, Code::LIST_MASTERS, monitor::masters),
        get("monitor/worker/list", Login, Code::LIST_WORKERS, monitor::workers),
        get("monitor/database", Login, Code::DATABASE_STATE, monitor::database),
        get("monitor/zookeeper/list", Login, Code::ZOOKEEPER_STATE, monitor::zookeeper),

        post("worker-group/save", Admin, Code::WORKER_GROUP, worker_groups::save).takes(worker_groups::SAVE),
        get("worker-group/list-paging", Login, Code::WORKER_GROUP, worker_groups::page).takes(PAGE),
        get("worker-group/all-groups", Login, Code::WORKER_GROUP, worker_groups::all),
        get("worker-group/delete-by-id", Admin, Code::WORKER_GROUP, worker_groups::delete).changing().takes(worker_groups::DELETE),
    ]
}
