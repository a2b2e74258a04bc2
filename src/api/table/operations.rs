//! What whoever runs the site looks at and sets up: servers, monitor, worker groups.

use super::{Route, get, post};
use crate::api::code::Code;
use crate::api::param::PAGE;
use crate::api::permission::Permission::{Admin, Login};
use crate::api::routes::{monitor, worker_groups};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Route> {
    vec![
        get("process/master/list", Admin, Code::LIST_MASTERS, monitor::masters)
            .about("Lists the masters."),
        get("process/worker/list", Admin, Code::LIST_WORKERS, monitor::workers)
            .about("Lists the workers."),

        get("monitor/master/list", Login, Code::LIST_MASTERS, monitor::masters)
            .about("Lists the masters with their load."),
        get("monitor/worker/list", Login, Code::LIST_WORKERS, monitor::workers)
            .about("Lists the workers with their load."),
        get("monitor/database", Login, Code::DATABASE_STATE, monitor::database)
            .about("Tells how the database is."),
        get("monitor/zookeeper/list", Login, Code::ZOOKEEPER_STATE, monitor::zookeeper)
            .about("Tells how the ZooKeeper servers are."),

        post("worker-group/save", Admin, Code::WORKER_GROUP, worker_groups::save).takes(worker_groups::SAVE)
            .refuses(&[Code::WORKER_GROUP_NAME_EMPTY, Code::WORKER_GROUP_EXISTS])
            .about("Creates or changes a worker group."),
        get("worker-group/list-paging", Login, Code::WORKER_GROUP, worker_groups::page).takes(PAGE)
            .about("Lists worker groups by pages."),
        get("worker-group/all-groups", Login, Code::WORKER_GROUP, worker_groups::all)
            .about("Lists all worker groups."),
        get("worker-group/delete-by-id", Admin, Code::WORKER_GROUP, worker_groups::delete).changing().takes(worker_groups::DELETE)
            .about("Deletes a worker group that nothing needs."),
    ]
}
